"""List the approved language models: what each accepts, costs and when it retires."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from shared.domain.conversation import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One approved model; prices in US dollars per million tokens."""

    name: str
    flavour: Literal["chat_completions", "responses"]
    context_tokens: int
    output_tokens: int
    takes_temperature: bool
    input_price: float | None = None
    cached_price: float | None = None
    output_price: float | None = None
    retires: date | None = None


# Prices: OpenAI's price list for gpt-4.1-mini. Retirement: Microsoft Foundry's table of 2026-07-07.
APPROVED = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="gpt-4.1-mini",
            flavour="chat_completions",
            context_tokens=1_047_576,
            output_tokens=32_768,
            takes_temperature=True,
            input_price=0.40,
            cached_price=0.10,
            output_price=1.60,
            retires=date(2026, 10, 14),
        ),
        ModelSpec(
            name="gpt-4.1-mini-2",
            flavour="chat_completions",
            context_tokens=1_047_576,
            output_tokens=32_768,
            takes_temperature=True,
            input_price=0.40,
            cached_price=0.10,
            output_price=1.60,
            retires=date(2026, 10, 14),
        ),
    )
}


def spec_of(deployment: str) -> ModelSpec:
    """Describe a deployment; one that is not in the registry gets the most careful description."""
    return APPROVED.get(deployment) or ModelSpec(
        name=deployment,
        flavour="chat_completions",
        context_tokens=128_000,
        output_tokens=4_096,
        takes_temperature=False,
    )


def cost(spec: ModelSpec, usage: Usage) -> float | None:
    """Price a usage in US dollars; None when the registry knows no price."""
    if spec.input_price is None or spec.output_price is None:
        return None
    cached_price = spec.cached_price if spec.cached_price is not None else spec.input_price
    fresh = usage.input_tokens - usage.cached_tokens
    total = fresh * spec.input_price + usage.cached_tokens * cached_price + usage.output_tokens * spec.output_price
    return round(total / 1_000_000, 6)

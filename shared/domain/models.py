"""List the approved language models: what each accepts, costs and when it retires, and which are in use."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from shared.domain.conversation import Usage
from shared.domain.model import ModelRequest

Flavour = Literal["chat_completions", "responses"]

RETIRES_SOON_DAYS = 60
"""The provider's own first warning comes so long before a retirement; ours comes then at the latest."""

ANSWER_MOST_TOKENS = 16_384
"""An answer, with the thoughts of a reasoning model, may be this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One approved model; prices in US dollars per million tokens."""

    name: str
    flavour: Flavour
    context_tokens: int
    output_tokens: int
    takes_temperature: bool
    reasons: bool = False
    """A reasoning model refuses sampling parameters, and wants its thoughts back with its calls."""
    effort: Literal["none", "low", "medium"] | None = None
    utility: str | None = None
    """Smaller model of the same family, for titles, charts and summaries."""
    successor: str | None = None
    input_price: float | None = None
    cached_price: float | None = None
    output_price: float | None = None
    retires: date | None = None

    @property
    def answer_tokens(self) -> int:
        """How long an answer may be."""
        return min(self.output_tokens, ANSWER_MOST_TOKENS)


# Prices: OpenAI's price list, read 2026-08-23. Retirements: Microsoft Foundry's retirement schedule as of 2026-08-19
# (azure-ai-docs, concepts-model-retirement-schedule-content.md), which moved the dates of 2026-07-07 by half a year.
_GPT_4_1_MINI = ModelSpec(
    name="gpt-4.1-mini",
    flavour="chat_completions",
    context_tokens=1_047_576,
    output_tokens=32_768,
    takes_temperature=True,
    utility="gpt-4.1-nano",
    successor="gpt-5.4-mini",
    input_price=0.40,
    cached_price=0.10,
    output_price=1.60,
    retires=date(2027, 4, 14),
)
_GPT_5_4_MINI = ModelSpec(
    name="gpt-5.4-mini",
    flavour="responses",
    context_tokens=400_000,
    output_tokens=128_000,
    takes_temperature=False,
    reasons=True,
    effort="low",
    utility="gpt-5.4-nano",
    input_price=0.75,
    cached_price=0.075,
    output_price=4.50,
    retires=date(2027, 9, 21),
)
APPROVED = {
    spec.name: spec
    for spec in (
        _GPT_4_1_MINI,
        replace(_GPT_4_1_MINI, name="gpt-4.1-mini-2", successor="gpt-5.4-mini-2"),
        replace(
            _GPT_4_1_MINI,
            name="gpt-4.1-nano",
            utility=None,
            successor="gpt-5.4-nano",
            input_price=0.10,
            cached_price=0.025,
            output_price=0.40,
            # The schedule of 2026-07-07: of this one no later date was read, and a warning too early costs nothing.
            retires=date(2026, 10, 14),
        ),
        _GPT_5_4_MINI,
        replace(_GPT_5_4_MINI, name="gpt-5.4-mini-2"),
        replace(
            _GPT_5_4_MINI,
            name="gpt-5.4-nano",
            effort="none",
            utility=None,
            input_price=0.20,
            cached_price=0.02,
            output_price=1.25,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """The models that settings chose; without a utility model, the primary's own is taken."""

    primary: str
    secondary: str
    utility: str | None = None

    def serving(self, request: ModelRequest) -> str:
        """Name the deployment that serves a request."""
        if request.purpose == "utility":
            return self.utility_name
        return self.secondary if request.use_secondary else self.primary

    @property
    def utility_name(self) -> str:
        """The model for small tasks, of the primary's family unless a setting names another."""
        return self.utility or spec_of(self.primary).utility or self.primary

    def question_tokens(self) -> int:
        """Give how many tokens a request may hold so that primary and secondary alike have room for their answer."""
        specs = (spec_of(self.primary), spec_of(self.secondary))
        return min(spec.context_tokens - spec.answer_tokens for spec in specs)

    def in_use(self) -> tuple[tuple[str, str], ...]:
        """Give role and name of every model in use."""
        return (("primary", self.primary), ("secondary", self.secondary), ("utility", self.utility_name))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHealth:
    """What the health report says of one model in use."""

    role: str
    name: str
    api: Flavour
    state: Literal["ok", "retires_soon", "retired", "unknown"]
    retires: str | None = None
    days_left: int | None = None
    successor: str | None = None


def report(models: Iterable[tuple[str, str]], today: date) -> list[ModelHealth]:
    """Say of each model in use when it retires; one that is not in the registry has an unknown date."""
    return [_health(role, spec_of(name), today) for role, name in models]


def _health(role: str, spec: ModelSpec, today: date) -> ModelHealth:
    if spec.retires is None:
        return ModelHealth(role=role, name=spec.name, api=spec.flavour, state="unknown")
    days = (spec.retires - today).days
    return ModelHealth(
        role=role,
        name=spec.name,
        api=spec.flavour,
        state="retired" if days < 0 else "retires_soon" if days <= RETIRES_SOON_DAYS else "ok",
        retires=spec.retires.isoformat(),
        days_left=days,
        successor=spec.successor,
    )

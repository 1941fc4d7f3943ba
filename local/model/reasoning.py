"""Hold callers to the rules of reasoning models, which differ from those of the older ones."""

from __future__ import annotations

from typing import Any

from local.model.bad_request import BadRequest

Json = dict[str, Any]

_FAMILIES = ("gpt-5", "gpt-6", "o1", "o3", "o4")
_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")


def is_reasoning(model: str) -> bool:
    """Say whether a model belongs to the reasoning families."""
    return model.startswith(_FAMILIES)


def check_parameters(body: Json, *, limit: str) -> None:
    """Refuse what reasoning models refuse: sampling parameters, the old limit, and tools with effort in chats.

    Raises:
        BadRequest: with the code `unsupported_parameter`.
    """
    if not is_reasoning(str(body["model"])):
        return
    thinks = _effort(body) != "none"
    refused = [name for name in _SAMPLING if thinks and body.get(name) is not None]
    if limit == "max_completion_tokens" and body.get("max_tokens") is not None:
        refused.append("max_tokens")
    if refused:
        text = f"Unsupported parameter: '{refused[0]}' is not supported with this model."
        raise BadRequest(text, param=refused[0], code="unsupported_parameter")
    if limit == "max_completion_tokens" and body.get("tools") and thinks:
        text = "Function tools with reasoning_effort are not supported; use /v1/responses or set 'none'."
        raise BadRequest(text, param="reasoning_effort", code="unsupported_parameter")


def check_items(model: str, items: list[Json]) -> None:
    """Refuse function calls of a reasoning model that come back by their id without the reasoning before them.

    Raises:
        BadRequest: as OpenAI words it.
    """
    if not is_reasoning(model):
        return
    kinds = [str(item.get("type") or "message") for item in items]
    for at, kind in enumerate(kinds):
        if kind == "function_call" and items[at].get("id") and "reasoning" not in _round_before(kinds, at):
            raise BadRequest(
                f"Item '{items[at]['id']}' of type 'function_call' was provided without its required 'reasoning' item.",
                param="input",
            )


def _round_before(kinds: list[str], at: int) -> list[str]:
    """Return the kinds of the items of the same round, up to the place."""
    start = at
    while start > 0 and kinds[start - 1] in {"function_call", "reasoning"}:
        start -= 1
    return kinds[start:at]


def _effort(body: Json) -> str:
    nested: Any = body.get("reasoning")
    if isinstance(nested, dict):
        return str(nested.get("effort") or "medium")  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    return str(body.get("reasoning_effort") or "medium")

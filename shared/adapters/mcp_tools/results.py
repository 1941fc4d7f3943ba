"""Turn what a tool answered into what the model reads and what the person is shown."""

import json
from typing import Any, cast
from urllib.parse import urlsplit

from shared.domain.invisible import visible
from shared.domain.tools import CallState, ToolCall, ToolResult

SUMMARY_CHARS = 140
REASON_CHARS = 1000
LINKS_MOST = 20
MAY_HAVE_HAPPENED = "The call may or may not have taken effect."


def failed(reason: str, *, server_down: bool = False) -> ToolResult:
    """Make the outcome of a call that had no effect, or whose effect does not matter."""
    return ToolResult(
        state=CallState.FAILED, text=f"The tool failed: {reason}", summary=_line(reason), server_down=server_down
    )


def unclear(call: ToolCall, reason: str, *, server_down: bool = False) -> ToolResult:
    """Make the outcome of a call that may have had its effect: `unknown`, unless it only reads."""
    if call.reads:
        return failed(reason, server_down=server_down)
    return ToolResult(
        state=CallState.UNKNOWN,
        text=f"{reason} {MAY_HAVE_HAPPENED}",
        summary=MAY_HAVE_HAPPENED,
        server_down=server_down,
    )


def result_of(call: ToolCall, answer: Any) -> ToolResult:
    """Read a tool's answer: an error of the tool's own is told to the model as the tool put it."""
    texts = [_text(part) for part in answer.content]
    if answer.is_error:
        return failed(("\n".join(text for text in texts if text) or "no reason given")[:REASON_CHARS])
    structured: Any = answer.structured_content
    facts = _mapping(structured)
    text = json.dumps(structured, ensure_ascii=False) if structured is not None else "\n".join(filter(None, texts))
    return ToolResult(
        state=CallState.DONE,
        text=text,
        summary=_summary(call, facts, texts),
        as_of=str(facts["as_of"]) if facts.get("as_of") else None,
        links=tuple(dict.fromkeys(filter(_is_web, [*_resources(answer), *_named(facts.get("links"))])))[:LINKS_MOST],
    )


def _text(part: Any) -> str:
    """Give a part of an answer as text; what a model cannot read is named."""
    match part.type:
        case "text":
            return part.text
        case "resource_link":
            return f"{part.title or part.name}: {part.uri}"
        case "resource" if hasattr(part.resource, "text"):
            return part.resource.text
        case kind:
            return f"[{kind}, not shown]"


def _resources(answer: Any) -> list[str]:
    return [str(part.uri) for part in answer.content if part.type == "resource_link"]


def _named(links: Any) -> list[str]:
    found = cast("list[Any]", links) if isinstance(links, list) else []
    addresses = [link if isinstance(link, str) else _mapping(link).get("url") for link in found]
    return [address for address in addresses if isinstance(address, str)]


def _is_web(address: str) -> bool:
    """Keep what a person can follow without danger; a tool's links are shown as they are."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not parts.username


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _summary(call: ToolCall, facts: dict[str, Any], texts: list[str]) -> str:
    """Say in one line what came back: the tool's own summary, or how many of what, or its first words."""
    own = facts.get("summary")
    if isinstance(own, str) and own.strip():
        return _line(own)
    for name, value in facts.items():
        if isinstance(value, list) and name != "links":
            return counted(len(cast("list[Any]", value)), name.replace("_", " "))
    return _line(" ".join(texts)) or f"{call.name} answered"


def _line(text: str) -> str:
    words = " ".join(visible(text).split())
    return words if len(words) <= SUMMARY_CHARS else f"{words[: SUMMARY_CHARS - 1].rstrip()}…"


def counted(number: int, things: str) -> str:
    """Count things by their English plural: `1 row`, `3 rows`, `1 opportunity`."""
    if number != 1:
        return f"{number} {things}"
    for plural, singular in (("people", "person"), ("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("s", "")):
        if things.endswith(plural):
            return f"1 {things.removesuffix(plural)}{singular}"
    return f"1 {things}"

"""Say what is asked of a language model and what it streams back, in no vendor's words."""

from dataclasses import dataclass, field
from typing import Any, Literal

from shared.domain.conversation import Usage
from shared.domain.tools import RequestedCall, ToolSpec

FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMade:
    """A tool call of an earlier round, as the model is reminded of it."""

    call_id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One entry of the conversation as the model sees it."""

    role: Literal["user", "assistant", "tool"]
    text: str
    calls: tuple[CallMade, ...] = ()
    call_id: str | None = None
    thoughts: str | None = None
    """What the provider wants back with these calls, as its adapter gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedShape:
    """A strict JSON schema that the text must fit."""

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One model round; `utility` is for titles, charts and summaries."""

    system: str
    said: tuple[Said, ...]
    tools: tuple[ToolSpec, ...] = ()
    use_secondary: bool = False
    purpose: Literal["answer", "utility"] = "answer"
    shape: WantedShape | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of text as the model produced it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFinished:
    """The model's own end of a round; a stream without one is not an answer."""

    reason: FinishReason
    model: str
    usage: Usage
    calls: tuple[RequestedCall, ...] = field(default=())
    thoughts: str | None = None
    """Opaque: reasoning that must go back to the provider with the results of these calls."""


ModelEvent = TextDelta | RoundFinished

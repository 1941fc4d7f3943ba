"""Say what the server needs from a wire format, so that it can serve several alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from local.model import chat_completions, response_events, responses
from local.model.conversation import Conversation
from local.model.events import Event, Script

Json = dict[str, Any]


class Writer(Protocol):
    """Writes one API's stream."""

    def opening(self) -> list[Json]:
        """Return what comes before the first token."""
        ...

    def chunks(self, event: Event) -> list[Json]:
        """Return what one event becomes."""
        ...

    def closing(self, figures: Json) -> list[Json]:
        """Return what comes after the last event."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One wire format: how its requests are read and its answers written."""

    name: str
    read: Callable[[Json], Conversation]
    writer: Callable[[Json, str], Writer]
    whole: Callable[[Script, Json, str, Json], Json]
    usage: Callable[[int, int, int], Json]
    limits: tuple[str, ...]
    done_line: bool


CHAT = Api(
    name="chat.completions",
    read=chat_completions.conversation,
    writer=chat_completions.writer,
    whole=chat_completions.completion,
    usage=chat_completions.usage,
    limits=("max_completion_tokens", "max_tokens"),
    done_line=True,
)

RESPONSES = Api(
    name="responses",
    read=responses.conversation,
    writer=response_events.writer,
    whole=response_events.whole,
    usage=response_events.usage,
    limits=("max_output_tokens",),
    done_line=False,
)

"""Hold what a request says, whichever wire format it came in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

SEPARATOR = "__"
_QUOTED = re.compile(r"\A\[data [^\]\n]*\]\n(?P<text>.*?)(?:\n\[end of data [^\]\n]*\])?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that the request offers."""

    name: str
    description: str
    schema: dict[str, Any]

    @property
    def server(self) -> str:
        """The part before the separator, empty when there is none."""
        server, separator, _ = self.name.partition(SEPARATOR)
        return server if separator else ""

    @property
    def own_name(self) -> str:
        """The name without the server."""
        server, separator, own = self.name.partition(SEPARATOR)
        return own if separator else server


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call that the coach makes, or made before."""

    name: str
    arguments_json: str
    call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a call, as the request tells it."""

    call: Call
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What the coach looks at when it thinks about its next words."""

    system: str
    questions: tuple[str, ...]
    said: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    wanted_schema: dict[str, Any] | None = None

    @property
    def question(self) -> str:
        """What was asked last."""
        return self.questions[-1] if self.questions else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the coach says and does next."""

    text: str = ""
    calls: tuple[Call, ...] = field(default=())
    refusal: str = ""


def unquoted(text: str) -> str:
    """Give what an app quotes between lines `[data …]` and `[end of data …]`; anything else as it is."""
    found = _QUOTED.match(text)
    return found["text"] if found else text

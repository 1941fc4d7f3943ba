"""Lay out a reply as the events of a stream, one for each token, before anything is sent; no I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from local.model.conversation import Call, Conversation, Reply
from local.model.faults import Fault
from local.model.tokens import pieces

FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A piece of a refusal."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegins:
    """A tool call with its name; its arguments follow."""

    index: int
    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a call's arguments."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The regular end."""

    reason: FinishReason


@dataclass(frozen=True, slots=True)
class Break:
    """An end that should not be: the socket cut, the stream just over, an error event, or silence."""

    kind: Literal["cut", "eof", "error", "hang"]


Event = Text | Refused | CallBegins | CallPiece | Finish | Break
TOKENS = (Text, Refused, CallPiece)

_BREAKS: dict[str, Break | Finish] = {
    "cut_after_tokens": Break("cut"),
    "eof_without_finish_after": Break("eof"),
    "error_event_after": Break("error"),
    "hang_after": Break("hang"),
    "content_filter_after": Finish("content_filter"),
    "length_after": Finish("length"),
}
_REFUSAL = "I'm sorry, but I can't help with that request."


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All that a stream will say, and the figures that follow from it."""

    events: tuple[Event, ...]
    calls: tuple[Call, ...] = field(default=())

    @property
    def tokens(self) -> int:
        """How many tokens it has."""
        return sum(isinstance(event, TOKENS) for event in self.events)


def spoiled(reply: Reply, fault: Fault | None, conversation: Conversation) -> Reply:
    """Return the reply that a fault makes of a good one; most faults leave it as it is."""
    if fault is None:
        return reply
    call = reply.calls[0] if reply.calls else _any_call(conversation)
    broken = (call.arguments_json.rstrip("}") or "{") + ', "'
    replies = {
        "empty": Reply(),
        "refusal": Reply(refusal=_REFUSAL),
        "bad_tool_json": Reply(calls=(Call(name=call.name, arguments_json=broken),)),
        "unknown_tool": Reply(calls=(Call(name="no_such__tool", arguments_json="{}"),)),
        "many_calls": Reply(calls=(call,) * fault.calls),
    }
    return replies.get(fault.mode, reply)


def script(reply: Reply, fault: Fault | None, *, identity: str, most_tokens: int | None) -> Script:
    """Return the events of a reply, cut off where the fault or the caller's limit says."""
    calls = tuple(
        Call(name=call.name, arguments_json=call.arguments_json, call_id=f"call_{identity}_{index}")
        for index, call in enumerate(reply.calls)
    )
    events: list[Event] = [Text(piece) for piece in pieces(reply.text)]
    events += [Refused(piece) for piece in pieces(reply.refusal)]
    for index, call in enumerate(calls):
        events.append(CallBegins(index, call.call_id, call.name))
        events += [CallPiece(index, piece) for piece in pieces(call.arguments_json)]
    events.append(Finish("tool_calls" if calls else "stop"))
    if most_tokens is not None:
        events = _ended(events, most_tokens, Finish("length"))
    if fault and fault.mode in _BREAKS:
        events = _ended(events, fault.after, _BREAKS[fault.mode], always=True)
    return Script(events=tuple(events), calls=calls)


def _ended(events: Sequence[Event], tokens: int, end: Event, *, always: bool = False) -> list[Event]:
    """Cut the events off after so many tokens; a shorter stream stays, unless its end is to change always."""
    kept: list[Event] = []
    left = tokens
    for event in events[:-1]:
        if isinstance(event, TOKENS):
            if left <= 0:
                return [*kept, end]
            left -= 1
        kept.append(event)
    return [*kept, end if always else events[-1]]


def _any_call(conversation: Conversation) -> Call:
    """Return a call of the first tool on offer, for faults that need one."""
    name = conversation.tools[0].name if conversation.tools else "no_such__tool"
    arguments: dict[str, Any] = {}
    return Call(name=name, arguments_json=json.dumps(arguments))

"""Say what was done for a turn and how long it took, as OpenTelemetry's GenAI conventions name it; never its content.

https://github.com/open-telemetry/semantic-conventions-genai (names as of semantic conventions 1.40, "development").
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.domain.correlation import trace_of
from shared.domain.ids import CallId, TurnId
from shared.domain.model import RoundFinished
from shared.domain.tools import CallState, ToolCall
from shared.domain.turns import Turn

Measure = Literal[
    "gen_ai.client.operation.duration",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.client.token.usage",
    "salescoach.turn.duration",
    "salescoach.turn.first_token",
    "salescoach.turn.wait",
]
AGENT = "salescoach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One value of an instrument: seconds, or tokens for `gen_ai.client.token.usage`."""

    name: Measure
    value: float
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One span of a turn's trace, and what was measured on the way."""

    name: str
    trace_id: str
    span_id: str | None = None
    """16 hexadecimal digits; None for any."""
    parent_id: str | None = None
    began: datetime
    ended: datetime
    error: str | None = None
    """A code, never words."""
    attributes: Mapping[str, str | int | float]
    measured: tuple[Measured, ...] = ()


def span_of(turn_or_call: TurnId | CallId) -> str:
    """Derive the span of a whole turn or of one tool call: the same in every process, and for the tool's server."""
    return hashlib.sha256(turn_or_call.encode()).hexdigest()[:16]


def model_call(
    turn: Turn,
    model: str,
    times: tuple[datetime, datetime | None, datetime],
    finished: RoundFinished | None,
    error: str | None,
) -> Operation:
    """Tell of one model round: when it began, when the first text came, when it ended."""
    began, first, ended = times
    about = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    failed = {"error.type": error} if error else {}
    spent = {} if finished is None else {
        "gen_ai.usage.input_tokens": finished.usage.input_tokens,
        "gen_ai.usage.output_tokens": finished.usage.output_tokens,
        "gen_ai.response.model": finished.model,
        "gen_ai.response.finish_reason": finished.reason,
    }  # fmt: skip
    measured = [_seconds("gen_ai.client.operation.duration", began, ended, {**about, **failed})]
    if turn.attempt == 1:
        measured.append(_seconds("salescoach.turn.wait", turn.created_at, began))
    if first is not None:
        measured.append(_seconds("gen_ai.client.operation.time_to_first_chunk", began, first, about))
        if not turn.finished_text():
            measured.append(_seconds("salescoach.turn.first_token", turn.created_at, first))
    if finished is not None:
        for kind, tokens in (("input", finished.usage.input_tokens), ("output", finished.usage.output_tokens)):
            counted = {**about, "gen_ai.token.type": kind}
            measured.append(Measured(name="gen_ai.client.token.usage", value=tokens, attributes=counted))
    return Operation(
        name=f"chat {model}",
        trace_id=trace_of(turn.turn_id),
        parent_id=span_of(turn.turn_id),
        began=began,
        ended=ended,
        error=error,
        attributes={**_place(turn), **about, **spent, "salescoach.turn.attempt": turn.attempt},
        measured=tuple(measured),
    )


def tool_call(turn: Turn, call: ToolCall, ended: datetime) -> Operation:
    """Tell of one call that was sent to its server."""
    began = call.started_at or ended
    error = None if call.state is CallState.DONE else call.state.value
    about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.name, "salescoach.server": call.server}
    failed = {"error.type": error} if error else {}
    return Operation(
        name=f"execute_tool {call.name}",
        trace_id=trace_of(turn.turn_id),
        span_id=span_of(call.call_id),
        parent_id=span_of(turn.turn_id),
        began=began,
        ended=ended,
        error=error,
        attributes={**_place(turn), **about, "gen_ai.tool.call.id": call.call_id},
        measured=(_seconds("gen_ai.client.operation.duration", began, ended, {**about, **failed}),),
    )


def whole_turn(turn: Turn, ended: datetime) -> Operation:
    """Tell of a turn from its acceptance to its end; a release that is repeated tells it again, under the same id."""
    status = turn.sealed.status if turn.sealed else "unsealed"
    about = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": AGENT}
    end = {"salescoach.turn.end": status, "salescoach.conversation.kind": turn.conversation.kind}
    return Operation(
        name=f"invoke_agent {AGENT}",
        trace_id=trace_of(turn.turn_id),
        span_id=span_of(turn.turn_id),
        began=turn.created_at,
        ended=ended,
        error=turn.error,
        attributes={**_place(turn), **about, **end, "salescoach.turn.attempts": turn.attempt},
        measured=(_seconds("salescoach.turn.duration", turn.created_at, ended, end),),
    )


def _place(turn: Turn) -> dict[str, str]:
    return {"gen_ai.conversation.id": turn.conversation.key, "salescoach.turn.id": turn.turn_id}


def _seconds(name: Measure, began: datetime, ended: datetime, about: Mapping[str, str] | None = None) -> Measured:
    # Clocks of two hosts may differ: a time before the beginning counts as none.
    return Measured(name=name, value=max((ended - began).total_seconds(), 0.0), attributes=about or {})

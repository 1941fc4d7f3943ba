"""Make ledger items of the calls that a model asked for; what cannot be called is settled here, and the model told."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.domain.ids import call_id
from shared.domain.invisible import is_visible
from shared.domain.tools import Approval, CallState, RequestedCall, ToolCall, ToolSpec
from shared.domain.turn_events import RunRound
from shared.domain.turns import Turn
from shared.flow.catalog import Catalog

FitsSchema = Callable[[ToolSpec, dict[str, Any]], str | None]
"""Says what is wrong with a call's arguments by the tool's own schema; None if nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the calls of one round have in common."""

    turn: Turn
    effect: RunRound
    catalog: Catalog
    fits: FitsSchema
    approve_until: datetime
    tainted: bool = False
    """Whether the model has read what tools returned in this turn: others' words, which may have told it what to do."""


def plan_call(plan: Plan, index: int, requested: RequestedCall) -> ToolCall:
    """Make a ledger item of what the model asked for, for approval where that is needed."""
    tool = plan.catalog.find(requested.name)
    arguments = _arguments(requested)
    server, _, name = requested.name.rpartition("__")
    planned = ToolCall(
        call_id=call_id(plan.turn.turn_id, plan.effect.round, index),
        round=plan.effect.round,
        index=index,
        server=tool.server if tool else server,
        name=tool.name if tool else name,
        arguments=arguments or {},
        safe_to_repeat=tool.safe_to_repeat if tool else False,
        reads=tool.read_only if tool else False,
    )
    if tool is None:
        return _settled(planned, CallState.REFUSED, "There is no such tool.")
    if arguments is None:
        return _settled(planned, CallState.FAILED, "The arguments are not a JSON object.")
    asks = tool.needs_approval or (plan.tainted and tool.acts)
    fault = _fault(plan, tool, arguments, asks=asks)
    if fault is not None:
        return _settled(planned, CallState.FAILED, fault)
    if index >= plan.effect.calls_left:
        return _settled(planned, CallState.REFUSED, "The limit of tool calls for this question is reached.")
    if asks:
        return _to_approve(plan, planned)
    return planned


def _to_approve(plan: Plan, call: ToolCall) -> ToolCall:
    """Let a call wait for its asker, unless it is not for their eyes."""
    if not plan.turn.sight().hears(plan.turn.conversation.bound_to):
        return _settled(call, CallState.REFUSED, "Who asked may not see this call, and so cannot approve it.")
    return replace(call, approval=Approval.WAITING, expires_at=plan.approve_until)


def _fault(plan: Plan, tool: ToolSpec, arguments: dict[str, Any], *, asks: bool) -> str | None:
    """Say why a call cannot be made with these arguments; nobody can approve what cannot be seen."""
    fault = plan.fits(tool, arguments)
    if fault is not None:
        return f"The arguments do not fit: {fault}"
    if asks and not is_visible(json.dumps(arguments, ensure_ascii=False)):
        return "The arguments hold characters that cannot be seen."
    return None


def _settled(call: ToolCall, state: CallState, reason: str) -> ToolCall:
    return replace(call, state=state, summary=reason, result=f"Not called: {reason}")


def _arguments(requested: RequestedCall) -> dict[str, Any] | None:
    try:
        data = json.loads(requested.arguments_json or "{}")
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None  # pyright: ignore[reportUnknownVariableType]

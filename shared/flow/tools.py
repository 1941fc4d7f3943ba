"""Tools (step 5): run one call of the ledger on its server, at most once when it is not safe to repeat."""

import logging
from dataclasses import replace

from shared.domain.errors import ChatError
from shared.domain.frame_parts import address
from shared.domain.frames import ToolFinished, ToolStarted
from shared.domain.ids import CallId
from shared.domain.tools import Approval, CallState, ServerEntry, ToolCall, ToolContext, ToolResult, feedback
from shared.domain.turns import Turn, TurnRef
from shared.flow.audience import tell
from shared.flow.catalog import select
from shared.flow.services import TurnServices

RESULT_MOST_CHARS = 64_000
"""What of a result reaches the model; the rest is cut, and the model is told."""

_log = logging.getLogger("salescoach.tools")


async def run_tool(services: TurnServices, ref: TurnRef, call_id: CallId) -> None:
    """Bring one call to a settled outcome in the ledger; a repeat of an ended call does nothing.

    Raises:
        StoreUnavailable: the intent or outcome could not be written; the activity counts as lost.
    """
    turn = await services.conversations.turn(ref.key, ref.turn_id)
    call = await _find(services, ref, call_id)
    if turn is None or turn.epoch != ref.epoch or call is None or call.state.ended:
        return
    refused = _refusal(turn, call)
    server = (await select(services, turn.role)).server(call.server)
    if refused is not None:
        await _close(services, turn, call, refused)
    elif server is None:
        await _close(services, turn, call, _refused("There is no such tool."))
    elif call.state is CallState.OPEN and not call.safe_to_repeat:
        await _close(services, turn, call, _unknown())
    else:
        await _call(services, turn, call, server)


async def _find(services: TurnServices, ref: TurnRef, call_id: CallId) -> ToolCall | None:
    calls = await services.conversations.calls(ref.key, ref.turn_id)
    return next((call for call in calls if call.call_id == call_id), None)


def _refusal(turn: Turn, call: ToolCall) -> ToolResult | None:
    if turn.cancel_requested and call.state is CallState.PLANNED:
        return _refused("The question was cancelled.")
    if call.approval not in (Approval.NOT_NEEDED, Approval.APPROVED):
        return _refused("The call was not approved.")
    return None


def _refused(reason: str) -> ToolResult:
    return ToolResult(state=CallState.REFUSED, text=f"Not called: {reason}", summary=reason)


def _unknown() -> ToolResult:
    reason = "The call may or may not have taken effect."
    return ToolResult(state=CallState.UNKNOWN, text=reason, summary=reason)


async def _call(services: TurnServices, turn: Turn, call: ToolCall, server: ServerEntry) -> None:
    opened = await services.conversations.move_call(
        turn.conversation.key,
        turn.turn_id,
        replace(call, state=CallState.OPEN, started_at=services.clock.now()),
        expected=call,
    )
    if opened is None:
        return
    started = ToolStarted(
        **address(turn.conversation),
        turn_id=turn.turn_id,
        call_id=call.call_id,
        server=call.server,
        name=call.name,
        arguments=call.arguments,
    )
    await tell(services, turn.conversation, started)
    began = services.clock.monotonic()
    context = await _context(services, turn, call, server)
    result = context if isinstance(context, ToolResult) else await services.tools.call(server, opened, context)
    elapsed_ms = round((services.clock.monotonic() - began) * 1000)
    await _close(services, turn, replace(opened, duration_ms=elapsed_ms), result, expected=opened)


async def _context(services: TurnServices, turn: Turn, call: ToolCall, server: ServerEntry) -> ToolContext | ToolResult:
    """Open the asker's newest token for this call only."""
    grant = await services.users.grant(turn.asker.id, turn.session_id)
    token = None
    if server.auth_enabled:
        if grant is None:
            return _refused("The session's token has expired; send session.update and ask again.")
        try:
            token = services.sealer.open(grant.sealed_token, user_id=grant.user_id, session_id=grant.session_id)
        except ChatError as fault:
            return _refused(fault.message)
    return ToolContext(
        user_id=turn.asker.id,
        email=grant.email if grant else None,
        region=grant.region if grant else None,
        user_token=token,
        idempotency_key=call.call_id,
        timeout_s=server.timeout_s,
    )


async def _close(
    services: TurnServices, turn: Turn, call: ToolCall, result: ToolResult, *, expected: ToolCall | None = None
) -> None:
    ended = replace(
        call,
        state=result.state,
        summary=result.summary,
        result=_capped(result.text),
        as_of=result.as_of,
        links=result.links,
    )
    key = turn.conversation.key
    moved = await services.conversations.move_call(key, turn.turn_id, ended, expected=expected or call)
    if moved is None:
        return
    shown = feedback(ended)
    finished = ToolFinished(
        **address(turn.conversation),
        turn_id=turn.turn_id,
        call_id=call.call_id,
        server=call.server,
        name=call.name,
        ok=shown.ok,
        outcome=shown.outcome,
        duration_ms=shown.duration_ms,
        summary=shown.summary,
    )
    await tell(services, turn.conversation, finished)
    _log.info("tool.finished", extra={"turn_id": turn.turn_id, "server": call.server, "outcome": shown.outcome})


def _capped(text: str) -> str:
    if len(text) <= RESULT_MOST_CHARS:
        return text
    return text[:RESULT_MOST_CHARS] + "\n[The result was cut here; ask for less.]"

"""Tools (step 5): run one call of the ledger on its server, at most once when it is not safe to repeat."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from shared.domain.correlation import trace_of
from shared.domain.errors import ChatError, StoreUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import Error, ToolFinished, ToolStarted
from shared.domain.ids import CallId
from shared.domain.tools import (
    Approval,
    CallState,
    ServerEntry,
    ToolCall,
    ToolContext,
    ToolResult,
    feedback,
)
from shared.domain.turns import LEASE_S, Turn, TurnRef
from shared.flow.audience import tell, tell_call, tell_person
from shared.flow.catalog import select
from shared.flow.measuring import record_call
from shared.flow.progress import ProgressTeller
from shared.flow.servers import note_answer, note_down, tell_down
from shared.flow.services import TurnServices
from shared.flow.tool_context import tool_context
from shared.flow.twin import wait_for_twin
from shared.flow.watching import note_calls, note_result

RESULT_MOST_CHARS = 64_000
"""What of a result reaches the model; the rest is cut, and the model is told."""

WATCH_INTERVAL_S = 0.8
"""While a tool works, the turn is looked at this often: a cancel takes effect within a second (rule 15)."""

TOKEN_EXPIRED = "The sign-in has ended (token_expired), and no session.update came in time."  # noqa: S105  # words

RENEWED_AFTER_S = 2.0
"""A lease is renewed when so much of it is used up; a twin takes whoever does not for five seconds for dead."""

_log = logging.getLogger("salescoach.tools")


async def run_tool(services: TurnServices, ref: TurnRef, call_id: CallId) -> Literal["settled", "parked", "waiting"]:
    """Bring one call to a settled outcome in the ledger; a repeat of an ended call does nothing.

    `parked`: the store does not answer, so that intent or outcome could not be written. `waiting`: the asker's token
    has ended, and the call is to be tried again until a `session.update` has brought a fresh one.
    """
    try:
        return await _settle(services, ref, call_id)
    except StoreUnavailable as fault:
        _log.warning("tool.store_unavailable", extra={"turn_id": ref.turn_id, "reason": str(fault)})
        return "parked"


async def _settle(services: TurnServices, ref: TurnRef, call_id: CallId) -> Literal["settled", "waiting"]:
    turn = await services.conversations.turn(ref.key, ref.turn_id)
    call = await _find(services, ref, call_id)
    if turn is None or turn.epoch > ref.epoch:
        return "settled"
    if call is None or turn.epoch < ref.epoch:
        raise StoreUnavailable("the store is behind this execution")
    if call.state.ended:
        return "settled"
    if call.state is CallState.OPEN and not call.safe_to_repeat:
        # It may have been sent, whatever has become of the tool since.
        await _leave_to_twin(services, ref, call)
        await _close(services, turn, call, _unknown())
        return "settled"
    refused = _refusal(turn, call)
    catalog = await select(services, turn.role)
    server = catalog.server(call.server)
    if refused is not None:
        await _close(services, turn, call, refused)
    elif server is None or catalog.find(f"{call.server}__{call.name}") is None:
        await _close(services, turn, call, _refused("There is no such tool."))
    else:
        context = await tool_context(services, turn, call, server)
        if context is None:
            return await _wait_for_token(services, turn, call)
        await _call(services, turn, call, server, context)
    return "settled"


async def _wait_for_token(services: TurnServices, turn: Turn, call: ToolCall) -> Literal["settled", "waiting"]:
    """Have the call tried again later, as long as its asker has time to approve it; then end it."""
    now = services.clock.now()
    until = call.expires_at or now + timedelta(seconds=services.limits.approval_s)
    if now >= until:
        await _close(services, turn, call, _refused(TOKEN_EXPIRED))
        return "settled"
    if call.expires_at is None:
        noted = replace(call, expires_at=until)
        await services.conversations.move_call(turn.conversation.key, turn.turn_id, noted, expected=call)
    await _keep_lease(services, turn)
    return "waiting"


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


async def _call(services: TurnServices, turn: Turn, call: ToolCall, server: ServerEntry, context: ToolContext) -> None:
    opened = await services.conversations.move_call(
        turn.conversation.key,
        turn.turn_id,
        replace(call, state=CallState.OPEN, started_at=services.clock.now()),
        expected=call,
    )
    if opened is None:
        await _leave_to_twin(services, turn.ref(), call)
        return
    started = ToolStarted(
        **address(turn.conversation),
        turn_id=turn.turn_id,
        call_id=call.call_id,
        server=call.server,
        name=call.name,
        arguments=call.arguments,
    )
    await tell_call(services, turn, started)
    began = services.clock.monotonic()
    result = await _asked(services, turn, opened, server, context)
    if result is None:
        return
    elapsed_ms = round((services.clock.monotonic() - began) * 1000)
    await _close(services, turn, replace(opened, duration_ms=elapsed_ms), result, expected=opened)


async def _leave_to_twin(services: TurnServices, ref: TurnRef, call: ToolCall) -> None:
    """Wait for another execution that may be making this very call; it settles the outcome unless it is dead."""

    async def has_done(_: Turn) -> bool:
        found = await _find(services, ref, call.call_id)
        return found is None or found.state.ended

    await wait_for_twin(services, ref, has_done)


async def _asked(
    services: TurnServices, turn: Turn, call: ToolCall, server: ServerEntry, context: ToolContext
) -> ToolResult | None:
    """Call the server, tell of its progress, and keep what the call showed of its health."""
    teller = ProgressTeller(services, turn, call)
    try:
        result = await _watched(services, turn, call, server, replace(context, on_progress=teller.report))
    finally:
        await teller.end()
    if result is not None and result.challenge is not None:
        await _pass_on(services, turn, result.challenge)
    if result is not None and result.server_down:
        await asyncio.gather(note_down(services, server, result.summary), tell_down(services, turn, server.name))
    elif result is not None and result.state is CallState.DONE:
        await note_answer(services, server)
    return result


async def _pass_on(services: TurnServices, turn: Turn, challenge: ChatError) -> None:
    """Tell the asker what the next sign-in must ask for; the answer goes on without this tool."""
    frame = Error(
        code=challenge.code.value,
        message=challenge.message,
        retryable=False,
        in_reply_to="query",
        turn_id=turn.turn_id,
        claims=challenge.claims,
        correlation_id=trace_of(turn.turn_id),
    )
    await tell_person(services, turn.asker.id, frame)


async def _watched(
    services: TurnServices, turn: Turn, call: ToolCall, server: ServerEntry, context: ToolContext
) -> ToolResult | None:
    """Call the server; stop waiting for it when the turn is to stop, or, with None, when another execution owns it."""
    working = asyncio.create_task(services.tools.call(server, call, context))
    watching = asyncio.create_task(_watch(services, turn))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        if watching.result() == "fenced":
            return None
        return _stopped() if call.reads else _unknown()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _pause(services: TurnServices, turn: Turn) -> None:
    """Let time pass until the next look, which a cancel that arrives in this worker hastens."""
    stop = services.stops.setdefault(turn.turn_id, asyncio.Event())
    pauses: list[asyncio.Task[None] | asyncio.Task[Literal[True]]] = [
        asyncio.create_task(services.clock.sleep(WATCH_INTERVAL_S))
    ]
    if not stop.is_set():
        pauses.append(asyncio.create_task(stop.wait()))
    try:
        await asyncio.wait(pauses, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pause in pauses:
            pause.cancel()


async def _watch(services: TurnServices, turn: Turn) -> Literal["fenced", "cancelled"]:
    """Keep the turn's lease while a tool works, until another execution owns the turn or it is to stop."""
    while True:
        await _pause(services, turn)
        try:
            seen = await services.conversations.turn(turn.conversation.key, turn.turn_id)
            if seen is None or seen.epoch != turn.epoch or seen.status.ended or seen.sealed is not None:
                return "fenced"
            if seen.cancel_requested:
                return "cancelled"
            await _keep_lease(services, seen)
        except StoreUnavailable as fault:
            _log.warning("lease.unrenewed", extra={"turn_id": turn.turn_id, "reason": str(fault)})


async def _keep_lease(services: TurnServices, seen: Turn) -> None:
    """Renew what runs out, and nothing else.

    A longer lease belongs to a wait for approvals, which may follow these calls; who decides on one shortens it, and it
    must stay short, else a word that woke nobody would not be found.
    """
    left_s = (seen.lease_until - services.clock.now()).total_seconds()
    if left_s < LEASE_S - RENEWED_AFTER_S:
        await services.conversations.renew(seen.ref(), services.clock.now() + timedelta(seconds=LEASE_S))


def _stopped() -> ToolResult:
    reason = "Stopped: the question was cancelled."
    return ToolResult(state=CallState.FAILED, text=reason, summary=reason)


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
    record_call(services, turn, ended)
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
    await asyncio.gather(
        tell(services, turn.conversation, finished),
        note_calls(services, turn, [ended]),
        note_result(services, turn, ended),
    )
    _log.info("tool.finished", extra={"turn_id": turn.turn_id, "server": call.server, "outcome": shown.outcome})


def _capped(text: str) -> str:
    if len(text) <= RESULT_MOST_CHARS:
        return text
    return text[:RESULT_MOST_CHARS] + "\n[The result was cut here; ask for less.]"

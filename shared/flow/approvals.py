"""Let the asker decide on calls that write: the first answer wins, silence refuses (docs/protocol.md, rule 16)."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.domain.errors import ChatError, EngineUnavailable, ErrorCode, StoreUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import ApprovalRequired, ApprovalResolved
from shared.domain.ids import CallId, ConnectionId, ConversationKey, TurnId, UserId, key_of
from shared.domain.tools import Approval, CallState, ToolCall
from shared.domain.turn_events import ApprovalsSettled
from shared.domain.turns import LEASE_S, Turn, TurnRef, TurnStatus
from shared.flow.audience import tell_asker
from shared.flow.services import Services
from shared.flow.standing import Reader, at_turn
from shared.ports import TurnEngine

EXECUTIONS_LOOKED_FOR = 4
"""Upkeep may give a turn another execution while somebody decides; not so often at once."""

SHORTEN_TRIES = 4
SHORTEN_PAUSE_S = 0.5
"""A word is written by now, and its asker waits for the answer: a store that is silent for longer is not waited for."""

_log = logging.getLogger("salescoach.approvals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An asker's word on a call, the asker proved."""

    user_id: UserId
    turn_id: TurnId
    call_id: CallId
    approved: bool
    connection: ConnectionId | None = None
    request_id: str | None = None


async def decide(services: Services, engine: TurnEngine, verdict: Verdict) -> ApprovalResolved:
    """Write the asker's word, once, and wake the turn.

    Raises:
        ChatError: `not_found` for a turn or call that is not the asker's, `conflict` when it was decided before.
    """
    key = key_of(verdict.turn_id)
    turn = await services.conversations.turn(key, verdict.turn_id)
    await at_turn(services, Reader(user_id=verdict.user_id), turn)
    if turn is None or turn.asker.id != verdict.user_id:
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such call.")
    call = await _find(services, key, verdict.turn_id, verdict.call_id)
    if call is None or call.approval is Approval.NOT_NEEDED:
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such call.")
    word = Approval.APPROVED if verdict.approved else Approval.REFUSED
    running = await _decided(services, turn, call, word) if call.approval is Approval.WAITING else None
    if running is None:
        raise ChatError(ErrorCode.CONFLICT, "This call was decided before.")
    resolved = _resolved(turn, call, approved=verdict.approved, reason="user")
    await tell_asker(services, turn, resolved, but=verdict.connection)
    await _wake(engine, running, call.call_id)
    return replace(resolved, request_id=verdict.request_id)


async def supersede(services: Services, engine: TurnEngine, turn: Turn) -> None:
    """Refuse the open approvals of a turn whose asker went on to another question (rule 16)."""
    for call in await services.conversations.calls(turn.conversation.key, turn.turn_id):
        waits = call.approval is Approval.WAITING
        running = await _decided(services, turn, call, Approval.SUPERSEDED) if waits else None
        if running is not None:
            await tell_asker(services, turn, _resolved(turn, call, approved=False, reason="superseded"))
            await _wake(engine, running, call.call_id)


async def _decided(services: Services, turn: Turn, call: ToolCall, word: Approval) -> Turn | None:
    """Write a word on a call and give the turn as it runs now; None when the call was decided before.

    Before it the turn's lease is shortened, so that upkeep finds a word that woke nobody: whoever dies between the two
    leaves a wait that goes on where it was, never a word that is not heard. And after it, since the round that asks may
    just be giving the turn the lease of a wait.
    """
    turn = await _shorten(services, turn)
    if not await _write(services, turn, call, word):
        return None
    for tries in range(1, SHORTEN_TRIES + 1):
        try:
            return await _shorten(services, turn)
        except StoreUnavailable as fault:
            if tries == SHORTEN_TRIES:
                _log.warning("lease.unshortened", extra={"turn_id": turn.turn_id, "reason": str(fault)})
        await services.clock.sleep(services.clock.jitter(SHORTEN_PAUSE_S))
    return turn


async def _shorten(services: Services, turn: Turn) -> Turn:
    """Let the lease end soon, whichever execution has the turn by now; give the turn under that execution."""
    lease = min(turn.lease_until, services.clock.now() + timedelta(seconds=LEASE_S))
    for _ in range(EXECUTIONS_LOOKED_FOR):
        renewed = await services.conversations.renew(turn.ref(), lease)
        fresh = renewed or await services.conversations.turn(turn.conversation.key, turn.turn_id)
        if fresh is None or fresh.epoch == turn.epoch:
            return turn
        turn = fresh
    return turn


async def _wake(engine: TurnEngine, turn: Turn, call_id: str) -> None:
    """Tell the turn to read the ledger; if nobody listens, upkeep takes it over when the shortened lease ends."""
    try:
        await engine.wake(turn.ref(), f"approval:{call_id}")
    except EngineUnavailable as fault:
        # Truth is in the ledger (decision 12); the end of the wait reads it in any case.
        _log.warning("approval.unwoken", extra={"turn_id": turn.turn_id, "reason": str(fault)})


async def settle(services: Services, ref: TurnRef, call_ids: tuple[str, ...]) -> ApprovalsSettled:
    """End a wait: what was not decided by now is refused, as timed out or cancelled.

    Raises:
        StoreUnavailable: the store is behind this execution or a decision; the step is tried again.
    """
    turn = await services.conversations.turn(ref.key, ref.turn_id)
    if turn is not None and turn.epoch < ref.epoch:
        raise StoreUnavailable("the store is behind this execution")
    if turn is None or turn.epoch != ref.epoch:
        return ApprovalsSettled(approved=(), cancelled=False)
    silence = Approval.CANCELLED if turn.cancel_requested else Approval.TIMEOUT
    for call in await services.conversations.calls(ref.key, ref.turn_id):
        undecided = call.call_id in call_ids and call.approval is Approval.WAITING
        if undecided and await _write(services, turn, call, silence):
            reason = "cancelled" if silence is Approval.CANCELLED else "timeout"
            await tell_asker(services, turn, _resolved(turn, call, approved=False, reason=reason))
    calls = await services.conversations.calls(ref.key, ref.turn_id)
    mine = [call for call in calls if call.call_id in call_ids]
    if any(call.approval is Approval.WAITING for call in mine):
        raise StoreUnavailable("the ledger is behind a decision")
    approved = [call.call_id for call in mine if call.approval is Approval.APPROVED]
    lease = services.clock.now() + timedelta(seconds=LEASE_S)
    await services.conversations.renew(ref, lease, status=TurnStatus.RUNNING)
    return ApprovalsSettled(approved=tuple(approved), cancelled=turn.cancel_requested)


async def _find(services: Services, key: ConversationKey, turn_id: TurnId, call_id: CallId) -> ToolCall | None:
    calls = await services.conversations.calls(key, turn_id)
    return next((call for call in calls if call.call_id == call_id), None)


async def _write(services: Services, turn: Turn, call: ToolCall, word: Approval) -> bool:
    decided = replace(call, approval=word)
    if word is not Approval.APPROVED:
        reason = _REASONS[word]
        decided = replace(decided, state=CallState.REFUSED, summary=reason, result=f"Not called: {reason}")
    key = turn.conversation.key
    moved = await services.conversations.move_call(key, turn.turn_id, decided, expected=call)
    return moved is not None


_REASONS = {
    Approval.REFUSED: "The person did not approve this call.",
    Approval.TIMEOUT: "Nobody approved this call in time.",
    Approval.CANCELLED: "The question was cancelled.",
    Approval.SUPERSEDED: "The person asked something else instead.",
}


def _resolved(turn: Turn, call: ToolCall, *, approved: bool, reason: str) -> ApprovalResolved:
    return ApprovalResolved(
        **address(turn.conversation),
        turn_id=turn.turn_id,
        call_id=call.call_id,
        approved=approved,
        reason=reason,  # pyright: ignore[reportArgumentType]  # callers name one of the four literals
    )


def approval_required(turn: Turn, call: ToolCall) -> ApprovalRequired:
    """Show the asker a call that waits.

    Raises:
        ValueError: the call does not wait.
    """
    if call.expires_at is None:
        raise ValueError("a call that waits for approval has an end of waiting")
    return ApprovalRequired(
        **address(turn.conversation),
        turn_id=turn.turn_id,
        call_id=call.call_id,
        server=call.server,
        name=call.name,
        arguments=call.arguments,
        expires_at=call.expires_at,
    )

"""Follow a turn from outside: its text so far for someone who comes back, and the wish to stop it."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

from shared.domain.errors import ChatError, EngineUnavailable, ErrorCode
from shared.domain.frame_parts import address
from shared.domain.frames import Snapshot
from shared.domain.ids import TurnId, UserId, key_of
from shared.domain.live_frames import ResponseWithheld
from shared.domain.tools import Approval, feedback
from shared.domain.turn_events import End
from shared.domain.turns import LEASE_S, Turn, TurnStatus
from shared.flow.authenticate import pending
from shared.flow.query import start
from shared.flow.respond import make_answer, response_of
from shared.flow.services import Services
from shared.flow.standing import NO_SUCH_TURN, Reader, at_turn, require_may_cancel
from shared.ports import TurnEngine

CANCEL_TRIES = 8

_log = logging.getLogger("salescoach.resume")


async def snapshot(
    services: Services,
    turn_id: TurnId,
    *,
    user_id: UserId,
    conversation_id: str,
    attempt: int | None,
    offset: int | None,
    request_id: str | None,
    roles: tuple[str, ...] = (),
) -> Snapshot | ResponseWithheld:
    """Give the turn's text from the asked offset if attempt and offset fit, else from the start (rule 9).

    Who may not hear the coach there is told that alone.

    Raises:
        ChatError: `not_found` for a turn that is not in this conversation, or not the person's.
    """
    key = key_of(turn_id)
    turn, calls = await asyncio.gather(
        services.conversations.turn(key, turn_id), services.conversations.calls(key, turn_id)
    )
    standing = await at_turn(services, Reader(user_id=user_id, roles=roles), turn)
    sealed = turn.sealed if turn else None
    came_later = sealed is not None and sealed.seq <= standing.sight.after_seq
    if turn is None or standing.conversation.public_id != conversation_id or came_later:
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_TURN)
    if not standing.sight.hears(turn.conversation.bound_to):
        where = address(turn.conversation)
        return ResponseWithheld(**where, turn_id=turn.turn_id, reason="role", request_id=request_id)
    text = sealed.content if sealed else turn.said()
    begin = offset if attempt == turn.attempt and offset is not None and offset <= len(text) else 0
    asks = turn.asker.id == user_id and not sealed
    waiting = [call for call in calls if asks and call.approval is Approval.WAITING]
    return Snapshot(
        **address(turn.conversation),
        turn_id=turn.turn_id,
        question_id=turn.question_id,
        attempt=turn.attempt,
        offset=begin,
        text=text[begin:],
        status=turn.status.value,
        tools=[feedback(call) for call in calls if call.state.ended],
        approvals=[pending(turn, call) for call in waiting],
        response=response_of(turn, sealed) if sealed and turn.status.ended else None,
        request_id=request_id,
    )


async def cancel(
    services: Services, engine: TurnEngine, turn_id: TurnId, user_id: UserId, roles: tuple[str, ...] = ()
) -> None:
    """Ask a turn to stop; its end is told by `response.cancelled` (rule 15).

    Raises:
        ChatError: `not_found` for a turn that is not the person's, `forbidden` for another member of its group,
            `conflict` for one that has ended.
    """
    key = key_of(turn_id)
    for _ in range(CANCEL_TRIES):
        turn = await services.conversations.turn(key, turn_id)
        if turn is None:
            raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_TURN)
        await require_may_cancel(services, Reader(user_id=user_id, roles=roles), turn)
        if turn.status.ended or turn.sealed is not None:
            raise ChatError(ErrorCode.CONFLICT, "This turn has ended.")
        stops = _withdraw if turn.status is TurnStatus.WAITING else _stop
        if await stops(services, engine, turn):
            return
        await services.clock.sleep(services.clock.jitter(0.05))
    raise ChatError(ErrorCode.RATE_LIMITED, "This conversation is very busy.", retry_after_s=1.0)


async def _stop(services: Services, engine: TurnEngine, turn: Turn) -> bool:
    """Mark a turn that has the slot and wake it; if the wake-up is lost, upkeep acts when the lease ends."""
    lease = min(turn.lease_until, services.clock.now() + timedelta(seconds=LEASE_S))
    marked = await services.conversations.request_cancel(turn.conversation.key, turn.turn_id, lease)
    if marked is None:
        return False
    if (working := services.stops.get(turn.turn_id)) is not None:
        working.set()
    try:
        await engine.wake(marked.ref(), "cancel")
    except EngineUnavailable:
        # The mark is stored: the next checkpoint or the end of the wait sees it (decision 12).
        _log.warning("cancel.unwoken", extra={"turn_id": turn.turn_id})
    return True


async def _withdraw(services: Services, engine: TurnEngine, turn: Turn) -> bool:
    """End a turn that waits: it leaves the queue sealed and empty; its execution only persists and releases it."""
    stored = await services.conversations.head(turn.conversation.key)
    if stored is None:
        return False
    answer = make_answer(services, turn, End.CANCELLED, None, [], seq=stored.head.next_seq)
    lease = services.clock.now() + timedelta(seconds=LEASE_S)
    if await services.conversations.withdraw(turn, answer, stored, lease) != "withdrawn":
        return False
    await start(engine, replace(turn, status=TurnStatus.RUNNING, epoch=turn.epoch + 1))
    return True

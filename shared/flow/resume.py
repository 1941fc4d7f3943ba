"""Follow a turn from outside: its text so far for someone who comes back, and the wish to stop it."""

import asyncio

from shared.domain.errors import ChatError, EngineUnavailable, ErrorCode
from shared.domain.frame_parts import address
from shared.domain.frames import Snapshot
from shared.domain.ids import TurnId, UserId, key_of
from shared.domain.tools import Approval, feedback
from shared.domain.turns import Turn
from shared.flow.authenticate import pending
from shared.flow.respond import response_of
from shared.flow.services import Services
from shared.ports import TurnEngine


async def snapshot(
    services: Services,
    turn_id: TurnId,
    *,
    user_id: UserId,
    conversation_id: str,
    attempt: int | None,
    offset: int | None,
    request_id: str | None,
) -> Snapshot:
    """Give the turn's text from the asked offset if attempt and offset fit, else from the start (rule 9).

    Raises:
        ChatError: `not_found` for a turn that is not in this conversation, or not the person's.
    """
    key = key_of(turn_id)
    turn, calls = await asyncio.gather(
        services.conversations.turn(key, turn_id), services.conversations.calls(key, turn_id)
    )
    if turn is None or turn.conversation.owner != user_id or turn.conversation.public_id != conversation_id:
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such turn.")
    sealed = turn.sealed
    text = sealed.content if sealed else turn.checkpoint
    begin = offset if attempt == turn.attempt and offset is not None and offset <= len(text) else 0
    waiting = [call for call in calls if call.approval is Approval.WAITING and not sealed]
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


async def cancel(services: Services, engine: TurnEngine, turn_id: TurnId, user_id: UserId) -> None:
    """Ask a turn to stop; its end is told by `response.cancelled` (rule 15).

    Raises:
        ChatError: `not_found` for a turn that is not the person's, `conflict` for one that has ended.
    """
    key = key_of(turn_id)
    turn = await services.conversations.turn(key, turn_id)
    if turn is None or turn.asker.id != user_id:
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such turn.")
    marked: Turn | None = await services.conversations.request_cancel(key, turn_id)
    if marked is None:
        raise ChatError(ErrorCode.CONFLICT, "This turn has ended.")
    try:
        await engine.wake(marked.ref(), "cancel")
    except EngineUnavailable:
        # The mark is stored: the next checkpoint or the end of the wait sees it (decision 12).
        return

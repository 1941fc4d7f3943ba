"""Persist (step 7): give the sealed turn to the output binding; then free the slot and report the end."""

import logging
from datetime import timedelta

from shared.domain.conversation import Head, Message, pass_on
from shared.domain.errors import ErrorCode, StoreUnavailable, WhyNot
from shared.domain.frame_parts import ErrorBody, address
from shared.domain.frames import ResponseCancelled, ResponseCommitted, ResponseFailed
from shared.domain.live_frames import ResponseWithheld
from shared.domain.notes import is_due
from shared.domain.tools import ToolCall
from shared.domain.turns import LEASE_S, Turn, TurnRef
from shared.flow.audience import tell, tell_withheld
from shared.flow.ledger import calls_of
from shared.flow.limits import settle
from shared.flow.measuring import record_turn
from shared.flow.query import list_conversation, start
from shared.flow.services import Services
from shared.ports import TurnEngine

RELEASE_TRIES = 8

_log = logging.getLogger("salescoach.persist")


async def sealed_turn(services: Services, ref: TurnRef) -> tuple[Turn, list[ToolCall]] | None:
    """Read what the output binding writes: a sealed turn and its ledger; None when there is nothing to write.

    A sealed turn and its ended calls never change, so that every repeat binds the same bytes.

    Raises:
        StoreUnavailable: the store is behind the seal; the step is tried again.
    """
    turn = _not_behind(await services.conversations.turn(ref.key, ref.turn_id), ref)
    if turn.sealed is None:
        return None
    return turn, await calls_of(services, turn)


def _not_behind(turn: Turn | None, ref: TurnRef) -> Turn:
    """Take a turn that was read after its seal; only where a newer execution has it, it may be without one."""
    if turn is None or (turn.sealed is None and turn.epoch <= ref.epoch):
        raise StoreUnavailable("the store is behind the seal")
    return turn


async def release(services: Services, engine: TurnEngine, ref: TurnRef) -> bool:
    """Free the slot, start the next turn, and only then report this one's end; any repeat does the same.

    Tells whether something is to be done afterwards, in which no person waits: a title, a summary.

    Raises:
        StoreUnavailable: the slot could not be freed; the step is tried again.
    """
    turn, head = await _free(services, ref)
    if turn is None or turn.sealed is None:
        return False
    await _start_next(services, engine, head)
    await _tell_end(services, turn, turn.sealed)
    is_first = turn.sealed.seq == FIRST_ANSWER_SEQ
    first = await services.conversations.message(ref.key, turn.question_id) if is_first else None
    await list_conversation(services, turn.conversation, first)
    return is_due(turn.sealed)


FIRST_ANSWER_SEQ = 2
"""With the first answer the conversation is listed again, in case acceptance was cut short after its batch."""


async def _free(services: Services, ref: TurnRef) -> tuple[Turn | None, Head | None]:
    """Free the slot; give the turn if it is still this execution's, and the head as it is afterwards."""
    for _ in range(RELEASE_TRIES):
        turn = _not_behind(await services.conversations.turn(ref.key, ref.turn_id), ref)
        if turn.epoch != ref.epoch or turn.sealed is None or turn.status.ended:
            if turn.epoch != ref.epoch:
                return None, None
            stored = await services.conversations.head(ref.key)
            return turn, stored.head if stored else None
        # Before the turn's end is stored: whoever dies in between is repeated by the turn's lease.
        await settle(services, turn)
        stored = await services.conversations.head(ref.key)
        if stored is None:
            raise StoreUnavailable("a turn without a head")
        lease = services.clock.now() + timedelta(seconds=LEASE_S)
        # A turn that was withdrawn from the queue ends without ever having had the slot.
        held = stored.head.active_turn == turn.turn_id
        head = pass_on(stored.head) if held else stored.head
        if await services.conversations.release(turn, head, stored.etag, lease, starts=held):
            return turn, head
        await services.clock.sleep(services.clock.jitter(0.05))
    raise StoreUnavailable("the head changed too often while releasing")


async def _start_next(services: Services, engine: TurnEngine, head: Head | None) -> None:
    if head is None or head.active_turn is None:
        return
    following = await services.conversations.turn(head.conversation.key, head.active_turn)
    if following is not None:
        await start(engine, following)


async def _tell_end(services: Services, turn: Turn, answer: Message) -> None:
    await tell(services, turn.conversation, end_frame(turn, answer))
    withheld = ResponseWithheld(**address(turn.conversation), turn_id=turn.turn_id, reason="role")
    await tell_withheld(services, turn.conversation, withheld)
    record_turn(services, turn)
    _log.info("turn.released", extra={"turn_id": turn.turn_id, "status": answer.status})


def end_frame(turn: Turn, answer: Message) -> ResponseCommitted | ResponseCancelled | ResponseFailed:
    """Show how a turn ended; sent only after what it reports is stored."""
    where = address(turn.conversation)
    if answer.status == "final":
        return ResponseCommitted(**where, turn_id=turn.turn_id, message_id=answer.message_id)
    if answer.status == "cancelled":
        return ResponseCancelled(**where, turn_id=turn.turn_id, message_id=answer.message_id, content=answer.content)
    why = turn.error or ErrorCode.INTERNAL.value
    code = ErrorCode.MODEL_UNAVAILABLE if why in _UNAVAILABLE else ErrorCode(why)
    return ResponseFailed(
        **where,
        turn_id=turn.turn_id,
        message_id=answer.message_id,
        content=answer.content,
        error=ErrorBody(code=code.value, message=_EXPLAINED.get(why, _FAILED), retryable=True),
    )


_FAILED = "The answer could not be completed. Please ask again."
_UNAVAILABLE = frozenset(why.value for why in WhyNot)
_EXPLAINED: dict[str, str] = {
    WhyNot.RETIRED: "The language model of this service has been retired. Please tell your administrator.",
    WhyNot.NO_PROMPT: "The coach's instructions cannot be read at present. Please ask again later.",
    ErrorCode.MODEL_UNAVAILABLE: "The language model is not available at present. Please ask again later.",
    ErrorCode.TOO_LARGE: "The question and what belongs to it are too long for the model. Please begin a new chat.",
    ErrorCode.BLOCKED: "The provider's content filter stopped this question.",
}

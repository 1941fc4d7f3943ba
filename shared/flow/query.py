"""Query (step 3): accept a question once, give it its place, start its turn."""

import asyncio
import logging
from weakref import WeakValueDictionary

from shared.domain.conversation import Conversation, Head, Message, Placed, Question, Repeated, place
from shared.domain.entries import ConversationEntry
from shared.domain.errors import ChatError, EngineUnavailable, ErrorCode, StoreUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import NewMessage, QueryAccepted, Response
from shared.domain.ids import ConversationKey, MessageId, TurnId, turn_id
from shared.domain.live_frames import ResponseWithheld
from shared.domain.text import clean_title
from shared.domain.turns import Turn, TurnStatus
from shared.flow import limits
from shared.flow.approvals import supersede
from shared.flow.asking import Ask, question_of, records, standing_of
from shared.flow.audience import tell, tell_connection
from shared.flow.presence import look
from shared.flow.regenerating import is_known, question_again, repeated_turn
from shared.flow.respond import response_of
from shared.flow.services import Services
from shared.flow.standing import Standing
from shared.ports import TurnEngine

ACCEPT_WITHIN_S = 2.0
"""How long acceptance is retried against other writers (architecture.md, decision 2)."""

_log = logging.getLogger("salescoach.query")
_turnstiles: WeakValueDictionary[ConversationKey, asyncio.Lock] = WeakValueDictionary()


async def ask(services: Services, engine: TurnEngine, wish: Ask) -> QueryAccepted:
    """Accept the question, or name the earlier one that it repeats.

    Raises:
        ChatError: refused before acceptance, so that nothing is stored; never after.
    """
    standing = await standing_of(services, wish)
    again = wish.regenerate_of is not None
    question = await question_again(services, wish, standing) if again else question_of(services, wish, standing)
    turnstile = _turnstiles.setdefault(question.conversation.key, asyncio.Lock())
    async with turnstile:
        outcome = await _accept(services, wish, standing, question)
        if isinstance(outcome, tuple):
            # Before the next one is accepted, so that people see them in their order as far as one worker goes.
            await asyncio.gather(_announce(services, wish, question, outcome[0]), _begin(services, engine, outcome[1]))
    if isinstance(outcome, Repeated):
        return await _repeat(services, engine, wish, standing, outcome)
    message, turn = outcome
    _log.info(
        "query.accepted",
        extra={
            "turn_id": turn.turn_id if turn else None,
            "status": turn.status.value if turn else None,
            "seq": message.seq if message else None,
            "chars": len(message.content) if message else None,
        },
    )
    named = turn.turn_id if turn else None
    return _accepted(question.conversation, wish, question.message_id, named, duplicate=False)


async def _accept(
    services: Services, wish: Ask, standing: Standing, question: Question
) -> tuple[Message | None, Turn | None] | Repeated:
    """Store question, turn and head in one batch; other writers are given way to for two seconds."""
    give_up = services.clock.monotonic() + ACCEPT_WITHIN_S
    wait = 0.01
    while True:
        stored = await services.conversations.head(question.conversation.key)
        head = stored.head if stored else Head(conversation=question.conversation)
        placed = await _place(services, head, question)
        if isinstance(placed, Repeated):
            return placed
        try:
            await limits.admit(services, question, starts=placed.starts)
        except ChatError:
            if repeated := await _earlier(services, question):
                return repeated
            raise
        message, turn = records(services, wish, standing, question, placed)
        outcome = await services.conversations.accept(placed.head, stored.etag if stored else None, message, turn)
        if outcome == "accepted":
            return message, turn
        if outcome == "exists":
            await _uncount(services, question)
            return Repeated(message_id=question.message_id, turn_id=question.turn_id)
        if services.clock.monotonic() >= give_up:
            await limits.give_back(services, question)
            raise ChatError(ErrorCode.RATE_LIMITED, "This conversation is very busy.", retry_after_s=1.0)
        await services.clock.sleep(services.clock.jitter(wait))
        wait = min(wait * 2, 0.5)


async def _place(services: Services, head: Head, question: Question) -> Placed | Repeated:
    """Place the question; a full queue refuses only what is not a repetition."""
    try:
        return place(head, question, services.clock.now(), services.queue)
    except ChatError:
        if repeated := await _earlier(services, question):
            return repeated
        raise


async def _earlier(services: Services, question: Question) -> Repeated | None:
    """Find the question that this one repeats, whatever limits are used up: a repetition does not count."""
    if not question.id_from_client:
        return None
    if question.again is not None:
        known = await is_known(services, question)
    else:
        known = await services.conversations.message(question.conversation.key, question.message_id) is not None
    if not known:
        return None
    return Repeated(message_id=question.message_id, turn_id=question.turn_id)


async def _uncount(services: Services, question: Question) -> None:
    """Give back what a repetition took, unless its turn still runs on it."""
    turn = await services.conversations.turn(question.conversation.key, question.turn_id)
    if turn is None or turn.status.ended:
        await limits.give_back(services, question)


async def _announce(services: Services, wish: Ask, question: Question, message: Message | None) -> None:
    """Show a new question to everyone else who follows, and list a conversation that begins."""
    if message is None:
        return
    where = address(question.conversation)
    frame = NewMessage(message=message, session_id=where.get("session_id"), group_id=where.get("group_id"))
    begins = [list_conversation(services, question.conversation, message)] if message.seq == 1 else []
    shown = tell(services, question.conversation, frame, but=wish.connection)
    await asyncio.gather(shown, look(services, question.conversation), *begins)


async def list_conversation(services: Services, conversation: Conversation, first: Message | None) -> None:
    """Put a session into its person's list by its first question, or keep it there; a repeat changes nothing.

    A group is listed for those whom its owner lets in.
    """
    if conversation.kind == "group":
        return
    if first is None:
        await services.users.keep_listed(conversation.owner, conversation.key)
        return
    entry = ConversationEntry(
        user_id=conversation.owner,
        key=conversation.key,
        public_id=conversation.public_id,
        kind=conversation.kind,
        title=clean_title(first.content),
        renamed=False,
        created_at=first.created_at,
    )
    try:
        await services.users.add_entry(entry)
    except StoreUnavailable:
        # The message is accepted by now; `release` lists the conversation again.
        _log.warning("conversation.unlisted", extra={"key": conversation.key})


async def _begin(services: Services, engine: TurnEngine, turn: Turn | None) -> None:
    """Set a turn going, if there is one; a repeat does no harm."""
    if turn is not None:
        await asyncio.gather(start(engine, turn), _supersede(services, engine, turn))


async def start(engine: TurnEngine, turn: Turn) -> None:
    """Start the turn's orchestration if it holds the slot; upkeep starts what could not be started here."""
    if turn.status is not TurnStatus.RUNNING:
        return
    try:
        await engine.start(turn.ref())
    except EngineUnavailable:
        _log.exception("turn.start_failed", extra={"turn_id": turn.turn_id})


async def _supersede(services: Services, engine: TurnEngine, turn: Turn) -> None:
    """Refuse what still waits for the asker's approval: a new question is an answer, too (rule 16)."""
    if turn.status is not TurnStatus.WAITING:
        return
    try:
        stored = await services.conversations.head(turn.conversation.key)
        active = stored.head.active_turn if stored else None
        running = await services.conversations.turn(turn.conversation.key, active) if active else None
        if running and running.status is TurnStatus.AWAITING_APPROVAL and running.asker.id == turn.asker.id:
            await supersede(services, engine, running)
    except StoreUnavailable as fault:
        # The message is accepted by now; the approval then ends by its own time.
        _log.warning("approval.not_superseded", extra={"turn_id": turn.turn_id, "reason": str(fault)})


async def _repeat(
    services: Services, engine: TurnEngine, wish: Ask, standing: Standing, repeated: Repeated
) -> QueryAccepted:
    """Answer a repetition as the first time; if the turn has ended, its response follows."""
    key = standing.conversation.key
    if wish.regenerate_of is not None:
        again = await repeated_turn(services, wish, key, turn_id(key, repeated.message_id))
        return await _repeated_turn(services, engine, wish, standing, again, repeated)
    message = await services.conversations.message(key, repeated.message_id)
    turn = await services.conversations.turn(key, TurnId(message.turn_id)) if message and message.turn_id else None
    if message is None and repeated.turn_id and await services.conversations.turn(key, repeated.turn_id) is not None:
        raise ChatError(ErrorCode.CONFLICT, "This message_id was used to regenerate an answer.")
    if message is None or (message.turn_id and turn is None):
        raise ChatError(ErrorCode.INTERNAL, "The earlier message cannot be read at present.")
    if message.sender is None or message.sender.id != wish.grant.user_id or message.content != wish.content:
        raise ChatError(ErrorCode.CONFLICT, "This message_id was used for another message.")
    return await _repeated_turn(services, engine, wish, standing, turn, repeated)


async def _repeated_turn(
    services: Services, engine: TurnEngine, wish: Ask, standing: Standing, turn: Turn | None, repeated: Repeated
) -> QueryAccepted:
    if turn is not None and turn.attempt == 0:
        # The first acceptance may have died right after its batch; doing the rest twice does no harm.
        await _begin(services, engine, turn)
    if turn is not None and turn.status.ended and turn.sealed is not None and wish.connection is not None:
        await tell_connection(services, wish.connection, _ended(standing, turn, turn.sealed))
    named = turn.turn_id if turn else None
    return _accepted(standing.conversation, wish, repeated.message_id, named, duplicate=True)


def _ended(standing: Standing, turn: Turn, answer: Message) -> Response | ResponseWithheld:
    """Show an answer that is there already, unless it is not for this person."""
    if standing.sight.reads(answer):
        return response_of(turn, answer)
    return ResponseWithheld(**address(turn.conversation), turn_id=turn.turn_id, reason="role")


def _accepted(
    conversation: Conversation, wish: Ask, message_id: MessageId, turn: str | None, *, duplicate: bool
) -> QueryAccepted:
    return QueryAccepted(
        **address(conversation),
        message_id=message_id,
        turn_id=turn,
        duplicate=duplicate,
        request_id=wish.request_id,
    )

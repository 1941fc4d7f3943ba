"""Query (step 3): accept a question once, give it its place, start its turn."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal
from weakref import WeakValueDictionary

from shared.domain.conversation import Conversation, Head, Message, Person, Placed, Question, Repeated, place
from shared.domain.entries import ConversationEntry
from shared.domain.errors import ChatError, EngineUnavailable, ErrorCode, StoreUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import NewMessage, QueryAccepted
from shared.domain.identity import SessionGrant
from shared.domain.ids import ConnectionId, ConversationKey, MessageId, PublicId, session_key, text_hash, turn_id
from shared.domain.text import clean_title
from shared.domain.turns import LEASE_S, Turn, TurnStatus
from shared.flow import limits
from shared.flow.approvals import supersede
from shared.flow.audience import tell, tell_connection
from shared.flow.respond import response_of
from shared.flow.services import Services
from shared.ports import TurnEngine

TOKEN_LEFT_S = 300.0
"""A question whose token lives shorter is refused before acceptance (docs/protocol.md)."""
ACCEPT_WITHIN_S = 2.0
"""How long acceptance is retried against other writers (architecture.md, decision 2)."""
CONTENT_MOST_BYTES = 32 * 1024

_log = logging.getLogger("salescoach.query")
_turnstiles: WeakValueDictionary[ConversationKey, asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question as it arrived, its asker proved."""

    grant: SessionGrant
    session_id: PublicId
    message_id: MessageId
    id_from_client: bool
    content: str | None
    input_type: Literal["text", "audio"] = "text"
    spoken: bool = False
    connection: ConnectionId | None = None
    request_id: str | None = None


async def ask(services: Services, engine: TurnEngine, wish: Ask) -> QueryAccepted:
    """Accept the question, or name the earlier one that it repeats.

    Raises:
        ChatError: refused before acceptance, so that nothing is stored; never after.
    """
    question = _question(services, wish)
    turnstile = _turnstiles.setdefault(question.conversation.key, asyncio.Lock())
    async with turnstile:
        outcome = await _accept(services, wish, question)
    if isinstance(outcome, Repeated):
        return await _repeat(services, engine, wish, question, outcome)
    message, turn = outcome
    await asyncio.gather(
        _announce(services, wish, question, message), start(engine, turn), _supersede(services, engine, turn)
    )
    _log.info(
        "query.accepted",
        extra={
            "turn_id": turn.turn_id,
            "status": turn.status.value,
            "seq": message.seq,
            "chars": len(message.content),
        },
    )
    return _accepted(question.conversation, wish, question.message_id, turn.turn_id, duplicate=False)


def _question(services: Services, wish: Ask) -> Question:
    content = wish.content or ""
    if not content.strip():
        raise ChatError(ErrorCode.BAD_REQUEST, "The question is empty.")
    if len(content.encode()) > CONTENT_MOST_BYTES:
        raise ChatError(ErrorCode.TOO_LARGE, "The question is longer than 32 KiB.")
    if wish.grant.expires_at - services.clock.now() < timedelta(seconds=TOKEN_LEFT_S):
        raise ChatError(ErrorCode.TOKEN_EXPIRED, "The token ends too soon: send session.update with a new one.")
    user = wish.grant.user_id
    key = session_key(user, wish.session_id)
    return Question(
        conversation=Conversation(key=key, public_id=wish.session_id, kind="session", owner=user),
        message_id=wish.message_id,
        id_from_client=wish.id_from_client,
        sender=Person(id=user, name=wish.grant.name),
        content=content,
        text_hash=text_hash(content),
        input_type=wish.input_type,
        turn_id=turn_id(key, wish.message_id),
    )


async def _accept(services: Services, wish: Ask, question: Question) -> tuple[Message, Turn] | Repeated:
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
        message, turn = _records(services, wish, question, placed)
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
        return place(head, question, services.clock.now())
    except ChatError:
        if repeated := await _earlier(services, question):
            return repeated
        raise


async def _earlier(services: Services, question: Question) -> Repeated | None:
    """Find the question that this one repeats, whatever limits are used up: a repetition does not count."""
    key = question.conversation.key
    if not question.id_from_client or await services.conversations.message(key, question.message_id) is None:
        return None
    return Repeated(message_id=question.message_id, turn_id=question.turn_id)


async def _uncount(services: Services, question: Question) -> None:
    """Give back what a repetition took, unless its turn still runs on it."""
    turn = await services.conversations.turn(question.conversation.key, question.turn_id)
    if turn is None or turn.status.ended:
        await limits.give_back(services, question)


def _records(services: Services, wish: Ask, question: Question, placed: Placed) -> tuple[Message, Turn]:
    now = services.clock.now()
    message = Message(
        conversation_id=question.conversation.public_id,
        seq=placed.seq,
        message_id=question.message_id,
        turn_id=question.turn_id,
        author="user",
        sender=question.sender,
        content=question.content,
        input_type=question.input_type,
        created_at=now,
    )
    turn = Turn(
        conversation=question.conversation,
        turn_id=question.turn_id,
        question_id=question.message_id,
        asker=question.sender,
        session_id=wish.grant.session_id,
        role=wish.grant.role,
        input_type=question.input_type,
        created_at=now,
        lease_until=now + timedelta(seconds=LEASE_S),
        timezone=wish.grant.timezone,
        locale=wish.grant.locale,
        spoken=wish.spoken,
    )
    if placed.starts:
        turn = replace(turn, status=TurnStatus.RUNNING, epoch=1)
    return message, turn


async def _announce(services: Services, wish: Ask, question: Question, message: Message) -> None:
    """Show the question to the person's other connections, and list a conversation that begins."""
    frame = NewMessage(message=message, session_id=question.conversation.public_id)
    if message.seq == 1:
        await asyncio.gather(
            list_conversation(services, question.conversation, message),
            tell(services, question.conversation, frame, but=wish.connection),
        )
    else:
        await tell(services, question.conversation, frame, but=wish.connection)


async def list_conversation(services: Services, conversation: Conversation, first: Message) -> None:
    """Put a conversation into its person's list; a repeat changes nothing."""
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
    services: Services, engine: TurnEngine, wish: Ask, question: Question, repeated: Repeated
) -> QueryAccepted:
    """Answer a repetition as the first time; if the turn has ended, its response follows."""
    key = question.conversation.key
    message, turn = await asyncio.gather(
        services.conversations.message(key, repeated.message_id), services.conversations.turn(key, repeated.turn_id)
    )
    if message is None or turn is None:
        raise ChatError(ErrorCode.INTERNAL, "The earlier message cannot be read at present.")
    if message.sender is None or message.sender.id != question.sender.id or message.content != question.content:
        raise ChatError(ErrorCode.CONFLICT, "This message_id was used for another message.")
    if turn.attempt == 0:
        # The first acceptance may have died right after its batch; doing the rest twice does no harm.
        await asyncio.gather(start(engine, turn), _supersede(services, engine, turn))
    if turn.status.ended and turn.sealed is not None and wish.connection is not None:
        await tell_connection(services, wish.connection, response_of(turn, turn.sealed))
    return _accepted(question.conversation, wish, repeated.message_id, turn.turn_id, duplicate=True)


def _accepted(
    conversation: Conversation, wish: Ask, message_id: MessageId, turn: str, *, duplicate: bool
) -> QueryAccepted:
    return QueryAccepted(
        **address(conversation),
        message_id=message_id,
        turn_id=turn,
        duplicate=duplicate,
        request_id=wish.request_id,
    )

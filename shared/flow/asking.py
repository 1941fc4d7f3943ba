"""Make what is stored of a question: who asks where, in which role, and whether the coach is asked at all."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from shared.domain.conversation import Message, Person, Placed, Question
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import SessionGrant
from shared.domain.ids import ConnectionId, MessageId, PublicId, text_hash, turn_id
from shared.domain.turns import LEASE_S, Turn, TurnStatus
from shared.flow.services import Services
from shared.flow.standing import Reader, Standing, in_group, in_session

TOKEN_LEFT_S = 300.0
"""A question whose token lives shorter is refused before acceptance (docs/protocol.md)."""
CONTENT_MOST_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question as it arrived, its asker proved."""

    grant: SessionGrant
    session_id: PublicId
    message_id: MessageId
    id_from_client: bool
    content: str | None
    group_id: PublicId | None = None
    """The group that is asked in place of the session."""
    joined: bool = True
    """Whether the connection joined that group, so that it will hear what comes of it."""
    input_type: Literal["text", "audio"] = "text"
    spoken: bool = False
    connection: ConnectionId | None = None
    request_id: str | None = None
    regenerate_of: MessageId | None = None
    """The answer that another one is wished for, in place of a question."""


async def standing_of(services: Services, wish: Ask) -> Standing:
    """Find where the asker stands, and whether they may write there at this moment.

    Raises:
        ChatError: `not_found` for a group that is not theirs, `conflict` for one that is archived or not joined.
    """
    reader = Reader(user_id=wish.grant.user_id, roles=wish.grant.roles)
    if wish.group_id is None:
        return in_session(reader, wish.session_id)
    standing = await in_group(services, reader, wish.group_id)
    standing.require_open()
    if not wish.joined:
        raise ChatError(ErrorCode.CONFLICT, "Send join_group first, so that this connection hears the group.")
    return standing


def question_of(services: Services, wish: Ask, standing: Standing) -> Question:
    """Read the question as one that asks to be accepted.

    Raises:
        ChatError: `bad_request`, `too_large`, or `token_expired` for a token that ends too soon.
    """
    content = wish.content or ""
    if not content.strip():
        raise ChatError(ErrorCode.BAD_REQUEST, "The question is empty.")
    if len(content.encode()) > CONTENT_MOST_BYTES:
        raise ChatError(ErrorCode.TOO_LARGE, "The question is longer than 32 KiB.")
    require_time(services, wish)
    return Question(
        conversation=standing.conversation,
        message_id=wish.message_id,
        id_from_client=wish.id_from_client,
        sender=Person(id=wish.grant.user_id, name=wish.grant.name),
        content=content,
        text_hash=text_hash(content),
        input_type=wish.input_type,
        turn_id=turn_id(standing.conversation.key, wish.message_id),
        calls_coach=standing.calls_coach(wish.grant.user_id, content, services.coach_names),
    )


def require_time(services: Services, wish: Ask) -> None:
    """Refuse whose token ends before an answer can be there.

    Raises:
        ChatError: `token_expired`.
    """
    if wish.grant.expires_at - services.clock.now() < timedelta(seconds=TOKEN_LEFT_S):
        raise ChatError(ErrorCode.TOKEN_EXPIRED, "The token ends too soon: send session.update with a new one.")


def records(
    services: Services, wish: Ask, standing: Standing, question: Question, placed: Placed
) -> tuple[Message | None, Turn | None]:
    """Make the message at its place if it is a new one, and the turn that answers it if it calls the coach."""
    message = None if question.again else _message(services, question, placed)
    if not question.calls_coach:
        return message, None
    turn = _turn(services, wish, standing, question)
    return message, replace(turn, status=TurnStatus.RUNNING, epoch=1) if placed.starts else turn


def _message(services: Services, question: Question, placed: Placed) -> Message:
    return Message(
        conversation_id=question.conversation.public_id,
        seq=placed.seq,
        message_id=question.message_id,
        turn_id=question.turn_id if question.calls_coach else None,
        author="user",
        sender=question.sender,
        content=question.content,
        input_type=question.input_type,
        created_at=services.clock.now(),
    )


def _turn(services: Services, wish: Ask, standing: Standing, question: Question) -> Turn:
    now, again = services.clock.now(), question.again
    return Turn(
        conversation=question.conversation,
        turn_id=question.turn_id,
        question_id=MessageId(again.question_id) if again else question.message_id,
        asker=question.sender,
        session_id=wish.grant.session_id,
        role=standing.works_as(wish.grant.role),
        input_type=question.input_type,
        created_at=now,
        lease_until=now + timedelta(seconds=LEASE_S),
        timezone=wish.grant.timezone,
        locale=wish.grant.locale,
        spoken=wish.spoken,
        asker_sight=standing.limited_sight,
        listeners=standing.listeners,
        alternative_of=again.answer_id if again else None,
    )

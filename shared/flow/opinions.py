"""Keep what people think of answers, and rename conversations."""

from dataclasses import dataclass
from typing import Literal

from shared.domain.conversation import NO_SUCH_SESSION, Conversation
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.frame_parts import address
from shared.domain.ids import MessageId, PublicId, TurnId, UserId, session_key
from shared.domain.notes import Feedback
from shared.domain.side_frames import FeedbackSaved, SessionTitle
from shared.domain.text import clean_title
from shared.flow.audience import tell
from shared.flow.services import Services
from shared.flow.standing import Reader, anywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a person says of an answer."""

    conversation_id: PublicId
    message_id: MessageId
    rating: Literal["up", "down"]
    comment: str | None = None
    request_id: str | None = None


async def rate(services: Services, user_id: UserId, opinion: Opinion, roles: tuple[str, ...] = ()) -> FeedbackSaved:
    """Store a thumb and its comment with what made the answer: model and version of the prompt.

    Raises:
        ChatError: `not_found` when the person's conversation has no such answer.
    """
    standing = await anywhere(services, Reader(user_id=user_id, roles=roles), opinion.conversation_id)
    key = standing.conversation.key
    answer = await services.conversations.answer(key, opinion.message_id)
    if answer is None or not standing.sight.reads(answer):
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such answer.")
    feedback = Feedback(
        message_id=opinion.message_id,
        turn_id=TurnId(answer.turn_id or ""),
        user_id=user_id,
        rating=opinion.rating,
        comment=opinion.comment,
        model=answer.model,
        prompt_version=answer.prompt_version,
        created_at=services.clock.now(),
    )
    await services.conversations.put_feedback(key, feedback)
    return FeedbackSaved(
        **address(standing.conversation),
        message_id=opinion.message_id,
        rating=opinion.rating,
        request_id=opinion.request_id,
    )


async def rename(services: Services, user_id: UserId, session_id: PublicId, title: str) -> SessionTitle:
    """Give a session the title that its person wants, for good, and show it on all of the person's devices.

    Raises:
        ChatError: `not_found` when the person has no such session, `bad_request` for an empty title.
    """
    wanted = clean_title(title, most=200)
    if not wanted:
        raise ChatError(ErrorCode.BAD_REQUEST, "The title is empty.")
    if not await services.users.retitle(user_id, session_key(user_id, session_id), wanted, by_person=True):
        raise ChatError(ErrorCode.NOT_FOUND, NO_SUCH_SESSION)
    key = session_key(user_id, session_id)
    where = Conversation(key=key, public_id=session_id, kind="session", owner=user_id)
    frame = SessionTitle(**address(where), title=wanted)
    await tell(services, where, frame)
    return frame

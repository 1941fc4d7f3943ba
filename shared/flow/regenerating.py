"""Regenerate: another answer to the question that was answered last, in place of the one that is there (rule 17)."""

from shared.domain.conversation import Again, Person, Question
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import ConversationKey, MessageId, TurnId, text_hash, turn_id
from shared.domain.turns import Turn
from shared.flow.asking import Ask, require_time
from shared.flow.services import Services
from shared.flow.standing import Standing

LOOKED_BACK = 40
"""So many messages are read; people may have talked since the answer."""


async def question_again(services: Services, wish: Ask, standing: Standing) -> Question:
    """Read the wish as one for another answer; it is the same question, so that no message is stored with it.

    Raises:
        ChatError: `bad_request` unless its asker names the conversation's last answer, without content.
    """
    require_time(services, wish)
    if wish.content:
        raise ChatError(ErrorCode.BAD_REQUEST, "Name regenerate_of or content, not both.")
    key, wished = standing.conversation.key, turn_id(standing.conversation.key, wish.message_id)
    earlier = await services.conversations.turn(key, wished) if wish.id_from_client else None
    if earlier is not None and earlier.alternative_of == wish.regenerate_of:
        # A repetition: what was the last answer then need not be so now.
        again = Again(question_id=earlier.question_id, answer_id=str(wish.regenerate_of), turn_id=None, next_seq=0)
    else:
        again = await _last(services, key, wish)
    question = await services.conversations.message(key, MessageId(again.question_id))
    if question is None or question.sender is None or question.sender.id != wish.grant.user_id:
        raise _refused()
    return Question(
        conversation=standing.conversation,
        message_id=wish.message_id,
        id_from_client=wish.id_from_client,
        sender=Person(id=wish.grant.user_id, name=wish.grant.name),
        content=question.content,
        text_hash=text_hash(f"again {again.answer_id}"),
        input_type=question.input_type,
        turn_id=wished,
        again=again,
    )


async def _last(services: Services, key: ConversationKey, wish: Ask) -> Again:
    messages = await services.conversations.messages(key, after_seq=None, before_seq=None, limit=LOOKED_BACK)
    turns = [message for message in messages if message.turn_id is not None]
    answer = turns[-1] if turns else None
    if answer is None or answer.message_id != wish.regenerate_of or answer.question_id is None:
        raise _refused()
    return Again(
        question_id=answer.question_id,
        answer_id=answer.message_id,
        turn_id=answer.turn_id,
        next_seq=messages[-1].seq + 1,
    )


def _refused() -> ChatError:
    return ChatError(ErrorCode.BAD_REQUEST, "Only the last answer can be given anew, and by its asker.")


async def is_known(services: Services, question: Question) -> bool:
    """Tell whether this very wish was accepted before."""
    return await services.conversations.turn(question.conversation.key, question.turn_id) is not None


async def repeated_turn(services: Services, wish: Ask, key: ConversationKey, turn: TurnId) -> Turn:
    """Find the turn of a wish that was accepted before.

    Raises:
        ChatError: `conflict` when its id was used for something else.
    """
    found = await services.conversations.turn(key, turn)
    if found is None:
        raise ChatError(ErrorCode.INTERNAL, "The earlier message cannot be read at present.")
    if found.alternative_of != wish.regenerate_of or found.asker.id != wish.grant.user_id:
        raise ChatError(ErrorCode.CONFLICT, "This message_id was used for another message.")
    return found

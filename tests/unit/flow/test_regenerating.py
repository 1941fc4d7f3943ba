"""Another answer to the last question, and what becomes of questions while one is being answered."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.conversation import Queue
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import MessageId, session_key
from tests.unit.flow.conftest import SAM, SESSION

FIRST = "10000000-0000-4000-8000-000000000001"
AGAIN = "20000000-0000-4000-8000-000000000002"


async def stored(room: Any) -> list[Any]:
    """Give all messages of the session."""
    return await room.conversations.messages(session_key(SAM, SESSION), after_seq=0, before_seq=None, limit=100)


async def answered(room: Any, rounds: Any, content: str = "How is it?", text: str = "Fine.") -> Any:
    """Ask, run the turn and give its answer."""
    room.scripted(rounds.says(text))
    await room.ask(content)
    await room.run()
    return (await stored(room))[-1]


@pytest.mark.requirement("query:regenerate")
async def test_another_answer_belongs_to_the_same_question_and_says_whose_place_it_takes(
    room: Any, rounds: Any
) -> None:
    """No second question is stored; the frames name the question, the turn and the answer that was."""
    first = await answered(room, rounds)
    room.scripted(rounds.says("Better than ever."))
    accepted = await room.ask("", AGAIN, regenerate_of=MessageId(first.message_id))
    await room.run()

    messages = await stored(room)
    second = messages[-1]
    assert [message.author for message in messages] == ["user", "assistant", "assistant"]
    assert [message.seq for message in messages] == [1, 2, 3]
    assert (second.alternative_of, second.question_id) == (first.message_id, first.question_id)
    assert second.turn_id == accepted.turn_id != first.turn_id
    assert room.frames("response.started")[-1].question_id == first.question_id
    assert room.frames("response")[-1].alternative_of == first.message_id
    assert len(room.frames("new_message")) == 1


@pytest.mark.requirement("query:regenerate")
async def test_the_model_is_asked_the_same_question_without_the_answer_that_was(room: Any, rounds: Any) -> None:
    """And what is asked later follows the newest answer, also after another try of the other try."""
    first = await answered(room, rounds, text="Answer one.")
    for text in ("Answer two.", "Answer three."):
        room.scripted(rounds.says(text))
        await room.ask("", regenerate_of=MessageId((await stored(room))[-1].message_id))
        await room.run()
    anew = room.model.requests[-1]
    await answered(room, rounds, "And now?", "Answer four.")

    assert [said.text for said in anew.said] == ["How is it?"]
    assert [said.text for said in room.model.requests[-1].said] == ["How is it?", "Answer three.", "And now?"]
    assert first.content == "Answer one."


@pytest.mark.requirement("query:regenerate")
async def test_only_the_last_answer_can_be_given_anew(room: Any, rounds: Any) -> None:
    """Neither an older one, nor a question, nor with content, nor while another question waits."""
    first = await answered(room, rounds)
    last = await answered(room, rounds, "And then?")
    wishes = [("", first.message_id), ("", last.question_id), ("", FIRST), ("say more", last.message_id)]
    codes: list[ErrorCode] = []
    for content, answer in wishes:
        with pytest.raises(ChatError) as refused:
            await room.ask(content, regenerate_of=MessageId(answer))
        codes.append(refused.value.code)
    await room.ask("A third one")
    with pytest.raises(ChatError) as while_asked:
        await room.ask("", regenerate_of=MessageId(last.message_id))

    assert set(codes) == {ErrorCode.BAD_REQUEST}
    assert while_asked.value.code is ErrorCode.BAD_REQUEST
    assert len(await stored(room)) == 5


@pytest.mark.requirement("query:regenerate")
async def test_the_same_wish_twice_is_one_turn_also_when_it_has_ended(room: Any, rounds: Any) -> None:
    """Found by its id; the id is not free for anything else."""
    first = await answered(room, rounds)
    room.scripted(rounds.says("Better."))
    one = await room.ask("", AGAIN, regenerate_of=MessageId(first.message_id))
    two = await room.ask("", AGAIN, regenerate_of=MessageId(first.message_id))
    without_id = await room.ask("", regenerate_of=MessageId(first.message_id))
    await room.run()
    three = await room.ask("", AGAIN, regenerate_of=MessageId(first.message_id))
    with pytest.raises(ChatError) as other:
        await room.ask("Something else", AGAIN)

    assert one.turn_id == two.turn_id == three.turn_id == without_id.turn_id
    assert [one.duplicate, two.duplicate, three.duplicate] == [False, True, True]
    assert other.value.code is ErrorCode.CONFLICT
    assert len(await stored(room)) == 3


@pytest.mark.requirement("query:policy")
async def test_a_conversation_may_refuse_instead_of_letting_wait(room: Any, rounds: Any) -> None:
    """`conflict`, and nothing is stored; the same question again is a repetition as ever."""
    room.services = replace(room.services, queue=Queue(policy="reject"))
    room.scripted(rounds.says("Fine."))
    first = await room.ask("One?", FIRST)
    with pytest.raises(ChatError) as refused:
        await room.ask("Two?")
    again = await room.ask("One?", FIRST)
    await room.run()
    await room.ask("Two?")

    assert refused.value.code is ErrorCode.CONFLICT
    assert (again.turn_id, again.duplicate) == (first.turn_id, True)


@pytest.mark.requirement("query:policy")
@pytest.mark.parametrize("waiting", [0, 2])
async def test_so_many_questions_wait_as_is_set(room: Any, waiting: int) -> None:
    """One more is told when to come again."""
    room.services = replace(room.services, queue=Queue(waiting=waiting))
    for number in range(waiting + 1):
        await room.ask(f"Question {number}")
    with pytest.raises(ChatError) as refused:
        await room.ask("One too many")

    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert refused.value.retry_after_s

"""After a turn: titles, summaries, feedback; no turn waits for them or fails by them."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.bpe_tokens import BpeTokens
from shared.domain.errors import ChatError, ErrorCode, ModelFailed
from shared.domain.ids import MessageId, PublicId, UserId, session_key
from shared.domain.notes import SUMMARY_EVERY, VERBATIM
from shared.domain.turn_events import RunRound
from shared.flow import history, opinions
from shared.flow.afterwards import tidy
from shared.flow.context import build
from shared.wire.documents import answer_document, head_document, question_document

DOWN = ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "down", may_repeat=True)


async def first_exchange(room: Any, rounds: Any) -> Any:
    """One question and its answer."""
    room.scripted(rounds.says("Seven deals are open."))
    await room.ask("How is my pipeline this quarter?")
    await room.run()
    return room.started()


async def title_of(room: Any, rounds: Any) -> str:
    """The title as REST shows it."""
    return (await history.session(room.services, rounds.SAM, rounds.SESSION)).title


@pytest.mark.requirement("respond:title")
async def test_a_conversation_is_named_after_its_first_exchange_once(room: Any, rounds: Any) -> None:
    """By the utility model, after the turn's end; a repeat asks no model again."""
    ref = await first_exchange(room, rounds)
    room.scripted(rounds.says('"Pipeline this ', 'quarter."'))

    await tidy(room.services, ref)
    await tidy(room.services, ref)

    assert await title_of(room, rounds) == "Pipeline this quarter"
    assert [frame.title for frame in room.frames("session.title")] == ["Pipeline this quarter"]
    assert [request.purpose for request in room.model.requests] == ["answer", "utility"]
    kinds = [frame.type for frame in room.frames("response.committed", "session.title")]
    assert kinds == ["response.committed", "session.title"]


@pytest.mark.requirement("respond:title")
async def test_a_title_that_its_person_gave_is_never_replaced(room: Any, rounds: Any) -> None:
    """Not even when it comes while the model is writing another one."""
    ref = await first_exchange(room, rounds)
    writing = asyncio.Event()
    room.scripted([writing, *rounds.says("Another title")])

    naming = asyncio.create_task(tidy(room.services, ref))
    await asyncio.sleep(0)
    await opinions.rename(room.services, rounds.SAM, rounds.SESSION, "  My own\n title ")
    writing.set()
    await naming

    assert await title_of(room, rounds) == "My own title"
    assert [frame.title for frame in room.frames("session.title")] == ["My own title"]


async def test_a_model_that_is_down_costs_the_title_alone(room: Any, rounds: Any) -> None:
    """The primary is asked when the utility model does not answer; without both the first question stays."""
    ref = await first_exchange(room, rounds)
    room.scripted([DOWN], [DOWN])

    await tidy(room.services, ref)

    assert await title_of(room, rounds) == "How is my pipeline this quarter?"
    assert [request.purpose for request in room.model.requests[1:]] == ["utility", "answer"]
    room.scripted([DOWN], rounds.says("Pipeline"))
    await tidy(room.services, ref)
    assert await title_of(room, rounds) == "Pipeline"


@pytest.mark.parametrize(("session", "title", "code"), [("other", "x", "not_found"), ("own", " \n ", "bad_request")])
async def test_only_an_own_session_is_renamed_and_only_with_words(
    room: Any, rounds: Any, session: str, title: str, code: str
) -> None:
    """Absent and foreign look the same."""
    await first_exchange(room, rounds)
    named = rounds.SESSION if session == "own" else PublicId("00000000-0000-4000-8000-000000000000")

    with pytest.raises(ChatError) as refused:
        await opinions.rename(room.services, rounds.SAM, named, title)

    assert refused.value.code == code


async def talked(room: Any, rounds: Any, messages: int, text: str = "Deal {n} closed for {n} EUR. ") -> Any:
    """A conversation of so many messages: one real exchange, the earlier ones as stored."""
    room.scripted(rounds.says("Before."))
    await room.ask("Before?")
    await room.run()
    stored = await room.conversations.head(room.started().key)
    where = stored.head.conversation
    turn = await room.turn(room.started())
    answer = turn.sealed
    for seq in range(3, messages + 1, 2):
        said = text.format(n=seq)
        question = replace(
            answer, seq=seq, message_id=f"q-{seq}", author="user", content=f"And {seq}?", question_id=None, turn_id=None
        )
        reply = replace(
            answer, seq=seq + 1, message_id=f"a-{seq}", content=said, question_id=f"q-{seq}", turn_id=f"t-{seq}"
        )
        room.conversations.bind([question_document(where, question), answer_document(where, reply)])
    room.conversations.bind([head_document(replace(stored.head, next_seq=messages + 1))])
    return where.key


@pytest.mark.requirement("process:window")
@pytest.mark.parametrize("messages", [10, 100, 1_000])
async def test_conversations_of_any_length_stay_within_the_budget(room: Any, rounds: Any, messages: int) -> None:
    """Counted by the model's own encoding; the newest exchange is always there."""
    room.services = replace(room.services, count_tokens=BpeTokens().count)
    await talked(room, rounds, messages, "Deal {n} closed for {n} EUR. " * 150)
    room.scripted(rounds.says("Now."))

    await room.ask("And now?")
    turn = await room.turn(room.started())
    began = asyncio.get_running_loop().time()
    await build(room.services, turn, RunRound(round=0, last=False, use_secondary=False, calls_left=16))
    print(f"{messages} messages: the context is built in {asyncio.get_running_loop().time() - began:.3f} s")  # noqa: T201
    await room.run()

    request = room.model.requests[-1]
    tokens = sum(BpeTokens().count(said.text) for said in request.said[:-1])
    assert tokens <= 24_000
    assert request.said[-1].text == "And now?"
    assert len(request.said) % 2 == 1
    assert request.said[-2].text.startswith(f"Deal {messages - 1}")


@pytest.mark.requirement("process:summary")
async def test_the_older_part_is_summarised_once_and_told_to_the_model(room: Any, rounds: Any) -> None:
    """Also when the step runs twice; what the summary speaks of is not told again."""
    key = await talked(room, rounds, SUMMARY_EVERY + VERBATIM - 2)
    room.scripted(rounds.says("Then."))
    await room.ask("Then?")
    await room.run()
    room.scripted(rounds.says("Many deals closed."))

    await tidy(room.services, room.started())
    await tidy(room.services, room.started())

    summary = await room.conversations.summary(key)
    assert (summary.n, summary.seq, summary.text) == (1, SUMMARY_EVERY, "Many deals closed.")
    assert (summary.model, summary.turn_id) == ("m", room.started().turn_id)
    assert room.model.requests[-1].purpose == "utility"
    room.scripted(rounds.says("Now."))
    await room.ask("And now?")
    await room.run()
    request = room.model.requests[-1]
    assert "Many deals closed." in request.system
    assert request.said[0].text == f"And {SUMMARY_EVERY + 1}?"


@pytest.mark.requirement("process:summary")
async def test_two_executions_store_one_summary(room: Any, rounds: Any) -> None:
    """Both have read the same; the number decides."""
    key = await talked(room, rounds, SUMMARY_EVERY + VERBATIM - 2)
    room.scripted(rounds.says("Then."))
    await room.ask("Then?")
    await room.run()
    room.scripted(rounds.says("One."), rounds.says("Two."))

    await asyncio.gather(tidy(room.services, room.started()), tidy(room.services, room.started()))

    kinds = [document["id"] for document in room.conversations.documents(key) if document["kind"] == "summary"]
    assert kinds == ["s:1"]


@pytest.mark.requirement("query:feedback")
async def test_a_thumb_is_stored_with_what_made_the_answer(room: Any, rounds: Any) -> None:
    """Model and version of the prompt; the newest word of a person counts."""
    ref = await first_exchange(room, rounds)
    answer = (await room.turn(ref)).sealed
    opinion = opinions.Opinion(
        conversation_id=rounds.SESSION, message_id=MessageId(answer.message_id), rating="down", comment="Too short"
    )

    await opinions.rate(room.services, rounds.SAM, opinion)
    saved = await opinions.rate(room.services, rounds.SAM, replace(opinion, rating="up", comment=None, request_id="r"))

    stored = [one for one in room.conversations.documents(ref.key) if one["kind"] == "feedback"]
    assert (saved.rating, saved.message_id, saved.request_id) == ("up", answer.message_id, "r")
    assert len(stored) == 1
    assert (stored[0]["rating"], stored[0]["model"]) == ("up", "m")
    assert stored[0]["prompt_version"] == answer.prompt_version


async def test_nobody_rates_what_is_not_theirs(room: Any, rounds: Any) -> None:
    """A foreign person's session of the same id is another session; a question is no answer."""
    ref = await first_exchange(room, rounds)
    turn = await room.turn(ref)
    for user, message in (("other:eve", turn.sealed.message_id), (rounds.SAM, turn.question_id)):
        opinion = opinions.Opinion(conversation_id=rounds.SESSION, message_id=MessageId(message), rating="up")
        with pytest.raises(ChatError) as refused:
            await opinions.rate(room.services, UserId(user), opinion)
        assert refused.value.code is ErrorCode.NOT_FOUND
    assert session_key(UserId("other:eve"), rounds.SESSION) != ref.key

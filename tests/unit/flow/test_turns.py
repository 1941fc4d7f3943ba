"""A question's way to its stored answer, over ports."""

import asyncio
from typing import Any

import pytest

from shared.domain.conversation import Usage
from shared.domain.errors import ChannelUnavailable, ChatError, ErrorCode, ModelFailed
from shared.domain.ids import CallId, UserId, key_of, session_key
from shared.domain.model import RoundFinished, TextDelta
from shared.domain.tools import CallState
from shared.domain.turn_events import RunRound, RunTools
from shared.domain.turns import TurnRef
from shared.flow import approvals, history, process, resume
from shared.flow.tools import run_tool


def text_of(frames: Any) -> str:
    """Apply deltas as a client does: a higher attempt clears, the offset places."""
    text, attempt = "", 0
    for frame in frames:
        if frame.attempt > attempt:
            text, attempt = "", frame.attempt
        if frame.attempt == attempt:
            assert frame.offset <= len(text)
            text = text[: frame.offset] + frame.text
    return text


@pytest.mark.requirement("respond:one-text")
async def test_deltas_response_and_stored_answer_are_one_text(room: Any, rounds: Any) -> None:
    """Rule 7, across a tool round and whatever had to be normalised."""
    room.answers("sfdc/pipeline")
    room.scripted(
        rounds.asks_for("sfdc__pipeline", first="Let me look.\r\n"), rounds.says("It is ", "7\x00 \ud83d", "\ude00.")
    )

    await room.ask()
    effects = await room.run()

    stored = await history.messages(room.services, rounds.SAM, rounds.SESSION, after_seq=0, before_seq=None, limit=9)
    answer = stored.messages[1]
    assert effects == ["RunRound", "RunTools", "RunRound", "Seal", "Persist", "Release"]
    assert answer.content == "Let me look.\n\n\nIt is 7 😀."
    assert room.frames("response")[0].content == answer.content
    assert text_of(room.frames("response.delta")) == answer.content


@pytest.mark.requirement("respond:illustrated")
async def test_a_table_in_the_answer_is_sealed_shown_and_stored_with_its_chart(room: Any, rounds: Any) -> None:
    """All of its text went out before; the response, the store and REST have the same table and chart."""
    room.scripted(rounds.says("By region:\n\n| Region | Deals |\n|---|---|\n", "| North | 12 |\n| South | 7 |\n"))

    await room.ask()
    await room.run()

    page = await history.messages(room.services, rounds.SAM, rounds.SESSION, after_seq=0, before_seq=None, limit=9)
    shown, stored = room.frames("response")[0], page.messages[1]
    kinds = [frame.type for frame in room.frames("response.delta", "response")]
    assert shown.tables[0].rows == [["North", 12], ["South", 7]]
    assert shown.chart_data.chartType == "bar"
    assert (stored.tables, stored.chart_data) == (shown.tables, shown.chart_data)
    assert kinds[-1] == "response"
    assert text_of(room.frames("response.delta")) == stored.content


@pytest.mark.requirement("respond:charts-true")
async def test_an_answer_that_was_cut_shows_only_what_is_surely_whole(room: Any, rounds: Any) -> None:
    """The last number of a table may have been cut in two."""
    whole = "| Region | Deals |\n|---|---|\n| North | 12 |\n| South | 7 |\n\n"
    cut = RoundFinished(reason="length", model="m", usage=rounds.says()[-1].usage)
    room.scripted([TextDelta(whole), TextDelta("| Region | Deals |\n|---|---|\n| East | 3 |\n| West | 4"), cut])

    await room.ask()
    await room.run()

    assert [table.rows for table in room.frames("response")[0].tables] == [[["North", 12], ["South", 7]]]


async def test_the_ends_come_in_order_and_the_question_is_listed(room: Any, rounds: Any) -> None:
    """`response`, then `response.committed`; and the conversation is in its person's list."""
    room.scripted(rounds.says("Fine."))

    accepted = await room.ask("How is my pipeline this quarter?")
    await room.run()

    kinds = [frame.type for frame in room.frames()]
    page = await history.sessions(room.services, rounds.SAM, cursor=None, limit=10, search=None)
    assert kinds[-2:] == ["response", "response.committed"]
    assert page.items[0].title == "How is my pipeline this quarter?"
    assert page.items[0].active_turn is None
    assert (await room.turn(room.started())).status == "done"
    assert accepted.turn_id == room.started().turn_id


@pytest.mark.requirement("tools:ledger")
async def test_the_model_gets_results_and_the_person_gets_feedback_from_the_ledger(room: Any, rounds: Any) -> None:
    """Two calls of one round, one of which fails."""
    room.answers("sfdc/pipeline", '{"total": 42}')
    room.scripted(rounds.asks_for("sfdc__pipeline", "hr__salary_of", "sfdc__made_up"), rounds.says("Done."))

    await room.ask()
    await room.run()

    told = [said.text for said in room.model.requests[1].said if said.role == "tool"]
    feedback = room.frames("response")[0].tool_feedback
    begin, result, end = told[0].splitlines()
    assert result == '{"total": 42}'
    assert begin.startswith("[data ")
    assert end == f"[end of data {begin.split()[1]}]"
    assert all("no such tool" in text for text in told[1:])
    assert [(item.server, item.name, item.outcome) for item in feedback] == [
        ("sfdc", "pipeline", "done"),
        ("hr", "salary_of", "refused"),
        ("sfdc", "made_up", "refused"),
    ]
    assert [called.call.name for called in room.tools.called] == ["pipeline"]


@pytest.mark.requirement("tools:structural-roles")
async def test_a_tool_that_the_role_lacks_exists_nowhere(room: Any, rounds: Any) -> None:
    """Neither in the prompt, nor in the model's list, nor callable when its name is invented."""
    room.scripted(rounds.asks_for("hr__salary_of"), rounds.says("I cannot."))

    await room.ask()
    await room.run()

    request = room.model.requests[0]
    assert [tool.offered_name for tool in request.tools] == ["sfdc__pipeline", "sfdc__log_activity"]
    assert "hr" not in request.system
    assert room.tools.called == []


async def test_each_call_carries_the_askers_own_token_and_a_key_of_its_own(room: Any, rounds: Any) -> None:
    """The token is opened for the call only."""
    room.answers("sfdc/pipeline")
    room.scripted(rounds.asks_for("sfdc__pipeline", "sfdc__pipeline"), rounds.says("x"))

    await room.ask()
    await room.run()

    contexts = [called.context for called in room.tools.called]
    assert {context.user_token for context in contexts} == {"sam's token"}
    assert len({context.idempotency_key for context in contexts}) == 2


@pytest.mark.requirement("process:attempts")
async def test_a_broken_stream_is_a_new_attempt_and_never_mixes_texts(room: Any, rounds: Any) -> None:
    """The second attempt begins again at 0; the answer is the second one alone."""
    broken = ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "cut", may_repeat=True)
    room.scripted([TextDelta("Half an ans"), broken], rounds.says("A whole ", "answer."))

    await room.ask()
    await room.run()

    response = room.frames("response")[0]
    attempts = {frame.attempt for frame in room.frames("response.delta")}
    assert attempts == {1, 2}
    assert response.content == text_of(room.frames("response.delta")) == "A whole answer."
    assert response.attempt == 2
    assert [frame.code for frame in room.frames("notice")] == ["model_switched"]


@pytest.mark.parametrize(
    "stream",
    [
        [],
        [TextDelta("no end")],
        [RoundFinished(reason="stop", model="m", usage=Usage())],  # nothing was said
    ],
)
async def test_a_stream_that_is_no_answer_fails_after_three_attempts(room: Any, stream: Any) -> None:
    """No finish reason, or neither text nor call, is never stored as complete."""
    room.scripted(stream, stream, stream)

    await room.ask()
    await room.run()

    failed = room.frames("response.failed")
    assert len(failed) == 1
    assert failed[0].error.code == "model_unavailable"
    assert room.frames("response", "response.committed") == []
    assert len(room.model.requests) == 3


async def test_an_answer_that_does_not_end_is_cut_before_it_outgrows_its_item(room: Any, rounds: Any) -> None:
    """It ends as too long; what was said is stored."""
    piece = "é" * 10_000
    room.scripted(rounds.says(*[piece] * 40))
    await room.ask()
    await room.run()
    response = room.frames("response")[0]

    assert response.finish_reason == "length"
    assert process.TEXT_MOST_BYTES <= len(response.content.encode()) < process.TEXT_MOST_BYTES + 20_000
    assert room.frames("response.committed")


async def test_an_earlier_execution_loses_at_the_fence(room: Any, rounds: Any) -> None:
    """A zombie neither sends nor stores after a newer execution claimed; it reports what that one reached."""
    gate = asyncio.Event()
    room.scripted([TextDelta("old"), gate, *rounds.says(" zombie")], rounds.says("new"))
    await room.ask()
    ref = room.started()
    effect = RunRound(round=0, last=False, use_secondary=False, calls_left=16)
    room.clock.passes = False
    zombie = asyncio.create_task(room.perform(ref, effect))
    while not room.frames("response.delta"):
        await asyncio.sleep(0)

    fresh = await room.perform(ref, effect)
    gate.set()
    old = await zombie

    assert (fresh.kind, old.kind) == ("answer", "answer")
    assert text_of(room.frames("response.delta")) == "new"


async def test_a_repeated_round_gives_its_stored_end_and_asks_no_model(room: Any, rounds: Any) -> None:
    """The engine may run an activity again after it was recorded nowhere."""
    room.scripted(rounds.asks_for("sfdc__pipeline"))
    await room.ask()
    effect = RunRound(round=0, last=False, use_secondary=False, calls_left=16)

    first = await room.perform(room.started(), effect)
    second = await room.perform(room.started(), effect)

    assert first == second
    assert len(room.model.requests) == 1


@pytest.mark.requirement("tools:at-most-once")
async def test_a_call_found_open_is_repeated_only_if_that_is_safe(room: Any, rounds: Any) -> None:
    """A write whose host died in mid-call is reported unknown and never sent again."""
    room.answers("sfdc/log_activity")
    room.scripted(rounds.asks_for("sfdc__log_activity"))
    await room.ask()
    ref: TurnRef = room.started()
    ended = await room.perform(ref, RunRound(round=0, last=False, use_secondary=False, calls_left=16))
    call_id = CallId(ended.calls[0].call_id)
    await approvals.decide(room.services, room.engine, verdict(rounds, ref, call_id, approved=True))
    room.tools.answers["sfdc/log_activity"] = crash
    with pytest.raises(RuntimeError):
        await room.perform(ref, RunTools(call_ids=(call_id,)))

    await run_tool(room.services, ref, call_id)

    calls = await room.conversations.calls(ref.key, ref.turn_id)
    assert calls[0].state is CallState.UNKNOWN
    assert len(room.tools.called) == 1
    assert room.frames("tool.finished")[0].outcome == "unknown"


def crash(*_: object) -> Any:
    """The host dies while the server works."""
    raise RuntimeError("killed")


def verdict(rounds: Any, ref: TurnRef, call_id: CallId, *, approved: bool) -> approvals.Verdict:
    """Sam's word."""
    return approvals.Verdict(user_id=rounds.SAM, turn_id=ref.turn_id, call_id=call_id, approved=approved)


async def test_a_call_that_writes_waits_and_silence_refuses_it(room: Any, rounds: Any) -> None:
    """Rule 16: never called without a word; the model is told."""
    room.scripted(rounds.asks_for("sfdc__log_activity"), rounds.says("Not logged."))

    await room.ask()
    effects = await room.run()

    assert effects[:3] == ["RunRound", "AwaitApprovals", "RunRound"]
    assert room.tools.called == []
    assert [frame.reason for frame in room.frames("tool.approval_resolved")] == ["timeout"]
    assert room.frames("response")[0].tool_feedback[0].outcome == "refused"


async def test_the_first_word_on_a_call_wins(room: Any, rounds: Any) -> None:
    """A second word gets `conflict`; somebody else's gets `not_found`."""
    room.scripted(rounds.asks_for("sfdc__log_activity"))
    await room.ask()
    ref = room.started()
    ended = await room.perform(ref, RunRound(round=0, last=False, use_secondary=False, calls_left=16))
    mine = verdict(rounds, ref, CallId(ended.calls[0].call_id), approved=False)

    resolved = await approvals.decide(room.services, room.engine, mine)
    with pytest.raises(ChatError) as again:
        await approvals.decide(room.services, room.engine, mine)

    assert not resolved.approved
    assert again.value.code is ErrorCode.CONFLICT
    assert room.engine.woken == [(ref, f"approval:{mine.call_id}")]


async def test_a_cancel_keeps_what_was_said_and_ends_once(room: Any, rounds: Any) -> None:
    """Rule 15: the model's stream is closed, the text so far is the answer."""
    gate = asyncio.Event()
    room.scripted([TextDelta("So far"), gate, *rounds.says(" never")])
    accepted = await room.ask()
    ref = room.started()
    running = asyncio.create_task(room.run())
    while not room.frames("response.delta"):
        await asyncio.sleep(0)

    await resume.cancel(room.services, room.engine, ref.turn_id, rounds.SAM)
    await running

    ends = room.frames("response.committed", "response.cancelled", "response.failed")
    assert [(frame.type, frame.content) for frame in ends] == [("response.cancelled", "So far")]
    assert room.model.open_streams == 0
    assert accepted.turn_id == ref.turn_id
    with pytest.raises(ChatError) as late:
        await resume.cancel(room.services, room.engine, ref.turn_id, rounds.SAM)
    assert late.value.code is ErrorCode.CONFLICT


async def test_a_snapshot_serves_from_the_asked_offset_or_from_the_start(room: Any, rounds: Any) -> None:
    """Rule 9."""
    room.scripted(rounds.says("Hello world"))
    await room.ask()
    await room.run()
    ref = room.started()

    async def snapshot(**position: Any) -> Any:
        wish: dict[str, Any] = {"attempt": None, "offset": None, "request_id": "r", **position}
        return await resume.snapshot(
            room.services, ref.turn_id, user_id=rounds.SAM, conversation_id=rounds.SESSION, **wish
        )

    fitting, other, whole = await snapshot(attempt=1, offset=6), await snapshot(attempt=9, offset=6), await snapshot()
    assert (fitting.offset, fitting.text) == (6, "world")
    assert (other.offset, other.text) == (0, "Hello world")
    assert whole.status == "done"
    assert whole.response.content == "Hello world"


async def test_a_strangers_turn_is_not_found(room: Any, rounds: Any) -> None:
    """The same for absent and not yours."""
    room.scripted(rounds.says("x"))
    await room.ask()
    ref = room.started()

    for user in (UserId("other:eve"), UserId("tenant:sue")):
        with pytest.raises(ChatError) as refused:
            await resume.snapshot(
                room.services,
                ref.turn_id,
                user_id=user,
                conversation_id=rounds.SESSION,
                attempt=None,
                offset=None,
                request_id=None,
            )
        assert refused.value.code is ErrorCode.NOT_FOUND


@pytest.mark.requirement("query:order")
async def test_questions_of_one_conversation_run_in_order_one_at_a_time(room: Any, rounds: Any) -> None:
    """The second waits, and is started when the first is released."""
    room.scripted(rounds.says("one"), rounds.says("two"))
    first, second = await room.ask("1"), await room.ask("2")
    assert [ref.turn_id for ref in room.engine.started] == [first.turn_id]

    await room.run()
    assert [ref.turn_id for ref in room.engine.started] == [first.turn_id, second.turn_id]
    await room.run()

    stored = await history.messages(room.services, rounds.SAM, rounds.SESSION, after_seq=0, before_seq=None, limit=9)
    assert [message.content for message in stored.messages] == ["1", "2", "one", "two"]
    assert [message.seq for message in stored.messages] == [1, 2, 3, 4]
    assert [said.text for said in room.model.requests[1].said] == ["1", "one", "2"]


@pytest.mark.requirement("query:duplicate")
async def test_a_repeated_message_is_answered_as_the_first_time(room: Any, rounds: Any) -> None:
    """The same id and text: a duplicate; other text: a conflict; after the end the response follows."""
    room.scripted(rounds.says("once"))
    first = await room.ask("hi", "00000000-0000-4000-8000-000000000001")
    second = await room.ask("hi", "00000000-0000-4000-8000-000000000001")
    with pytest.raises(ChatError) as conflict:
        await room.ask("other", "00000000-0000-4000-8000-000000000001")
    await room.run()
    room.channel.sent.clear()
    third = await room.ask("hi", "00000000-0000-4000-8000-000000000001")

    assert [first.duplicate, second.duplicate, third.duplicate] == [False, True, True]
    assert first.turn_id == second.turn_id == third.turn_id
    assert conflict.value.code is ErrorCode.CONFLICT
    assert [(sent.frame.type, sent.connection_id) for sent in room.channel.sent] == [("response", rounds.DESK)]
    assert len(room.engine.started) == 1


async def test_acceptance_survives_a_backend_that_is_down(room: Any) -> None:
    """The question is stored; upkeep starts its turn later, under a new epoch."""
    room.engine.down = True
    accepted = await room.ask()
    room.engine.down = False

    refs = await room.conversations.expired(room.clock.now(), 10)
    assert refs == []
    room.clock.advance(31)
    refs = await room.conversations.expired(room.clock.now(), 10)
    assert [ref.turn_id for ref in refs] == [accepted.turn_id]


async def test_frames_that_the_service_refuses_are_merged_and_offered_again(room: Any, rounds: Any) -> None:
    """Backpressure loses no text."""
    room.channel.refusals = 3
    room.channel.retry_after_s = 0.01
    room.scripted(rounds.says("a", "b", "c"))

    await room.ask()
    await room.run()

    assert text_of(room.frames("response.delta")) == "abc"
    assert isinstance(ChannelUnavailable("x"), Exception)


@pytest.mark.parametrize("content", ["", "   \n\t", None])
async def test_an_empty_question_is_refused_and_nothing_is_stored(room: Any, rounds: Any, content: str | None) -> None:
    """Bad input before acceptance."""
    with pytest.raises(ChatError) as refused:
        await room.ask(content)

    assert refused.value.code is ErrorCode.BAD_REQUEST
    assert await room.conversations.head(session_key(rounds.SAM, rounds.SESSION)) is None


async def test_a_token_that_ends_soon_is_refused_before_acceptance(room: Any) -> None:
    """Tokens live five minutes at least when a question is accepted."""
    room.clock.advance(3600 - 299)

    with pytest.raises(ChatError) as refused:
        await room.ask()

    assert refused.value.code is ErrorCode.TOKEN_EXPIRED


async def test_a_turn_without_a_prompt_fails_clearly(room: Any) -> None:
    """No prompt and no last good copy: the turn fails, the question stays stored."""
    room.prompts.texts.clear()

    await room.ask()
    await room.run()

    assert room.frames("response.failed")[0].error.code == "model_unavailable"
    assert room.model.requests == []


def test_a_turn_id_of_a_turn_leads_to_its_conversation(rounds: Any) -> None:
    """`key_of` is what cancel, approval and resume go by."""
    key = session_key(rounds.SAM, rounds.SESSION)
    assert key_of(rounds.turn_of(key)) == key

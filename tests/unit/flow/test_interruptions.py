"""What a cancel, a repeat, a new question and a silent store do to a turn."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.domain.errors import ChatError, ErrorCode, ModelFailed, StoreUnavailable
from shared.domain.ids import CallId
from shared.domain.model import TextDelta
from shared.domain.tools import Approval, CallState
from shared.domain.turn_events import End, RoundKind, RunRound, RunTools, Seal
from shared.domain.turns import TurnStatus
from shared.flow import approvals, history, resume, upkeep

ID = "00000000-0000-4000-8000-000000000001"
FIRST = RunRound(round=0, last=False, use_secondary=False, calls_left=16)
BROKEN = ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "cut", may_repeat=True)


async def until(seen: Any) -> None:
    """Let others work until there is something to see."""
    async with asyncio.timeout(5):
        while not seen():
            await asyncio.sleep(0)


async def snapshot(room: Any, rounds: Any, turn_id: Any) -> Any:
    """Come back without knowing anything."""
    wish: dict[str, Any] = {"attempt": None, "offset": None, "request_id": None}
    return await resume.snapshot(room.services, turn_id, user_id=rounds.SAM, conversation_id=rounds.SESSION, **wish)


@pytest.mark.requirement("query:duplicate")
async def test_a_repeat_starts_what_the_first_acceptance_could_not(room: Any) -> None:
    """A host may die between the batch and the start; the client sends again long before upkeep looks."""
    room.engine.down = True
    await room.ask("hi", ID)
    room.engine.down = False

    again = await room.ask("hi", ID)

    assert again.duplicate
    assert [ref.turn_id for ref in room.engine.started] == [again.turn_id]


@pytest.mark.requirement("query:cancel")
async def test_a_cancel_between_two_attempts_keeps_what_the_first_one_showed(room: Any, rounds: Any) -> None:
    """No new attempt is claimed for a turn that is to stop."""
    room.scripted([TextDelta("Half an ans"), BROKEN], rounds.says("never"))
    await room.ask()
    ref = room.started()
    assert (await room.perform(ref, FIRST)).kind is RoundKind.RETRY

    await resume.cancel(room.services, room.engine, ref.turn_id, rounds.SAM)
    await room.run()

    ends = [(frame.type, frame.content) for frame in room.frames("response.cancelled")]
    assert ends == [("response.cancelled", "Half an ans")]
    assert len(room.model.requests) == 1
    assert room.engine.woken == [(ref, "cancel")]


@pytest.mark.requirement("query:cancel")
async def test_a_cancelled_turn_that_waits_leaves_the_queue_at_once_and_empty(room: Any, rounds: Any) -> None:
    """The turn that runs is not disturbed, and the one behind moves up."""
    room.scripted(rounds.says("one"), rounds.says("three"))
    first, second, third = [await room.ask(text) for text in ("1", "2", "3")]
    running = room.started()

    await resume.cancel(room.services, room.engine, second.turn_id, rounds.SAM)
    withdrawn = room.started()
    with pytest.raises(ChatError) as again:
        await resume.cancel(room.services, room.engine, second.turn_id, rounds.SAM)
    await room.run(withdrawn)
    assert [(frame.turn_id, frame.content) for frame in room.frames("response.cancelled")] == [(second.turn_id, "")]
    assert (await room.turn(running)).status is TurnStatus.RUNNING
    await room.run(running)
    await room.run()

    stored = await history.messages(room.services, rounds.SAM, rounds.SESSION, after_seq=0, before_seq=None, limit=9)
    assert again.value.code is ErrorCode.CONFLICT
    assert [ref.turn_id for ref in room.engine.started] == [first.turn_id, second.turn_id, third.turn_id]
    assert [message.content for message in stored.messages] == ["1", "2", "3", "", "one", "three"]
    assert [message.seq for message in stored.messages] == [1, 2, 3, 4, 5, 6]


async def test_a_withdrawn_turn_is_ended_by_upkeep_if_its_start_was_lost(room: Any, rounds: Any) -> None:
    """It has a lease as every turn that somebody should be working on."""
    await room.ask("1")
    second = await room.ask("2")
    room.engine.down = True
    await resume.cancel(room.services, room.engine, second.turn_id, rounds.SAM)
    room.engine.down = False
    running = room.started()
    await room.conversations.claim(running, room.clock.now().replace(hour=23))
    room.clock.advance(31)

    await upkeep.restart_expired(room.services, room.engine)
    await room.run()

    assert (await room.turn(room.started())).status is TurnStatus.CANCELLED
    assert (await room.turn(running)).status is TurnStatus.RUNNING


@pytest.mark.requirement("query:cancel")
async def test_a_cancel_stops_the_wait_for_a_tool_within_a_second(room: Any, rounds: Any) -> None:
    """A read is stopped; the answer keeps what was said before."""
    room.scripted(rounds.asks_for("sfdc__pipeline", first="Let me look."))
    await room.ask()
    ref = room.started()
    working = asyncio.Event()

    async def hang(*_: Any) -> Any:
        working.set()
        await asyncio.Event().wait()

    room.tools.call = hang
    ended = await room.perform(ref, FIRST)
    calling = asyncio.create_task(room.perform(ref, RunTools(call_ids=(ended.calls[0].call_id,))))
    await working.wait()
    began = room.clock.monotonic()

    await resume.cancel(room.services, room.engine, ref.turn_id, rounds.SAM)
    await calling
    waited_s = room.clock.monotonic() - began
    await room.run()

    assert waited_s <= 1.0
    assert [frame.outcome for frame in room.frames("tool.finished")] == ["failed"]
    assert [frame.content for frame in room.frames("response.cancelled")] == ["Let me look."]


async def test_a_tool_that_takes_long_keeps_the_lease_of_its_turn(room: Any, rounds: Any) -> None:
    """Upkeep must not take over what is being worked on."""
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("done"))
    room.answers("sfdc/pipeline")
    await room.ask()
    ref = room.started()
    ended = await room.perform(ref, FIRST)
    played = room.tools.call

    async def slow(*words: Any) -> Any:
        await room.clock.sleep(55)
        return await played(*words)

    room.tools.call = slow
    await room.perform(ref, RunTools(call_ids=(ended.calls[0].call_id,)))

    assert await room.conversations.expired(room.clock.now(), 10) == []
    assert (await room.conversations.calls(ref.key, ref.turn_id))[0].state is CallState.DONE


async def test_someone_who_comes_back_between_two_rounds_gets_what_was_said(room: Any, rounds: Any) -> None:
    """A new attempt's checkpoint is empty at first; what finished rounds said is its beginning."""
    gate = asyncio.Event()
    room.scripted(rounds.asks_for("sfdc__pipeline", first="Let me look."), [gate, *rounds.says("Seven.")])
    room.answers("sfdc/pipeline")
    await room.ask()
    ref = room.started()
    room.clock.passes = False
    running = asyncio.create_task(room.run())
    await until(lambda: len(room.model.requests) == 2)

    seen = await snapshot(room, rounds, ref.turn_id)
    room.clock.passes = True
    gate.set()
    await running

    assert (seen.attempt, seen.text) == (2, "Let me look.")


async def test_a_new_question_supersedes_the_approval_that_waits(room: Any, rounds: Any) -> None:
    """Rule 16: who asks something else does not approve."""
    room.scripted(rounds.asks_for("sfdc__log_activity"), rounds.says("Not logged."), rounds.says("Fine."))
    await room.ask("Log it")
    ref = room.started()
    ended = await room.perform(ref, FIRST)

    await room.ask("Something else")
    await room.run(ref)

    call = (await room.conversations.calls(ref.key, ref.turn_id))[0]
    assert (call.approval, call.state) == (Approval.SUPERSEDED, CallState.REFUSED)
    assert [frame.reason for frame in room.frames("tool.approval_resolved")] == ["superseded"]
    assert room.engine.woken == [(ref, f"approval:{ended.calls[0].call_id}")]
    assert room.tools.called == []


async def test_a_word_that_woke_nobody_is_found_by_upkeep_within_a_lease(room: Any, rounds: Any) -> None:
    """Decision 12: the event may be lost, what it said may not; and nobody is asked twice."""
    room.answers("sfdc/log_activity")
    room.scripted(rounds.asks_for("sfdc__log_activity"), rounds.says("Logged."))
    await room.ask()
    ref = room.started()
    ended = await room.perform(ref, FIRST)
    word = approvals.Verdict(
        user_id=rounds.SAM, turn_id=ref.turn_id, call_id=CallId(ended.calls[0].call_id), approved=True
    )
    await approvals.decide(room.services, room.engine, word)
    room.clock.advance(31)

    assert await upkeep.restart_expired(room.services, room.engine) == 1
    effects = await room.run()

    assert effects == ["RunRound", "RunTools", "RunRound", "Seal", "Persist", "Release"]
    assert len(room.tools.called) == 1
    assert len(room.frames("tool.approval_required")) == 1


async def test_a_turn_that_is_taken_up_again_says_so(room: Any, rounds: Any) -> None:
    """Once for each restart, to all who follow; what is sealed already only needs its end."""
    room.scripted(rounds.says("One."))
    asked = await room.ask()
    room.clock.advance(31)

    assert await upkeep.restart_expired(room.services, room.engine) == 1
    told = room.frames("notice")
    assert [(frame.code, frame.turn_id, frame.session_id) for frame in told] == [
        ("restarting", asked.turn_id, rounds.SESSION)
    ]

    ref = room.started()
    await room.perform(ref, FIRST)
    await room.perform(ref, Seal(end=End.DONE, error=None))
    room.clock.advance(62)

    assert await upkeep.restart_expired(room.services, room.engine) == 1
    assert room.frames("notice") == told


async def test_whoever_dies_right_after_a_word_was_written_leaves_it_to_upkeep(room: Any, rounds: Any) -> None:
    """The lease is short before the word is there: a crash in between must not cost the whole wait."""
    room.answers("sfdc/log_activity")
    room.scripted(rounds.asks_for("sfdc__log_activity"), rounds.says("Logged."))
    await room.ask()
    ref = room.started()
    ended = await room.perform(ref, FIRST)
    word = approvals.Verdict(
        user_id=rounds.SAM, turn_id=ref.turn_id, call_id=CallId(ended.calls[0].call_id), approved=True
    )
    write = room.conversations.move_call

    async def write_and_die(*words: Any, **named: Any) -> Any:
        await write(*words, **named)
        raise asyncio.CancelledError

    room.conversations.move_call = write_and_die
    with pytest.raises(asyncio.CancelledError):
        await approvals.decide(room.services, room.engine, word)
    room.conversations.move_call = write
    room.clock.advance(31)

    assert await upkeep.restart_expired(room.services, room.engine) == 1
    assert "RunTools" in await room.run()


async def test_a_wait_for_approval_that_is_taken_over_goes_on_where_it_was(room: Any, rounds: Any) -> None:
    """The patience is counted from the first asking, and the lease lasts as long as the wait."""
    room.scripted(rounds.asks_for("sfdc__log_activity"))
    await room.ask()
    ref = room.started()
    assert (await room.perform(ref, FIRST)).approval_s == 600
    room.clock.advance(400)
    taken = await room.conversations.take_over(ref, room.clock.now())

    again = await room.perform(taken.ref(), FIRST)

    assert again.approval_s == 200
    assert (await room.turn(ref)).status is TurnStatus.AWAITING_APPROVAL
    assert len(room.frames("tool.approval_required")) == 2
    room.clock.advance(259)
    assert await room.conversations.expired(room.clock.now(), 10) == []


async def test_a_late_execution_can_call_nothing_after_the_end(room: Any, rounds: Any) -> None:
    """The seal closes what has no outcome: an approved call that was never made is not made later."""
    room.answers("sfdc/pipeline")
    room.scripted(rounds.asks_for("sfdc__pipeline"))
    await room.ask()
    ref = room.started()
    ended = await room.perform(ref, FIRST)
    await resume.cancel(room.services, room.engine, ref.turn_id, rounds.SAM)
    await room.run()

    await room.perform(ref, RunTools(call_ids=(ended.calls[0].call_id,)))

    answer = (await room.turn(ref)).sealed
    assert room.tools.called == []
    assert [item.outcome for item in answer.tool_feedback] == ["refused"]
    assert room.frames()[-1].type == "response.cancelled"


@asynccontextmanager
async def silent(room: Any, *operations: str) -> AsyncGenerator[None]:
    """Let operations of the store fail meanwhile."""

    async def unavailable(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("down")

    for name in operations:
        setattr(room.conversations, name, unavailable)
    yield
    for name in operations:
        delattr(room.conversations, name)


async def test_a_turn_waits_for_the_store_instead_of_failing(room: Any, rounds: Any) -> None:
    """An outage is no fault of the model's: no try is lost, the same model is asked again."""
    room.scripted(rounds.says("Fine."))
    await room.ask()
    ref = room.started()

    async with silent(room, "claim"):
        parked = [await room.perform(ref, FIRST) for _ in range(5)]
    await room.run()

    assert {ended.kind for ended in parked} == {RoundKind.PARKED}
    assert [frame.type for frame in room.frames("notice", "response.committed")] == ["response.committed"]


async def test_a_tool_whose_outcome_cannot_be_written_is_not_given_up(room: Any, rounds: Any) -> None:
    """The call is settled when the store is back; a write is never sent again."""
    room.answers("sfdc/pipeline")
    room.scripted(rounds.asks_for("sfdc__pipeline"))
    await room.ask()
    ref = room.started()
    ended = await room.perform(ref, FIRST)
    call_ids = (ended.calls[0].call_id,)

    async with silent(room, "move_call"):
        assert type(await room.perform(ref, RunTools(call_ids=call_ids))).__name__ == "ToolsParked"
    assert type(await room.perform(ref, RunTools(call_ids=call_ids))).__name__ == "ToolsEnded"


async def test_a_turn_that_kills_those_who_run_it_is_given_up(room: Any) -> None:
    """Total attempts are bounded, whoever starts them anew."""
    await room.ask()
    ref = room.started()
    for _ in range(12):
        await room.conversations.claim(ref, room.clock.now())

    await room.run()

    assert [frame.error.code for frame in room.frames("response.failed")] == ["internal"]
    assert room.model.requests == []


async def test_the_model_sees_earlier_answers_where_they_belong(room: Any, rounds: Any) -> None:
    """A question that waited is answered with the knowledge of what was answered meanwhile."""
    room.scripted(rounds.says("one"), rounds.says("two"), rounds.says("three"))
    for text in ("1", "2", "3"):
        await room.ask(text)
    for _ in range(3):
        await room.run()

    assert [said.text for said in room.model.requests[2].said] == ["1", "one", "2", "two", "3"]


async def test_an_execution_that_lost_to_a_twin_which_died_has_the_round_run_again(room: Any, rounds: Any) -> None:
    """The engine takes the first result: "stale" from the loser would leave the turn to nobody."""
    gate = asyncio.Event()
    room.scripted([TextDelta("old"), gate, *rounds.says(" zombie")], rounds.says("new"))
    await room.ask()
    ref = room.started()
    room.clock.passes = False
    loser = asyncio.create_task(room.perform(ref, FIRST))
    await until(lambda: room.frames("response.delta"))
    await room.conversations.claim(ref, room.clock.now())
    room.clock.passes = True
    gate.set()

    ended = await loser
    await room.run()

    assert ended.kind is RoundKind.PARKED
    assert [frame.content for frame in room.frames("response")] == ["new"]


async def test_a_write_that_a_twin_is_making_is_not_called_unknown(room: Any, rounds: Any) -> None:
    """Run twice side by side, the call is made once and its outcome is known."""
    room.scripted(rounds.asks_for("sfdc__log_activity"), rounds.says("Logged."))
    room.answers("sfdc/log_activity")
    await room.ask()
    ref = room.started()
    ended = await room.perform(ref, FIRST)
    call_id = CallId(ended.calls[0].call_id)
    word = approvals.Verdict(user_id=rounds.SAM, turn_id=ref.turn_id, call_id=call_id, approved=True)
    await approvals.decide(room.services, room.engine, word)
    played = room.tools.call

    async def slow(*words: Any) -> Any:
        await room.clock.sleep(12)
        return await played(*words)

    room.tools.call = slow
    await asyncio.gather(*(room.perform(ref, RunTools(call_ids=(call_id,))) for _ in range(2)))

    assert [call.state for call in await room.conversations.calls(ref.key, ref.turn_id)] == [CallState.DONE]
    assert len(room.tools.called) == 1


async def test_a_slow_channel_holds_up_no_model_and_the_attempt_is_announced_before_its_text(
    room: Any, rounds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people wait for is the model: it is asked while the service still takes the first frame."""
    taken, send = asyncio.Event(), room.channel.to_user

    async def send_late(*args: Any, **wish: Any) -> None:
        await taken.wait()
        await send(*args, **wish)

    await room.ask()
    room.scripted(rounds.says("Fine."))
    monkeypatch.setattr(room.channel, "to_user", send_late)
    running = asyncio.create_task(room.run())
    await until(lambda: room.model.requests)
    assert room.frames("response.started", "response.delta") == []
    taken.set()
    await running

    assert [frame.type for frame in room.frames("response.started", "response.delta")] == [
        "response.started",
        "response.delta",
    ]

"""Tokens that end in mid-turn: a call that needs one waits for `session.update`, and not for ever."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import turn_events as ev
from shared.domain.turns import LEASE_S


def ends_now(room: Any) -> None:
    """Let Sam's token end, as it may while a turn waits for its slot or for an approval."""
    room.clock.advance(3601)


def fresh(room: Any) -> None:
    """Have Sam's client get another token, which `session.update` will bring."""
    sam = room.callers["sam's token"]
    room.services.verifier.callers["sam's token"] = replace(sam, expires_at=room.clock.now() + timedelta(hours=1))


@pytest.mark.requirement("tools:token-wait")
async def test_a_call_whose_token_has_ended_waits_for_session_update(room: Any, rounds: Any) -> None:
    """Nothing is sent meanwhile, nothing is shown as begun; then the call runs once, with the new token."""
    room.answers("sfdc/pipeline")
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("It is 7."))
    await room.ask()
    ends_now(room)
    perform, looked = room.perform, 0

    async def performing(ref: Any, effect: Any) -> Any:
        nonlocal looked
        if isinstance(effect, ev.RunTools):
            looked += 1
            if looked == 4:
                assert room.tools.called == []
                assert room.frames("tool.started") == []
                fresh(room)
                await room.sign_in(first=False)
        return await perform(ref, effect)

    room.perform = performing
    effects = await room.run()

    assert effects.count("WaitFor") == 3
    assert [called.context.user_token for called in room.tools.called] == ["sam's token"]
    (feedback,) = room.frames("response")[0].tool_feedback
    assert feedback.outcome == "done"
    assert len(room.frames("response.committed")) == 1


@pytest.mark.requirement("tools:token-wait")
async def test_a_call_that_waits_in_vain_ends_as_token_expired_and_the_answer_goes_on(room: Any, rounds: Any) -> None:
    """After the limit of an approval; the model and the person read why."""
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("I could not look."))
    await room.ask()
    ends_now(room)
    began_at = room.clock.now()

    await room.run()

    waited_s = (room.clock.now() - began_at).total_seconds()
    assert 600 <= waited_s < 630
    (feedback,) = room.frames("response")[0].tool_feedback
    assert (feedback.outcome, "token_expired" in feedback.summary) == ("refused", True)
    assert "token_expired" in room.model.requests[1].said[-1].text
    assert room.tools.called == []
    assert len(room.frames("response.committed")) == 1


@pytest.mark.requirement("tools:token-wait")
async def test_who_takes_a_waiting_turn_over_does_not_begin_the_wait_anew(room: Any, rounds: Any) -> None:
    """The end of the wait stands in the ledger; the lease outlasts the pauses, so that nobody takes over in vain."""
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("x"))
    await room.ask()
    ref = room.started()
    first = ev.RunRound(round=0, last=False, use_secondary=False, calls_left=16)
    (call,) = (await room.perform(ref, first)).calls
    ends_now(room)

    for _ in range(3):
        assert isinstance(await room.perform(ref, ev.RunTools(call_ids=(call.call_id,))), ev.ToolsWaiting)
        turn = await room.turn(ref)
        assert turn.lease_until >= room.clock.now() + timedelta(seconds=LEASE_S)
        room.clock.advance(100)
    room.clock.advance(301)

    assert isinstance(await room.perform(ref, ev.RunTools(call_ids=(call.call_id,))), ev.ToolsEnded)


@pytest.mark.requirement("tools:token-wait")
async def test_a_cancel_ends_the_wait(room: Any, rounds: Any) -> None:
    """A person who does not want the answer any more need not sign in for it."""
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("x"))
    await room.ask()
    ends_now(room)
    perform = room.perform

    async def performing(ref: Any, effect: Any) -> Any:
        if isinstance(effect, ev.WaitFor):
            await room.conversations.request_cancel(ref.key, ref.turn_id, room.clock.now() + timedelta(seconds=30))
        return await perform(ref, effect)

    room.perform = performing
    await room.run()

    assert room.tools.called == []
    assert len(room.frames("response.cancelled")) == 1

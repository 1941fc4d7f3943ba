"""The turn machine as a table: what follows from what."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain import turn_events as ev
from shared.domain.turn import TurnState, begin, step

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LIMITS = ev.TurnLimits()

ANSWER = ev.RoundEnded(kind=ev.RoundKind.ANSWER)
RETRY = ev.RoundEnded(kind=ev.RoundKind.RETRY, error="model_unavailable")
DONE = ev.StepDone()
LOST = ev.StepLost()


def calls(*kinds: str) -> ev.RoundEnded:
    """A round that asks for calls."""
    planned = [
        ev.PlannedCall(call_id=f"c{number}", needs_approval=kind == "writes") for number, kind in enumerate(kinds)
    ]
    return ev.RoundEnded(kind=ev.RoundKind.CALLS, calls=tuple(planned))


def names(*events: ev.Event, limits: ev.TurnLimits = LIMITS) -> list[str]:
    """Run events through the machine and name the effects."""
    state, effect = begin(limits, NOW)
    effects = [effect]
    for event in events:
        state, effect = step(state, event, NOW)
        effects.append(effect)
    return [type(item).__name__ if item else "-" for item in effects]


TABLE = {
    "an answer is sealed, persisted, released": (
        [ANSWER, DONE, DONE, DONE],
        ["RunRound", "Seal", "Persist", "Release", "-"],
    ),
    "calls run before the next round": (
        [calls("free", "free"), ev.ToolsEnded(), ANSWER],
        ["RunRound", "RunTools", "RunRound", "Seal"],
    ),
    "a call that writes waits for its asker": (
        [calls("writes"), ev.ApprovalsSettled(approved=("c0",)), ev.ToolsEnded()],
        ["RunRound", "AwaitApprovals", "RunTools", "RunRound"],
    ),
    "free calls run while others still wait": (
        [calls("free", "writes"), ev.ToolsEnded(), ev.ApprovalsSettled(approved=())],
        ["RunRound", "RunTools", "AwaitApprovals", "RunRound"],
    ),
    "a wait that was cancelled ends the turn": (
        [calls("writes"), ev.ApprovalsSettled(approved=(), cancelled=True)],
        ["RunRound", "AwaitApprovals", "Seal"],
    ),
    "refused calls go straight to the next round": ([calls()], ["RunRound", "RunRound"]),
    "a broken model is tried three times": (
        [RETRY, ev.WaitOver(), RETRY, ev.WaitOver(), RETRY],
        ["RunRound", "WaitFor", "RunRound", "WaitFor", "RunRound", "Seal"],
    ),
    "a lost activity is a lost attempt": ([LOST, ev.WaitOver()], ["RunRound", "WaitFor", "RunRound"]),
    "a cancel seals what was said": ([ev.RoundEnded(kind=ev.RoundKind.CANCELLED)], ["RunRound", "Seal"]),
    "another execution owns the turn: end quietly": ([ev.RoundEnded(kind=ev.RoundKind.STALE)], ["RunRound", "-"]),
    "a stale seal ends quietly": ([ANSWER, ev.StepStale()], ["RunRound", "Seal", "-"]),
    "a write that fails is tried again, not skipped": (
        [ANSWER, DONE, LOST, ev.WaitOver(), DONE, DONE],
        ["RunRound", "Seal", "Persist", "WaitFor", "Persist", "Release", "-"],
    ),
    "a call without a good token is tried again until there is one": (
        [calls("free"), ev.ToolsWaiting(), ev.WaitOver(), ev.ToolsWaiting(), ev.WaitOver(), ev.ToolsEnded()],
        ["RunRound", "RunTools", "WaitFor", "RunTools", "WaitFor", "RunTools", "RunRound"],
    ),
    "lost tools are tried again, then reported": (
        [calls("free"), LOST, ev.WaitOver(), LOST, ev.WaitOver(), LOST],
        ["RunRound", "RunTools", "WaitFor", "RunTools", "WaitFor", "RunTools", "RunRound"],
    ),
}


@pytest.mark.requirement("process:machine-table")
@pytest.mark.parametrize("case", TABLE)
def test_what_follows_from_what(case: str) -> None:
    """Each path of a turn, as a line of a table."""
    given, expected = TABLE[case]

    assert names(*given) == expected


@pytest.mark.parametrize(("kind", "end"), [("answer", "done"), ("cancelled", "cancelled"), ("failed", "failed")])
def test_each_end_of_a_round_seals_as_its_own_end(kind: str, end: str) -> None:
    """The seal says how the turn ended."""
    state, _ = begin(LIMITS, NOW)

    _, effect = step(state, ev.RoundEnded(kind=ev.RoundKind(kind), error="internal"), NOW)

    assert isinstance(effect, ev.Seal)
    assert effect.end.value == end
    assert effect.error == ("internal" if kind == "failed" else None)


def test_the_other_model_is_tried_after_a_failure() -> None:
    """Primary and secondary take turns."""
    state, first = begin(LIMITS, NOW)
    state, _ = step(state, RETRY, NOW)
    _, second = step(state, ev.WaitOver(), NOW)

    assert isinstance(first, ev.RunRound)
    assert isinstance(second, ev.RunRound)
    assert (first.use_secondary, second.use_secondary) == (False, True)


def test_retry_after_is_never_undercut() -> None:
    """A model is asked again when it said, at the earliest; the other one is asked meanwhile."""
    state, _ = begin(LIMITS, NOW)

    state, first = step(state, ev.RoundEnded(kind=ev.RoundKind.RETRY, retry_after_s=7), NOW)
    state, second = step(state, ev.WaitOver(), NOW)
    state, wait = step(state, ev.RoundEnded(kind=ev.RoundKind.RETRY, retry_after_s=9), NOW + timedelta(seconds=2))
    _, third = step(state, ev.WaitOver(), NOW)

    assert (first, wait) == (ev.WaitFor(seconds=1), ev.WaitFor(seconds=5))
    assert isinstance(second, ev.RunRound)
    assert isinstance(third, ev.RunRound)
    assert (second.use_secondary, third.use_secondary) == (True, False)


def test_a_model_that_asks_for_much_time_is_left_alone_for_the_other_one() -> None:
    """In this round and in the next."""
    state, _ = begin(LIMITS, NOW)
    state, _ = step(state, ev.RoundEnded(kind=ev.RoundKind.RETRY, retry_after_s=200), NOW)
    state, _ = step(state, ev.WaitOver(), NOW)
    state, wait = step(state, RETRY, NOW)
    state, again = step(state, ev.WaitOver(), NOW)
    state, _ = step(state, calls("free"), NOW)
    _, following = step(state, ev.ToolsEnded(), NOW)

    assert wait == ev.WaitFor(seconds=2)
    assert isinstance(again, ev.RunRound)
    assert isinstance(following, ev.RunRound)
    assert (again.use_secondary, following.use_secondary) == (True, True)


def test_one_model_for_both_is_waited_for_and_never_switched() -> None:
    """Two settings may name one deployment; another one would be no other."""
    state, _ = begin(ev.TurnLimits(second_model=False), NOW)

    state, wait = step(state, ev.RoundEnded(kind=ev.RoundKind.RETRY, retry_after_s=7), NOW)
    _, again = step(state, ev.WaitOver(), NOW)

    assert wait == ev.WaitFor(seconds=7)
    assert isinstance(again, ev.RunRound)
    assert not again.use_secondary


def test_a_wait_beyond_the_deadline_fails_at_once() -> None:
    """Nobody waits for what cannot come in time, once neither model can be asked."""
    state, _ = begin(LIMITS, NOW)
    state, _ = step(state, ev.RoundEnded(kind=ev.RoundKind.RETRY, retry_after_s=301), NOW)
    state, _ = step(state, ev.WaitOver(), NOW)

    _, effect = step(state, ev.RoundEnded(kind=ev.RoundKind.RETRY, retry_after_s=301), NOW)

    assert isinstance(effect, ev.Seal)
    assert effect.end is ev.End.FAILED


@pytest.mark.parametrize("limits", [ev.TurnLimits(rounds=2), ev.TurnLimits(calls=1)])
def test_the_last_round_is_offered_no_tools(limits: ev.TurnLimits) -> None:
    """At the limit of rounds or calls the model must answer."""
    state, _ = begin(limits, NOW)
    state, _ = step(state, calls("free"), NOW)

    _, effect = step(state, ev.ToolsEnded(), NOW)

    assert isinstance(effect, ev.RunRound)
    assert effect.last


def test_after_the_deadline_no_round_begins() -> None:
    """A turn works 300 seconds at most."""
    state, _ = begin(LIMITS, NOW)
    state, _ = step(state, calls("free"), NOW)

    _, effect = step(state, ev.ToolsEnded(), NOW + timedelta(seconds=300))

    assert isinstance(effect, ev.Seal)
    assert effect.end is ev.End.FAILED


def test_waiting_for_approval_is_not_counted_as_work() -> None:
    """Ten minutes of waiting leave the turn its time."""
    state, _ = begin(LIMITS, NOW)
    state, _ = step(state, calls("writes"), NOW)

    _, effect = step(state, ev.ApprovalsSettled(approved=()), NOW + timedelta(seconds=600))

    assert isinstance(effect, ev.RunRound)


def test_an_approval_gives_a_turn_no_new_time() -> None:
    """What was worked before it counts: 300 seconds in all, not after each word."""
    state, _ = begin(LIMITS, NOW)
    state, _ = step(state, calls("writes"), NOW + timedelta(seconds=200))
    state, _ = step(state, ev.ApprovalsSettled(approved=("c0",)), NOW + timedelta(seconds=260))

    _, in_time = step(state, ev.ToolsEnded(), NOW + timedelta(seconds=359))
    _, too_late = step(state, ev.ToolsEnded(), NOW + timedelta(seconds=361))

    assert isinstance(in_time, ev.RunRound)
    assert isinstance(too_late, ev.Seal)


def test_waiting_for_a_token_is_not_counted_as_work_and_ends() -> None:
    """A session may come back after ten minutes; one that does not holds nobody up for ever."""
    state, _ = begin(LIMITS, NOW)
    state, effect = step(state, calls("free"), NOW)
    now = NOW
    while not isinstance(effect, ev.RunRound):
        event = ev.WaitOver() if isinstance(effect, ev.WaitFor) else ev.ToolsWaiting()
        now += timedelta(seconds=effect.seconds if isinstance(effect, ev.WaitFor) else 0)
        state, effect = step(state, event, now)

    assert timedelta(seconds=LIMITS.approval_s) < now - NOW < timedelta(seconds=LIMITS.approval_s + 30)


def test_an_ended_turn_takes_no_events() -> None:
    """A fault of the driver is loud."""
    state, _ = begin(LIMITS, NOW)
    state, _ = step(state, ev.StepStale(), NOW)

    with pytest.raises(ValueError, match="over"):
        step(state, DONE, NOW)


def random_event(rng: random.Random, state: TurnState) -> ev.Event:
    """An event that can follow."""
    match state.phase:
        case "model":
            kind = rng.choice(list(ev.RoundKind))
            return rng.choice(
                [LOST, calls("free", "writes") if kind is ev.RoundKind.CALLS else ev.RoundEnded(kind=kind)]
            )
        case "tools":
            return rng.choice([ev.ToolsEnded(), ev.ToolsWaiting(), LOST])
        case "approval":
            return rng.choice([ev.ApprovalsSettled(approved=("c1",), cancelled=rng.random() < 0.1), LOST])
        case "waiting":
            return ev.WaitOver()
        case _:
            return rng.choice([DONE, DONE, LOST, ev.StepStale()])


@pytest.mark.requirement("process:machine-terminates")
def test_every_random_history_ends_and_only_through_the_last_step() -> None:
    """Five thousand histories: each ends, within its bounds, and an unfenced end went through release."""
    rng = random.Random(20260105)
    for _ in range(5000):
        now, steps, rounds = NOW, 0, 0
        state, effect = begin(LIMITS, now)
        last, stale, gave_up = effect, False, False
        while effect is not None:
            rounds += isinstance(effect, ev.RunRound)
            last = effect
            event = random_event(rng, state)
            stale = isinstance(event, ev.StepStale) or event == ev.RoundEnded(kind=ev.RoundKind.STALE)
            gave_up = isinstance(event, ev.StepLost) and state.tries + 1 >= LIMITS.finishing_tries
            now += timedelta(seconds=rng.uniform(0, 20))
            state, effect = step(state, event, now)
            steps += 1
            assert steps < 400
        assert stale or gave_up or isinstance(last, ev.Release)
        assert rounds <= LIMITS.rounds * LIMITS.model_tries

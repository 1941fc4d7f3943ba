"""The replay gives ids, completions and new work as the extension's shim does."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from local.host.durable import history
from local.host.durable.history import Event, EventType
from local.host.durable.replay import Replay, ReplayFault, ScheduledActivity, ScheduledTimer

STARTED = history.execution_started(name="f", instance_id="i", execution_id="e", input_json=None, version="")
FIRE_AT = "2030-01-01T00:00:00.000000Z"
Action = dict[str, Any]


def act(name: str) -> Action:
    """An activity."""
    return {"actionType": 0, "functionName": name, "input": "null"}


def timer(*, canceled: bool = False) -> Action:
    """A timer."""
    return {"actionType": 5, "fireAt": FIRE_AT, "isCanceled": canceled}


def wait(name: str) -> Action:
    """A wait for an external event."""
    return {"actionType": 6, "externalEventName": name, "reason": "ExternalEvent"}


def any_of(*actions: Action) -> Action:
    """When-any."""
    return {"actionType": 11, "compoundActions": [*actions]}


def all_of(*actions: Action) -> Action:
    """When-all."""
    return {"actionType": 12, "compoundActions": [*actions]}


def done(task_id: int) -> Event:
    """An activity's result."""
    return history.task_completed(task_id=task_id, result="1")


def failed(task_id: int) -> Event:
    """An activity's failure."""
    return history.task_failed(task_id=task_id, reason="r", details="d")


def raised(name: str) -> Event:
    """An external event."""
    return history.event_raised(name=name, input_json="1")


def replay(actions: Sequence[Action], *events: Event) -> Replay:
    """Replay these events after the start."""
    one = Replay([*actions], knows_activity=lambda _name: True)
    one.feed([STARTED, *events])
    return one


def names(one: Replay) -> list[str]:
    """Show the new work in order."""
    return [f"{work.task_id}:{work.name if isinstance(work, ScheduledActivity) else 'timer'}" for work in one.new_work]


def test_an_action_is_invoked_when_the_one_before_is_done() -> None:
    """One action per yield, awaited in order."""
    actions = [act("a"), act("b")]

    assert names(replay(actions)) == ["0:a"]
    assert names(replay(actions, history.task_scheduled(task_id=0, name="a", input_json=""), done(0))) == ["1:b"]


def test_ids_follow_the_order_of_the_actions_and_waits_take_none() -> None:
    """Depth first through nested compounds."""
    nested = any_of(wait("x"), all_of(act("a"), timer()), act("b"))

    assert names(replay([nested])) == ["0:a", "1:timer", "2:b"]


def test_when_all_waits_for_every_child_even_after_a_failure() -> None:
    """.NET's Task.WhenAll; the SDK resumes at the first failure, but nothing new is scheduled before."""
    actions = [all_of(act("a"), act("b")), act("c")]

    assert names(replay(actions, failed(0))) == ["0:a", "1:b"]
    assert names(replay(actions, failed(0), done(1))) == ["0:a", "1:b", "2:c"]


def test_when_any_goes_on_with_the_first_and_leaves_the_others_open() -> None:
    """An open task keeps the execution from ending."""
    one = replay([any_of(act("a"), act("b"))], done(1))

    assert one.finished
    assert one.has_open_tasks


def test_a_cancelled_timer_is_done_at_once_and_still_recorded() -> None:
    """The framework drops the task, not the timer's message."""
    one = replay([any_of(wait("x"), timer(canceled=True)), act("a")])

    assert one.new_work[0] == ScheduledTimer(task_id=0, fire_at=FIRE_AT)
    assert names(one) == ["0:timer", "1:a"]


def test_events_are_buffered_in_order_and_matched_without_case() -> None:
    """An event before its wait is kept."""
    one = replay([act("a"), wait("Approve"), wait("approve")], raised("APPROVE"), raised("approve"), done(0))

    assert one.finished


def test_the_latest_waiter_of_a_name_gets_the_next_event() -> None:
    """The extension keeps a stack of waiters (DurableOrchestrationContext.WaitForExternalEvent)."""
    actions = [any_of(wait("x"), act("a")), any_of(wait("x"), act("b")), act("c")]

    assert names(replay(actions, done(0), raised("x"))) == ["0:a", "1:b", "2:c"]


def test_a_second_completion_of_a_task_changes_nothing() -> None:
    """The framework logs and ignores it."""
    assert names(replay([act("a"), act("b")], done(0), done(0))) == names(replay([act("a"), act("b")], done(0)))


def test_empty_compounds_behave_as_in_dotnet() -> None:
    """All of nothing is done, any of nothing is an error."""
    assert replay([all_of()]).finished
    with pytest.raises(ReplayFault, match="contains no tasks"):
        replay([any_of()])


@pytest.mark.parametrize(
    "action",
    [{}, {"actionType": 99}, {"actionType": 0, "input": "1"}, {"actionType": 5, "fireAt": "soon"}, {"actionType": 6}],
)
def test_an_action_that_makes_no_sense_is_a_fault(action: Action) -> None:
    """It fails the orchestration and does not break the engine."""
    with pytest.raises(ReplayFault):
        replay([action])


@pytest.mark.parametrize("seed", range(20))
def test_a_history_replays_alike_in_one_piece_and_event_by_event(seed: int) -> None:
    """Random actions and completions: the new work is that of one replay over the whole."""
    rng = random.Random(seed)
    for _ in range(20):
        actions = [_random_action(rng, depth=0) for _ in range(rng.randint(1, 6))]
        piecewise = replay(actions)
        told: list[Event] = []
        for _ in range(rng.randint(0, 15)):
            event = rng.choice([done(rng.randint(0, 8)), raised(rng.choice("xy")), _fired(rng.randint(0, 8))])
            piecewise.feed([event])
            told.append(event)
        whole = replay(actions, *told)

        assert whole.new_work == piecewise.new_work
        assert (whole.finished, whole.has_open_tasks) == (piecewise.finished, piecewise.has_open_tasks)
        assert [one.task_id for one in whole.new_work] == [*range(len(whole.new_work))]


def _fired(task_id: int) -> Event:
    return history.timer_fired(task_id=task_id, fire_at=FIRE_AT)


def _random_action(rng: random.Random, depth: int) -> Action:
    if depth < 2 and rng.random() < 0.4:
        children = [_random_action(rng, depth + 1) for _ in range(rng.randint(1, 3))]
        return rng.choice([any_of, all_of])(*children)
    return rng.choice([act("a"), act("b"), timer(), timer(canceled=True), wait("x"), wait("y")])


def test_the_event_numbers_are_those_of_the_framework() -> None:
    """The SDK compares them with its own enum."""
    from azure.durable_functions.models.history import HistoryEventType  # noqa: PLC0415 - only here

    theirs = {int(one) for one in HistoryEventType}

    assert {int(one) for one in EventType} - {EventType.EXECUTION_REWOUND} <= theirs | {1, 2, 3}

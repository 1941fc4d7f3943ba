"""The orchestrator drives the machine: driven here by a context of ten lines, without host or engine."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from functions import process
from shared.domain.ids import ConversationKey, TurnId
from shared.domain.turn_events import TurnLimits
from shared.domain.turns import TurnRef
from shared.wire.durable_history import orchestration_input

REF = TurnRef(key=ConversationKey("s-1"), turn_id=TurnId("s-1.2"), epoch=3)
ANSWER: dict[str, Any] = {"kind": "answer", "calls": [], "retry_after_s": None, "error": None}
DONE: dict[str, Any] = {"process_round": ANSWER, "respond": True, "persist": None, "release": None, "run_tool": None}


class Timer:
    """A durable timer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_completed = False
        self.cancelled = False

    def cancel(self) -> None:
        """Stop waiting."""
        self.cancelled = True


class Waiting(str):
    """A wait for an external event, by its name."""

    __slots__ = ("is_completed",)

    def __new__(cls, name: str) -> Self:
        """Begin to wait."""
        waiting = super().__new__(cls, name)
        waiting.is_completed = False
        return waiting


class Activities:
    """Scheduled side by side."""

    def __init__(self, tasks: list[Any]) -> None:
        self.tasks = tasks


class Context:
    """What the orchestrator sees of the durable SDK; everything that it asks for is recorded."""

    def __init__(self) -> None:
        self.current_utc_datetime = datetime(2026, 1, 5, tzinfo=UTC)
        self.activities: list[tuple[str, Any]] = []
        self.timers: list[Timer] = []
        self.events: list[Waiting] = []

    def get_input(self) -> Any:
        """The orchestration's input."""
        return orchestration_input(REF, TurnLimits())

    def call_activity(self, name: str, work: Any) -> tuple[str, Any]:
        """Schedule an activity."""
        self.activities.append((name, work))
        return (name, work)

    def task_all(self, tasks: list[Any]) -> "Activities":
        """Wait for all."""
        return Activities(tasks)

    def task_any(self, tasks: list[Any]) -> list[Any]:
        """Wait for any."""
        return tasks

    def create_timer(self, fire_at: datetime) -> Timer:
        """Schedule a timer."""
        self.timers.append(Timer((fire_at - self.current_utc_datetime).total_seconds()))
        return self.timers[-1]

    def wait_for_external_event(self, name: str) -> Waiting:
        """Wait for an event."""
        self.events.append(Waiting(name))
        return self.events[-1]


_BUILDER: Any = process.process
_ORCHESTRATOR: Any = _BUILDER.build().get_user_function()


def drive(context: Context, results: Callable[[str, Any], Any]) -> str:
    """Run the generator to its end; `results` answers or raises for each activity."""
    run = _ORCHESTRATOR.orchestrator_function(context)
    yielded = next(run)
    while True:
        try:
            if isinstance(yielded, Activities):
                try:
                    answer = [results(name, work) for name, work in yielded.tasks]
                except RuntimeError as fault:
                    yielded = run.throw(Exception(str(fault)))
                    continue
                yielded = run.send(answer)
            else:
                yielded = run.send(None)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_due_after_a_turn_is_done_and_cannot_fail_it(*, fails: bool) -> None:
    """A title, a summary: an activity of its own, after the slot is free and the end is told."""
    context = Context()

    def results(name: str, _: Any) -> Any:
        if name == "tidy" and fails:
            raise RuntimeError(name)
        return True if name == "release" else DONE.get(name)

    phase = drive(context, results)

    assert phase == "ended"
    assert [name for name, _ in context.activities][-2:] == ["release", "tidy"]


def test_a_simple_turn_is_four_activities_that_hold_ids_alone() -> None:
    """Decision 5: nothing but ids, counters and outcomes in the durable history."""
    context = Context()

    phase = drive(context, lambda name, _: DONE[name])

    assert phase == "ended"
    assert [name for name, _ in context.activities] == ["process_round", "respond", "persist", "release"]
    assert all({"key", "turn_id", "epoch"} <= set(work) for _, work in context.activities)
    assert context.timers == []


def test_calls_of_a_round_are_scheduled_side_by_side() -> None:
    """One activity per call, then the next round."""
    context = Context()
    calls: list[Any] = [{"call_id": f"c{number}", "needs_approval": False} for number in range(3)]
    rounds = iter([{**ANSWER, "kind": "calls", "calls": calls}, ANSWER])

    drive(context, lambda name, _: next(rounds) if name == "process_round" else DONE[name])

    names = [name for name, _ in context.activities]
    assert names == [
        "process_round",
        "run_tool",
        "run_tool",
        "run_tool",
        "process_round",
        "respond",
        "persist",
        "release",
    ]


def test_a_failing_persist_is_tried_again_after_a_durable_wait() -> None:
    """A raised activity is a lost attempt; nothing is skipped."""
    context = Context()
    failures = iter([RuntimeError("cosmos is down"), RuntimeError("still"), None])

    def results(name: str, _: Any) -> Any:
        fault = next(failures) if name == "persist" else None
        if fault is not None:
            raise fault
        return DONE[name]

    drive(context, results)

    assert [name for name, _ in context.activities][-3:] == ["persist", "persist", "release"]
    assert [timer.seconds for timer in context.timers] == [1, 2]


@pytest.mark.parametrize("fired", [True, False])
def test_a_wait_for_approval_ends_by_word_cancel_or_time(*, fired: bool) -> None:
    """The ledger is read in any case, and the timer is not left behind."""
    context = Context()
    calls: list[Any] = [{"call_id": "c0", "needs_approval": True}]
    rounds = iter([{**ANSWER, "kind": "calls", "calls": calls}, ANSWER])

    def results(name: str, _: Any) -> Any:
        if name == "settle_approvals":
            return {"approved": ["c0"], "cancelled": False}
        return next(rounds) if name == "process_round" else DONE[name]

    run = _ORCHESTRATOR.orchestrator_function(context)
    run.send(None)
    run.send([results("process_round", None)])
    context.timers[0].is_completed = fired
    run.send(None)

    assert context.events == ["approval:c0", "cancel"]
    assert context.timers[0].cancelled is not fired
    assert timedelta(seconds=context.timers[0].seconds) == timedelta(minutes=10)
    assert context.activities[-1][0] == "settle_approvals"


def test_a_cancel_wakes_one_wait_and_leaves_the_pauses_of_the_last_steps_alone() -> None:
    """Without pauses a store that is down would use up all tries of a cancelled turn in a moment."""
    context = Context()
    rounds = iter([{**ANSWER, "kind": "retry"}, {**ANSWER, "kind": "cancelled"}])
    run = _ORCHESTRATOR.orchestrator_function(context)
    run.send(None)
    reasons = run.send([next(rounds)])
    assert [str(one) for one in reasons[1:]] == ["cancel"]
    context.events[0].is_completed = True

    run.send(None)
    run.send([next(rounds)])
    reasons = run.throw(Exception("the store is down"))

    assert [name for name, _ in context.activities] == ["process_round", "process_round", "respond"]
    assert reasons == [context.timers[1]]
    assert (context.timers[0].cancelled, context.timers[1].seconds) == (True, 1)

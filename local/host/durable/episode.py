"""One episode of an orchestration: from new messages and the SDK's answer to new history, work and outcome."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from local.host.durable import history
from local.host.durable.failures import INVALID_SCHEMA, orchestrator_failure, read_worker_failure
from local.host.durable.history import Event, EventType
from local.host.durable.replay import (
    JsonObject,
    NonDeterminism,
    Replay,
    ReplayFault,
    ScheduledActivity,
    ScheduledTimer,
)

# Schema V3, as the extension announces it; the durations are those of the Azure Storage backend.
_CONTEXT_CONSTANTS = (
    '"parentInstanceId":null,"upperSchemaVersion":1,"upperSchemaVersionNew":2,'
    '"longRunningTimerIntervalDuration":"3.00:00:00","maximumShortTimerDuration":"6.00:00:00",'
    '"defaultHttpAsyncRequestSleepTimeMillseconds":30000'
)
_SCHEMAS = (1, 2)
_WITHOUT_SIGNS = str.maketrans("", "", "-:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an execution ended: status name and output text (JSON, or raw text for failure and termination)."""

    status: str
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeResult:
    """What one episode adds to an instance; it is stored in one transaction."""

    events: list[Event]
    activities: list[ScheduledActivity]
    timers: list[ScheduledTimer]
    status: str
    custom_status: str | None = None  # None: unchanged, the SDK cannot clear it
    outcome: Outcome | None = None


def for_context(happened: Event, *, played: bool) -> str:
    """Render an event for the SDK, its time in a form that the SDK parses in half the time.

    The SDK spends most of an episode on these texts (dateutil, one per event). The clock of an orchestrator
    is the time of its episode marks: these keep their microseconds, in ISO 8601's basic format. Of the
    other times only a reader of `context.histories` sees anything; they are cut to the second.
    """
    compact = happened["Timestamp"].translate(_WITHOUT_SIGNS)
    if happened["EventType"] != EventType.ORCHESTRATOR_STARTED:
        compact = f"{compact[:8]}{compact[9:15]}Z"
    return json.dumps({**happened, "IsPlayed": played, "Timestamp": compact})


def context_json(*, instance_id: str, input_json: str | None, past: Sequence[str], new: Sequence[Event]) -> str:
    """Build the orchestrator's input: past events as rendered before, new ones as they came."""
    events = ",".join([*past, *(for_context(happened, played=False) for happened in new)])
    token = input_json if input_json is not None else "null"
    replaying = "true" if past else "false"
    return (
        f'{{"history":[{events}],"input":{token},"instanceId":{json.dumps(instance_id)},'
        f'"isReplaying":{replaying},{_CONTEXT_CONSTANTS}}}'
    )


def terminated(past: Sequence[Event], new: Sequence[Event]) -> EpisodeResult:
    """End the execution at once; its output is the reason, activities under way are not stopped."""
    reason = next(one["Input"] for one in new if one["EventType"] == EventType.EXECUTION_TERMINATED)
    return _ended(new, [], Outcome(status="Terminated", output=reason), next_id=history.next_task_id(past))


def paused(new: Sequence[Event], *, status: str) -> EpisodeResult:
    """Record a suspension or resumption without running the orchestrator."""
    events = [*new, history.event(EventType.ORCHESTRATOR_COMPLETED)]
    return EpisodeResult(events=events, activities=[], timers=[], status=status)


def failed(past: Sequence[Event], new: Sequence[Event], output: str) -> EpisodeResult:
    """End the execution because the orchestrator could not be run or said nothing that can be replayed.

    Tasks under way do not delay it: the framework learns of them only by a replay.
    """
    return _ended(new, [], Outcome(status="Failed", output=output), next_id=history.next_task_id(past))


class Interpreter:
    """Turns what the worker said about one episode into its result."""

    def __init__(
        self, *, name: str, past: Sequence[Event], new: Sequence[Event], knows_activity: Callable[[str], bool]
    ) -> None:
        self._name = name
        self._past = past
        self._new = new
        self._knows_activity = knows_activity

    def on_answer(self, answer: str) -> EpisodeResult:
        """Interpret the SDK's JSON text."""
        state = _parse_state(answer)
        if state is None:
            return self._failed(INVALID_SCHEMA)
        return self._replay(state)

    def on_failure(self, worker_text: str) -> EpisodeResult:
        """Interpret a failed invocation: its actions count if the SDK's state came along."""
        failure = read_worker_failure(worker_text)
        if not failure.state_json:
            # The extension meets the failure inside an AggregateException, whose text it passes on.
            return self._failed(f"One or more errors occurred. ({worker_text})")
        state = _parse_state(failure.state_json)
        if state is None:  # the sanitizer may have damaged it; this path adds no prefix
            return failed(self._past, self._new, INVALID_SCHEMA)
        return self._replay(state)

    def _failed(self, error: str) -> EpisodeResult:
        return failed(self._past, self._new, orchestrator_failure(self._name, error))

    def _replay(self, state: JsonObject) -> EpisodeResult:
        replay = Replay(state["actions"][0], knows_activity=self._knows_activity)
        outcome: Outcome | None
        try:
            replay.feed(self._past)
            replay.feed(self._new)
        except NonDeterminism as contradiction:
            return failed(self._past, self._new, str(contradiction))
        except ReplayFault as fault:
            outcome = Outcome(status="Failed", output=orchestrator_failure(self._name, str(fault)))
        else:
            outcome = self._outcome(state) if replay.finished else None
        custom = state.get("customStatus")
        return self._result(replay, outcome, None if custom is None else json.dumps(custom))

    def _outcome(self, state: JsonObject) -> Outcome | None:
        if state.get("error"):
            return Outcome(status="Failed", output=orchestrator_failure(self._name, str(state["error"])))
        if not state.get("isDone"):
            return None
        output = state.get("output")
        return Outcome(status="Completed", output=None if output is None else json.dumps(output))

    def _result(self, replay: Replay, outcome: Outcome | None, custom_status: str | None) -> EpisodeResult:
        work = replay.new_work
        if outcome is not None and not replay.has_open_tasks:
            scheduled = [_recorded(one) for one in work]
            return _ended(self._new, scheduled, outcome, next_id=replay.next_id, custom_status=custom_status)
        return EpisodeResult(
            events=[
                *self._new,
                *(_recorded(one) for one in work),
                history.event(EventType.ORCHESTRATOR_COMPLETED),
            ],
            activities=[one for one in work if isinstance(one, ScheduledActivity)],
            timers=[one for one in work if isinstance(one, ScheduledTimer)],
            status="Running",
            custom_status=custom_status,
        )


def _recorded(work: ScheduledActivity | ScheduledTimer) -> Event:
    if isinstance(work, ScheduledActivity):
        stored = json.dumps([work.input_json])  # CallActivityAsync serializes its arguments as an array
        return history.task_scheduled(task_id=work.task_id, name=work.name, input_json=stored)
    return history.timer_created(task_id=work.task_id, fire_at=work.fire_at)


def _ended(
    new: Sequence[Event],
    scheduled: list[Event],
    outcome: Outcome,
    *,
    next_id: int,
    custom_status: str | None = None,
) -> EpisodeResult:
    closing = history.execution_completed(event_id=next_id, status=outcome.status, result=outcome.output)
    events = [*new, *scheduled, closing, history.event(EventType.ORCHESTRATOR_COMPLETED)]
    return EpisodeResult(
        events=events,
        activities=[],
        timers=[],
        status=outcome.status,
        custom_status=custom_status,
        outcome=outcome,
    )


def _parse_state(text: str) -> JsonObject | None:
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(parsed, dict):
        return None
    state = cast("JsonObject", parsed)
    match state.get("actions"):
        case [[*actions]] if all(isinstance(one, dict) for one in actions):
            return state if state.get("schemaVersion") in _SCHEMAS else None
        case _:
            return None

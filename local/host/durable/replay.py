"""Replays an orchestrator's actions against its history, as the extension's out-of-process shim does.

The SDK answers with every action since the beginning, in order. The shim awaits them one after the other
while the framework feeds it the history, so that ids, completions and buffered events come out the same on
every replay (OutOfProcOrchestrationShim.cs, TaskOrchestrationContext.cs).
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from local.host.durable.failures import unknown_function
from local.host.durable.history import Event, EventType, timestamp

JsonObject = dict[str, Any]


class ActionType(IntEnum):
    """The action numbers of the protocol."""

    CallActivity = 0
    CallActivityWithRetry = 1
    CallSubOrchestrator = 2
    CallSubOrchestratorWithRetry = 3
    ContinueAsNew = 4
    CreateTimer = 5
    WaitForExternalEvent = 6
    CallEntity = 7
    CallHttp = 8
    SignalEntity = 9
    ScheduledSignalEntity = 10
    WhenAny = 11
    WhenAll = 12


class ReplayFault(Exception):
    """An action cannot be carried out; the orchestration fails with this message."""


class NonDeterminism(ReplayFault):
    """The history holds something that the replayed actions do not produce."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledActivity:
    """An activity that the replay asks for: its id, name and input as JSON text."""

    task_id: int
    name: str
    input_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTimer:
    """A durable timer that the replay asks for; `fire_at` is the SDK's UTC text."""

    task_id: int
    fire_at: str


Scheduled = ScheduledActivity | ScheduledTimer


@dataclass(slots=True, kw_only=True, eq=False)
class _Wait:
    """Something that the replay awaits: done once `missing` completions have come."""

    missing: int
    parents: list["_Wait"] = field(default_factory=list["_Wait"])

    @property
    def done(self) -> bool:
        return self.missing <= 0

    def complete(self) -> None:
        if self.done:
            return
        self.missing -= 1
        if self.done:
            for parent in self.parents:
                parent.complete()


class Replay:
    """One replay: feed it the history in order, then read what is new, open and finished."""

    def __init__(self, actions: list[JsonObject], *, knows_activity: Callable[[str], bool]) -> None:
        self._actions = actions
        self._knows_activity = knows_activity
        self._cursor = 0
        self._current = _Wait(missing=0)
        self._next_id = 0
        self._unconfirmed: dict[int, Scheduled] = {}
        self._open: dict[int, _Wait] = {}
        # A stack of waiters and a queue of unclaimed events per name, names without case:
        # DurableOrchestrationContext.cs (pendingExternalEvents, bufferedExternalEvents).
        self._waiters: dict[str, list[_Wait]] = {}
        self._buffered: dict[str, deque[None]] = {}

    @property
    def new_work(self) -> list[Scheduled]:
        """What was asked for and is not in history yet, by id."""
        return [self._unconfirmed[task_id] for task_id in sorted(self._unconfirmed)]

    @property
    def has_open_tasks(self) -> bool:
        """Whether an activity or an uncancelled timer is still out.

        The framework completes no orchestration before (TaskOrchestrationExecutor.ExecuteCore).
        """
        return bool(self._open)

    @property
    def finished(self) -> bool:
        """Whether every action has been awaited."""
        return self._current.done and self._cursor == len(self._actions)

    @property
    def next_id(self) -> int:
        """The id that the next task would get."""
        return self._next_id

    def feed(self, history: Iterable[Event]) -> None:
        """Replay these events.

        Raises:
            ReplayFault: an action cannot be carried out.
            NonDeterminism: history and actions contradict each other.
        """
        for happened in history:
            match happened["EventType"]:
                case EventType.EXECUTION_STARTED:
                    self._advance()
                case EventType.TASK_SCHEDULED:
                    self._confirm_activity(happened)
                case EventType.TIMER_CREATED:
                    self._confirm_timer(happened)
                case EventType.TASK_COMPLETED | EventType.TASK_FAILED:
                    self._close(happened["TaskScheduledId"])
                case EventType.TIMER_FIRED:
                    self._close(happened["TimerId"])
                case EventType.EVENT_RAISED:
                    self._raise(happened["Name"])
                case _:
                    pass

    def _advance(self) -> None:
        while self._current.done and self._cursor < len(self._actions):
            action = self._actions[self._cursor]
            self._cursor += 1
            self._current = self._invoke(action)

    def _invoke(self, action: JsonObject) -> _Wait:
        match action.get("actionType"):
            case ActionType.CallActivity:
                return self._call_activity(_text(action, "functionName"), _text(action, "input"))
            case ActionType.CreateTimer:
                return self._create_timer(_text(action, "fireAt"), canceled=bool(action.get("isCanceled")))
            case ActionType.WaitForExternalEvent:
                return self._wait_for_event(_text(action, "externalEventName").lower())
            case ActionType.WhenAny:
                return self._compound(action, any_of=True)
            case ActionType.WhenAll:
                return self._compound(action, any_of=False)
            case other:
                raise ReplayFault(_refusal(other))

    def _call_activity(self, name: str, input_json: str) -> _Wait:
        if not self._knows_activity(name):
            raise ReplayFault(unknown_function(name, "an activity"))
        task_id = self._take_id()
        self._unconfirmed[task_id] = ScheduledActivity(task_id=task_id, name=name, input_json=input_json)
        return self._await_task(task_id)

    def _create_timer(self, fire_at: str, *, canceled: bool) -> _Wait:
        task_id = self._take_id()
        self._unconfirmed[task_id] = ScheduledTimer(task_id=task_id, fire_at=_utc(fire_at))
        return _Wait(missing=0) if canceled else self._await_task(task_id)

    def _take_id(self) -> int:
        task_id, self._next_id = self._next_id, self._next_id + 1
        return task_id

    def _await_task(self, task_id: int) -> _Wait:
        wait = self._open[task_id] = _Wait(missing=1)
        return wait

    def _wait_for_event(self, key: str) -> _Wait:
        wait = _Wait(missing=1)
        self._waiters.setdefault(key, []).append(wait)
        if self._buffered.get(key):
            self._buffered[key].popleft()
            self._waiters[key].pop().complete()
        return wait

    def _compound(self, action: JsonObject, *, any_of: bool) -> _Wait:
        children = [self._invoke(child) for child in action.get("compoundActions", [])]
        if any_of and not children:
            raise ReplayFault("The tasks argument contains no tasks. (Parameter 'tasks')")  # Task.WhenAny([])
        wait = _Wait(missing=1 if any_of else len(children))
        for child in children:
            if child.done:
                wait.complete()
            else:
                child.parents.append(wait)
        return wait

    def _close(self, task_id: int) -> None:
        wait = self._open.pop(task_id, None)
        if wait is not None:  # else a duplicate, which the framework logs and ignores
            wait.complete()
            self._advance()

    def _raise(self, name: str) -> None:
        key = name.lower()
        if self._waiters.get(key):
            self._waiters[key].pop().complete()
            self._advance()
        else:
            self._buffered.setdefault(key, deque()).append(None)

    def _confirm_activity(self, happened: Event) -> None:
        task_id, name = happened["EventId"], happened["Name"]
        planned = self._unconfirmed.pop(task_id, None)
        if isinstance(planned, ScheduledActivity) and planned.name.lower() == name.lower():
            return
        raise NonDeterminism(
            "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled an activity "
            f"task with sequence number {task_id} named '{name}', but the current orchestration replay instead "
            f"{_instead(planned)} with this sequence number. {_CHANGED}"
        )

    def _confirm_timer(self, happened: Event) -> None:
        task_id = happened["EventId"]
        planned = self._unconfirmed.pop(task_id, None)
        if isinstance(planned, ScheduledTimer):
            return
        raise NonDeterminism(
            "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled a timer task "
            f"with sequence number {task_id} but the current orchestration replay instead {_instead(planned)} with "
            f"this sequence number. {_CHANGED}"
        )


_CHANGED = "Was a change made to the orchestrator code after this instance had already started running?"


def _instead(planned: Scheduled | None) -> str:
    match planned:
        case ScheduledActivity(name=name):
            return f"scheduled an activity task named '{name}'"
        case ScheduledTimer():
            return "produced a CreateTimerOrchestratorAction action"
        case None:
            return "hasn't (yet?) scheduled a task"


def _refusal(kind: Any) -> str:
    if kind not in [*ActionType]:
        return f"Received an unexpected action type from the out-of-proc function: '${kind}'."
    return (
        f"The action {ActionType(kind).name} is not implemented (501) by the local durable engine; "
        "it knows CallActivity, CreateTimer, WaitForExternalEvent, WhenAny and WhenAll."
    )


def _text(action: JsonObject, key: str) -> str:
    value = action.get(key)
    if not isinstance(value, str):
        raise ReplayFault(f"The action {ActionType(action['actionType']).name} needs the text {key}, not {value!r}.")
    return value


def _utc(fire_at: str) -> str:
    try:
        moment = datetime.fromisoformat(fire_at)
    except ValueError as wrong:
        raise ReplayFault(f"The action CreateTimer has no valid time: {wrong}") from wrong
    return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))

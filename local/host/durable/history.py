"""History events of an orchestration, in the JSON shape that the durable extension sends to the SDK."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Event = dict[str, Any]


class EventType(IntEnum):
    """The Durable Task Framework's event numbers (DurableTask.Core/History/EventType.cs)."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_FAILED = 2
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    CONTINUE_AS_NEW = 16
    GENERIC_EVENT = 17
    HISTORY_STATE = 18
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20
    EXECUTION_REWOUND = 21


# The names of ToString() of the .NET enum, as showHistory prints them.
EVENT_NAMES: dict[int, str] = {
    EventType.EXECUTION_STARTED: "ExecutionStarted",
    EventType.EXECUTION_COMPLETED: "ExecutionCompleted",
    EventType.EXECUTION_TERMINATED: "ExecutionTerminated",
    EventType.TASK_SCHEDULED: "TaskScheduled",
    EventType.TASK_COMPLETED: "TaskCompleted",
    EventType.TASK_FAILED: "TaskFailed",
    EventType.TIMER_CREATED: "TimerCreated",
    EventType.TIMER_FIRED: "TimerFired",
    EventType.ORCHESTRATOR_STARTED: "OrchestratorStarted",
    EventType.ORCHESTRATOR_COMPLETED: "OrchestratorCompleted",
    EventType.EVENT_RAISED: "EventRaised",
    EventType.EXECUTION_SUSPENDED: "ExecutionSuspended",
    EventType.EXECUTION_RESUMED: "ExecutionResumed",
}

RECEIVED = -1  # EventId of every event that came from outside the orchestrator


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Format an aware time as history does: ISO 8601 in UTC with microseconds and a Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def event(kind: EventType, *, event_id: int = RECEIVED, at: str | None = None, **fields: Any) -> Event:
    """Build one history event; `at` defaults to now."""
    return {
        "EventType": int(kind),
        "EventId": event_id,
        "IsPlayed": False,
        "Timestamp": at or timestamp(utc_now()),
        **fields,
    }


def execution_started(*, name: str, instance_id: str, execution_id: str, input_json: str | None, version: str) -> Event:
    """Build the first message of an execution; `Version` must be there, the SDK reads it unconditionally."""
    return event(
        EventType.EXECUTION_STARTED,
        OrchestrationInstance={"InstanceId": instance_id, "ExecutionId": execution_id},
        ParentInstance=None,
        Name=name,
        Version=version,
        Input=input_json,
        Tags=None,
        ScheduledStartTime=None,
    )


def task_scheduled(*, task_id: int, name: str, input_json: str) -> Event:
    """Record that an activity was scheduled under that task id."""
    return event(EventType.TASK_SCHEDULED, event_id=task_id, Name=name, Version="", Input=input_json)


def task_completed(*, task_id: int, result: str | None) -> Event:
    """Report an activity's result, as JSON text or None."""
    return event(EventType.TASK_COMPLETED, TaskScheduledId=task_id, Result=result)


def task_failed(*, task_id: int, reason: str, details: str) -> Event:
    """Report that an activity failed."""
    return event(EventType.TASK_FAILED, TaskScheduledId=task_id, Reason=reason, Details=details, FailureDetails=None)


def timer_created(*, task_id: int, fire_at: str) -> Event:
    """Record that a durable timer was armed."""
    return event(EventType.TIMER_CREATED, event_id=task_id, FireAt=fire_at)


def timer_fired(*, task_id: int, fire_at: str) -> Event:
    """Report that a durable timer is due."""
    return event(EventType.TIMER_FIRED, TimerId=task_id, FireAt=fire_at)


def event_raised(*, name: str, input_json: str) -> Event:
    """Report an external event; its data is JSON text."""
    return event(EventType.EVENT_RAISED, Name=name, Input=input_json)


def execution_completed(*, event_id: int, status: str, result: str | None) -> Event:
    """Close an execution; the status is the .NET number (1 completed, 3 failed, 5 terminated)."""
    return event(
        EventType.EXECUTION_COMPLETED,
        event_id=event_id,
        OrchestrationStatus=COMPLETION_STATUS[status],
        Result=result,
        FailureDetails=None,
    )


def next_task_id(events: Iterable[Event]) -> int:
    """Return the id after the last that was given out."""
    return max((one["EventId"] for one in events), default=RECEIVED) + 1


# DurableTask.Core/OrchestrationStatus.cs
COMPLETION_STATUS = {"Completed": 1, "Failed": 3, "Canceled": 4, "Terminated": 5}

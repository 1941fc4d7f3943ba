"""What the status calls show: the payload of one instance and its history as people read it."""

import json
from collections.abc import Sequence
from typing import Any

from local.host.durable.history import COMPLETION_STATUS, EVENT_NAMES, Event, EventType
from local.host.durable.records import InstanceRow

_STATUS_NAMES = {number: name for name, number in COMPLETION_STATUS.items()}
_DROPPED = {
    EventType.TASK_SCHEDULED: ("Version",),
    EventType.EXECUTION_STARTED: ("Name", "OrchestrationInstance", "ParentInstance", "Version", "Tags"),
    EventType.TIMER_FIRED: ("TimerId",),
}


def status_payload(row: InstanceRow, *, show_input: bool, events: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Build the JSON of one instance; times have second precision, as the extension prints them."""
    return {
        "name": row.name,
        "instanceId": row.instance_id,
        "runtimeStatus": row.status,
        "input": json_or_text(row.input_json) if show_input else None,
        "customStatus": json_or_text(row.custom_status),
        "output": json_or_text(row.output),
        "createdTime": f"{row.created[:19]}Z",
        "lastUpdatedTime": f"{row.updated[:19]}Z",
        "historyEvents": events,
    }


def json_or_text(value: str | None) -> Any:
    """Parse stored text as the extension does: what is no JSON is shown as it is (a reason, a failure)."""
    if value is None:
        return None
    stripped = value.strip()
    try:
        return json.loads(stripped)
    except ValueError:
        return stripped


def history_payload(events: Sequence[Event], *, show_input: bool, show_output: bool) -> list[dict[str, Any]]:
    """Turn history into the form of `showHistory` (DurableClient.GetDurableOrchestrationStatusAsync).

    Episode marks disappear, a scheduled task melts into its completion, types get their names.
    """
    scheduled = {one["EventId"]: one for one in events if one["EventType"] == EventType.TASK_SCHEDULED}
    completed = {one["TaskScheduledId"] for one in events if "TaskScheduledId" in one}
    shown: list[dict[str, Any]] = []
    for happened in events:
        kind = EventType(happened["EventType"])
        if kind in (EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED):
            continue
        if kind == EventType.TASK_SCHEDULED and happened["EventId"] in completed:
            continue
        shown.append(_shown(happened, kind, scheduled, show_input=show_input, show_output=show_output))
    return shown


def _shown(
    happened: Event, kind: EventType, scheduled: dict[int, Event], *, show_input: bool, show_output: bool
) -> dict[str, Any]:
    dropped = ("EventId", "IsPlayed", "TaskScheduledId", *_DROPPED.get(kind, ()))
    item = {name: value for name, value in happened.items() if name not in dropped}
    item["EventType"] = EVENT_NAMES[kind]
    if kind == EventType.EXECUTION_STARTED:
        item["FunctionName"] = happened["Name"]
    if kind in (EventType.TASK_COMPLETED, EventType.TASK_FAILED):
        origin = scheduled[happened["TaskScheduledId"]]
        item |= {
            "ScheduledTime": origin["Timestamp"],
            "FunctionName": origin["Name"],
            "Input": origin["Input"],
        }
    if kind == EventType.EXECUTION_COMPLETED:
        item["OrchestrationStatus"] = _STATUS_NAMES[happened["OrchestrationStatus"]]
    if "Result" in item:
        result = item.pop("Result")
        if show_output:
            item["Result"] = json_or_text(result)
    if not show_input:
        item.pop("Input", None)
    return item

"""The rows of the durable store as values."""

from dataclasses import dataclass

from local.host.durable.history import Event

RUNNING = frozenset({"Pending", "Running", "Suspended", "ContinuedAsNew"})


class InstanceExists(Exception):
    """An unfinished instance has this id; the text is DurableTask's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """What the status of one instance is made of; texts are JSON except a failure's or termination's output."""

    instance_id: str
    execution_id: str
    name: str
    input_json: str | None
    status: str
    custom_status: str | None
    output: str | None
    created: str
    updated: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event on its way to an instance; `sequence` is its row in the inbox."""

    sequence: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """An activity that was scheduled and has no result yet."""

    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input_json: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ArmedTimer:
    """A durable timer that has not fired; ordered by due time."""

    fire_at: str
    instance_id: str
    execution_id: str
    task_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceQuery:
    """A filter over instances; times are history timestamps, `after` is the id that the last page ended with."""

    statuses: frozenset[str] = frozenset()
    created_from: str | None = None
    created_to: str | None = None
    id_prefix: str = ""
    after: str = ""
    top: int | None = None

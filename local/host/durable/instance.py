"""A running orchestration in memory: its row, history and waiting messages."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from local.host.durable.episode import for_context
from local.host.durable.history import Event, EventType
from local.host.durable.records import InstanceRow, Message

_WAKES_SUSPENDED = (EventType.EXECUTION_RESUMED, EventType.EXECUTION_TERMINATED)
_UNREAD = (EventType.TASK_SCHEDULED, EventType.TIMER_CREATED, EventType.ORCHESTRATOR_COMPLETED)


@dataclass(slots=True, kw_only=True, eq=False)
class LiveInstance:
    """One unfinished instance; `working` tells that an episode loop owns it."""

    row: InstanceRow
    past: list[Event] = field(default_factory=list[Event])
    rendered: list[str] = field(default_factory=list[str])
    inbox: list[Message] = field(default_factory=list[Message])
    working: bool = False

    @property
    def suspended(self) -> bool:
        """Whether only a resumption or termination may go on."""
        return self.row.status == "Suspended"

    def next_batch(self) -> list[Message]:
        """Return the messages of the next episode; they stay in the inbox until `consume`.

        A suspension closes a batch and is one of its own; a termination takes all with it.
        """
        if any(_kind(one) == EventType.EXECUTION_TERMINATED for one in self.inbox):
            return list(self.inbox)
        if self.suspended:
            return [one for one in self.inbox if _kind(one) in _WAKES_SUSPENDED][:1]
        for index, message in enumerate(self.inbox):
            if _kind(message) in (EventType.EXECUTION_SUSPENDED, EventType.EXECUTION_RESUMED):
                return self.inbox[: max(index, 1)]
        return list(self.inbox)

    def consume(self, row: InstanceRow, batch: Sequence[Message], events: Sequence[Event]) -> None:
        """Make the batch and what came of it part of the past."""
        taken = {one.sequence for one in batch}
        self.row = row
        self.inbox = [one for one in self.inbox if one.sequence not in taken]
        self.remember(events)

    def remember(self, events: Sequence[Event]) -> None:
        """Append events that are kept in the store.

        The SDK is not sent what it ignores: it would spend as long on each of these as on any other event, and
        they are half of a history (TaskOrchestrationExecutor.process_event; docs/local-stack/durable.md).
        """
        self.past.extend(events)
        self.rendered.extend(for_context(one, played=True) for one in events if one["EventType"] not in _UNREAD)


def _kind(message: Message) -> int:
    return message.event["EventType"]

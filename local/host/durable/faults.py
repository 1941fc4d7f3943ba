"""Faults on demand: at-least-once made visible, crashes at chosen steps, lost work and latency."""

import asyncio
import os
import signal
import sqlite3
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

CRASH_EXIT_CODE = -signal.SIGKILL
When = Literal["before", "after"]


class UnknownFault(ValueError):
    """The description of a fault cannot be understood; the text names the field."""


@dataclass(slots=True, kw_only=True)
class RepeatActivity:
    """Run an activity twice: side by side, or again after its result was lost before the checkpoint."""

    kind: ClassVar[str] = "repeat_activity"
    activity: str
    side_by_side: bool = False
    times: int = 1


@dataclass(slots=True, kw_only=True)
class DeliverEvent:
    """Deliver an external event `copies` times: 0 loses it, 2 doubles it; the client sees 202 either way."""

    kind: ClassVar[str] = "deliver_event"
    event: str
    copies: int
    times: int = 1


@dataclass(slots=True, kw_only=True)
class HoldActivity:
    """Lose an activity's work item for that many seconds before it runs."""

    kind: ClassVar[str] = "hold_activity"
    activity: str
    seconds: float
    times: int = 1


@dataclass(slots=True, kw_only=True)
class Crash:
    """Kill the process before or after the store's transaction number `step`, counted from the start.

    With `what`, such as `activity run_tool`, only transactions of that name count, from now on.
    """

    kind: ClassVar[str] = "crash"
    step: int
    when: str = "before"
    what: str = ""


@dataclass(slots=True, kw_only=True)
class Latency:
    """Delay every hop: each start, event, timer and activity dispatch, in milliseconds."""

    kind: ClassVar[str] = "latency"
    milliseconds: float


@dataclass(slots=True, kw_only=True)
class DiskFull:
    """Let every transaction of the store fail as SQLite fails when the disk is full."""

    kind: ClassVar[str] = "disk_full"


Fault = RepeatActivity | DeliverEvent | HoldActivity | Crash | Latency | DiskFull
_KINDS: dict[str, type[Fault]] = {
    one.kind: one for one in (RepeatActivity, DeliverEvent, HoldActivity, Crash, Latency, DiskFull)
}
_NUMBERS = ("copies", "times", "seconds", "step", "milliseconds")


def parse_fault(body: dict[str, Any]) -> Fault:
    """Read a fault from JSON: `{"kind": ...}` and the fields of its class.

    Raises:
        UnknownFault: the kind or a field is not known, missing or of the wrong type.
    """
    given = dict(body)
    kind = given.pop("kind", None)
    if kind not in _KINDS:
        raise UnknownFault(f"kind must be one of {', '.join(_KINDS)}, not {kind!r}")
    for name, value in given.items():
        _check_field(kind, name, value)
    try:
        return _KINDS[kind](**given)
    except TypeError as missing:
        raise UnknownFault(f"{kind}: {missing}") from missing


def _check_field(kind: str, name: str, value: Any) -> None:
    known = {one.name for one in fields(_KINDS[kind])}
    if name not in known:
        raise UnknownFault(f"{kind} has no field {name!r}; it has {', '.join(sorted(known))}")
    if name in _NUMBERS and (not isinstance(value, int | float) or value < 0):
        raise UnknownFault(f"{kind}.{name} must be a number that is not negative, not {value!r}")
    if name == "when" and value not in ("before", "after"):
        raise UnknownFault(f"crash.when must be before or after, not {value!r}")
    if name == "what" and not isinstance(value, str):
        raise UnknownFault(f"crash.what must be the name of a transaction, not {value!r}")


@dataclass(slots=True)
class FaultPlan:
    """The faults that are set, consumed as they happen; empty it does nothing."""

    faults: list[Fault] = field(default_factory=list[Fault])
    step: int = 0

    def add(self, fault: Fault) -> None:
        """Set one more fault; a new latency replaces the old one."""
        if isinstance(fault, Latency):
            self.faults = [one for one in self.faults if not isinstance(one, Latency)]
        self.faults.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        self.faults.clear()

    def on_step(self, when: When, what: str) -> None:
        """Count the store's transactions and die where a crash is set.

        Raises:
            sqlite3.OperationalError: the disk is to be full.
        """
        if when == "before":
            self.step += 1
        for fault in self.faults:
            if isinstance(fault, Crash) and self._is_here(fault, when, what):
                os.kill(os.getpid(), signal.SIGKILL)  # no cleanup of any kind: that is the fault
        if when == "before" and any(isinstance(fault, DiskFull) for fault in self.faults):
            raise sqlite3.OperationalError("database or disk is full")

    def _is_here(self, crash: Crash, when: When, what: str) -> bool:
        if not crash.what:
            return (crash.step, crash.when) == (self.step, when)
        if (crash.what, crash.when) != (what, when):
            return False
        crash.step -= 1
        return crash.step <= 0

    @property
    def latency_s(self) -> float:
        """How long a hop takes on top of its work."""
        return sum(fault.milliseconds for fault in self.faults if isinstance(fault, Latency)) / 1000

    async def hop(self) -> None:
        """Wait as long as a hop takes."""
        if self.latency_s:
            await asyncio.sleep(self.latency_s)

    def copies_of_event(self, name: str) -> int:
        """Return how many times this event is to be delivered."""
        for fault in self.faults:
            if isinstance(fault, DeliverEvent) and fault.event.lower() == name.lower():
                self._use(fault)
                return fault.copies
        return 1

    def repetition(self, activity: str) -> RepeatActivity | None:
        """Return how this activity is to be repeated, if at all."""
        for fault in self.faults:
            if isinstance(fault, RepeatActivity) and fault.activity.lower() == activity.lower():
                self._use(fault)
                return fault
        return None

    def hold_s(self, activity: str) -> float:
        """Return for how many seconds this activity's work item is lost."""
        for fault in self.faults:
            if isinstance(fault, HoldActivity) and fault.activity.lower() == activity.lower():
                self._use(fault)
                return fault.seconds
        return 0.0

    def _use(self, fault: RepeatActivity | HoldActivity | DeliverEvent) -> None:
        fault.times -= 1
        if fault.times <= 0:
            self.faults.remove(fault)

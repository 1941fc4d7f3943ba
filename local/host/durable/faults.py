"""Faults on demand: at-least-once made visible, crashes at chosen steps, lost work and latency."""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any, Literal

CRASH_EXIT_CODE = 137  # as after SIGKILL, so that a supervisor treats both alike


class UnknownFault(ValueError):
    """The description of a fault cannot be understood; the text names the field."""


@dataclass(slots=True, kw_only=True)
class RepeatActivity:
    """Run an activity twice: side by side, or again after its result was lost before the checkpoint."""

    activity: str
    side_by_side: bool = False
    times: int = 1


@dataclass(slots=True, kw_only=True)
class DeliverEvent:
    """Deliver an external event `copies` times: 0 loses it, 2 doubles it; the client sees 202 either way."""

    event: str
    copies: int
    times: int = 1


@dataclass(slots=True, kw_only=True)
class Crash:
    """Kill the process before or after the store's transaction number `step` (1 is the next process's first)."""

    step: int
    when: Literal["before", "after"] = "before"


@dataclass(slots=True, kw_only=True)
class HoldActivity:
    """Lose an activity's work item for that many seconds before it runs."""

    activity: str
    seconds: float
    times: int = 1


@dataclass(slots=True, kw_only=True)
class Latency:
    """Delay every hop: each start, event, timer and activity dispatch, in milliseconds."""

    milliseconds: float


Fault = RepeatActivity | DeliverEvent | Crash | HoldActivity | Latency

_KINDS: dict[str, type[Fault]] = {
    "repeat_activity": RepeatActivity,
    "deliver_event": DeliverEvent,
    "crash": Crash,
    "hold_activity": HoldActivity,
    "latency": Latency,
}


def parse_fault(body: dict[str, Any]) -> Fault:
    """Read a fault from JSON: `{"kind": ..., fields}`.

    Raises:
        UnknownFault: the kind or a field is not known, or one is missing.
    """
    kind = body.get("kind")
    if kind not in _KINDS:
        raise UnknownFault(f"kind must be one of {', '.join(_KINDS)}, not {kind!r}")
    fields = {name: value for name, value in body.items() if name != "kind"}
    try:
        return _KINDS[kind](**fields)
    except TypeError as wrong:
        raise UnknownFault(f"{kind}: {wrong}") from wrong


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

    def on_step(self, when: Literal["before", "after"], _what: str) -> None:
        """Count the store's transactions and die where a crash is set."""
        if when == "before":
            self.step += 1
        for fault in self.faults:
            if isinstance(fault, Crash) and (fault.step, fault.when) == (self.step, when):
                os._exit(CRASH_EXIT_CODE)  # no cleanup of any kind: that is the fault

    async def hop(self) -> None:
        """Wait as long as a hop takes."""
        for fault in self.faults:
            if isinstance(fault, Latency):
                await asyncio.sleep(fault.milliseconds / 1000)

    @property
    def delays(self) -> bool:
        """Whether `hop` would wait."""
        return any(isinstance(fault, Latency) for fault in self.faults)

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

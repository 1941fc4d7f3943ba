"""Timer functions: run when due, at once when a run was missed while the host was down.

Source: azure-webjobs-sdk-extensions of 2024-10, TimerListener.cs and ScheduleMonitor.cs. Times are UTC.
"""

import asyncio
import contextlib
import json
import logging
import pathlib
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.functions.meta import Datum

from local.host.app_model import FunctionInfo
from local.host.invoke import Call, Invocations
from local.host.schedule import Schedule
from local.host.settings_file import resolve

_log = logging.getLogger("local.host.timers")

# .NET's default(DateTime), which stands for "never".
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
# asyncio sleeps on the monotonic clock; waking now and then follows a wall clock that was set.
_LONGEST_SLEEP_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStatus:
    """When a timer ran last and runs next, and when that was worked out."""

    last: datetime
    next: datetime
    updated: datetime

    def to_json(self) -> dict[str, str]:
        """Return the JSON that functions see as `schedule_status`."""
        names = {"Last": self.last, "Next": self.next, "LastUpdated": self.updated}
        return {name: moment.isoformat() for name, moment in names.items()}

    @classmethod
    def from_json(cls, content: dict[str, str]) -> "ScheduleStatus":
        """Read what `to_json` wrote."""
        last, next_, updated = (datetime.fromisoformat(content[name]) for name in ("Last", "Next", "LastUpdated"))
        return cls(last=last, next=next_, updated=updated)


class Timer:
    """One timer function and its schedule."""

    def __init__(self, function: FunctionInfo, invocations: Invocations, data_dir: pathlib.Path) -> None:
        trigger = function.trigger
        self.function = function
        self._invocations = invocations
        self._schedule = Schedule.parse(resolve(trigger.text("schedule") or ""))
        self._monitored = trigger.raw.get("useMonitor", True) and not self._schedule.below_a_minute
        self._path = data_dir / "timers" / f"{function.name}.json"
        self._status: ScheduleStatus | None = None
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Run the function whenever it is due, until cancelled."""
        now = datetime.now(UTC)
        status, past_due = self._begin(now)
        self._status = status
        if past_due or self.function.trigger.raw.get("runOnStartup"):
            await self._fire_to_the_end(past_due=past_due, scheduled=False)
        while True:
            await self._sleep_until(self._status.next)
            await self._fire_to_the_end(past_due=False, scheduled=True)

    def trigger_value(self, *, past_due: bool = False) -> Datum:
        """Return the `TimerInfo` JSON of a run."""
        known = self._status if self._monitored else None
        content = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": None if known is None else known.to_json(),
            "IsPastDue": past_due,
        }
        return Datum(json.dumps(content), "json")

    def _begin(self, now: datetime) -> tuple[ScheduleStatus, bool]:
        """Return the status to start with, and whether a run was missed."""
        known = self._load() if self._monitored else None
        if known is None:
            fresh = ScheduleStatus(last=_NEVER, next=self._schedule.after(now), updated=now)
            self._save(fresh)
            return fresh, False
        base = known.last if known.last != _NEVER else known.updated
        expected = self._schedule.after(base)
        if known.next != expected:
            # The schedule was changed; a run that the new one would have had is not made up for.
            late = now > expected
            known = ScheduleStatus(
                last=_NEVER,
                next=self._schedule.after(now) if late else expected,
                updated=now if late else base,
            )
            self._save(known)
        return known, now > known.next

    async def _fire_to_the_end(self, *, past_due: bool, scheduled: bool) -> None:
        """Fire in a task of its own, so that stopping the timer does not cut the run short."""
        self._running = asyncio.create_task(self._fire(past_due=past_due, scheduled=scheduled))
        await asyncio.shield(self._running)

    async def _fire(self, *, past_due: bool, scheduled: bool) -> None:
        now = datetime.now(UTC)
        with contextlib.suppress(Exception):  # logged by the invocation; a timer goes on
            await self._invocations.run(self.function, Call(trigger=self.trigger_value(past_due=past_due)))
        # A clock that is a little behind must not make the same moment due twice.
        ran = max(now, self._status.next) if scheduled and self._status else now
        self._status = ScheduleStatus(last=ran, next=self._schedule.after(ran), updated=ran)
        self._save(self._status)

    async def _sleep_until(self, moment: datetime) -> None:
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110 - a clock, no poll
            await asyncio.sleep(min(left, _LONGEST_SLEEP_S))

    def _load(self) -> ScheduleStatus | None:
        if not self._path.is_file():
            return None
        try:
            return ScheduleStatus.from_json(json.loads(self._path.read_text()))
        except (ValueError, KeyError) as fault:
            _log.warning("%s is damaged and starts afresh: %s", self._path.name, fault)
            return None

    def _save(self, status: ScheduleStatus) -> None:
        if not self._monitored:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(status.to_json()))
        fresh.replace(self._path)


class Timers:
    """All timers of the app."""

    def __init__(self, functions: list[FunctionInfo], invocations: Invocations, data_dir: pathlib.Path) -> None:
        self._timers = {
            function.name.lower(): Timer(function, invocations, data_dir)
            for function in functions
            if function.trigger.type == "timerTrigger"
        }
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to wait."""
        self._tasks = [asyncio.create_task(timer.run()) for timer in self._timers.values()]

    def get(self, name: str) -> Timer:
        """Return a timer by its function's name."""
        return self._timers[name.lower()]

    async def stop(self) -> None:
        """Stop waiting; a run under way goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

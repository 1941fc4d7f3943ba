"""Fires durable timers when the wall clock says so."""

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from local.host.durable.history import utc_now
from local.host.durable.records import ArmedTimer

# The loop's clock stands still while a laptop sleeps; looking at the wall clock this often bounds the delay.
_LONGEST_SLEEP_S = 30.0
_FIRE_AGAIN_S = 1.0
_log = logging.getLogger(__name__)


class TimerQueue:
    """Holds the armed timers of a hub and hands each to `on_due` once it is due."""

    def __init__(self, on_due: Callable[[ArmedTimer], None]) -> None:
        self._on_due = on_due
        self._heap: list[tuple[float, ArmedTimer]] = []
        self._handle: asyncio.TimerHandle | None = None
        self._stopped = False

    def arm(self, timers: Iterable[ArmedTimer]) -> None:
        """Add timers; one whose time has passed fires on the next turn of the loop."""
        for timer in timers:
            heapq.heappush(self._heap, (_epoch(timer.fire_at), timer))
        self._schedule()

    def stop(self) -> None:
        """Fire no more, whatever is armed from now on."""
        self._stopped = True
        self._schedule()

    def _schedule(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._heap and not self._stopped:
            wait = min(max(self._heap[0][0] - utc_now().timestamp(), 0.0), _LONGEST_SLEEP_S)
            self._handle = asyncio.get_running_loop().call_later(wait, self._fire_due)

    def _fire_due(self) -> None:
        self._handle = None
        now = utc_now().timestamp()
        try:
            while self._heap and self._heap[0][0] <= now:
                self._fire(heapq.heappop(self._heap)[1], now)
        finally:
            self._schedule()

    def _fire(self, timer: ArmedTimer, now: float) -> None:
        try:
            self._on_due(timer)
        except Exception:  # noqa: BLE001 - logged with its traceback, the timer fires again
            _log.exception("A timer of %s could not be stored and will fire again.", timer.instance_id)
            heapq.heappush(self._heap, (now + _FIRE_AGAIN_S, timer))


def _epoch(fire_at: str) -> float:
    return datetime.fromisoformat(fire_at).timestamp()

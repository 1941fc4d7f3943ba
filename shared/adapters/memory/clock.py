"""Tell a time that tests set; nothing here waits for real time or draws a random number."""

import asyncio
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_TURNS_GIVEN = 10


class MemoryClock:
    """Meet Clock. While it `passes`, whoever sleeps lets time jump on; else time stands until `advance`."""

    def __init__(self, start: datetime = _START, *, passes: bool = True) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._sleepers: list[float] = []
        self._advanced = asyncio.Event()
        self.passes = passes

    def now(self) -> datetime:
        """Give the set time."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Give the seconds since the start."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass and wake who has slept long enough."""
        self._elapsed_s += seconds
        self._advanced.set()
        self._advanced = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock says so; sleepers wake in the order of their times."""
        wake = self._elapsed_s + seconds
        self._sleepers.append(wake)
        try:
            await asyncio.sleep(0)
            while self._elapsed_s < wake:
                await self._pass_on(wake)
        finally:
            self._sleepers.remove(wake)

    def jitter(self, most_s: float) -> float:
        """Give the longest wait; tests are not left to chance."""
        return most_s

    async def _pass_on(self, wake: float) -> None:
        if not self.passes:
            await self._advanced.wait()
            return
        for _ in range(_TURNS_GIVEN):
            await asyncio.sleep(0)
            if wake != min(self._sleepers):
                # Somebody is to wake earlier; it is asked again how long nobody has been.
                return
        if self._elapsed_s < wake == min(self._sleepers):
            self.advance(wake - self._elapsed_s)

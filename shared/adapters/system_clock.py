"""Tell the time by the machine's clocks."""

import asyncio
import random
import time
from datetime import UTC, datetime


class SystemClock:
    """Meet Clock."""

    def now(self) -> datetime:
        """Give the present, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds for measuring durations."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        await asyncio.sleep(seconds)

    def jitter(self, most_s: float) -> float:
        """Draw a wait between zero and `most_s` seconds."""
        return random.uniform(0, most_s)  # noqa: S311  # spreads writers; no secret depends on it

"""What a fault on demand does to the frames that one client is sent."""

import asyncio


class Impairment:
    """Frames that are lost, late or stuck; at first none is."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.drop_every = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._counted = 0

    def stall(self) -> None:
        """Write nothing any more, as to a client that does not read."""
        self._flowing.clear()

    def clear(self) -> None:
        """Let every frame pass again."""
        self.delay_s, self.drop_every = 0.0, 0
        self._flowing.set()

    async def passes(self) -> bool:
        """Return when the next frame's turn comes, and whether it is written at all."""
        await self._flowing.wait()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        self._counted += 1
        return not self.drop_every or self._counted % self.drop_every != 0

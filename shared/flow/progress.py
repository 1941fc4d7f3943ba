"""Tell a turn's people how far a tool is: a few frames a second at most, and none that holds the tool up."""

import asyncio
import math

from shared.domain.frame_parts import address
from shared.domain.frames import ToolProgress
from shared.domain.invisible import visible
from shared.domain.tools import ToolCall
from shared.domain.turns import Turn
from shared.flow.audience import tell
from shared.flow.services import Services

INTERVAL_S = 0.5
WORDS_MOST = 200


class ProgressTeller:
    """Take a tool's reports; those that come too quickly are dropped, for the next one says more."""

    def __init__(self, services: Services, turn: Turn, call: ToolCall) -> None:
        self._services = services
        self._turn = turn
        self._call = call
        self._told_at = -math.inf
        self._sending: asyncio.Task[object] | None = None

    async def report(self, progress: float, total: float | None, message: str | None) -> None:
        """Take how far the tool is, and send it without waiting for that."""
        now = self._services.clock.monotonic()
        busy = self._sending is not None and not self._sending.done()
        if busy or now - self._told_at < INTERVAL_S or not math.isfinite(progress):
            return
        self._told_at = now
        frame = ToolProgress(
            **address(self._turn.conversation),
            turn_id=self._turn.turn_id,
            call_id=self._call.call_id,
            server=self._call.server,
            name=self._call.name,
            progress=progress,
            total=total if total is not None and math.isfinite(total) else None,
            text=" ".join(visible(message).split())[:WORDS_MOST] if message else None,
        )
        self._sending = asyncio.create_task(tell(self._services, self._turn.conversation, frame))

    async def end(self) -> None:
        """Wait for what is being sent, so that nothing follows the call's end."""
        if self._sending is not None:
            await asyncio.gather(self._sending, return_exceptions=True)

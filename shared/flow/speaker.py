"""Speak an attempt's text: frames in order with one send in flight, and checkpoints that renew the lease."""

import asyncio
import logging
from datetime import timedelta
from typing import Literal

from shared.domain.errors import StoreUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import ResponseDelta
from shared.domain.guard import Guard
from shared.domain.text import CHECKPOINT_BYTES, CHECKPOINT_INTERVAL_S, Normaliser, paced
from shared.domain.turns import LEASE_S, Turn
from shared.flow.audience import tell
from shared.flow.services import Services

_log = logging.getLogger("salescoach.speaker")

RESEND_MOST_S = 5.0
"""A frame that the channel refuses is offered again merged with what follows, until so long after the end."""


class Speaker:
    """Sends one attempt's text to those who follow, and keeps what was said."""

    def __init__(self, services: Services, turn: Turn, said_before: str) -> None:
        self._services = services
        self._turn = turn
        self._coalescer = paced(turn.listeners or 1)
        self._normaliser = Normaliser()
        self.guard = Guard(before=said_before)
        self._news = asyncio.Event()
        self._ended = False
        self._sent = 0
        self._saved = ""
        self.size = 0
        """Bytes of the text in UTF-8."""
        self.text = ""
        """What this attempt said so far, from offset 0; what finished rounds said is its beginning."""
        if said_before:
            self._put(said_before)

    def say(self, piece: str) -> None:
        """Take a piece of the model's text."""
        self._put(self.guard.feed(self._normaliser.feed(piece)))

    def _put(self, text: str) -> None:
        if text:
            self.text += text
            self.size += len(text.encode())
            self._coalescer.add(text)
            self._news.set()

    def end(self) -> None:
        """Say that nothing follows; `send` ends when all is sent."""
        self._put(self.guard.feed(self._normaliser.flush()) + self.guard.flush())
        self._ended = True
        self._news.set()

    async def send(self) -> None:
        """Send frames as they fall due, one at a time, until `end` was called and all is sent."""
        give_up_s = RESEND_MOST_S
        while True:
            due = self._coalescer.due_in(self._services.clock.monotonic())
            if due is None:
                if self._ended:
                    return
                await self._wait(None)
            elif due > 0 and not self._ended:
                await self._wait(due)
            elif (pause := await self._send_frame()) is not None:
                if self._ended and (give_up_s := give_up_s - pause) <= 0:
                    return
                await self._services.clock.sleep(pause)

    async def _wait(self, seconds: float | None) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    async def _send_frame(self) -> float | None:
        """Send what waits; give the pause before the next try if the channel refused."""
        text = self._coalescer.take(self._services.clock.monotonic())
        frame = ResponseDelta(
            **address(self._turn.conversation),
            turn_id=self._turn.turn_id,
            attempt=self._turn.attempt,
            offset=self._sent,
            text=text,
        )
        fault = await tell(self._services, self._turn.conversation, frame)
        if fault is None:
            self._sent += len(text)
            return None
        rest = self._coalescer.take(self._services.clock.monotonic())
        self._coalescer.add(text + rest)
        return fault.retry_after_s if fault.retry_after_s is not None else 0.5

    async def keep(self) -> Literal["fenced", "cancelled"]:
        """Write checkpoints until another execution owns the turn or a cancel was asked for."""
        last = self._services.clock.monotonic()
        stop = self._services.stops.setdefault(self._turn.turn_id, asyncio.Event())
        while True:
            await self._services.clock.sleep(0.1)
            now = self._services.clock.monotonic()
            behind = len(self.text.encode()) - len(self._saved.encode()) if self.text is not self._saved else 0
            if not stop.is_set() and now - last < CHECKPOINT_INTERVAL_S and behind < CHECKPOINT_BYTES:
                continue
            last = now
            try:
                turn = await self.checkpoint()
            except StoreUnavailable as fault:
                # The text goes on: the end of the round is what must be stored, and is tried again there.
                _log.warning("checkpoint.unsaved", extra={"turn_id": self._turn.turn_id, "reason": str(fault)})
                continue
            if turn is None:
                return "fenced"
            if turn.cancel_requested:
                return "cancelled"

    async def checkpoint(self, *, lease_s: float = LEASE_S) -> Turn | None:
        """Write the text so far and renew the lease; None when another execution owns the turn."""
        text = self.text
        lease = self._services.clock.now() + timedelta(seconds=lease_s)
        turn = await self._services.conversations.checkpoint(self._turn.ref(), self._turn.attempt, text, lease)
        self._saved = text
        return turn

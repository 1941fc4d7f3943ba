"""What waits for one client: frames to write, and messages that a reliable client has not acknowledged."""

import asyncio
from collections import deque
from dataclasses import dataclass

from local.webpubsub.config import Limits
from local.webpubsub.messages import Message, Wire


@dataclass(frozen=True, slots=True)
class _Unacknowledged:
    sequence_id: int
    wire: Wire
    expires_at: float | None


class Outbox:
    """Frames for one client in order, bounded as the service bounds them.

    A reliable client's messages are numbered and kept until it acknowledges them.
    """

    def __init__(self, *, reliable: bool, limits: Limits) -> None:
        self._reliable = reliable
        self._limits = limits
        self._queue: deque[Wire] = deque()
        self._queued_bytes = 0
        self._kept: deque[_Unacknowledged] = deque()
        self._kept_bytes = 0
        self._sequence_id = 0
        self._wake = asyncio.Event()

    @property
    def overflowing(self) -> bool:
        """Whether the client is further behind than the service tolerates."""
        limits = self._limits
        return (
            max(len(self._queue), len(self._kept)) > limits.unacked_messages
            or max(self._queued_bytes, self._kept_bytes) > limits.unacked_bytes
        )

    def put(self, wire: Wire) -> None:
        """Queue a frame that carries no message: an ack, a system frame, a pong."""
        self._queue.append(wire)
        self._queued_bytes += len(wire[0])
        self._wake.set()

    def put_message(self, message: Message, plain: Wire) -> None:
        """Queue a message; `plain` is its form for clients that are not reliable."""
        if not self._reliable:
            self.put(plain)
            return
        self._sequence_id += 1
        wire = message.numbered(self._sequence_id)
        self._kept.append(_Unacknowledged(self._sequence_id, wire, message.expires_at))
        self._kept_bytes += len(wire[0])
        self.put(wire)

    def acknowledge(self, sequence_id: int) -> None:
        """Forget every message up to this one."""
        while self._kept and self._kept[0].sequence_id <= sequence_id:
            self._kept_bytes -= len(self._kept.popleft().wire[0])

    def rewind(self, now: float) -> None:
        """Queue again what was not acknowledged, for a client that came back; expired messages are left out.

        Acks that were waiting are kept, behind the messages.
        """
        kept = {id(one.wire) for one in self._kept}
        waiting = [wire for wire in self._queue if id(wire) not in kept]
        self._queue.clear()
        self._queued_bytes = 0
        for one in self._kept:
            if one.expires_at is None or one.expires_at > now:
                self.put(one.wire)
        for wire in waiting:
            self.put(wire)

    def discard(self) -> None:
        """Forget everything, for a client that will never read it."""
        self._queue.clear()
        self._kept.clear()
        self._queued_bytes = self._kept_bytes = 0

    async def wait(self) -> None:
        """Return when there may be something to write."""
        await self._wake.wait()

    def wake(self) -> None:
        """Let the writer look again, also when nothing is queued."""
        self._wake.set()

    def take(self) -> Wire | None:
        """Return the next frame, or None when all are written."""
        if not self._queue:
            self._wake.clear()
            return None
        wire = self._queue.popleft()
        self._queued_bytes -= len(wire[0])
        return wire

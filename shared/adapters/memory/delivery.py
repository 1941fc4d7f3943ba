"""Record what is sent to people and what is asked of the durable engine."""

import asyncio
from dataclasses import dataclass

from shared.domain.errors import ChannelUnavailable, EngineUnavailable
from shared.domain.frames import Frame
from shared.domain.ids import ConnectionId, RoomName, UserId
from shared.domain.turns import TurnRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One frame, and whom it was for: a person, a room or a connection."""

    frame: Frame
    user_id: UserId | None = None
    room: RoomName | None = None
    connection_id: ConnectionId | None = None
    but: ConnectionId | None = None
    outside: RoomName | None = None


class MemoryChannel:
    """Meet ClientChannel; the next `refusals` sends fail as a throttling service does."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.closed: list[ConnectionId] = []
        self.ended: list[tuple[UserId, ConnectionId | None]] = []
        self.entered: set[tuple[RoomName, ConnectionId]] = set()
        self.people: dict[ConnectionId, UserId] = {}
        self.expelled: list[tuple[RoomName, UserId]] = []
        self.refusals = 0
        self.retry_after_s: float | None = None

    def frames(self, kind: str | None = None) -> list[Frame]:
        """Give the frames in the order of sending, all or of one type."""
        return [sent.frame for sent in self.sent if kind is None or sent.frame.type == kind]

    async def to_user(self, user_id: UserId, frame: Frame, *, but: ConnectionId | None = None) -> None:
        """Send to all connections of a person, but one."""
        await self._send(Sent(frame=frame, user_id=user_id, but=but))

    async def to_connection(self, connection_id: ConnectionId, frame: Frame) -> None:
        """Send to one connection."""
        await self._send(Sent(frame=frame, connection_id=connection_id))

    async def to_room(
        self, room: RoomName, frame: Frame, *, but: ConnectionId | None = None, outside: RoomName | None = None
    ) -> None:
        """Send to all connections in a room but one, and but those that are in the room `outside` as well."""
        await self._send(Sent(frame=frame, room=room, but=but, outside=outside))

    async def present(self, room: RoomName) -> dict[ConnectionId, UserId]:
        """List who is in a room; the fake knows the people of the connections that it was told."""
        await self._answer()
        here = (connection for place, connection in self.entered if place == room)
        return {connection: self.people[connection] for connection in here if connection in self.people}

    async def enter(self, room: RoomName, connection_id: ConnectionId) -> None:
        """Record which connection is in which room."""
        await self._answer()
        self.entered.add((room, connection_id))

    async def leave(self, room: RoomName, connection_id: ConnectionId) -> None:
        """Forget that the connection is in the room."""
        await self._answer()
        self.entered.discard((room, connection_id))

    async def expel(self, room: RoomName, user_id: UserId) -> None:
        """Record whose connections were taken out of which room."""
        await self._answer()
        self.expelled.append((room, user_id))

    async def close_connection(self, connection_id: ConnectionId, reason: str) -> None:  # noqa: ARG002
        """Record which connection was closed."""
        await asyncio.sleep(0)
        self.closed.append(connection_id)

    async def close_connections(self, user_id: UserId, reason: str, *, but: ConnectionId | None = None) -> None:  # noqa: ARG002
        """Record whose connections were closed."""
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            raise ChannelUnavailable("refused", retry_after_s=self.retry_after_s)
        self.ended.append((user_id, but))

    async def client_url(self, user_id: UserId, lifetime_min: int) -> str:
        """Make an address that names the person."""
        await asyncio.sleep(0)
        return f"ws://127.0.0.1/client?user={user_id}&minutes={lifetime_min}"

    async def _send(self, sent: Sent) -> None:
        await self._answer()
        self.sent.append(sent)

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            raise ChannelUnavailable("refused", retry_after_s=self.retry_after_s)


class MemoryEngine:
    """Meet TurnEngine; `down` makes it fail as a backend does that does not answer."""

    def __init__(self) -> None:
        self.started: list[TurnRef] = []
        self.stopped: list[tuple[TurnRef, str]] = []
        self.woken: list[tuple[TurnRef, str]] = []
        self.down = False

    async def start(self, ref: TurnRef) -> None:
        """Record the start; one that was started already is left alone."""
        await self._answer()
        if ref not in self.started:
            self.started.append(ref)

    async def stop(self, ref: TurnRef, reason: str) -> None:
        """Record the end of an older execution."""
        await self._answer()
        self.stopped.append((ref, reason))

    async def wake(self, ref: TurnRef, event: str) -> None:
        """Record an event."""
        await self._answer()
        self.woken.append((ref, event))

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise EngineUnavailable("the engine is down")

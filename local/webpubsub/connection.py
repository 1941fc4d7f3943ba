"""One client's logical connection: its frames out, its requests in, its sockets while they last."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import ClientConnectionError, WSCloseCode, web

from local.webpubsub import messages
from local.webpubsub.config import Limits
from local.webpubsub.hubs import Hub
from local.webpubsub.impairment import Impairment
from local.webpubsub.messages import Message, Wire
from local.webpubsub.odata import Subject
from local.webpubsub.permissions import Permissions
from local.webpubsub.reliable import Outbox
from local.webpubsub.upstream import Caller

_log = logging.getLogger(__name__)
# How long a client may take to read what is left before its socket is cut, in seconds.
CLOSING_S = 2.0
REMEMBERED_ACKS = 1000
# The close frame carries 125 bytes, two of them the code (RFC 6455 §5.5).
MAX_REASON_BYTES = 123


class Protocol(StrEnum):
    """The subprotocols that are served; a client without one is raw."""

    RAW = ""
    JSON = "json.webpubsub.azure.v1"
    RELIABLE = "json.reliable.webpubsub.azure.v1"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ends: close code and reason; `by_peer` when the client did it."""

    code: int
    reason: str
    by_peer: bool = False


class Connection:
    """A client as the hub knows it; a reliable one outlives its sockets."""

    def __init__(
        self,
        hub: Hub,
        caller: Caller,
        protocol: Protocol,
        *,
        permissions: Permissions,
        groups: set[str],
        limits: Limits,
    ) -> None:
        self.hub = hub
        self.caller = caller
        self.protocol = protocol
        self.permissions = permissions
        self.groups = groups
        self.outbox = Outbox(reliable=protocol is Protocol.RELIABLE, limits=limits)
        self.ending: Ending | None = None
        self.on_end: Callable[[], None] = lambda: None
        self.impairment = Impairment()
        self._limits = limits
        self._acks: deque[int] = deque(maxlen=REMEMBERED_ACKS)
        self._socket: web.WebSocketResponse | None = None
        self._transport: asyncio.Transport | None = None
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def id(self) -> str:
        """The connection's id."""
        return self.caller.connection_id

    @property
    def user_id(self) -> str | None:
        """Whose connection it is."""
        return self.caller.user_id

    @property
    def subject(self) -> Subject:
        """What filters see of the connection."""
        return Subject(
            user_id=self.user_id,
            connection_id=self.id,
            groups=self.groups,
            protocol=self.caller.subprotocol,
        )

    def deliver(self, message: Message) -> None:
        """Queue a message; a client that is too far behind is cut off."""
        if self.ending is None:
            self.outbox.put_message(message, message.raw if self.protocol is Protocol.RAW else message.plain)
            self._check_pace()

    def tell(self, wire: Wire) -> None:
        """Queue a frame of the protocol that is no message."""
        if self.ending is None and self.protocol is not Protocol.RAW:
            self.outbox.put(wire)
            self._check_pace()

    def _check_pace(self) -> None:
        if self.outbox.overflowing:
            self.outbox.discard()
            self.end(Ending(WSCloseCode.POLICY_VIOLATION, "SlowClient"))

    def acknowledged(self, ack_id: int) -> bool:
        """Tell whether the request of that ack id was carried out already."""
        return ack_id in self._acks

    def acknowledge(self, ack_id: int | None) -> None:
        """Tell the client that its request was carried out, and remember it."""
        if ack_id is not None:
            self._acks.append(ack_id)
            self.tell(messages.ack(ack_id))

    def refuse(self, ack_id: int | None, name: str, message: str) -> None:
        """Tell the client why its request was not carried out; it may try again."""
        if ack_id is not None:
            self.tell(messages.refusal(ack_id, name, message))

    def attach(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        """Go on over this socket; an older one is cut."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if self._transport is not None:
            self._transport.abort()
        self._socket, self._transport = socket, transport
        self.outbox.wake()

    def owns(self, socket: web.WebSocketResponse) -> bool:
        """Tell whether this is the connection's present socket."""
        return self._socket is socket

    def detach(self, socket: web.WebSocketResponse) -> None:
        """Note that the socket is gone; a reliable client has a while to come back."""
        if self._socket is not socket:
            return
        self._socket = self._transport = None
        if self.ending is None:
            self._expiry = asyncio.get_running_loop().call_later(
                self._limits.recovery_window_s, self.end, Ending(WSCloseCode.ABNORMAL_CLOSURE, "ConnectionLost")
            )

    def rewind(self) -> None:
        """Make ready to repeat what a client that comes back has not acknowledged."""
        self.outbox.rewind(asyncio.get_running_loop().time())

    def drop(self) -> None:
        """Cut the socket without a word, as a broken network does."""
        if self._transport is not None:
            self._transport.abort()

    def end(self, ending: Ending) -> None:
        """End the connection for good; a second time is a no-op."""
        if self.ending is not None:
            return
        if self.protocol is not Protocol.RAW and not ending.by_peer:
            self.outbox.put(messages.disconnected(ending.reason))
        self.ending = ending
        self.hub.remove(self)
        if self._expiry is not None:
            self._expiry.cancel()
        if self._transport is not None:
            asyncio.get_running_loop().call_later(CLOSING_S, self._transport.abort)
        self.on_end()
        self.impairment.clear()
        self.outbox.wake()

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Write to the socket what waits, until it is lost or the connection ends."""
        try:
            while self._socket is socket:
                await self.outbox.wait()
                await self._write_waiting(socket)
                if self.ending is not None:
                    await socket.close(code=self.ending.code, message=_reason(self.ending.reason))
                    return
        except ClientConnectionError:
            _log.debug("connection %s lost its socket", self.id)

    async def _write_waiting(self, socket: web.WebSocketResponse) -> None:
        while self._socket is socket and (wire := self.outbox.take()) is not None:
            if await self.impairment.passes():
                await socket.send_frame(*wire)


def _reason(text: str) -> bytes:
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore").encode()

"""A client's session: its frames are carried out one after the other, and the app hears of its life."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web

from local.webpubsub import messages
from local.webpubsub.connection import Connection, Ending, Protocol
from local.webpubsub.frames import (
    Frame,
    FrameMalformed,
    FrameRefused,
    FrameUnsupported,
    GroupChange,
    GroupSend,
    Ping,
    SequenceAck,
    UserEvent,
    parse,
)
from local.webpubsub.hubs import publish
from local.webpubsub.messages import DataType, Message, dumps, loads, utf8
from local.webpubsub.permissions import Permission
from local.webpubsub.upstream import Event, Reply, Upstream, UpstreamFailed

_log = logging.getLogger(__name__)
# Frames that may wait behind a slow event handler before the socket is read no further.
WAITING_FRAMES = 16
NORMAL_CLOSURE = 1000

Item: TypeAlias = Frame | FrameMalformed | FrameRefused | FrameUnsupported


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMode:
    """What a client without subprotocol wants its frames to be: events, or messages to a group."""

    group: str | None = None
    no_echo: bool = False


class Session:
    """The work of one logical connection, across its sockets."""

    def __init__(self, connection: Connection, upstream: Upstream, *, raw: RawMode, drop_on_failed_event: bool) -> None:
        self.connection = connection
        self._upstream = upstream
        self._raw = raw
        self._drop_on_failed_event = drop_on_failed_event
        self._inbox: asyncio.Queue[Item | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(WAITING_FRAMES)
        connection.on_end = lambda: self._inbox.put_nowait(None)
        self.life = asyncio.create_task(self._live(), name=f"connection {connection.id}")
        self.life.add_done_callback(self._died)

    async def serve(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        """Read and write one socket until it is gone."""
        self.connection.attach(socket, transport)
        writer = asyncio.create_task(self.connection.write(socket))
        try:
            await self._read(socket)
        finally:
            if self.connection.ending is None or self.connection.ending.by_peer:
                writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer

    async def _read(self, socket: web.WebSocketResponse) -> None:
        while True:
            message = await socket.receive()
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                self._lost(socket, message)
                return
            item = self._item(message)
            if isinstance(item, SequenceAck):
                # Not behind the others: a slow event handler must not fill the buffer of a reading client.
                self.connection.outbox.acknowledge(item.sequence_id)
                continue
            await self._room.acquire()
            self._inbox.put_nowait(item)

    def _lost(self, socket: web.WebSocketResponse, message: WSMessage) -> None:
        connection = self.connection
        said_goodbye = message.type is WSMsgType.CLOSE and message.data == NORMAL_CLOSURE
        broke_protocol = isinstance(message.data, WebSocketError)
        if connection.protocol is Protocol.RELIABLE and not said_goodbye and not broke_protocol:
            connection.detach(socket)
        elif connection.owns(socket):
            connection.end(Ending(socket.close_code or WSCloseCode.ABNORMAL_CLOSURE, "", by_peer=True))

    def _item(self, message: WSMessage) -> Item:
        if self.connection.protocol is Protocol.RAW:
            return self._raw_item(message)
        if message.type is WSMsgType.BINARY:
            return FrameUnsupported("a binary frame")
        try:
            return parse(message.data)
        except (FrameMalformed, FrameRefused, FrameUnsupported) as fault:
            return fault

    def _raw_item(self, message: WSMessage) -> Frame:
        data_type = DataType.TEXT if message.type is WSMsgType.TEXT else DataType.BINARY
        if self._raw.group is None:
            return UserEvent(event="message", data_type=data_type, payload=message.data, ack_id=None)
        return GroupSend(
            group=self._raw.group,
            data_type=data_type,
            payload=message.data,
            no_echo=self._raw.no_echo,
            metadata={},
            ttl_s=0,
            ack_id=None,
        )

    async def _live(self) -> None:
        announcement = asyncio.create_task(self._announce(Event.system("connected")))
        try:
            while (item := await self._inbox.get()) is not None:
                ending = self.connection.ending
                if ending is None or ending.by_peer:
                    await self._carry_out(item)
                self._room.release()
            await announcement
        finally:
            announcement.cancel()
        reason = self.connection.ending.reason if self.connection.ending else ""
        await self._announce(Event.system("disconnected", utf8(dumps({"reason": reason}))))

    def _died(self, life: asyncio.Task[None]) -> None:
        if not life.cancelled() and (fault := life.exception()) is not None:
            _log.error("connection %s broke", self.connection.id, exc_info=fault)
            self.connection.end(Ending(WSCloseCode.INTERNAL_ERROR, "InternalServerError"))

    async def _announce(self, event: Event) -> None:
        try:
            await self._upstream.send(self.connection.caller, event, keeps_state=False)
        except UpstreamFailed as fault:
            _log.warning("%s", fault)

    async def _carry_out(self, item: Item) -> None:
        match item:
            case FrameMalformed():
                self.connection.end(Ending(WSCloseCode.INVALID_TEXT, f"InvalidPayloadData: {item}"))
            case FrameUnsupported():
                reason = f"{item} is not supported by the local Web PubSub service"
                self.connection.end(Ending(WSCloseCode.UNSUPPORTED_DATA, reason))
            case FrameRefused():
                self._decline(item)
            case GroupChange() | GroupSend() | UserEvent():
                await self._request(item)
            case Ping():
                self.connection.tell(messages.pong())
            case SequenceAck():
                self.connection.outbox.acknowledge(item.sequence_id)
            case _:
                assert_never(item)

    def _decline(self, fault: FrameRefused) -> None:
        if fault.ack_id is None:
            self.connection.end(Ending(WSCloseCode.INVALID_TEXT, f"InvalidPayloadData: {fault}"))
        else:
            self.connection.refuse(fault.ack_id, "BadRequest", str(fault))

    async def _request(self, frame: GroupChange | GroupSend | UserEvent) -> None:
        if frame.ack_id is not None and self.connection.acknowledged(frame.ack_id):
            message = f"Message with ack-id: {frame.ack_id} has been processed"
            self.connection.refuse(frame.ack_id, "Duplicate", message)
            return
        match frame:
            case GroupChange():
                self._change(frame)
            case GroupSend():
                self._send(frame)
            case UserEvent():
                await self._raise_event(frame)

    def _change(self, frame: GroupChange) -> None:
        connection = self.connection
        if not connection.permissions.allows(Permission.JOIN_LEAVE, frame.group):
            action = "join" if frame.join else "leave"
            connection.refuse(frame.ack_id, "Forbidden", f"The client does not have permission to {action} group")
            return
        if connection.ending is None:
            (connection.hub.join if frame.join else connection.hub.leave)(connection, frame.group)
        connection.acknowledge(frame.ack_id)

    def _send(self, frame: GroupSend) -> None:
        connection = self.connection
        if not connection.permissions.allows(Permission.SEND, frame.group):
            message = "The client does not have permission to send to group"
            connection.refuse(frame.ack_id, "Forbidden", message)
            if connection.protocol is Protocol.RAW:
                connection.end(Ending(WSCloseCode.POLICY_VIOLATION, message))
            return
        message = Message(
            frame.data_type,
            frame.payload,
            group=frame.group,
            from_user=connection.user_id,
            metadata=frame.metadata,
            expires_at=asyncio.get_running_loop().time() + frame.ttl_s if frame.ttl_s else None,
        )
        publish(connection.hub.of_group(frame.group), message, excluded=[connection.id] if frame.no_echo else ())
        connection.acknowledge(frame.ack_id)

    async def _raise_event(self, frame: UserEvent) -> None:
        body = frame.payload if isinstance(frame.payload, bytes) else frame.payload.encode()
        event = Event.user(frame.event, body, frame.data_type)
        try:
            message = _message(await self._upstream.send(self.connection.caller, event))
        except UpstreamFailed as fault:
            _log.warning("%s", fault)
            self._event_failed(frame)
            return
        if message is not None:
            self.connection.deliver(message)
        self.connection.acknowledge(frame.ack_id)

    def _event_failed(self, frame: UserEvent) -> None:
        self.connection.refuse(frame.ack_id, "InternalServerError", "Internal server error")
        unanswered = frame.ack_id is None and self._drop_on_failed_event
        if unanswered or self.connection.protocol is Protocol.RAW:
            self.connection.end(Ending(WSCloseCode.INTERNAL_ERROR, "InternalServerError"))


def _message(reply: Reply | None) -> Message | None:
    if reply is None:
        raise UpstreamFailed("no event handler takes the event")
    if not reply.body:
        return None
    payload: str | bytes = reply.body
    try:
        if reply.data_type is not DataType.BINARY:
            payload = reply.body.decode()
        if reply.data_type is DataType.JSON:
            loads(payload)
    except ValueError as error:
        raise UpstreamFailed("the handler's answer is not what its Content-Type says") from error
    return Message(reply.data_type, payload, metadata=reply.metadata())

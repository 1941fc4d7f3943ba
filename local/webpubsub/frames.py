"""Frames that a client of the JSON subprotocols may send."""

import base64
import re
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from local.webpubsub.messages import DataType, dumps, loads

EVENT_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,127}", re.IGNORECASE)
MAX_GROUP = 1024
MAX_UINT64 = 2**64 - 1
MAX_TTL_S = 300
METADATA_KEY_BYTES, METADATA_VALUE_BYTES, METADATA_BYTES = 256, 1024, 8192
OUT_OF_SCOPE = frozenset(
    {
        "invoke",
        "cancelinvocation",
        "streamdata",
        "streamend",
        "setgroupstate",
        "subscribegroupstate",
        "unsubscribegroupstate",
    }
)


class FrameMalformed(Exception):
    """The frame is no frame of the protocol: the service declines the client."""


class FrameUnsupported(Exception):
    """The frame belongs to a part of the protocol that this stand-in leaves out."""


class FrameRefused(Exception):
    """The frame is of a known kind, a field of it is not acceptable."""

    def __init__(self, message: str, ack_id: int | None) -> None:
        super().__init__(message)
        self.ack_id = ack_id


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """The client joins or leaves a group."""

    join: bool
    group: str
    ack_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSend:
    """The client sends to a group."""

    group: str
    data_type: DataType
    payload: str | bytes
    no_echo: bool
    metadata: dict[str, str]
    ttl_s: int
    ack_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvent:
    """The client raises an event at the event handler."""

    event: str
    data_type: DataType
    payload: str | bytes
    ack_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceAck:
    """The client has every message up to this one."""

    sequence_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """The client asks for a sign of life."""


Frame: TypeAlias = GroupChange | GroupSend | UserEvent | SequenceAck | Ping


def parse(text: str) -> Frame:
    """Read one frame of a JSON client.

    Raises FrameMalformed, FrameUnsupported, FrameRefused.
    """
    try:
        fields = loads(text)
    except ValueError as error:
        raise FrameMalformed("the frame is not JSON") from error
    if not isinstance(fields, dict) or not isinstance(kind := cast("dict[str, Any]", fields).get("type"), str):
        raise FrameMalformed("the frame is not an object with a type")
    return _Reader(cast("dict[str, Any]", fields)).frame(kind.lower())


class _Reader:
    """Reads the fields of one frame; refusals carry the frame's ack id."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self._ack_id: int | None = None
        if fields.get("ackId") is not None:
            self._ack_id = self._uint64("ackId")

    def frame(self, kind: str) -> Frame:
        if kind in OUT_OF_SCOPE or (kind == "sendtogroup" and self._fields.get("stream") is not None):
            raise FrameUnsupported(str(self._fields["type"]) if kind in OUT_OF_SCOPE else "stream")
        match kind:
            case "joingroup" | "leavegroup":
                return GroupChange(join=kind == "joingroup", group=self._group(), ack_id=self._ack_id)
            case "sendtogroup":
                return self._send()
            case "event":
                return self._event()
            case "sequenceack":
                return SequenceAck(sequence_id=self._uint64("sequenceId"))
            case "ping":
                return Ping()
            case _:
                raise FrameMalformed("the frame's type is unknown")

    def _send(self) -> GroupSend:
        data_type, payload = self._payload()
        no_echo, ttl = self._fields.get("noEcho") or False, self._fields.get("ttlSeconds") or 0
        if not isinstance(no_echo, bool):
            raise self._refusal("noEcho must be true or false")
        if not isinstance(ttl, int) or isinstance(ttl, bool) or not 0 <= ttl <= MAX_TTL_S:
            raise self._refusal(f"ttlSeconds must be 0 to {MAX_TTL_S}")
        return GroupSend(
            group=self._group(),
            data_type=data_type,
            payload=payload,
            no_echo=no_echo,
            metadata=self._metadata(),
            ttl_s=ttl,
            ack_id=self._ack_id,
        )

    def _event(self) -> UserEvent:
        event = self._fields.get("event")
        if not isinstance(event, str) or not EVENT_NAME.fullmatch(event):
            raise self._refusal("event is not an event name")
        self._metadata()
        data_type, payload = self._payload()
        return UserEvent(event=event, data_type=data_type, payload=payload, ack_id=self._ack_id)

    def _payload(self) -> tuple[DataType, str | bytes]:
        data, name = self._fields.get("data"), self._fields.get("dataType") or "json"
        match name.lower() if isinstance(name, str) else name:
            case "json" if data is not None:
                return DataType.JSON, self._encodable(dumps, data)
            case "text" if isinstance(data, str):
                return DataType.TEXT, self._encodable(str, data)
            case "binary" if isinstance(data, str):
                return DataType.BINARY, self._base64(data)
            case "protobuf":
                raise FrameUnsupported("dataType protobuf")
            case _:
                raise self._refusal("data does not fit dataType")

    def _encodable(self, write: Any, data: object) -> str:
        try:
            text: str = write(data)
            text.encode()
        except (ValueError, RecursionError) as error:
            raise self._refusal("data cannot be written as UTF-8") from error
        return text

    def _base64(self, data: str) -> bytes:
        try:
            return base64.b64decode(data, validate=True)
        except ValueError as error:
            raise self._refusal("data is not base64") from error

    def _group(self) -> str:
        group = self._fields.get("group")
        if not isinstance(group, str) or not valid_group(group):
            raise self._refusal(f"group must be a name of 1 to {MAX_GROUP} characters")
        return group

    def _metadata(self) -> dict[str, str]:
        metadata = self._fields.get("metadata")
        if metadata is None:
            return {}
        if not isinstance(metadata, dict) or not _metadata_fits(cast("dict[str, object]", metadata)):
            raise self._refusal("metadata must be short ASCII texts")
        return cast("dict[str, str]", metadata)

    def _uint64(self, name: str) -> int:
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_UINT64:
            raise FrameMalformed(f"{name} is not an unsigned 64-bit integer")
        return value

    def _refusal(self, message: str) -> FrameRefused:
        return FrameRefused(message, self._ack_id)


def valid_group(group: str) -> bool:
    """Tell whether the text can name a group."""
    return 0 < len(group) <= MAX_GROUP and not group.isspace() and _utf8(group)


def _utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _metadata_fits(metadata: dict[str, object]) -> bool:
    total = 0
    for key, value in metadata.items():
        if not isinstance(value, str) or not key.isascii() or not value.isascii():
            return False
        if len(key) > METADATA_KEY_BYTES or len(value) > METADATA_VALUE_BYTES:
            return False
        total += len(key) + len(value)
    return total <= METADATA_BYTES

"""Messages on their way to clients, and the frames that carry them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NoReturn, TypeAlias

from aiohttp import WSMsgType

Wire: TypeAlias = tuple[bytes, WSMsgType]  # one WebSocket message as it leaves


class DataType(StrEnum):
    """How a payload is to be read."""

    JSON = "json"
    TEXT = "text"
    BINARY = "binary"


CONTENT_TYPES = {
    DataType.JSON: "application/json",
    DataType.TEXT: "text/plain",
    DataType.BINARY: "application/octet-stream",
}


def dumps(value: object) -> str:
    """Write JSON as the service does: compact, no NaN.

    Raises ValueError.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def utf8(text: str) -> bytes:
    """Encode a text; half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes a question mark."""
    return text.encode(errors="replace")


def loads(text: str | bytes) -> Any:
    """Read strict JSON.

    Raises ValueError for anything else, also for NaN and for nesting without end.
    """

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


@dataclass(frozen=True)
class Message:
    """A payload on its way to clients; `group` is None when it comes from the server.

    `payload` is the JSON text as it came, a text, or bytes; `expires_at` is in loop seconds.
    """

    data_type: DataType
    payload: str | bytes
    group: str | None = None
    from_user: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    expires_at: float | None = None

    @cached_property
    def _head(self) -> str:
        fields: dict[str, Any] = {"type": "message", "from": "group" if self.group is not None else "server"}
        if self.group is not None:
            fields |= {"group": self.group, "fromUserId": self.from_user}
        fields["dataType"] = self.data_type
        # A JSON payload goes on as it came: parsing and writing it again could change its numbers.
        return f'{dumps(fields)[:-1]},"data":{self._data()}'

    def _data(self) -> str:
        if isinstance(self.payload, bytes):
            return dumps(base64.b64encode(self.payload).decode())
        return self.payload if self.data_type is DataType.JSON else dumps(self.payload)

    @cached_property
    def _tail(self) -> str:
        return f',"metadata":{dumps(dict(self.metadata))}}}' if self.metadata else "}"

    @cached_property
    def plain(self) -> Wire:
        """The frame of a client without sequence ids."""
        return utf8(f"{self._head}{self._tail}"), WSMsgType.TEXT

    @cached_property
    def raw(self) -> Wire:
        """The bare frame of a client without subprotocol."""
        if isinstance(self.payload, bytes):
            return self.payload, WSMsgType.BINARY
        return utf8(self.payload), WSMsgType.TEXT

    def numbered(self, sequence_id: int) -> Wire:
        """Return the frame of a reliable client."""
        return utf8(f'{self._head},"sequenceId":{sequence_id}{self._tail}'), WSMsgType.TEXT


def connected(connection_id: str, user_id: str | None, reconnection_token: str | None) -> Wire:
    """Return the first frame of a JSON client; reliable clients get a token to come back with."""
    fields = {"type": "system", "event": "connected", "userId": user_id, "connectionId": connection_id}
    if reconnection_token is not None:
        fields["reconnectionToken"] = reconnection_token
    return _text(fields)


def disconnected(reason: str) -> Wire:
    """Return the frame that tells a JSON client why it is closed."""
    return _text({"type": "system", "event": "disconnected", "message": reason})


def ack(ack_id: int) -> Wire:
    """Return the frame that says that a request was carried out."""
    return _text({"type": "ack", "ackId": ack_id, "success": True})


def refusal(ack_id: int, name: str, message: str) -> Wire:
    """Return the frame that says why a request was not carried out."""
    error = {"name": name, "message": message}
    return _text({"type": "ack", "ackId": ack_id, "success": False, "error": error})


def pong() -> Wire:
    """Return the answer to a ping frame."""
    return _text({"type": "pong"})


def _text(fields: Mapping[str, object]) -> Wire:
    return utf8(dumps(fields)), WSMsgType.TEXT

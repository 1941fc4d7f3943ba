"""Read one CloudEvents request of Web PubSub into what a function's parameter of a given name receives."""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from local.host.app_model import BindingInfo
from local.host.web_pubsub_states import States, decode_states

_BINARY = 2
_DATA_TYPES = {"text/plain": "Text", "application/json": "Json", "application/octet-stream": "Binary"}
_REQUIRED = ("ce-connectionId", "ce-hub", "ce-type", "ce-eventName", "WebHook-Request-Origin")
# HttpRequestMessage keeps these apart from the request's headers, so that functions do not see them.
_CONTENT_HEADERS = {"allow", "expires", "last-modified"}
_CONNECT_FIELDS = ("claims", "query", "subprotocols", "clientCertificates")


class NotCloudEvents(ValueError):
    """A header is missing or cannot be read."""


class UnsupportedMediaType(ValueError):
    """A user event has a content type that the extension does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHead:
    """The headers of an event."""

    connection_id: str
    hub: str
    system: bool
    event_name: str
    origin: str
    signature: str | None
    user_id: str | None
    states: States | None
    headers: dict[str, list[str]]

    @property
    def kind(self) -> str:
        """Return connect, connected, disconnected, user, or other."""
        if not self.system:
            return "user"
        name = self.event_name.lower()
        return name if name in {"connect", "connected", "disconnected"} else "other"

    @property
    def key(self) -> str:
        """Return what triggers are looked up by."""
        return f"{self.hub}.{'system' if self.system else 'user'}.{self.event_name}".lower()


def read_head(request: web.Request) -> EventHead:
    """Read the headers.

    Raises:
        NotCloudEvents: a needed one is missing, or the connection state is damaged.
    """
    for name in _REQUIRED:
        if name not in request.headers:
            raise NotCloudEvents(name)
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        if name.lower() not in _CONTENT_HEADERS and not name.lower().startswith("content-"):
            headers.setdefault(name, []).append(value)
    try:
        states = decode_states(request.headers.get("ce-connectionState"))
    except ValueError as fault:
        raise NotCloudEvents("ce-connectionState") from fault
    return EventHead(
        connection_id=request.headers["ce-connectionId"],
        hub=request.headers["ce-hub"],
        system=request.headers["ce-type"].lower().startswith("azure.webpubsub.sys."),
        event_name=request.headers["ce-eventName"],
        origin=",".join(request.headers.getall("WebHook-Request-Origin")),
        signature=request.headers.get("ce-signature"),
        user_id=request.headers.get("ce-userId"),
        states=states,
        headers=headers,
    )


async def read_event(head: EventHead, request: web.Request) -> dict[str, Any]:
    """Read the body and return everything that a parameter can be bound to, by its name.

    Raises:
        UnsupportedMediaType: of a user event.
        ValueError: the body of a connect or disconnected event is no JSON object.
    """
    context = {
        "eventType": "System" if head.system else "User",
        "eventName": head.event_name,
        "hub": head.hub,
        "connectionId": head.connection_id,
        "userId": head.user_id,
        "signature": head.signature,
        "origin": head.origin,
        "states": head.states or {},
        "headers": head.headers,
    }
    more: dict[str, Any] = {}
    if head.kind == "user":
        more = await _user_fields(request)
    elif head.kind == "connect":
        body = _object(await request.read())
        more = {name: body.get(name) for name in (*_CONNECT_FIELDS, "headers")}
    elif head.kind == "disconnected":
        more = {"reason": _object(await request.read()).get("reason")}
    event: dict[str, Any] = {"connectionContext": context, **more}
    whole = {**event, "data": event["data"].decode(errors="replace")} if "data" in event else {**event}
    # Only the whole event shows the handshake's headers; no parameter is bound to them by name.
    event.pop("headers", None)
    return {**event, "request": whole, "dataType": event.get("dataType", "Text")}


def bind(binding: BindingInfo, event: dict[str, Any]) -> Datum | None:
    """Return what the trigger's parameter receives; names that the extension does not know receive None."""
    known = {name.lower(): value for name, value in event.items()}
    value = known.get(binding.name.lower())
    if value is None:
        return None
    if isinstance(value, bytes):
        return Datum(value, "bytes") if binding.data_type == _BINARY else Datum(_decoded(value), "string")
    text = value if isinstance(value, str) else json.dumps(value)
    return Datum(text.encode(), "bytes") if binding.data_type == _BINARY else Datum(text, "string")


def _decoded(value: bytes) -> str:
    return value.decode(errors="replace")


async def _user_fields(request: web.Request) -> dict[str, Any]:
    data_type = _DATA_TYPES.get(request.content_type.lower())
    if "Content-Type" not in request.headers or data_type is None:
        raise UnsupportedMediaType(request.headers.get("Content-Type", ""))
    return {"data": await request.read(), "dataType": data_type}


def _object(body: bytes) -> dict[str, Any]:
    content = json.loads(body)
    if not isinstance(content, dict):
        msg = "not a JSON object"
        raise TypeError(msg)
    return content  # type: ignore[return-value]

"""The client endpoint: who may open a WebSocket, as whom, in which protocol, and who comes back."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import WSCloseCode, web

from local.webpubsub import messages, permissions, tokens
from local.webpubsub.config import Settings
from local.webpubsub.connection import Connection, Protocol
from local.webpubsub.errors import ServiceError, bad_request, not_implemented, unauthorized
from local.webpubsub.frames import valid_group
from local.webpubsub.hubs import HUB_NAME, Hubs
from local.webpubsub.messages import dumps, loads, utf8
from local.webpubsub.session import RawMode, Session
from local.webpubsub.upstream import Caller, Event, Reply, Upstream, UpstreamFailed

_log = logging.getLogger(__name__)
PROTOBUF = frozenset({"protobuf.webpubsub.azure.v1", "protobuf.reliable.webpubsub.azure.v1"})
MAX_CONNECT_REPLY = 16 * 1024 * 1024
CLOSE_TIMEOUT_S = 2.0


@dataclass(slots=True, kw_only=True)
class _Admission:
    """As what a client comes in: the token's word, then the connect handler's."""

    user_id: str | None
    roles: list[str]
    groups: list[str]
    subprotocol: str | None


class ClientEndpoint:
    """Opens sessions and takes clients back into them."""

    def __init__(self, settings: Settings, hubs: Hubs, upstream: Upstream, check: Callable[[], None]) -> None:
        self._settings = settings
        self._hubs = hubs
        self._upstream = upstream
        self._check = check
        self.sessions: dict[str, Session] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer `/client/hubs/{hub}` and `/client/?hub={hub}`."""
        name = request.match_info.get("hub") or request.query.get("hub", "")
        if not HUB_NAME.fullmatch(name) or not request.raw_path.isascii():
            return bad_request("the hub's name or the address is not valid", target="hub").response()
        try:
            if "awps_connection_id" in request.query:
                return await self._recover(request, name)
            return await self._open(request, name)
        except ServiceError as refusal:
            return refusal.response()

    async def _open(self, request: web.Request, name: str) -> web.StreamResponse:
        claims = self._claims(request, name)
        self._check()
        offered = _offered(request)
        if PROTOBUF & set(offered) and not set(Protocol) & set(offered):
            raise not_implemented(f"the subprotocol {offered[0]}")
        if not web.WebSocketResponse(protocols=offered).can_prepare(request):
            raise bad_request("this is no WebSocket request")
        raw = _raw_mode(request)
        hub = self._hubs.get(name)
        caller = Caller(hub=hub.name, connection_id=secrets.token_urlsafe(24))
        admission = await self._admit(request, caller, claims, offered)
        caller.user_id, caller.subprotocol = admission.user_id, admission.subprotocol
        served = {one.value for one in Protocol}
        protocol = Protocol(admission.subprotocol) if admission.subprotocol in served else Protocol.RAW
        connection = Connection(
            hub,
            caller,
            protocol,
            permissions=permissions.of(admission.roles),
            groups=set(admission.groups),
            limits=self._settings.limits,
        )
        try:
            socket = await self._upgrade(request, admission.subprotocol)
        except ConnectionError:
            # The app has accepted the client; it is told that nobody came.
            await self._upstream.send(caller, Event.system("disconnected", b'{"reason":""}'))
            raise
        hub.add(connection)
        connection.tell(messages.connected(connection.id, connection.user_id, self._return_ticket(connection)))
        session = Session(connection, self._upstream, raw=raw, drop_on_failed_event=self._settings.drop_on_failed_event)
        self.sessions[connection.id] = session
        session.life.add_done_callback(lambda _: self.sessions.pop(connection.id, None))
        await session.serve(socket, request.transport)
        return socket

    async def _recover(self, request: web.Request, name: str) -> web.StreamResponse:
        session = self._session_of(request, name)
        socket = await self._upgrade(request, Protocol.RELIABLE)
        if session is None or session.connection.ending is not None:
            # 1008 tells the SDKs to begin anew; any other answer makes them try again for 30 s.
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"The connection cannot be recovered")
            return socket
        session.connection.rewind()
        await session.serve(socket, request.transport)
        return socket

    def _session_of(self, request: web.Request, name: str) -> Session | None:
        connection_id = request.query["awps_connection_id"]
        ticket = request.query.get("awps_reconnection_token", "")
        session = self.sessions.get(connection_id)
        if session is None or session.connection.hub.name != name.lower():
            return None
        reliable = session.connection.protocol is Protocol.RELIABLE
        known = tokens.accept_reconnection(ticket, self._settings.keys[0], connection_id)
        return session if reliable and known else None

    def _return_ticket(self, connection: Connection) -> str | None:
        if connection.protocol is not Protocol.RELIABLE:
            return None
        return tokens.mint_reconnection(self._settings.keys[0], connection.id)

    async def _upgrade(self, request: web.Request, subprotocol: str | None) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            protocols=[subprotocol] if subprotocol else [],
            compress=False,
            # aiohttp refuses a message that has exactly this size.
            max_msg_size=self._settings.limits.message_bytes + 1,
            timeout=CLOSE_TIMEOUT_S,
        )
        await socket.prepare(request)
        return socket

    def _claims(self, request: web.Request, name: str) -> dict[str, Any]:
        token = request.query.get("access_token") or _bearer(request)
        if token is None:
            if self._settings.hub(name).anonymous:
                return {}
            raise unauthorized("the client brings no access token")
        place = f"{request.scheme}://{request.host}"
        try:
            return tokens.verify(
                token,
                self._settings.keys,
                [f"{place}/client/hubs/{name}", f"{place}/client/?hub={name}"],
            )
        except tokens.TokenRefused as refusal:
            raise unauthorized(str(refusal)) from refusal

    async def _admit(
        self, request: web.Request, caller: Caller, claims: dict[str, Any], offered: list[str]
    ) -> _Admission:
        admission = _Admission(
            user_id=str(claims["sub"]) if claims.get("sub") is not None else None,
            roles=tokens.texts(claims, "role"),
            groups=tokens.texts(claims, "webpubsub.group"),
            subprotocol=next((one for one in offered if one in set(Protocol)), None),
        )
        caller.user_id = admission.user_id
        try:
            reply = await self._upstream.send(caller, Event.system("connect", _connect_body(request, claims)))
            if reply is not None:
                _override(admission, reply, offered)
        except UpstreamFailed as fault:
            _log.warning("%s", fault)
            status = fault.status if fault.status is not None and fault.status >= 400 else 500  # noqa: PLR2004
            raise ServiceError(status, "Error.Connect", "The event handler refused the connection.") from fault
        return admission


def _offered(request: web.Request) -> list[str]:
    lines = request.headers.getall("Sec-WebSocket-Protocol", [])
    return [one.strip() for line in lines for one in line.split(",") if one.strip()]


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _raw_mode(request: web.Request) -> RawMode:
    mode = request.query.get("webpubsub_mode", "sendEvent").lower()
    if mode == "sendevent":
        return RawMode()
    group = request.query.get("group", "")
    if mode != "sendtogroup" or not valid_group(group):
        raise bad_request("webpubsub_mode is sendEvent, or sendToGroup with a group", target="webpubsub_mode")
    return RawMode(group=group, no_echo=request.query.get("noEcho", "").lower() in {"true", "1"})


def _connect_body(request: web.Request, claims: dict[str, Any]) -> bytes:
    secret = {"access_token", "authorization"}
    query = {name: request.query.getall(name) for name in request.query if name not in secret}
    headers = {name: request.headers.getall(name) for name in request.headers if name.lower() not in secret}
    body = {
        "claims": {name: tokens.texts(claims, name) for name in claims},
        "query": query,
        "headers": headers,
        "subprotocols": _offered(request),
        "clientCertificates": [],
    }
    return utf8(dumps(body))


def _override(admission: _Admission, reply: Reply, offered: list[str]) -> None:
    """Let the connect handler's answer change the admission.

    Raises UpstreamFailed when the answer cannot be read.
    """
    fields = _connect_answer(reply)
    user_id, subprotocol = _text(fields, "userId"), _text(fields, "subprotocol")
    roles, groups = _names(fields, "roles"), _names(fields, "groups")
    if user_id is not None:
        admission.user_id = user_id or None
    if roles is not None:
        admission.roles = roles
    if groups:
        admission.groups = groups
    if subprotocol:
        if subprotocol not in offered:
            raise UpstreamFailed("connect: the handler chose a subprotocol that the client did not offer")
        admission.subprotocol = subprotocol


def _connect_answer(reply: Reply) -> dict[str, Any]:
    if len(reply.body) > MAX_CONNECT_REPLY:
        raise UpstreamFailed("connect: the handler's answer is too large")
    try:
        answer = loads(reply.body) if reply.body else None
    except ValueError as error:
        raise UpstreamFailed("connect: the handler's answer is not JSON") from error
    if not isinstance(answer, dict | None):
        raise UpstreamFailed("connect: the handler's answer is not an object")
    return cast("dict[str, Any]", answer or {})


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise UpstreamFailed(f"connect: {name} must be a text")
    return value


def _names(fields: dict[str, Any], name: str) -> list[str] | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(
        isinstance(one, str) and one.strip() for one in cast("list[object]", value)
    ):
        raise UpstreamFailed(f"connect: {name} must be a list of names")
    return cast("list[str]", value)

"""Stand at the edge: prove callers, parse, map errors to codes, make correlation ids. Nobody else does."""

import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import azure.functions as func

from functions._state import ConnectionState, state_from
from shared.bootstrap import services as build_services
from shared.domain import correlation
from shared.domain.errors import ChannelUnavailable, ChatError, ErrorCode, StoreUnavailable
from shared.domain.frames import Error, Frame
from shared.domain.identity import Caller, SessionGrant
from shared.domain.ids import ConnectionId, MessageId, PublicId, UserId
from shared.flow.authenticate import OpenSession
from shared.flow.opinions import Opinion
from shared.flow.query import Ask
from shared.flow.rights import prove as prove_person
from shared.flow.services import Services
from shared.flow.watching import note_unproved
from shared.wire.inbound import Asking, Feedback, Inbound, SessionUpdate, Unreadable, parse
from shared.wire.outbound import frame_text, to_json

HUB = "salescoach"

_STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.TOKEN_EXPIRED: 401,
    ErrorCode.INTERACTION_REQUIRED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.QUOTA_EXCEEDED: 429,
    ErrorCode.MODEL_UNAVAILABLE: 503,
    ErrorCode.TOOL_FAILED: 502,
    ErrorCode.BLOCKED: 422,
    ErrorCode.CONFLICT: 409,
    ErrorCode.INTERNAL: 500,
}
_log = logging.getLogger("salescoach.edge")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEvent:
    """A Web PubSub event, proved to come from our service."""

    connection_id: ConnectionId
    user_id: UserId
    data: str | None
    """The message; None when it is not text."""
    state: ConnectionState
    origin: str | None
    correlation_id: str = field(default_factory=lambda: correlation.current() or uuid.uuid4().hex)

    @property
    def session_id(self) -> PublicId | None:
        """Give the connection's session."""
        return self.state.session


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A direct answer, and what the connection's state becomes."""

    frame: Frame | None
    state: ConnectionState | None = None


Handler = Callable[[Services, ClientEvent, Inbound], Awaitable[Reply]]


async def client_event(request: str) -> ClientEvent:
    """Read a webPubSubTrigger's value and prove that it comes from our service.

    Raises:
        ChatError: `unauthenticated` for an event without proof.
    """
    event: dict[str, Any] = json.loads(request)
    context: dict[str, Any] = event["connectionContext"]
    headers = _headers(context)
    signature = _one(headers, "ce-signature") or context.get("signature")
    await prove(context["connectionId"], signature, _one(headers, "authorization"))
    return ClientEvent(
        connection_id=ConnectionId(context["connectionId"]),
        user_id=UserId(context.get("userId") or ""),
        # Binary data arrives here as text in which bytes may have been replaced (webPubSubTrigger).
        data=None if str(event.get("dataType")).lower() == "binary" else event.get("data") or "",
        state=state_from(context.get("states") or {}),
        origin=origin_of(event),
    )


async def prove(connection_id: str, signature: str | None, authorization: str | None) -> None:
    """Prove that an event comes from our service, whichever door it came to.

    Raises:
        ChatError: `unauthenticated`.
    """
    correlation.begin(uuid.uuid4().hex)
    ports = build_services()
    try:
        await ports.upstream.prove(connection_id=connection_id, signature=signature, authorization=authorization)
    except ChatError:
        await note_unproved(ports)
        raise


def origin_of(connect: dict[str, Any]) -> str | None:
    """Give the origin of the page that a `connect` event speaks of."""
    return _one(_headers(connect), "origin")


def _headers(part: dict[str, Any]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = part.get("headers") or {}
    return {name.lower(): values for name, values in headers.items()}


def _one(headers: dict[str, list[str]], name: str) -> str | None:
    values = headers.get(name) or []
    return values[0] if len(values) == 1 else None


async def answer(event: ClientEvent, event_name: str, handle: Handler) -> dict[str, Any] | None:
    """Answer a user event: always a frame, errors included, so that the service answers 200 (rule 1)."""
    try:
        message = parse(event.data, event=event_name)
    except Unreadable as refusal:
        return _frame(_error(refusal, event, refusal))
    try:
        reply = await handle(build_services(), event, message)
    except Exception as fault:  # noqa: BLE001  # the one place where faults become frames
        return _frame(_error(_refusal(fault, event.correlation_id), event, message))
    data = _frame(reply.frame) if reply.frame is not None else None
    if reply.state is not None:
        data = (data or {}) | {"states": reply.state.written()}
    return data


def refuse_event(refusal: ChatError) -> dict[str, Any]:
    """Refuse an event by status; of the trigger's three codes only `unauthorized` says who is to blame."""
    return {"code": "unauthorized", "errorMessage": refusal.message}


def status_of(refusal: ChatError) -> int:
    """Give the HTTP status of a refusal."""
    return _STATUS[refusal.code]


def _frame(frame: Frame) -> dict[str, Any]:
    return {"data": frame_text(frame), "dataType": "json"}


def _refusal(fault: Exception, correlation_id: str) -> ChatError:
    """Turn any fault into a refusal; what is not meant for the person goes to the log alone."""
    if isinstance(fault, ChatError):
        return fault
    if isinstance(fault, StoreUnavailable | ChannelUnavailable):
        _log.warning("edge.unavailable", extra={"correlation_id": correlation_id, "reason": str(fault)})
        wait = fault.retry_after_s or 1.0
        return ChatError(ErrorCode.INTERNAL, "The service is busy; please try again.", retry_after_s=wait)
    _log.error("edge.fault", extra={"correlation_id": correlation_id}, exc_info=fault)
    return ChatError(ErrorCode.INTERNAL, "Something went wrong on our side.")


def _error(refusal: ChatError, event: ClientEvent, said: Inbound | Unreadable) -> Error:
    _log.info("edge.refused", extra={"correlation_id": event.correlation_id, "code": refusal.code.value})
    return Error(
        code=refusal.code.value,
        message=refusal.message,
        retryable=refusal.retryable,
        retry_after=refusal.retry_after_s,
        in_reply_to=said.in_reply_to if isinstance(said, Unreadable) else said.type,
        request_id=said.request_id,
        message_id=getattr(said, "message_id", None),
        turn_id=getattr(said, "turn_id", None),
        claims=refusal.claims,
        correlation_id=event.correlation_id,
    )


def session_wish(event: ClientEvent, update: SessionUpdate) -> OpenSession:
    """Put a `session.update` and its connection together; without an id the session goes on, or a new one begins."""
    return OpenSession(
        token=update.accessToken,
        connection_user=event.user_id,
        connection=event.connection_id,
        session_id=PublicId((update.session_id or event.session_id or str(uuid.uuid4())).lower()),
        first=not event.state.opened,
        role=update.role,
        region=update.region,
        timezone=update.timezone,
        locale=update.locale,
        request_id=update.request_id,
    )


def question(grant: SessionGrant, connection: ConnectionId | None, said: Asking) -> Ask:
    """Put a `query` and its session together; without ids it belongs to the session last opened (rule 12).

    Raises:
        ChatError: `bad_request` for both ids.
    """
    if said.session_id is not None and said.group_id is not None:
        raise ChatError(ErrorCode.BAD_REQUEST, "Name a session_id or a group_id, not both.")
    return Ask(
        grant=grant,
        group_id=PublicId(said.group_id.lower()) if said.group_id else None,
        session_id=PublicId((said.session_id or grant.session_id).lower()),
        message_id=MessageId((said.message_id or str(uuid.uuid4())).lower()),
        id_from_client=said.message_id is not None,
        content=said.content,
        input_type=said.inputType,
        spoken=said.spoken,
        connection=connection,
        request_id=said.request_id,
        regenerate_of=MessageId(said.regenerate_of.lower()) if said.regenerate_of else None,
    )


def opinion(said: Feedback) -> Opinion:
    """Read what a person thinks of an answer."""
    return Opinion(
        conversation_id=PublicId(said.conversation_id.lower()),
        message_id=MessageId(said.message_id.lower()),
        rating=said.rating,
        comment=said.comment,
        request_id=said.request_id,
    )


def wrong_event() -> ChatError:
    """Make the refusal of a message under an event that is not its own."""
    return ChatError(ErrorCode.BAD_REQUEST, "The event `auth` takes a session.update only.")


RestHandler = Callable[[Services, Caller], Awaitable[Any]]


async def rest(req: func.HttpRequest, handle: RestHandler, *, status: int = 200) -> func.HttpResponse:
    """Answer a REST call of a proved person, in the one shape of success or failure."""
    correlation_id = correlation.begin(uuid.uuid4().hex)
    try:
        caller = await _caller(req)
        data = await handle(build_services(), caller)
    except Exception as fault:  # noqa: BLE001  # the one place where faults become statuses
        refusal = _refusal(fault, correlation_id)
        body = {"code": refusal.code.value, "message": refusal.message, "correlation_id": correlation_id}
        headers = {"Retry-After": str(round(refusal.retry_after_s))} if refusal.retry_after_s else {}
        return respond({"success": False, "error": body}, status_of(refusal), headers)
    return data if isinstance(data, func.HttpResponse) else respond({"success": True, "data": to_json(data)}, status)


def download(text: str, mimetype: str, name: str) -> func.HttpResponse:
    """Write a file that no cache keeps and no browser runs."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return func.HttpResponse(
        text,
        status_code=200,
        mimetype=mimetype,
        charset="utf-8",
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", **headers},
    )


def respond(body: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """Write a JSON response that no cache keeps."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return func.HttpResponse(
        text,
        status_code=status,
        mimetype="application/json",
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", **(headers or {})},
    )


async def _caller(req: func.HttpRequest) -> Caller:
    if "email" in req.params:
        raise ChatError(ErrorCode.BAD_REQUEST, "Who you are is told by your token alone; leave out `email`.")
    return await prove_person(build_services(), bearer(req))


def bearer(req: func.HttpRequest) -> str:
    """Give the request's one bearer token, not verified.

    Raises:
        ChatError: `unauthenticated` for none, or for more than one.
    """
    headers = cast("Mapping[str, str]", req.headers)
    authorization = headers.get("authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token or "," in token:
        raise ChatError(ErrorCode.UNAUTHENTICATED, "Send one bearer token.")
    return token

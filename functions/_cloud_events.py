"""Read a CloudEvent of Web PubSub from an HTTP request (binary mode), proved, fresh and for our hub."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, cast

import azure.functions as func

from functions import _edge
from functions._cloud_parts import is_name, require_fresh, text_of
from functions._state import state_from
from shared.domain.errors import ChatError, ErrorCode

_SYSTEM_EVENTS = frozenset({"connect", "connected", "disconnected"})


async def read(req: func.HttpRequest) -> tuple[str, _edge.ClientEvent]:
    """Give the event's name and what the handlers see of it.

    Raises:
        ChatError: `unauthenticated` without proof or when it is stale, `bad_request` for another form or hub.
    """
    headers = cast("Mapping[str, str]", req.headers)
    connection_id = headers.get("ce-connectionid", "")
    await _edge.prove(connection_id, headers.get("ce-signature"), headers.get("authorization"))
    name, kind = headers.get("ce-eventname", "").lower(), headers.get("ce-type", "").lower()
    # A client may call its own event `connect`; that is none of the service's.
    wanted = f"azure.webpubsub.{'sys' if name in _SYSTEM_EVENTS else 'user'}.{name}"
    ours = headers.get("ce-hub", "").lower() == _edge.HUB and headers.get("ce-specversion") == "1.0"
    user_id = headers.get("ce-userid", "")
    named = is_name(connection_id) and (not user_id or is_name(user_id))
    if not (ours and named and kind == wanted):
        raise ChatError(ErrorCode.BAD_REQUEST, "This is no event of our hub.")
    require_fresh(headers.get("ce-time", ""))
    body = text_of(headers.get("content-type", ""), req.get_body())
    return name, _edge.ClientEvent(
        connection_id=_edge.ConnectionId(connection_id),
        user_id=_edge.UserId(user_id),
        data=body,
        state=state_from(_states(headers.get("ce-connectionstate"))),
        origin=_origin(body or "") if name == "connect" else None,
    )


def _origin(body: str) -> str | None:
    """Take the page's origin from the body of `connect`; the headers there are lists under any spelling."""
    try:
        return _edge.origin_of(json.loads(body))
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise ChatError(ErrorCode.BAD_REQUEST, "The connect event cannot be read.") from None


def state_text(states: Mapping[str, str]) -> str:
    """Write a connection's state as a header value; Web PubSub keeps it unread."""
    return base64.b64encode(json.dumps(states).encode()).decode()


def _states(header: str | None) -> dict[str, Any]:
    """Read what `state_text` wrote; what another door or version wrote counts as no state."""
    try:
        states: Any = json.loads(base64.b64decode(header or "", validate=True) or b"{}")
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", states) if isinstance(states, dict) else {}

"""Connect (step 1): negotiate a client URL; accept or refuse the handshake; greet."""

from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge, _events
from shared.bootstrap import services, settings
from shared.domain.frames import ConnectionAck
from shared.domain.identity import Caller
from shared.flow import connect as flow
from shared.flow.audience import tell_connection
from shared.flow.limits import forget_connection, note_connection
from shared.flow.presence import went
from shared.flow.services import Services

bp = df.Blueprint()


@bp.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def negotiate(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with a client URL bound to the person of the bearer token."""

    async def handle(ports: Services, caller: Caller) -> dict[str, Any]:
        access = await flow.negotiate(ports, caller)
        return {"url": access.url, "expires_at": access.expires_at, "user_id": access.user_id, "hub": _edge.HUB}

    return await _edge.rest(req, handle)


@bp.generic_trigger(arg_name="request", type="webPubSubTrigger", hub=_edge.HUB, eventType="system", eventName="connect")
async def connect(request: str) -> dict[str, Any] | None:
    """Let the handshake of a client happen, or not."""
    return await _events.from_trigger("connect", request)


@bp.generic_trigger(
    arg_name="request", type="webPubSubTrigger", hub=_edge.HUB, eventType="system", eventName="connected"
)
async def connected(request: str) -> None:
    """Greet the connection."""
    await _events.from_trigger("connected", request)


@bp.generic_trigger(
    arg_name="request", type="webPubSubTrigger", hub=_edge.HUB, eventType="system", eventName="disconnected"
)
async def disconnected(request: str) -> None:
    """Take note that a connection ended."""
    await _events.from_trigger("disconnected", request)


@_events.answers("connect")
async def admit(event: _edge.ClientEvent, turns: _events.Turns) -> dict[str, Any]:  # noqa: ARG001
    """Accept a signed-in person from a page of ours, with no roles and no groups; refuse everyone else."""
    flow.admit(event.user_id, event.origin, settings().allowed_origins)
    return {"userId": event.user_id, "roles": []}


@_events.answers("connected")
async def greet(event: _edge.ClientEvent, turns: _events.Turns) -> None:  # noqa: ARG001
    """Greet the connection; nobody waits for it."""
    greeting = ConnectionAck(connection_id=event.connection_id, server_time=datetime.now(UTC))
    await tell_connection(services(), event.connection_id, greeting)
    await note_connection(services(), event.user_id, event.connection_id)


@_events.answers("disconnected")
async def note(event: _edge.ClientEvent, turns: _events.Turns) -> None:  # noqa: ARG001
    """Forget the connection; a lost one never cancels anything."""
    await forget_connection(services(), event.user_id, event.connection_id)
    for group in event.state.groups:
        await went(services(), group, event.user_id, event.connection_id)

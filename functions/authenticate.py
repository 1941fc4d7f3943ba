"""Authenticate (step 2): the user event `auth`; `session.update` as a `message` takes the same way."""

from typing import Any

import azure.durable_functions as df

from functions import _edge, _events, _follow
from shared.flow.services import Services
from shared.wire.inbound import Inbound, SessionUpdate

bp = df.Blueprint()


@bp.generic_trigger(arg_name="request", type="webPubSubTrigger", hub=_edge.HUB, eventType="user", eventName="auth")
async def authenticate(request: str) -> dict[str, Any] | None:
    """Open or refresh the connection's session."""
    return await _events.from_trigger("auth", request)


@_events.answers("auth")
async def answer(event: _edge.ClientEvent, turns: _events.Turns) -> dict[str, Any] | None:  # noqa: ARG001  # starts no turn
    """Answer the event, behind either door."""
    return await _edge.answer(event, "auth", _handle)


async def _handle(services: Services, event: _edge.ClientEvent, message: Inbound) -> _edge.Reply:
    if not isinstance(message, SessionUpdate):
        raise _edge.wrong_event()
    return await _follow.opened(services, event, message)

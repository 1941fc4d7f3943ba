"""Query (step 3): the user event `message`, with everything that a client can say."""

from typing import Any, assert_never

import azure.durable_functions as df

from functions import _edge, _events, _follow, _resume
from shared.domain.frames import Pong
from shared.domain.ids import CallId, TurnId
from shared.flow import approvals, authenticate, opinions, query, resume
from shared.flow.services import Services
from shared.ports import TurnEngine
from shared.wire import inbound

bp = df.Blueprint()


@bp.generic_trigger(arg_name="request", type="webPubSubTrigger", hub=_edge.HUB, eventType="user", eventName="message")
@bp.durable_client_input(client_name="client")
async def message(request: str, client: df.DurableOrchestrationClient) -> dict[str, Any] | None:
    """Answer one client message with its direct answer."""
    return await _events.from_trigger("message", request, client)


@_events.answers("message")
async def answer(event: _edge.ClientEvent, turns: _events.Turns) -> dict[str, Any] | None:
    """Answer the event, behind either door."""

    async def handle(services: Services, event: _edge.ClientEvent, said: inbound.Inbound) -> _edge.Reply:
        if isinstance(said, inbound.Ping):
            return _edge.Reply(frame=Pong(request_id=said.request_id))
        if isinstance(said, inbound.SessionUpdate):
            return await _follow.opened(services, event, said)
        if isinstance(said, inbound.TurnResume):
            return await _resume.resumed(services, event, said)
        if isinstance(said, _follow.Said):
            return await _follow.answer(services, event, said)
        return _edge.Reply(frame=await _within_session(services, turns(), event, said))

    return await _edge.answer(event, "message", handle)


async def _within_session(
    services: Services,
    turns: TurnEngine,
    event: _edge.ClientEvent,
    said: inbound.AboutTurns,
) -> Any:
    grant = await authenticate.require_grant(services, event.user_id, event.session_id)
    match said:
        case inbound.Query() | inbound.SendMessage():
            wish = _edge.question(grant, event.connection_id, said)
            return await query.ask(services, turns, _follow.addressed(event, said, wish))
        case inbound.QueryCancel():
            return await resume.cancel(services, turns, TurnId(said.turn_id), grant.user_id, grant.roles)
        case inbound.ToolApproval():
            verdict = approvals.Verdict(
                user_id=grant.user_id,
                turn_id=TurnId(said.turn_id),
                call_id=CallId(said.call_id),
                approved=said.approved,
                connection=event.connection_id,
                request_id=said.request_id,
            )
            return await approvals.decide(services, turns, verdict)
        case inbound.Feedback():
            return await opinions.rate(services, grant.user_id, _edge.opinion(said), grant.roles)
        case _:
            assert_never(said)

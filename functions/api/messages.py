"""Messages: say something without a socket; the answer is read where the stored messages are."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import engine
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.domain.ids import PublicId
from shared.flow import authenticate, query
from shared.flow.services import Services
from shared.flow.standing import in_group, reader_of
from shared.ports import TurnEngine
from shared.wire.rest import Posted, posted, session_id
from shared.wire.rest_groups import group_id

bp = df.Blueprint()


@bp.route("sessions/{id}/messages", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def ask_in_session(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Accept a question of one of the caller's sessions, which begins with it if it is new; 202 names the turn."""

    async def handle(services: Services, caller: Caller) -> Any:
        session = session_id(req.route_params["id"])
        said = posted(req.get_body())
        if said.group_id is not None or (said.session_id or session).lower() != session:
            raise ChatError(ErrorCode.BAD_REQUEST, "The path names the session; the body must not name another.")
        return await _say(services, engine(client), caller, _wish(req, session, said), said)

    return await _edge.rest(req, handle, status=202)


@bp.route("groups/{id}/messages", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def say_in_group(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Accept a member's message; 202 names the turn, or none if it does not call the coach."""

    async def handle(services: Services, caller: Caller) -> Any:
        group = group_id(req.route_params["id"])
        said = posted(req.get_body())
        if said.session_id is not None or (said.group_id or group).lower() != group:
            raise ChatError(ErrorCode.BAD_REQUEST, "The path names the group; the body must not name another place.")
        # A stranger leaves nothing here, not even a sealed token.
        await in_group(services, await reader_of(services, caller), group)
        said = said.model_copy(update={"group_id": group, "role": None})
        return await _say(services, engine(client), caller, _wish(req, group, said), said)

    return await _edge.rest(req, handle, status=202)


def _wish(req: func.HttpRequest, session: PublicId, said: Posted) -> authenticate.ShowToken:
    return authenticate.ShowToken(
        token=_edge.bearer(req),
        session_id=session,
        role=said.role,
        region=said.region,
        timezone=said.timezone,
        locale=said.locale,
    )


async def _say(
    services: Services, turns: TurnEngine, caller: Caller, wish: authenticate.ShowToken, said: Posted
) -> dict[str, Any]:
    grant = await authenticate.grant_by_token(services, caller, wish)
    accepted = await query.ask(services, turns, _edge.question(grant, None, said))
    place = {"group_id": accepted.group_id} if accepted.group_id else {"session_id": accepted.session_id}
    answered = {"message_id": accepted.message_id, "turn_id": accepted.turn_id, "duplicate": accepted.duplicate}
    return {"conversation_id": accepted.conversation_id} | place | answered

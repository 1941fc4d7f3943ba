"""Messages: ask without a socket; the answer is read where the stored messages are."""

import uuid
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import engine
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.domain.ids import ConnectionId, PublicId
from shared.flow import authenticate, query
from shared.flow.services import Services
from shared.wire.rest import Posted, posted, session_id

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
        wish = _wish(caller, session, said, _edge.bearer(req))
        grant = await authenticate.grant_by_token(services, caller, wish)
        accepted = await query.ask(services, engine(client), _edge.question(grant, None, said))
        return {
            "conversation_id": accepted.conversation_id,
            "session_id": accepted.session_id,
            "message_id": accepted.message_id,
            "turn_id": accepted.turn_id,
            "duplicate": accepted.duplicate,
        }

    return await _edge.rest(req, handle, status=202)


def _wish(caller: Caller, session: PublicId, said: Posted, token: str) -> authenticate.OpenSession:
    return authenticate.OpenSession(
        token=token,
        connection_user=caller.user_id,
        connection=ConnectionId(f"rest-{uuid.uuid4()}"),
        session_id=session,
        first=False,
        role=said.role,
        region=said.region,
        timezone=said.timezone,
        locale=said.locale,
    )

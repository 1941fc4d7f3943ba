"""Group messages: what a member may read of them, and saying something without a socket."""

import uuid
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import engine
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.domain.ids import ConnectionId
from shared.flow import authenticate, history, query
from shared.flow.services import Services
from shared.flow.standing import in_group, reader_of
from shared.wire.outbound import message_data
from shared.wire.rest import bounds, posted
from shared.wire.rest_groups import group_id

bp = df.Blueprint()


@bp.route("groups/{id}/messages", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def group_messages(req: func.HttpRequest) -> func.HttpResponse:
    """List a group's stored messages in order; answers that are not for the caller come without their words."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted = bounds(dict(req.params))
        standing = await in_group(services, await reader_of(services, caller), group_id(req.route_params["id"]))
        page = await history.read(
            services, standing, after_seq=wanted.after_seq, before_seq=wanted.before_seq, limit=wanted.limit
        )
        items = [message_data(message) for message in page.messages] if page else []
        return {"items": items, "last_seq": page.last_seq if page else 0}

    return await _edge.rest(req, handle)


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
        wish = authenticate.OpenSession(
            token=_edge.bearer(req),
            connection_user=caller.user_id,
            connection=ConnectionId(f"rest-{uuid.uuid4()}"),
            session_id=group,
            first=False,
            region=said.region,
            timezone=said.timezone,
            locale=said.locale,
        )
        grant = await authenticate.grant_by_token(services, caller, wish)
        said = said.model_copy(update={"group_id": group})
        accepted = await query.ask(services, engine(client), _edge.question(grant, None, said))
        return {
            "conversation_id": accepted.conversation_id,
            "group_id": accepted.group_id,
            "message_id": accepted.message_id,
            "turn_id": accepted.turn_id,
            "duplicate": accepted.duplicate,
        }

    return await _edge.rest(req, handle, status=202)

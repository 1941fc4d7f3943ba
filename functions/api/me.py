"""The caller's own data: all of it as one document, and its deletion."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import engine, eraser
from shared.domain.identity import Caller
from shared.flow import leaving
from shared.flow.services import Services
from shared.wire.rest import session_id
from shared.wire.taken import taken_data

bp = df.Blueprint()


@bp.route("me/export", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def export_me(req: func.HttpRequest) -> func.HttpResponse:
    """Give everything that is stored of the caller."""

    async def handle(services: Services, caller: Caller) -> Any:
        return taken_data(await leaving.take_along(services, eraser(), caller))

    return await _edge.rest(req, handle)


@bp.route("me", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def delete_me(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Delete the caller's sessions and all else that is theirs alone, and leave their groups."""

    async def handle(services: Services, caller: Caller) -> Any:
        await leaving.delete_person(services, engine(client), eraser(), caller)
        return {"user_id": caller.user_id}

    return await _edge.rest(req, handle)


@bp.route("sessions/{id}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def delete_session(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Delete one of the caller's sessions, with what runs in it; 404 for absent and not theirs alike."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted = session_id(req.route_params["id"])
        await leaving.delete_session(services, engine(client), eraser(), caller.user_id, wanted)
        return {"session_id": wanted}

    return await _edge.rest(req, handle)

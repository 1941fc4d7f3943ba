"""Groups: the caller's own, how they are founded, changed and ended."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import engine, eraser
from shared.domain.identity import Caller
from shared.flow import leaving, membership, roster
from shared.flow.services import Services
from shared.wire.rest import bounds
from shared.wire.rest_groups import group_changes, group_id, new_group

bp = df.Blueprint()


@bp.route("groups", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def found_group(req: func.HttpRequest) -> func.HttpResponse:
    """Make a group of which the caller is owner and first member."""

    async def handle(services: Services, caller: Caller) -> Any:
        group = await membership.found(services, caller, new_group(req.get_body()))
        return await roster.group(services, caller.user_id, group.group_id)

    return await _edge.rest(req, handle, status=201)


@bp.route("groups", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def groups(req: func.HttpRequest) -> func.HttpResponse:
    """List the groups of which the caller is a member."""

    async def handle(services: Services, caller: Caller) -> Any:
        limit = bounds(dict(req.params)).limit
        return await roster.groups(services, caller.user_id, cursor=req.params.get("cursor"), limit=limit)

    return await _edge.rest(req, handle)


@bp.route("groups/{id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def group(req: func.HttpRequest) -> func.HttpResponse:
    """Show a group to a member; 404 for absent and not theirs alike."""

    async def handle(services: Services, caller: Caller) -> Any:
        return await roster.group(services, caller.user_id, group_id(req.route_params["id"]))

    return await _edge.rest(req, handle)


@bp.route("groups/{id}", methods=["PATCH"], auth_level=func.AuthLevel.ANONYMOUS)
async def change_group(req: func.HttpRequest) -> func.HttpResponse:
    """Change a group's title, rules, role, owner or status."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted = group_id(req.route_params["id"])
        await membership.change(services, caller, wanted, group_changes(req.get_body()))
        return await roster.group(services, caller.user_id, wanted)

    return await _edge.rest(req, handle)


@bp.route("groups/{id}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def delete_group(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """End a group for everyone, and delete what was said there."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted = group_id(req.route_params["id"])
        await leaving.delete_group(services, engine(client), eraser(), caller, wanted)
        return {"group_id": wanted}

    return await _edge.rest(req, handle)

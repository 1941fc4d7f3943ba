"""Members of a group: who is let in, and who leaves."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow import membership
from shared.flow.services import Services
from shared.wire.rest_groups import group_id, member_id

bp = df.Blueprint()


@bp.route("groups/{id}/members/{user}", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
async def add_member(req: func.HttpRequest) -> func.HttpResponse:
    """Let somebody into the caller's group."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted, user = group_id(req.route_params["id"]), member_id(req.route_params["user"])
        member = await membership.add(services, caller, wanted, user)
        return {"group_id": wanted, "user": {"id": member.id, "name": member.name}}

    return await _edge.rest(req, handle)


@bp.route("groups/{id}/members/{user}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
async def remove_member(req: func.HttpRequest) -> func.HttpResponse:
    """Leave a group, or remove somebody from one's own."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted, user = group_id(req.route_params["id"]), member_id(req.route_params["user"])
        await membership.remove(services, caller, wanted, user)
        return {"group_id": wanted, "user": {"id": user}}

    return await _edge.rest(req, handle)

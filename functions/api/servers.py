"""Servers: the tool servers that the caller may use, how they are doing, and what an Admin accepts of them."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow.pinning import accept
from shared.flow.servers import listed
from shared.flow.services import Services
from shared.wire.rest import accepted_digest

bp = df.Blueprint()


@bp.route("servers", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def servers(req: func.HttpRequest) -> func.HttpResponse:
    """List the caller's servers; those of other roles do not exist for them."""

    async def handle(services: Services, caller: Caller) -> Any:
        return {"items": await listed(services, caller)}

    return await _edge.rest(req, handle)


@bp.route("admin/servers/{server}/tools/{tool}", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
async def accept_tool(req: func.HttpRequest) -> func.HttpResponse:
    """Accept a tool as its server describes it now; Admins only, and recorded."""

    async def handle(services: Services, caller: Caller) -> Any:
        server, tool = req.route_params["server"], req.route_params["tool"]
        return await accept(services, caller, server=server, tool=tool, digest=accepted_digest(req.get_body()))

    return await _edge.rest(req, handle)

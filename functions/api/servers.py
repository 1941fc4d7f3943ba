"""Servers: the tool servers that the caller may use, what they offer and how they are doing."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow.servers import listed
from shared.flow.services import Services

bp = df.Blueprint()


@bp.route("servers", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def servers(req: func.HttpRequest) -> func.HttpResponse:
    """List the caller's servers; those of other roles do not exist for them."""

    async def handle(services: Services, caller: Caller) -> Any:
        return {"items": await listed(services, caller)}

    return await _edge.rest(req, handle)

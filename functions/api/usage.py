"""Usage: what the caller used of today's tokens, and of the last days'."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow.limits import spending
from shared.flow.services import Services

bp = df.Blueprint()


@bp.route("usage", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def usage(req: func.HttpRequest) -> func.HttpResponse:
    """Show the caller's own count; nobody else's can be asked for."""

    async def handle(services: Services, caller: Caller) -> Any:
        return await spending(services, caller.user_id)

    return await _edge.rest(req, handle)

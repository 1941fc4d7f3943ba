"""People of the caller's own tenant, to be let into groups."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow import people as flow
from shared.flow.services import Services
from shared.wire.rest import bounds

bp = df.Blueprint()


@bp.route("people", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def people(req: func.HttpRequest) -> func.HttpResponse:
    """Find people who have signed in, by two letters or more of name or e-mail."""

    async def handle(services: Services, caller: Caller) -> Any:
        limit, cursor = bounds(dict(req.params)).limit, req.params.get("cursor")
        return await flow.find(services, caller, req.params.get("query"), cursor=cursor, limit=limit)

    return await _edge.rest(req, handle)

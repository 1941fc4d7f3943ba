"""Security events, for Admins only."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow import watching
from shared.flow.services import Services
from shared.wire.rest import bounds
from shared.wire.watch_documents import day_wanted

bp = df.Blueprint()


@bp.route("admin/security-events", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def security_events(req: func.HttpRequest) -> func.HttpResponse:
    """List what was refused, neutralised or called on one day, newest first; reading it is recorded, too."""

    async def handle(services: Services, caller: Caller) -> Any:
        watching.require_admin(caller)
        day, limit = day_wanted(req.params.get("day")), bounds(dict(req.params)).limit
        return await watching.events(services, caller, day, cursor=req.params.get("cursor"), limit=limit)

    return await _edge.rest(req, handle)

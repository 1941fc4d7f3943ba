"""Sign-out: an Admin ends all that somebody's tokens began, at once."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow import rights
from shared.flow.services import Services
from shared.flow.watching import require_admin
from shared.wire.rest_groups import member_id

bp = df.Blueprint()


@bp.route("admin/people/{user}/sign-out", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def sign_out(req: func.HttpRequest) -> func.HttpResponse:
    """Void the tokens of somebody of the Admin's tenant, end the sessions, close the connections; it is recorded."""

    async def handle(services: Services, caller: Caller) -> Any:
        require_admin(caller)
        return await rights.sign_out(services, caller, member_id(req.route_params["user"]))

    return await _edge.rest(req, handle)

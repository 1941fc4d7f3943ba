"""Group messages: what a member may read of them."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow import history
from shared.flow.services import Services
from shared.flow.standing import in_group, reader_of
from shared.wire.outbound import page_data
from shared.wire.rest import bounds
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
        return page_data(page.messages, page.last_seq)

    return await _edge.rest(req, handle)

"""Sessions: a person's own conversations and their stored messages."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.identity import Caller
from shared.flow import history, opinions
from shared.flow.services import Services
from shared.wire.outbound import page_data
from shared.wire.rest import bounds, new_title, session_id

bp = df.Blueprint()


@bp.route("sessions", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def sessions(req: func.HttpRequest) -> func.HttpResponse:
    """List the caller's sessions, newest first."""

    async def handle(services: Services, caller: Caller) -> Any:
        limit = bounds(dict(req.params)).limit
        return await history.sessions(
            services, caller.user_id, cursor=req.params.get("cursor"), limit=limit, search=req.params.get("search")
        )

    return await _edge.rest(req, handle)


@bp.route("sessions/{id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def session(req: func.HttpRequest) -> func.HttpResponse:
    """Show one of the caller's sessions; 404 for absent and not theirs alike."""

    async def handle(services: Services, caller: Caller) -> Any:
        return await history.session(services, caller.user_id, session_id(req.route_params["id"]))

    return await _edge.rest(req, handle)


@bp.route("sessions/{id}", methods=["PATCH"], auth_level=func.AuthLevel.ANONYMOUS)
async def rename_session(req: func.HttpRequest) -> func.HttpResponse:
    """Give one of the caller's sessions another title."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted = new_title(req.get_body())
        frame = await opinions.rename(services, caller.user_id, session_id(req.route_params["id"]), wanted)
        return {"session_id": frame.session_id, "title": frame.title}

    return await _edge.rest(req, handle)


@bp.route("sessions/{id}/messages", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def session_messages(req: func.HttpRequest) -> func.HttpResponse:
    """List a session's stored messages in order."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted = bounds(dict(req.params))
        page = await history.messages(
            services,
            caller.user_id,
            session_id(req.route_params["id"]),
            after_seq=wanted.after_seq,
            before_seq=wanted.before_seq,
            limit=wanted.limit,
        )
        return page_data(page.messages, page.last_seq)

    return await _edge.rest(req, handle)

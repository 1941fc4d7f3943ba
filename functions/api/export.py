"""Export: a conversation as Markdown, as JSON, or its tables as CSV."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.flow.export import Export, whole_group, whole_session
from shared.flow.services import Services
from shared.flow.standing import reader_of
from shared.wire.exports import markdown, tables_csv
from shared.wire.outbound import message_data
from shared.wire.rest import session_id
from shared.wire.rest_groups import group_id

bp = df.Blueprint()


@bp.route("sessions/{id}/export", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def session_export(req: func.HttpRequest) -> func.HttpResponse:
    """Give one of the caller's sessions as a whole; `format` is `md`, `json` (the default) or `csv`."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted = _format(req)
        export = await whole_session(services, caller.user_id, session_id(req.route_params["id"]))
        return _written(export, wanted, "session")

    return await _edge.rest(req, handle)


@bp.route("groups/{id}/export", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def group_export(req: func.HttpRequest) -> func.HttpResponse:
    """Give what a member may read of a group, in the same formats."""

    async def handle(services: Services, caller: Caller) -> Any:
        wanted = _format(req)
        export = await whole_group(services, await reader_of(services, caller), group_id(req.route_params["id"]))
        return _written(export, wanted, "group")

    return await _edge.rest(req, handle)


def _format(req: func.HttpRequest) -> str:
    wanted = req.params.get("format", "json")
    if wanted not in ("md", "json", "csv"):
        raise ChatError(ErrorCode.BAD_REQUEST, "The parameter format must be md, json or csv.")
    return wanted


def _written(export: Export, wanted: str, kind: str) -> Any:
    name = f"{kind}-{export.conversation_id}"
    if wanted == "md":
        return _edge.download(markdown(export.title, export.items), "text/markdown", f"{name}.md")
    if wanted == "csv":
        return _edge.download(tables_csv(export.items), "text/csv", f"{name}.csv")
    items = [message_data(message) for message in export.items]
    return {f"{kind}_id": export.conversation_id, "title": export.title, "items": items}

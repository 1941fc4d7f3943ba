"""Common questions: what others of the caller's roles ask."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import question_book
from shared.domain.identity import Caller
from shared.flow import questions as flow
from shared.flow.services import Services
from shared.wire.rest import bounds

bp = df.Blueprint()


@bp.route("questions", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def questions(req: func.HttpRequest) -> func.HttpResponse:
    """List the most asked questions, of one category or of all."""

    async def handle(services: Services, caller: Caller) -> Any:
        limit = bounds(dict(req.params)).limit
        return {"items": await flow.suggestions(services, question_book(), caller, req.params.get("category"), limit)}

    return await _edge.rest(req, handle)


@bp.route("questions/categories", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def question_categories(req: func.HttpRequest) -> func.HttpResponse:
    """List the categories that have questions for the caller."""

    async def handle(services: Services, caller: Caller) -> Any:
        return {"items": await flow.categories(services, question_book(), caller)}

    return await _edge.rest(req, handle)

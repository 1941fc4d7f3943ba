"""Prompt: the system prompt as it is built for a role, for Admins."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import prompts, settings
from shared.domain.identity import Caller
from shared.flow.prompts import preview
from shared.flow.services import Services

bp = df.Blueprint()


@bp.route("prompt", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def prompt(req: func.HttpRequest) -> func.HttpResponse:
    """Show an Admin the prompt as a model would get it; 403 for anybody else."""

    async def handle(services: Services, caller: Caller) -> Any:
        month = settings().fiscal_year_start_month
        return await preview(services, prompts(), caller, req.params.get("role") or None, fiscal_year_start_month=month)

    return await _edge.rest(req, handle)

"""Health: whether the app runs, and whether what it needs answers."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import services, settings
from shared.domain.errors import StoreUnavailable
from shared.domain.ids import ConversationKey
from shared.domain.models import report
from shared.flow.servers import report as servers_report
from shared.wire.outbound import to_json

bp = df.Blueprint()


@bp.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  # the trigger binds it
    """Say that the app runs, which version of it, and when the models in use retire."""
    values = settings()
    models = report(values.deployments().in_use(), services().clock.now().date())
    data = {
        "status": "ok",
        "version": values.app_version,
        "commit": values.app_commit,
        "models": to_json(models),
    }
    return _edge.respond({"success": True, "data": data}, 200)


@bp.route("health/ready", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def ready(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    """Say whether store and tool registry answer, 503 if not, and which tool servers do not, which costs only them."""
    ports = services()
    names = ("store", "tools")
    checks = await asyncio.gather(
        _answers(ports.conversations.head(ConversationKey("readiness"))), _answers(_discovered())
    )
    good = all(check == "ok" for check in checks)
    data: dict[str, Any] = {"checks": dict(zip(names, checks, strict=True))}
    if checks[1] == "ok":
        data["servers"] = to_json(await servers_report(ports))
    return _edge.respond({"success": good, "data": data}, 200 if good else 503)


async def _answers(check: Awaitable[Any]) -> str:
    try:
        await check
    except StoreUnavailable as fault:
        return f"unavailable: {fault}"
    return "ok"


async def _discovered() -> None:
    servers, manifests = await asyncio.gather(services().registry.servers(), services().registry.manifests())
    if servers and not manifests:
        raise StoreUnavailable("no tool server has been asked yet")

"""Health: whether the app runs, and whether what it needs answers."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from functions import _edge
from shared.bootstrap import engine, prompts, services, settings
from shared.domain.errors import ChannelUnavailable, EngineUnavailable, StoreUnavailable
from shared.domain.ids import ConversationKey, PublicId, RoomName, TurnId, UserId
from shared.domain.models import report
from shared.domain.prompt import SYSTEM_PROMPT
from shared.domain.turns import TurnRef
from shared.flow.servers import report as servers_report
from shared.wire.outbound import to_json

bp = df.Blueprint()

PROBE = "readiness"  # nothing has this id, and an answer is an answer
PATIENCE_S = 5.0


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
@bp.durable_client_input(client_name="client")
async def ready(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:  # noqa: ARG001
    """Say of each dependency whether it answers, 503 if one does not; a tool server that is down costs only itself."""
    ports = services()
    asked: dict[str, Awaitable[Any]] = {
        "store": ports.conversations.head(ConversationKey(PROBE)),
        "tools": _discovered(),
        "prompts": _prompt(),
        "channel": ports.channel.present(RoomName(PROBE)),
        "sealing": ports.sealer.seal(PROBE, user_id=UserId(PROBE), session_id=PublicId(PROBE)),
        "scheduler": engine(client).stop(TurnRef(key=ConversationKey(PROBE), turn_id=TurnId(PROBE), epoch=1), PROBE),
    }
    answers = await asyncio.gather(*(_answers(check) for check in asked.values()))
    good = all(check == "ok" for check in answers)
    data: dict[str, Any] = {"checks": dict(zip(asked, answers, strict=True))}
    if data["checks"]["tools"] == "ok":
        data["servers"] = to_json(await servers_report(ports))
    return _edge.respond({"success": good, "data": data}, 200 if good else 503)


async def _answers(check: Awaitable[Any]) -> str:
    try:
        await asyncio.wait_for(check, PATIENCE_S)
    except (StoreUnavailable, ChannelUnavailable, EngineUnavailable) as fault:
        return f"unavailable: {fault}"
    except TimeoutError:
        return f"unavailable: no answer within {PATIENCE_S:g} s"
    return "ok"


async def _discovered() -> None:
    servers, manifests = await asyncio.gather(services().registry.servers(), services().registry.manifests())
    if servers and not manifests:
        raise StoreUnavailable("no tool server has been asked yet")


async def _prompt() -> None:
    if await prompts().get(SYSTEM_PROMPT) is None:
        raise StoreUnavailable("there is no system prompt")

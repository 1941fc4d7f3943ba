"""Sets faults over HTTP; only served when the engine was built with `faults=True`."""

import json
from dataclasses import asdict
from typing import Any, cast

from aiohttp import web

from local.host.durable.answers import error
from local.host.durable.faults import FaultPlan, parse_fault


def add_fault_routes(app: web.Application, base: str, plan: FaultPlan) -> None:
    """Add `{base}/_faults`: POST sets one, GET shows those that are left and the step, DELETE clears."""

    async def show(_request: web.Request) -> web.Response:
        return web.json_response(_plan_json(plan))

    async def add(request: web.Request) -> web.Response:
        try:
            body: Any = json.loads(await request.text())
            plan.add(parse_fault(cast("dict[str, Any]", body) if isinstance(body, dict) else {}))
        except ValueError as wrong:  # not JSON, or an UnknownFault
            return error(400, str(wrong))
        return web.json_response(_plan_json(plan), status=202)

    async def clear(_request: web.Request) -> web.Response:
        plan.clear()
        return web.json_response(_plan_json(plan))

    app.router.add_get(f"{base}/_faults", show)
    app.router.add_post(f"{base}/_faults", add)
    app.router.add_delete(f"{base}/_faults", clear)


def _plan_json(plan: FaultPlan) -> dict[str, Any]:
    return {"step": plan.step, "faults": [{"kind": one.kind, **asdict(one)} for one in plan.faults]}

"""The admin API: the host's status, the list of functions, and running one now.

No key is asked for, as under Core Tools; the server listens on 127.0.0.1 only.
"""

import asyncio
import contextlib
import json
import time
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from local.host.app_model import FunctionInfo
from local.host.invoke import Call, Invocations
from local.host.routes import Route
from local.host.timers import Timers


class Admin:
    """Answer `/admin/...`."""

    def __init__(
        self,
        functions: list[FunctionInfo],
        *,
        routes: list[Route],
        invocations: Invocations,
        timers: Timers,
        base_url: str,
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._routes = {route.function.name: route for route in routes}
        self._invocations = invocations
        self._timers = timers
        self._base_url = base_url
        self._begun = time.monotonic()
        self._runs: set[asyncio.Task[None]] = set()

    def add_routes(self, app: web.Application) -> None:
        """Add the routes; everything else below /admin is 404."""
        app.router.add_get("/admin/host/status", self._status)
        app.router.add_get("/admin/functions", self._list)
        app.router.add_get("/admin/functions/{name}", self._one)
        app.router.add_post("/admin/functions/{name}", self._invoke)

    async def _status(self, request: web.Request) -> web.Response:
        del request
        uptime = int((time.monotonic() - self._begun) * 1000)
        return web.json_response({"id": "local", "state": "Running", "version": "4.local", "processUptime": uptime})

    async def _list(self, request: web.Request) -> web.Response:
        del request
        return web.json_response([self._describe(function) for function in self._functions.values()])

    async def _one(self, request: web.Request) -> web.Response:
        function = self._functions.get(request.match_info["name"].lower())
        return web.Response(status=404) if function is None else web.json_response(self._describe(function))

    async def _invoke(self, request: web.Request) -> web.Response:
        try:
            body: Any = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        if not isinstance(body, dict):
            return web.Response(status=400)
        function = self._functions.get(request.match_info["name"].lower())
        if function is None:
            return web.Response(status=404)
        trigger = self._trigger_value(function, body.get("input"))  # type: ignore[union-attr]
        if trigger is None:
            kind = function.trigger.type
            return web.Response(status=501, text=f"running a function with {kind} from here is not offered")
        run = asyncio.create_task(self._run(function, trigger))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return web.Response(status=202)

    def _trigger_value(self, function: FunctionInfo, given: object) -> Datum | None:
        if function.trigger.type == "timerTrigger":
            return self._timers.get(function.name).trigger_value()
        if function.trigger.type == "activityTrigger":
            return Datum(given if isinstance(given, str) else json.dumps(given), "string")
        return None

    async def _run(self, function: FunctionInfo, trigger: Datum) -> None:
        with contextlib.suppress(Exception):  # logged by the invocation; the caller has its 202
            await self._invocations.run(function, Call(trigger=trigger))

    def _describe(self, function: FunctionInfo) -> dict[str, Any]:
        route = self._routes.get(function.name)
        return {
            "name": function.name,
            "href": f"{self._base_url}/admin/functions/{function.name}",
            "invoke_url_template": None if route is None else f"{self._base_url}/{route.template}",
            "language": "python",
            "config": {
                "name": function.name,
                "entryPoint": function.name,
                "scriptFile": function.script_file,
                "language": "python",
                "functionDirectory": function.directory,
                "bindings": [binding.raw for binding in function.bindings],
            },
            "isDisabled": False,
            "isDirect": False,
            "isProxy": False,
        }

"""The host: wires the parts for one app, serves it, and winds it down."""

import asyncio
import json
import logging
import pathlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from local.host.admin import Admin
from local.host.app_model import FunctionInfo
from local.host.binding_data import BindingData
from local.host.cors import Handler, cors_middleware
from local.host.cosmos_binding import CosmosBinding
from local.host.durable_client import PUBLIC_PREFIX, RPC_PREFIX, DurableClientInput
from local.host.durable_invoker import DurableInvoker
from local.host.http_front import HttpFront
from local.host.invoke import Invocations
from local.host.keys import load_keys
from local.host.settings_file import HostConfig
from local.host.timers import Timers
from local.host.web_pubsub_connection import bind_connection
from local.host.web_pubsub_output import WebPubSubOutput
from local.host.web_pubsub_trigger import WebPubSubTrigger
from local.host.worker import Worker

if TYPE_CHECKING:
    from local.host.durable.engine import DurableEngine

_log = logging.getLogger("local.host")

ADDRESS = "127.0.0.1"
# How long running invocations may go on after a request to stop.
GRACE_S = 10.0
# What is still open after the grace is cut.
_CLOSE_S = 0.5
# FUNCTIONS_REQUEST_BODY_SIZE_LIMIT of the real host.
_LARGEST_BODY = 104_857_600
_DURABLE = {"orchestrationTrigger", "activityTrigger", "durableClient"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """How to serve an app."""

    port: int
    rpc_port: int
    data_dir: pathlib.Path
    origins: list[str]
    faults: bool
    config: HostConfig


class Host:
    """One app, served until stopped."""

    def __init__(self, functions: list[FunctionInfo], options: HostOptions) -> None:
        self._options = options
        self._worker = Worker()
        self._cosmos = CosmosBinding()
        self._web_pubsub = WebPubSubOutput()
        self._inputs: dict[str, Any] = {
            "cosmosDB": self._cosmos.bind,
            "webPubSubConnection": bind_connection,
        }
        self._invocations = Invocations(
            worker=self._worker,
            inputs=self._inputs,
            outputs={
                "http": _nothing_to_apply,
                "cosmosDB": self._cosmos.apply,
                "webPubSub": self._web_pubsub.apply,
            },
            timeout=options.config.function_timeout,
        )
        self._functions = functions
        self._timers = Timers(functions, self._invocations, options.data_dir)
        self._engine = self._make_engine()
        self._runners: list[web.AppRunner] = []
        self._stopping = False

    async def start(self) -> str:
        """Serve the app.

        Returns:
            The base URL that it answers on.

        Raises:
            OSError: a port is taken.
            IndexingFailed: the app is refused.
        """
        # Bound before anything is wired: functions are told both addresses.
        door, rpc_door = socket.create_server((ADDRESS, self._options.port)), None
        public, rpc = _app(cors_middleware(self._options.origins), self._turn_away), _app()
        if self._engine is not None:
            rpc_door = _bind_or_any(self._options.rpc_port)
            self._engine.add_routes(rpc, RPC_PREFIX)
            self._engine.add_routes(public, PUBLIC_PREFIX)
        base_url, rpc_url = _url(door), "" if rpc_door is None else _url(rpc_door)
        self._fill(public, base_url, rpc_url)
        if self._engine is not None and rpc_door is not None:
            await self._engine.start()
            await self._serve(rpc, rpc_door)
        await self._serve(public, door)
        self._timers.start()
        _log.info("%s", json.dumps({"functions": [function.name for function in self._functions], "rpc": rpc_url}))
        return base_url

    async def stop(self) -> None:
        """Stop accepting work, let what runs finish for a while, then leave the rest to be done again."""
        self._stopping = True
        *_, public = self._runners or [None]
        if public is not None:
            for site in list(public.sites):
                await site.stop()
        await self._timers.stop()
        left, _ = await asyncio.gather(self._invocations.drain(GRACE_S), self._stop_engine())
        if left:
            _log.warning("%s", json.dumps({"invocations_cut_short": left}))
        for runner in self._runners:
            await runner.cleanup()
        await self._cosmos.close()
        await self._web_pubsub.close()
        self._worker.close()

    @web.middleware
    async def _turn_away(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests that come over open connections once the host is stopping."""
        return web.Response(status=503) if self._stopping else await handler(request)

    async def _stop_engine(self) -> None:
        if self._engine is not None:
            await self._engine.stop(timeout_s=GRACE_S)

    def _fill(self, app: web.Application, base_url: str, rpc_url: str) -> None:
        options = self._options
        keys = load_keys(options.data_dir / "keys.json", [function.name for function in self._functions])
        client = DurableClientInput(
            base_url=base_url,
            rpc_url=rpc_url,
            hub_name=options.config.hub_name,
            system_key=keys.system["durabletask_extension"],
        )
        self._inputs["durableClient"] = client.bind
        front = HttpFront(self._functions, prefix=options.config.route_prefix, keys=keys, invocations=self._invocations)
        admin = Admin(
            self._functions,
            routes=front.routes,
            invocations=self._invocations,
            timers=self._timers,
            base_url=base_url,
        )
        admin.add_routes(app)
        WebPubSubTrigger(self._functions, self._invocations).add_routes(app)
        app.router.add_route("*", "/{path:.*}", front.handle)

    def _make_engine(self) -> "DurableEngine | None":
        if not any(binding.type in _DURABLE for function in self._functions for binding in function.bindings):
            return None
        from local.host.durable.engine import DurableEngine  # noqa: PLC0415 - an app without needs no store

        config = self._options.config
        return DurableEngine(
            data_dir=self._options.data_dir,
            invoker=DurableInvoker(self._functions, self._invocations),
            hub_name=config.hub_name,
            max_concurrent_activities=config.max_concurrent_activities,
            max_concurrent_orchestrators=config.max_concurrent_orchestrators,
            faults=self._options.faults,
        )

    async def _serve(self, app: web.Application, door: socket.socket) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S)
        await runner.setup()
        self._runners.append(runner)
        await web.SockSite(runner, door).start()


def _bind_or_any(port: int) -> socket.socket:
    """Bind the RPC port, or a free one when it is taken, as the durable extension does."""
    try:
        return socket.create_server((ADDRESS, port))
    except OSError:
        return socket.create_server((ADDRESS, 0))


def _url(door: socket.socket) -> str:
    return f"http://{ADDRESS}:{door.getsockname()[1]}"


def _app(*middlewares: Middleware) -> web.Application:
    return web.Application(client_max_size=_LARGEST_BODY, middlewares=middlewares)


async def _nothing_to_apply(binding: Any, value: Any, data: BindingData) -> None:
    """Leave the response to the HTTP front: it is written once all other outputs have succeeded."""
    del binding, value, data

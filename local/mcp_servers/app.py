"""Put the sample servers side by side into one web application, each behind its own gate."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict

from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from local.mcp_servers.faults import Faults
from local.mcp_servers.figures import Figures
from local.mcp_servers.gate import Gate
from local.mcp_servers.hr import PeopleTools
from local.mcp_servers.o365 import CalendarTools
from local.mcp_servers.proof import Verifier
from local.mcp_servers.sample_data import SampleData
from local.mcp_servers.sfdc import SalesTools
from local.mcp_servers.sfdc_actions import SalesActions
from local.mcp_servers.watch import Watch
from local.mcp_servers.winloss import WinLossTools

Registration = Callable[[MCPServer, SampleData, Figures], None]


def _sales(server: MCPServer, data: SampleData, figures: Figures) -> None:
    SalesTools(data).register(server)
    SalesActions(data, figures).register(server)


def _people(server: MCPServer, data: SampleData, _: Figures) -> None:
    PeopleTools(data).register(server)


def _calendar(server: MCPServer, data: SampleData, _: Figures) -> None:
    CalendarTools(data).register(server)


def _closed_deals(server: MCPServer, data: SampleData, _: Figures) -> None:
    WinLossTools(data).register(server)


SERVERS: dict[str, Registration] = {
    "sfdc": _sales,
    "hr": _people,
    "o365": _calendar,
    "winloss": _closed_deals,
}


class Desk:
    """The figures and faults of all servers, over HTTP."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.figures = {name: Figures() for name in SERVERS}

    def routes(self) -> list[Route]:
        """Return the routes that tests and the stack use."""
        return [
            Route("/health", self._health),
            Route("/_stats", self._stats),
            Route("/_stats", self._reset, methods=["DELETE"]),
            Route("/_faults", self._show),
            Route("/_faults", self._switch_on, methods=["POST"]),
            Route("/_faults", self._switch_off, methods=["DELETE"]),
        ]

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "servers": list(SERVERS)})

    async def _stats(self, _: Request) -> Response:
        return JSONResponse({name: figures.document() for name, figures in self.figures.items()})

    async def _reset(self, _: Request) -> Response:
        for figures in self.figures.values():
            figures.reset()
        return Response(status_code=204)

    async def _show(self, _: Request) -> Response:
        return JSONResponse([asdict(fault) for fault in self.faults.active])

    async def _switch_on(self, request: Request) -> Response:
        try:
            return JSONResponse(asdict(self.faults.add(await request.json())))
        except ValueError as fault:
            return JSONResponse({"error": str(fault)}, status_code=400)

    async def _switch_off(self, _: Request) -> Response:
        self.faults.clear()
        return Response(status_code=204)


def application(data: SampleData, verifier: Verifier | None, on_ready: Callable[[], None] = lambda: None) -> Starlette:
    """Build the application; `on_ready` is called when all servers accept calls.

    Without a verifier nobody is refused, and `X-User-Email` says who asks.
    """
    desk = Desk()
    servers = {name: _server(name, data, desk) for name in SERVERS}
    mounts: list[Mount] = []
    for name, server in servers.items():
        inner = server.streamable_http_app(streamable_http_path="/mcp", stateless_http=True)
        gate = Gate(name, inner, figures=desk.figures[name], faults=desk.faults, verifier=verifier)
        mounts.append(Mount(f"/{name}", app=gate))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        # A mounted app's own lifespan is not run by Starlette, so the session managers are started here.
        async with AsyncExitStack() as stack:
            for server in servers.values():
                await stack.enter_async_context(server.session_manager.run())
            on_ready()
            yield

    return Starlette(routes=[*desk.routes(), *mounts], lifespan=lifespan)


def _server(name: str, data: SampleData, desk: Desk) -> MCPServer:
    watch = Watch(name, desk.figures[name], desk.faults)
    server = MCPServer(name, version="1.0.0", log_level="WARNING", middleware=[watch])
    SERVERS[name](server, data, desk.figures[name])
    return server

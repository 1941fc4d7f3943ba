"""The app's side of upstream events in these tests: an HTTP server that records and answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import CIMultiDictProxy

PATIENCE_S = 5.0


@dataclass(frozen=True)
class Received:
    """One request that the service sent to the app."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def event(self) -> str:
        """The event's name, or the method of a question whether events are wanted."""
        return self.headers.get("ce-eventName", self.method)


Answer = Callable[[Received], Awaitable[web.Response]]


@dataclass
class AppHandler:
    """An event handler whose answers a test sets; without one it answers 204."""

    received: list[Received] = field(default_factory=list[Received])
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    port: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The template under which the service finds the app."""
        return f"http://127.0.0.1:{self.port}/events/{{hub}}/{{event}}"

    async def start(self) -> None:
        """Listen; a second start takes the same port again."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def answer(self, event: str, **response: Any) -> None:
        """Let every such event be answered so; the arguments are those of a response."""

        async def fixed(_: Received) -> web.Response:
            return web.Response(**response)

        self.answers[event] = fixed

    def of(self, event: str) -> list[Received]:
        """Return the events of that name so far."""
        return [one for one in self.received if one.event == event]

    async def sees(self, event: str, count: int = 1) -> list[Received]:
        """Wait until that many events of that name came."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: len(self.of(event)) >= count)
        return self.of(event)

    async def _handle(self, request: web.Request) -> web.Response:
        received = Received(request.method, request.raw_path, request.headers, await request.read())
        async with self._changed:
            self.received.append(received)
            self._changed.notify_all()
        if received.event in self.answers:
            return await self.answers[received.event](received)
        if request.method == "OPTIONS":
            return web.Response(headers={"WebHook-Allowed-Origin": "*"})
        return web.Response(status=204)

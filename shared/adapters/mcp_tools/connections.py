"""Keep the SDK's clients open: one for a server, and one for each person where a session would be shared otherwise."""

import asyncio
import contextvars
import logging
import ssl
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Tool
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from shared.adapters.mcp_tools.pinned_address import PinnedAddresses
from shared.adapters.mcp_tools.transport import CallTransport

CONNECT_S = 5.0
OPEN_S = 10.0
"""To connect, agree on a revision and list the tools; who waits has a time of the own."""

READ_S = 300.0
PAGES_MOST = 20
KEPT_MOST = 64
"""Clients of persons that are kept per worker; the longest unused ones are closed."""

_headers: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("mcp_headers")
_log = logging.getLogger("salescoach.mcp")


class Unopened(Exception):
    """The client could not be opened, so that nothing was asked of any tool; the cause says why."""


class _CallersHeaders(httpx2.Auth):
    """Put the headers of the calling task on each request; one client serves many people without mixing them."""

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        request.headers.update(_headers.get({}))
        yield request


def speak_with(headers: dict[str, str]) -> None:
    """Set the headers of this task's requests; what is no plain text is percent-encoded."""
    _headers.set(
        {name: quote(value, safe=" !#$&'()*+,/:;=?@[]|~\"<>{}`^\\") for name, value in headers.items() if value}
    )


async def listing(client: Client) -> list[Tool]:
    """List all tools, page by page."""
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(PAGES_MOST):
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        tools.extend(page.tools)
        cursor = page.next_cursor
        if cursor is None:
            break
    return tools


class _Connection:
    """Own an open client: entered and left by one task, as the SDK demands; called from any."""

    def __init__(self, url: str, person: str, trust: ssl.SSLContext, *, loopback: bool) -> None:
        self.person = person
        self._loopback = loopback
        self._url = url
        self._trust = trust
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        # Whoever waited may have given up: its fault must not be reported as never seen.
        self._ready.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._leave = asyncio.Event()
        self._calls = 0
        self._retired = False
        self._owner = asyncio.create_task(self._own())

    async def _own(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(OPEN_S):
                    client = await self._enter(stack)
                self._ready.set_result(client)
                await self._leave.wait()
        except Exception as fault:  # noqa: BLE001  # whatever it is, whoever waits for the client must get it
            if self._ready.done():
                _log.warning("mcp.closed", extra={"reason": type(fault).__name__})
            else:
                self._ready.set_exception(fault)

    async def _enter(self, stack: AsyncExitStack) -> Client:
        timeout = httpx2.Timeout(READ_S, connect=CONNECT_S)
        transport = CallTransport(self._trust, PinnedAddresses(loopback=self._loopback))
        http = httpx2.AsyncClient(transport=transport, auth=_CallersHeaders(), timeout=timeout)
        await stack.enter_async_context(http)
        client = await stack.enter_async_context(Client(streamable_http_client(self._url, http_client=http)))
        # The SDK checks results by the listed schemas, and would ask for them after a call's effect.
        await listing(client)
        return client

    async def client(self) -> Client:
        """Give the open client, once it is open.

        Raises:
            Unopened: it could not be opened.
        """
        try:
            return await asyncio.shield(self._ready)
        except Exception as fault:
            raise Unopened from fault

    @asynccontextmanager
    async def in_use(self) -> AsyncGenerator[Client]:
        """Keep the client open while a call uses it."""
        self._calls += 1
        try:
            yield await self.client()
        finally:
            self._calls -= 1
            if self._retired and not self._calls:
                self._leave.set()

    @property
    def usable(self) -> bool:
        """Whether the client is open or still opening."""
        return not self._owner.done()

    @property
    def idle(self) -> bool:
        """Whether no call uses it."""
        return not self._calls

    def retire(self) -> None:
        """Close as soon as no call uses it."""
        self._retired = True
        if not self._calls:
            self._leave.set()

    async def close(self) -> None:
        """Leave the client."""
        self._leave.set()
        await asyncio.gather(self._owner, return_exceptions=True)


class Connections:
    """Find or open the client for a server and a person."""

    def __init__(self, *, loopback: bool) -> None:
        """Open nothing yet; `loopback` admits servers on this machine."""
        self._loopback = loopback
        self._open: dict[tuple[str, str], _Connection] = {}
        self._with_sessions: set[str] = set()
        self._trust: ssl.SSLContext | None = None

    @asynccontextmanager
    async def client(self, url: str, person: str) -> AsyncGenerator[Client]:
        """Give an open client, and keep it open while it is used.

        Servers of the older handshake know a client by its session: there each person has the own one.

        Raises:
            Unopened: the server does not take us in.
        """
        while True:
            connection = self._find(url, person)
            async with connection.in_use() as client:
                if connection.person == person or client.protocol_version in MODERN_PROTOCOL_VERSIONS:
                    yield client
                    return
            self._with_sessions.add(url)
            if self._open.get((url, "")) is connection:
                self._open[url, connection.person] = self._open.pop((url, ""))

    def forget(self, url: str, person: str) -> None:
        """Open a new client for the next call; calls under way keep theirs."""
        connection = self._open.pop(self._key(url, person), None)
        if connection is not None:
            connection.retire()

    async def close(self) -> None:
        """Close all clients."""
        connections, self._open = list(self._open.values()), {}
        await asyncio.gather(*(connection.close() for connection in connections))

    def _key(self, url: str, person: str) -> tuple[str, str]:
        return (url, person if url in self._with_sessions else "")

    def _find(self, url: str, person: str) -> _Connection:
        key = self._key(url, person)
        connection = self._open.pop(key, None)
        if connection is None or not connection.usable:
            # Reading the machine's certificates takes longer than a call.
            self._trust = self._trust or httpx2.create_ssl_context()
            connection = _Connection(url, person, self._trust, loopback=self._loopback)
        self._open[key] = connection
        self._make_room()
        return connection

    def _make_room(self) -> None:
        spare = max(len(self._open) - KEPT_MOST, 0)
        for key in [key for key, connection in self._open.items() if connection.idle][:spare]:
            self._open.pop(key).retire()

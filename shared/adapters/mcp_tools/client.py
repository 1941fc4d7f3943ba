"""Talk to MCP tool servers through the official SDK: one open client per server and worker."""

import asyncio
import contextvars
import hashlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from shared.adapters.mcp_tools.transport import CallTransport
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.tools import CallState, Manifest, ServerEntry, ToolCall, ToolContext, ToolResult, ToolSpec

OPEN_S = 5.0
SUMMARY_CHARS = 140
MAY_HAVE_HAPPENED = "The call may or may not have taken effect."

Tokens = Callable[[ServerEntry, ToolContext], Awaitable[str | None]]
"""Gives the bearer token for a server on behalf of the context's person; None for a server without sign-in."""

_headers: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("mcp_headers")
_log = logging.getLogger("salescoach.mcp")


class _CallersHeaders(httpx2.Auth):
    """Put the headers of the calling task on each request; one client serves many people without mixing them."""

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        request.headers.update(_headers.get({}))
        yield request


class _Connection:
    """Own an open client: entered and left by one task, as the SDK demands; called from any."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._owner = asyncio.create_task(self._own())

    async def _own(self) -> None:
        try:
            http = httpx2.AsyncClient(
                transport=CallTransport(), auth=_CallersHeaders(), timeout=httpx2.Timeout(300, connect=OPEN_S)
            )
            async with http, Client(streamable_http_client(self._url, http_client=http)) as client:
                self._ready.set_result(client)
                await self._leave.wait()
        except Exception as fault:  # noqa: BLE001  # whatever it is, whoever waits for the client must get it
            if self._ready.done():
                _log.warning("mcp.closed", extra={"reason": type(fault).__name__})
            else:
                self._ready.set_exception(fault)

    async def client(self) -> Client:
        """Give the open client, once it is open.

        Raises:
            Exception: whatever kept it from opening, as the SDK raised it.
        """
        return await asyncio.shield(self._ready)

    @property
    def usable(self) -> bool:
        """Whether the client is open or still opening."""
        return not self._owner.done()

    async def close(self) -> None:
        """Leave the client."""
        self._leave.set()
        await asyncio.gather(self._owner, return_exceptions=True)


class McpTools:
    """Meet ToolRunner."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._connections: dict[str, _Connection] = {}

    async def discover(self, server: ServerEntry, context: ToolContext) -> Manifest:
        """List a server's tools.

        Raises:
            ChatError: `tool_failed` when the server does not answer.
        """
        try:
            async with asyncio.timeout(context.timeout_s):
                client = await self._open(server, context)
                listed = await client.list_tools(cache_mode="refresh")
        except (MCPError, httpx2.HTTPError, TimeoutError, ExceptionGroup, OSError) as fault:
            await self._forget(server)
            raise ChatError(ErrorCode.TOOL_FAILED, f"The tool server {server.name} does not answer.") from fault
        tools = tuple(_spec(server.name, tool) for tool in listed.tools)
        digest = hashlib.sha256(json.dumps([_pinned(tool) for tool in tools], sort_keys=True).encode())
        return Manifest(server=server.name, tools=tools, version=digest.hexdigest(), discovered_at=datetime.now(UTC))

    async def call(self, server: ServerEntry, call: ToolCall, context: ToolContext) -> ToolResult:
        """Call a tool; every failure is an outcome, `unknown` when an effect may have happened."""
        sent = False
        try:
            async with asyncio.timeout(context.timeout_s):
                client = await self._open(server, context)
                sent = True
                answer = await client.call_tool(
                    call.name, call.arguments, meta={"salescoach/idempotencyKey": context.idempotency_key}
                )
        except ChatError as fault:
            return _failed(fault.message)
        except TimeoutError:
            return _unclear(call) if sent else _failed(f"{server.name} does not answer.")
        except MCPError as fault:
            return _refused(server, call, fault)
        except (httpx2.HTTPError, ExceptionGroup, OSError) as fault:
            await self._forget(server)
            _log.warning("mcp.unreachable", extra={"server": server.name, "reason": type(fault).__name__})
            return _unclear(call) if sent else _failed(f"{server.name} cannot be reached.")
        return _result(call, answer)

    async def _open(self, server: ServerEntry, context: ToolContext) -> Client:
        token = await self._tokens(server, context)
        headers = {"X-User-Email": context.email or "", "X-User-Region": context.region or "", **context.extra}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        _headers.set({name: value for name, value in headers.items() if value})
        connection = self._connections.get(server.url)
        if connection is None or not connection.usable:
            connection = self._connections[server.url] = _Connection(server.url)
        return await connection.client()

    async def _forget(self, server: ServerEntry) -> None:
        connection = self._connections.pop(server.url, None)
        if connection is not None:
            await connection.close()

    async def close(self) -> None:
        """Close all clients."""
        connections, self._connections = list(self._connections.values()), {}
        await asyncio.gather(*(connection.close() for connection in connections))


def _spec(server: str, tool: Any) -> ToolSpec:
    hints = tool.annotations
    read_only = bool(hints and hints.read_only_hint)
    return ToolSpec(
        server=server,
        name=tool.name,
        title=tool.title or (hints.title if hints else None) or tool.name,
        description=tool.description or "",
        input_schema=tool.input_schema,
        read_only=read_only,
        idempotent=bool(hints and hints.idempotent_hint),
        destructive=not read_only and (hints is None or hints.destructive_hint is not False),
    )


def _pinned(tool: ToolSpec) -> list[Any]:
    return [tool.name, tool.description, tool.input_schema, tool.read_only, tool.idempotent, tool.destructive]


def _failed(reason: str) -> ToolResult:
    return ToolResult(state=CallState.FAILED, text=f"The tool failed: {reason}", summary=reason)


def _unclear(call: ToolCall) -> ToolResult:
    if call.safe_to_repeat:
        return _failed("The tool did not answer in time.")
    return ToolResult(state=CallState.UNKNOWN, text=MAY_HAVE_HAPPENED, summary=MAY_HAVE_HAPPENED)


def _refused(server: ServerEntry, call: ToolCall, fault: MCPError) -> ToolResult:
    data: Any = fault.error.data
    status = _mapping(data).get("status")
    _log.warning("mcp.refused", extra={"server": server.name, "status": status, "code": fault.error.code})
    if status in (401, 403):
        return _failed(f"{server.name} does not allow you this.")
    if status is None or status == 429:  # noqa: PLR2004
        return _failed(f"{server.name} refused the call.")
    return _unclear(call)


def _result(call: ToolCall, answer: Any) -> ToolResult:
    texts = [part.text for part in answer.content if part.type == "text"]
    structured: Any = answer.structured_content
    text = json.dumps(structured, ensure_ascii=False) if structured is not None else "\n".join(texts)
    if answer.is_error:
        return _failed(("\n".join(texts) or "no reason given")[:1000])
    facts = _mapping(structured)
    links = [part.uri for part in answer.content if part.type == "resource_link"]
    given = facts.get("links")
    for link in cast("list[Any]", given) if isinstance(given, list) else []:
        address = link if isinstance(link, str) else _mapping(link).get("url")
        if isinstance(address, str):
            links.append(address)
    return ToolResult(
        state=CallState.DONE,
        text=text,
        summary=_summary(call, facts, texts),
        as_of=str(facts["as_of"]) if facts.get("as_of") else None,
        links=tuple(links),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _summary(call: ToolCall, facts: dict[str, Any], texts: list[str]) -> str:
    """Say in one line what came back: the tool's own summary, or how many rows."""
    own = facts.get("summary")
    if isinstance(own, str):
        return own[:SUMMARY_CHARS]
    for name, value in facts.items():
        if isinstance(value, list) and name != "links":
            return f"{len(value)} {name}"  # pyright: ignore[reportUnknownArgumentType]
    line = " ".join(" ".join(texts).split())
    return line[:SUMMARY_CHARS] or f"{call.name} answered"

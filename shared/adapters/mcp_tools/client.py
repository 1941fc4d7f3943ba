"""Talk to MCP tool servers through the official SDK: at most two tries, and only where that does no harm."""

import asyncio
import logging
from dataclasses import replace
from typing import Any, Protocol

from mcp import Client

from shared.adapters.mcp_tools.breaker import Breaker
from shared.adapters.mcp_tools.connections import Connections, listing, speak_with
from shared.adapters.mcp_tools.faults import EXPECTED, Fault, Kind, fault_of
from shared.adapters.mcp_tools.offers import manifest_of
from shared.adapters.mcp_tools.results import failed, result_of, unclear
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.servers import BreakerState
from shared.domain.tools import Manifest, ServerEntry, ToolCall, ToolContext, ToolResult
from shared.ports import Clock

SIDE_BY_SIDE = 8
"""Calls to one server at a time from one worker; the next ones wait within their own time."""

PAUSE_S = 0.5
"""The wait before a second try is drawn from below this, unless the server names one."""

_REPEATED_IF_SAFE = frozenset({Kind.UNREACHED, Kind.UNCLEAR, Kind.BUSY})
_REPEATED_ALWAYS = frozenset({Kind.EXPIRED, Kind.SESSION_LOST})
"""The server refused before it looked at the call, and what it misses can be had."""

_log = logging.getLogger("salescoach.mcp")


class Tokens(Protocol):
    """Gives bearer tokens."""

    async def __call__(self, server: ServerEntry, context: ToolContext, *, fresh: bool = False) -> str | None:
        """Give the token for a server on behalf of the context's person; None for a server without sign-in.

        `fresh`: not the one that was given before.
        """
        ...


class _Line:
    """What a worker knows of one server."""

    def __init__(self, clock: Clock) -> None:
        self.breaker = Breaker(clock)
        self.room = asyncio.Semaphore(SIDE_BY_SIDE)


class McpTools:
    """Meet ToolRunner."""

    def __init__(self, tokens: Tokens, clock: Clock, *, loopback: bool = False) -> None:
        """Take what gives tokens; `loopback` admits servers on this machine."""
        self._tokens = tokens
        self._clock = clock
        self._connections = Connections(loopback=loopback)
        self._lines: dict[tuple[str, str], _Line] = {}

    def breaker(self, server: ServerEntry) -> BreakerState:
        """Tell whether calls to this server pass."""
        return self._line(server).breaker.state

    async def discover(self, server: ServerEntry, context: ToolContext) -> Manifest:
        """List a server's tools; a success ends the breaker's pause.

        Raises:
            ChatError: `tool_failed` when the server does not answer.
        """
        try:
            async with asyncio.timeout(context.timeout_s):
                await self._speak(server, context, fresh=False)
                async with self._connections.client(server.url, context.user_id) as client:
                    tools = await listing(client)
        except (*EXPECTED, TimeoutError) as error:
            self._connections.forget(server.url, context.user_id)
            fault = fault_of(server.name, error)
            raise ChatError(ErrorCode.TOOL_FAILED, fault.reason) from error
        self._line(server).breaker.answered()
        return manifest_of(server.name, tools, self._clock.now())

    async def call(self, server: ServerEntry, call: ToolCall, context: ToolContext) -> ToolResult:
        """Call a tool; every failure is an outcome, `unknown` when an effect may have happened."""
        line = self._line(server)
        if not line.breaker.admit():
            reason = f"{server.name} failed several times in a row and is left alone for a moment."
            return failed(reason, server_down=True)
        attempt = _Attempt(self, server, call, context)
        try:
            async with asyncio.timeout(context.timeout_s), line.room:
                result = await attempt.run()
        except TimeoutError:
            result = attempt.late()
        if result.server_down:
            line.breaker.failed()
        else:
            line.breaker.answered()
        return result

    async def ask(self, server: ServerEntry, call: ToolCall, context: ToolContext, attempt: "_Attempt") -> Any:
        """Send one call."""
        await self._speak(server, context, fresh=attempt.fresh_token)
        async with self._connections.client(server.url, context.user_id) as client:
            attempt.sent = True
            return await _call_tool(client, call, context)

    def reconnect(self, server: ServerEntry, context: ToolContext) -> None:
        """Have the next try open a client of its own."""
        self._connections.forget(server.url, context.user_id)

    async def pause(self, fault: Fault) -> None:
        """Wait before a second try as long as the server wishes, or a moment."""
        wait_s = fault.retry_after_s
        await self._clock.sleep(self._clock.jitter(PAUSE_S) if wait_s is None else wait_s)

    async def _speak(self, server: ServerEntry, context: ToolContext, *, fresh: bool) -> None:
        token = await self._tokens(server, context, fresh=fresh)
        headers = {"X-User-Email": context.email or "", "X-User-Region": context.region or "", **context.extra}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        speak_with(headers)

    def _line(self, server: ServerEntry) -> _Line:
        # A change of name or place in the registry is another server.
        return self._lines.setdefault((server.name, server.url), _Line(self._clock))

    async def close(self) -> None:
        """Close all clients."""
        await self._connections.close()


class _Attempt:
    """One call with its at most two tries."""

    def __init__(self, tools: McpTools, server: ServerEntry, call: ToolCall, context: ToolContext) -> None:
        self._tools = tools
        self._server = server
        self._call = call
        self._context = context
        self._tried: set[Kind] = set()
        self._ends = asyncio.get_running_loop().time() + context.timeout_s
        # What a repetition with the same key does not do twice is asked for again while there is time, so that its
        # outcome becomes known; what only reads has nothing to make known.
        self._try_s = context.timeout_s / 2 if call.safe_to_repeat and not call.reads else None
        self.fresh_token = False
        self.sent = False

    async def run(self) -> ToolResult:
        """Try, and try once more where that does no harm."""
        while True:
            try:
                async with asyncio.timeout(self._try_s):
                    return result_of(self._call, await self._tools.ask(self._server, self._call, self._context, self))
            except ChatError as refusal:
                challenge = refusal if refusal.code is ErrorCode.INTERACTION_REQUIRED else None
                return replace(failed(refusal.message), challenge=challenge)
            except EXPECTED as error:
                fault = fault_of(self._server.name, error)
            _log.warning("mcp.fault", extra={"server": self._server.name, "kind": fault.kind.value})
            if not self._may_repeat(fault):
                return self._given_up(fault)
            await self._prepare(fault)

    def _may_repeat(self, fault: Fault) -> bool:
        if fault.kind in _REPEATED_ALWAYS:
            return fault.kind not in self._tried
        if fault.kind not in _REPEATED_IF_SAFE or not self._call.safe_to_repeat or self._tried & _REPEATED_IF_SAFE:
            return False
        left_s = self._ends - asyncio.get_running_loop().time()
        return (fault.retry_after_s or 0.0) < left_s

    async def _prepare(self, fault: Fault) -> None:
        self._tried.add(fault.kind)
        self.sent = False
        if fault.kind is Kind.EXPIRED:
            self.fresh_token = True
        elif fault.kind in (Kind.SESSION_LOST, Kind.UNCLEAR):
            self._tools.reconnect(self._server, self._context)
        if fault.kind in _REPEATED_IF_SAFE:
            await self._tools.pause(fault)

    def _given_up(self, fault: Fault) -> ToolResult:
        wish = f" It asks to be left alone for {fault.retry_after_s:.0f} s." if fault.retry_after_s else ""
        if fault.kind in (Kind.UNCLEAR, Kind.SPOILED):
            return unclear(self._call, fault.reason + wish, server_down=fault.of_the_server)
        return failed(fault.reason + wish, server_down=fault.of_the_server)

    def late(self) -> ToolResult:
        """Give the outcome of a call whose time is over."""
        reason = f"{self._server.name} did not answer in time."
        return unclear(self._call, reason, server_down=True) if self.sent else failed(reason, server_down=True)


async def _call_tool(client: Client, call: ToolCall, context: ToolContext) -> Any:
    return await client.call_tool(
        call.name,
        call.arguments,
        progress_callback=context.on_progress,
        meta={"salescoach/idempotencyKey": context.idempotency_key},
    )

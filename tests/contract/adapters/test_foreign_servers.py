"""Servers that are not ours: the SDK's own in this process, one of the 1.x era, a third party's from npm, unchanged."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ResourceLink, TextContent, ToolAnnotations
from starlette.requests import Request

from shared.adapters.mcp_tools.client import McpTools
from shared.adapters.system_clock import SystemClock
from shared.domain.ids import CallId
from shared.domain.tools import CallState, ServerEntry, ToolCall, ToolContext

OLD_SDK = "mcp==1.30.0"
THIRD_PARTY = "@modelcontextprotocol/server-everything@2026.8.31"
INSTALL_S = 100


async def no_token(server: ServerEntry, context: ToolContext, *, fresh: bool = False) -> str | None:
    """These servers know no sign-in."""
    del server, context, fresh
    return None


@pytest.fixture
async def tools() -> AsyncIterator[McpTools]:
    """The real adapter."""
    adapter = McpTools(no_token, SystemClock(), loopback=True)
    yield adapter
    await adapter.close()


def entry(url: str) -> ServerEntry:
    """A server of the registry."""
    return ServerEntry(name="other", url=url, roles=("*",), auth_enabled=False, description="")


def call(name: str, *, safe: bool = True, **arguments: Any) -> ToolCall:
    """A call of the ledger."""
    return ToolCall(
        call_id=CallId("c"), round=0, index=0, server="other", name=name, arguments=arguments,
        safe_to_repeat=safe, reads=safe,
    )  # fmt: skip


def who(name: str = "sam", **how: Any) -> ToolContext:
    """On whose behalf."""
    plain = ToolContext(
        user_id=f"t:{name}", email=f"{name}@example.com", region="EMEA", user_token=None,
        idempotency_key="k", timeout_s=10, extra={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    )  # fmt: skip
    return replace(plain, **how)


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


# The SDK's own server, in this process ------------------------------------------------------------------------------


@asynccontextmanager
async def served(server: MCPServer, *, port: int = 0) -> AsyncGenerator[str]:
    """Serve over HTTP in this process, as the SDK makes the application."""
    config = uvicorn.Config(server.streamable_http_app(), log_level="error", timeout_graceful_shutdown=1)
    running = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", port))
    serving = asyncio.create_task(running.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        running.should_exit = True
        await serving


def library() -> MCPServer:
    """A small server with all kinds of answers."""
    server = MCPServer("library", log_level="ERROR")

    async def headers(ctx: Context[Any, Any]) -> dict[str, str]:
        """Tell what came with the request."""
        request = ctx.request_context.request
        assert isinstance(request, Request)
        return {name: request.headers.get(name, "") for name in ("x-user-email", "x-user-region", "traceparent")}

    async def mixed() -> CallToolResult:
        """Answer in parts."""
        link = ResourceLink(type="resource_link", name="page", title="The page", uri="https://docs.example.com/page")
        bad = ResourceLink(type="resource_link", name="bad", uri="javascript:alert(1)")
        return CallToolResult(content=[TextContent(type="text", text="Two\n parts."), link, bad])

    async def large() -> str:
        """Answer with far too much."""
        return "x" * 3_000_000

    async def upset() -> str:
        """Fail at length."""
        raise ToolError("No.\n\n" + "Because of this and that. \u202e" * 100)

    hints = ToolAnnotations(read_only_hint=True)
    for tool in (headers, mixed, large, upset):
        server.add_tool(tool, annotations=hints)
    server.add_tool(headers, name="dotted.name", annotations=hints)
    return server


@pytest.mark.requirement("tools:any-server")
async def test_the_sdks_own_server_works_in_process(tools: McpTools) -> None:
    """Who asks, from where and in which trace reaches it; text and links come back."""
    async with served(library()) as url:
        manifest = await tools.discover(entry(url), who())
        told = await tools.call(entry(url), call("headers"), who())
        mixed = await tools.call(entry(url), call("mixed"), who())
        upset = await tools.call(entry(url), call("upset"), who())
        await tools.close()

    assert [tool.name for tool in manifest.tools] == ["headers", "mixed", "large", "upset"]
    assert upset.state is CallState.FAILED
    assert "upset: No. Because of this and that. Because" in upset.summary
    assert len(upset.summary) <= 140
    assert len(upset.text) > 500
    assert '"sam@example.com"' in told.text
    assert '"EMEA"' in told.text
    assert f'"00-{"a" * 32}-' in told.text
    assert mixed.summary.startswith("Two parts.")
    assert mixed.links == ("https://docs.example.com/page",)


async def test_an_answer_that_is_too_heavy_is_refused_and_the_next_one_is_not(tools: McpTools) -> None:
    """Whatever form it comes in."""
    async with served(library()) as url:
        heavy = await tools.call(entry(url), call("large"), who())
        light = await tools.call(entry(url), call("mixed"), who())
        await tools.close()

    assert heavy.state is CallState.FAILED
    assert light.state is CallState.DONE


async def test_a_server_that_starts_anew_costs_nothing(tools: McpTools) -> None:
    """The revision of 2026 keeps no session."""
    async with served(library()) as url:
        await tools.call(entry(url), call("mixed"), who())
        port = int(url.split(":")[2].split("/")[0])
    async with served(library(), port=port):
        again = await tools.call(entry(url), call("mixed"), who())
        await tools.close()

    assert again.state is CallState.DONE


# A server of the 1.x era ---------------------------------------------------------------------------------------------

OLD_SERVER = """
import sys
from mcp.server.fastmcp import Context, FastMCP

server = FastMCP("old", host="127.0.0.1", port=int(sys.argv[1]), log_level="ERROR")
seen = []

@server.tool()
async def sessions(ctx: Context) -> str:
    request = ctx.request_context.request
    seen.append((request.headers.get("mcp-session-id"), request.headers.get("x-user-email")))
    return " ".join(f"{session}={person}" for session, person in seen)

server.run("streamable-http")
"""


@contextmanager
def process(command: list[str], port: int, **environment: str) -> Generator[None]:
    """Run a server until the test is done with it."""
    running = subprocess.Popen(  # noqa: S603
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        give_up = time.monotonic() + 20
        while not _listens(port):
            assert running.poll() is None, "the server ended"
            assert time.monotonic() < give_up, "the server did not start"
            time.sleep(0.05)
        yield
    finally:
        running.kill()
        running.wait(10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def installed(command: list[str], what: str, where: Path) -> None:
    """Install by the ordinary client, or skip by name."""
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=where, capture_output=True, timeout=INSTALL_S, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        pytest.skip(f"{what} cannot be installed here: {type(fault).__name__}")
    if done.returncode:
        pytest.skip(f"{what} cannot be installed here")


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with the SDK of the 1.x era."""
    where = tmp_path_factory.mktemp("old-sdk")
    installed([sys.executable, "-m", "venv", "venv"], "a venv", where)
    python = where / "venv" / "bin" / "python"
    installed([str(python), "-m", "pip", "install", "-q", OLD_SDK], OLD_SDK, where)
    (where / "server.py").write_text(textwrap.dedent(OLD_SERVER), encoding="utf-8")
    return str(python)


@pytest.mark.requirement("tools:any-server")
async def test_a_server_of_the_older_handshake_gives_each_person_a_session(tools: McpTools, old_python: str) -> None:
    """Sam's session is never used for Sue; a restart, which forgets all sessions, costs nothing."""
    port = free_port()
    server = entry(f"http://127.0.0.1:{port}/mcp")
    command = [old_python, str(Path(old_python).parents[2] / "server.py"), str(port)]
    with process(command, port):
        manifest = await tools.discover(server, who("", user_id=""))
        for person in ("sam", "sue", "sam"):
            told = await tools.call(server, call("sessions"), who(person))
            assert told.state is CallState.DONE, told
    with process(command, port):
        again = await tools.call(server, call("sessions", safe=False), who("sam"))
        await tools.close()

    sessions = [line.split("=") for line in told.text.strip('{}"').removeprefix('result": "').split()]
    people = {person: {session for session, who in sessions if who == person} for _, person in sessions}
    assert [tool.name for tool in manifest.tools] == ["sessions"]
    assert {len(own) for own in people.values()} == {1}
    assert not people["sam@example.com"] & people["sue@example.com"]
    assert again.state is CallState.DONE, again


# A third party's ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The reference server of the protocol's authors, in JavaScript, as it comes from the registry."""
    npm = shutil.which("npm") or pytest.skip("npm is not here")
    where = tmp_path_factory.mktemp("third-party")
    installed([npm, "install", "--no-audit", "--no-fund", "--loglevel=error", THIRD_PARTY], THIRD_PARTY, where)
    port = free_port()
    command = [str(where / "node_modules" / ".bin" / "mcp-server-everything"), "streamableHttp"]
    with process(command, port, PORT=str(port)):
        yield f"http://127.0.0.1:{port}/mcp"


@pytest.mark.requirement("tools:any-server")
async def test_a_third_partys_server_from_npm_works_unchanged(tools: McpTools, third_party: str) -> None:
    """Its tools are listed and called, also a slow one with progress."""
    seen: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        del total, message
        seen.append(progress)

    server = entry(third_party)
    manifest = await tools.discover(server, who())
    echoed = await tools.call(server, call("echo", message="Grüße"), who())
    slow = await tools.call(
        server, call("trigger-long-running-operation", duration=1, steps=4), who(on_progress=report)
    )
    wrong = await tools.call(server, call("echo"), who())
    await tools.close()

    assert {"echo", "trigger-long-running-operation"} <= {tool.name for tool in manifest.tools}
    assert "Grüße" in echoed.text
    assert slow.state is CallState.DONE
    assert seen == [1, 2, 3, 4]
    assert wrong.state is CallState.FAILED

"""The sample servers in their own process, with and without an issuer, and a client for them."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

ENDED_WITHIN_S = 60

Era = Literal["auto", "legacy"]


@dataclass(frozen=True, slots=True)
class Servers:
    """What a client sees of the sample servers."""

    base: str
    data: Path
    identity: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @asynccontextmanager
    async def client(
        self, server: str = "sfdc", *, mode: Era = "auto", headers: dict[str, str] | None = None
    ) -> AsyncGenerator[Client]:
        """Connect to one server with the official client."""
        everything = {**self.headers, **(headers or {})}
        async with httpx2.AsyncClient(headers=everything, timeout=30, verify=_no_tls()) as http:
            transport = streamable_http_client(f"{self.base}/{server}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client

    async def call(self, tool: str, arguments: dict[str, Any] | None = None, *, server: str = "sfdc") -> dict[str, Any]:
        """Return the structured result of one call."""
        async with self.client(server) as client:
            result = await client.call_tool(tool, arguments or {})
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return result.structured_content

    async def failure(self, tool: str, arguments: dict[str, Any], *, server: str = "sfdc") -> str:
        """Return the words with which a call failed."""
        async with self.client(server) as client:
            result = await client.call_tool(tool, arguments)
        assert result.is_error
        return "".join(str(getattr(part, "text", "")) for part in result.content)

    async def stats(self, server: str) -> dict[str, Any]:
        """Return the figures of one server."""
        async with httpx2.AsyncClient(verify=_no_tls()) as http:
            return (await http.get(f"{self.base}/_stats")).json()[server]

    async def forget(self) -> None:
        """Set all figures to zero and switch all faults off."""
        async with httpx2.AsyncClient(verify=_no_tls()) as http:
            await http.delete(f"{self.base}/_stats")
            await http.delete(f"{self.base}/_faults")

    async def fault(self, **fault: Any) -> httpx2.Response:
        """Switch a fault on."""
        async with httpx2.AsyncClient(verify=_no_tls()) as http:
            return await http.post(f"{self.base}/_faults", json=fault)

    async def sign_in(self, user: str = "sam.sales", audience: str = "api://salescoach-mcp-sfdc", **how: Any) -> str:
        """Return a token for a tool server."""
        body = {"user": user, "audience": audience, **how}
        async with httpx2.AsyncClient(verify=_no_tls()) as http:
            return (await http.post(f"{self.identity}/token", json=body)).json()["access_token"]


@cache
def _no_tls() -> ssl.SSLContext:
    """Return one context for all clients: making one takes longer than a call, and nothing here uses TLS."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def started(module: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start a part on a free port and return it with its base URL once it says that it is ready."""
    command = [sys.executable, "-m", module, "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert " ready on http://127.0.0.1:" in ready, ready
    return process, ready.rpartition(" ")[2].strip()


def stopped(process: subprocess.Popen[str]) -> int:
    """End a part as the stack does and return its exit code."""
    process.terminate()
    assert process.stdout is not None
    process.stdout.close()
    return process.wait(timeout=ENDED_WITHIN_S)


@pytest.fixture(scope="session")
def open_servers(tmp_path_factory: pytest.TempPathFactory) -> Generator[Servers]:
    """Run the servers without sign-in; Sam asks unless a test says otherwise."""
    data = tmp_path_factory.mktemp("mcp")
    process, base = started("local.mcp_servers", "--data", str(data), "--no-auth")
    yield Servers(base, data, headers={"X-User-Email": "sam.sales@example.com"})
    assert stopped(process) == 0


@pytest.fixture(scope="session")
def guarded_servers(tmp_path_factory: pytest.TempPathFactory) -> Generator[Servers]:
    """Run the servers behind an issuer."""
    issuer, identity = started("local.identity", "--data", str(tmp_path_factory.mktemp("identity")))
    data = tmp_path_factory.mktemp("guarded")
    process, base = started("local.mcp_servers", "--data", str(data), "--identity", identity)
    yield Servers(base, data, identity)
    assert stopped(process) == 0
    assert stopped(issuer) == 0


@pytest.fixture
async def servers(open_servers: Servers) -> Servers:
    """Give the open servers, with nothing left over from the test before."""
    await open_servers.forget()
    return open_servers


@pytest.fixture
async def guarded(guarded_servers: Servers) -> Servers:
    """Give the guarded servers, with nothing left over from the test before."""
    await guarded_servers.forget()
    return guarded_servers

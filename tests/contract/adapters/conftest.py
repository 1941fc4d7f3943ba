"""Local services on free ports, for the adapters that talk to them by the real SDKs."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.mcp_tools.client import McpTools

TENANT = "11111111-1111-4111-8111-111111111111"


class Part:
    """One part of the local stack as a process of its own."""

    def __init__(self, name: str, *options: str) -> None:
        command = [sys.executable, "-m", f"local.{name}", "--port", "0", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip().rpartition(" ")[2]
        assert self.url.startswith("http"), f"{name} did not start"

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        """Send JSON to an endpoint of the part's own and read JSON back."""
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(  # noqa: S310
            self.url + path, body, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def token(self, user: str, **overrides: Any) -> str:
        """Sign a sample person in (the identity part only)."""
        return self.ask("POST", "/token", {"user": user, **overrides})["access_token"]

    def end(self) -> None:
        """Stop the part."""
        self._process.terminate()
        self._process.wait(15)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    """The issuer of sample people."""
    part = Part("identity", "--data", str(tmp_path_factory.mktemp("identity")))
    yield part
    part.end()


@pytest.fixture(scope="session")
def model() -> Iterator[Part]:
    """The model stand-in, as fast as it can, failing on order."""
    part = Part("model", "--faults", "--tokens-per-second", "0")
    yield part
    part.end()


@pytest.fixture(scope="session")
def tool_servers(identity: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    """The sample MCP servers."""
    data: Path = tmp_path_factory.mktemp("mcp")
    part = Part("mcp_servers", "--data", str(data), "--identity", identity.url)
    yield part
    part.end()


@pytest.fixture
async def tools(identity: Part) -> AsyncIterator[McpTools]:
    """The real adapter of the tools, with tokens on behalf of people."""
    from .tool_calls import runner  # noqa: PLC0415  # it imports this module

    adapter = runner(identity)
    yield adapter
    await adapter.close()


@pytest.fixture(scope="session")
def web_pubsub() -> Iterator[Part]:
    """The Web PubSub service."""
    part = Part(
        "webpubsub",
        "--hub",
        "salescoach",
        "--event-handler",
        "http://127.0.0.1:9/unused",
        "--system-events",
        "",
        "--faults",
    )
    yield part
    part.end()

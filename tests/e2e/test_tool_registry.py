"""The registry in Cosmos DB, end to end: the file steps in, the container takes over, a switch works in a minute."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import CosmosClient

from tests.e2e.client import Chat
from tests.e2e.stack import ROOT, Stack, wait_for

KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Stack]:
    """A stack whose tool servers are listed in Cosmos DB, where there are none yet."""
    monkeypatch.setenv("MCP_SERVER_SOURCE", "cosmos")
    running = Stack(tmp_path / "data")
    running.start()
    yield running
    running.stop()


def servers(stack: Stack) -> dict[str, Any]:
    """What Sam is shown."""
    items = stack.get("/api/servers", token=stack.token("sam.sales"))["data"]["items"]
    return {server["name"]: server for server in items}


@pytest.mark.requirement("tools:registry-fallback")
@pytest.mark.requirement("tools:registry-rules")
async def test_the_container_takes_over_from_the_file_and_switches_tools_off(stack: Stack) -> None:
    """Without a release or a restart."""
    async with Chat(stack) as chat:
        await chat.sign_in()
        notice = await chat.first("notice")
    assert notice["code"] == "registry_fallback"
    assert set(servers(stack)) == {"sfdc", "winloss", "o365"}

    command = [sys.executable, "-m", "local.stack.registry", "--data", str(stack.data)]
    await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    with CosmosClient(stack.url("cosmos"), KEY) as client:
        container = client.get_database_client("salescoach").get_container_client("registry")
        sales: dict[str, Any] = json.loads(json.dumps(container.read_item("server:sfdc", "mcp_server")))
        container.upsert_item({**sales, "tools": {"forecast": {"enabled": False}}})
        container.upsert_item({"id": "server:bad", "kind": "mcp_server", "Name": "bad name", "Url": "ftp://x"})
        container.upsert_item({**sales, "id": "server:winloss", "Name": "winloss", "enabled": False})

    def switched() -> bool:
        shown = servers(stack)
        names = {tool["name"] for tool in shown["sfdc"]["tools"]}
        return set(shown) == {"sfdc", "o365"} and "forecast" not in names and "pipeline_summary" in names

    wait_for(switched, "the change", bound_s=60)
    assert "registry.entry_left_out" in stack.log("host")
    async with Chat(stack) as chat:
        session = await chat.sign_in()
    assert not [frame for frame in chat.frames if frame["type"] == "notice"]
    assert "forecast" not in {tool["name"] for tool in session["tools"]}

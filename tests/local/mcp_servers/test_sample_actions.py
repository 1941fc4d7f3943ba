"""The writing tool has an effect once for each key, and the slow one reports progress and can be stopped."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from mcp import MCPError

from .conftest import Servers


async def _log(servers: Servers, key: str | None) -> dict[str, Any]:
    meta: Any = {"salescoach/idempotency-key": key} if key else None
    arguments = {"account": "ACC-0001", "subject": "Renewal discussed", "kind": "call"}
    async with servers.client("sfdc") as client:
        result = await client.call_tool("log_activity", arguments, meta=meta)
    assert result.structured_content is not None, result.content
    return result.structured_content


async def test_the_writing_tool_says_that_it_writes(servers: Servers) -> None:
    """The product asks the person before it calls such a tool."""
    async with servers.client("sfdc") as client:
        tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}

    log, read = tools["log_activity"], tools["pipeline_summary"]
    assert log
    assert read
    assert (log.destructive_hint, log.read_only_hint) == (True, False)
    assert (read.destructive_hint, read.read_only_hint) == (False, True)


async def test_the_same_key_has_one_effect(servers: Servers) -> None:
    """A repeat shows the first entry."""
    first, again = await _log(servers, "key-1"), await _log(servers, "key-1")

    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["id"] == again["id"]
    effects = (await servers.stats("sfdc"))["effects"]
    assert effects == [{"tool": "log_activity", "id": first["id"], "key": "key-1"}]


async def test_calls_without_a_key_write_each_time(servers: Servers) -> None:
    """Who repeats without a key doubles; tests for "at most once" count on it."""
    first, second = await _log(servers, None), await _log(servers, None)

    assert first["id"] != second["id"]
    assert len((await servers.stats("sfdc"))["effects"]) == 2
    rows = json.loads((servers.data / "sample-data" / "activities.json").read_text())
    assert {first["id"], second["id"]} <= {row["id"] for row in rows}


async def test_the_effect_stands_although_the_answer_was_cut_off(servers: Servers) -> None:
    """That is the unclear failure after which nothing may be repeated blindly."""
    await servers.fault(mode="cut", tool="log_activity", count=1)

    with pytest.raises((MCPError, BaseExceptionGroup)):
        await _log(servers, "key-cut")

    effects = (await servers.stats("sfdc"))["effects"]
    assert [effect["key"] for effect in effects] == ["key-cut"]
    assert (await _log(servers, "key-cut"))["repeated"] is True


async def test_a_call_can_be_dropped_before_it_took_effect(servers: Servers) -> None:
    """From outside that looks the same as after it."""
    await servers.fault(mode="drop", tool="log_activity", count=1)

    with pytest.raises((MCPError, BaseExceptionGroup)):
        await _log(servers, "key-drop")

    assert (await servers.stats("sfdc"))["effects"] == []


async def test_the_slow_tool_reports_progress(servers: Servers) -> None:
    """It can be shown while it works."""
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert total == 10
        assert message
        seen.append(progress)

    async with servers.client("sfdc") as client:
        result = await client.call_tool("deep_pipeline_review", {"seconds": 0.2}, progress_callback=note)

    assert result.structured_content
    assert seen == sorted(seen)
    assert len(seen) >= 10


async def test_a_caller_who_gives_up_need_not_wait(servers: Servers) -> None:
    """The call ends with the caller's limit, and the server stops working on it."""
    async with servers.client("sfdc") as client:
        with pytest.raises(MCPError):
            await client.call_tool("deep_pipeline_review", {"seconds": 60}, read_timeout_seconds=0.3)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert not (await client.call_tool("forecast", {})).is_error
        assert loop.time() - began < 20
    async with asyncio.timeout(10):
        while not (await servers.stats("sfdc"))["cancelled"]:
            await asyncio.sleep(0.02)
    assert (await servers.stats("sfdc"))["cancelled"] == {"deep_pipeline_review": 1}

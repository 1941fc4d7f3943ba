"""Tool calls that outlive everything: a stack that dies while one waits or works, servers that are all gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos.aio import CosmosClient

from tests.e2e.client import Chat
from tests.e2e.stack import Stack, wait_for

COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
WRITES = "Log a call on ACC-0004: renewal talked over at length"
PIPELINE = "How is my pipeline this quarter by stage?"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """A stack whose parts die and fail on order."""
    running = Stack(tmp_path_factory.mktemp("survival") / "data", "--faults", "--tokens-per-second", "0")
    running.start()
    yield running
    running.stop()


def effects(stack: Stack) -> list[dict[str, Any]]:
    """What the sales server has written since it started."""
    return stack.tool_servers("GET", "/_stats")["sfdc"]["effects"]


def activities(stack: Stack) -> list[dict[str, Any]]:
    """What the sales system holds, over restarts."""
    path = next(Path(stack.data).rglob("activities.json"))
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.requirement("tools:approval-survives")
async def test_a_call_that_waits_for_approval_survives_the_death_of_everything(
    new_stack: Callable[..., Stack],
) -> None:
    """Killed as a whole, started again, approved on another device: the effect happens once."""
    stack = new_stack("--tokens-per-second", "0")
    async with Chat(stack) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(WRITES)
        asked = await chat.first("tool.approval_required")
        before = len(activities(stack))
        stack.kill_everything()
    stack.start()

    async with Chat(stack, session_id=chat.session_id) as phone:
        session = await phone.sign_in()
        (waiting,) = session["approvals"]
        await phone.send("tool.approval", turn_id=turn_id, call_id=waiting["call_id"], approved=True)
        await phone.first("tool.approval_resolved")
        end = await phone.end_of(turn_id, bound_s=60)
        response = await phone.first("response")

    assert {key: waiting[key] for key in ("call_id", "name", "arguments")} == {
        key: asked[key] for key in ("call_id", "name", "arguments")
    }
    assert session["active_turn"]["status"] == "awaiting_approval"
    assert end["type"] == "response.committed"
    assert [one["outcome"] for one in response["tool_feedback"]] == ["done"]
    assert [one["key"] for one in effects(stack)] == [asked["call_id"]]
    assert len(activities(stack)) == before + 1


@pytest.mark.requirement("tools:at-most-once")
async def test_a_crash_between_effect_and_ledger_leaves_the_outcome_unknown_and_the_effect_single(own: Stack) -> None:
    """The server has written, the host dies before it hears of it: nothing is sent again, and the person is told."""
    own.tool_servers("DELETE", "/_stats")
    fault = {"mode": "hold_after", "server": "sfdc", "tool": "log_activity", "seconds": 30, "count": 1}
    own.tool_servers("POST", "/_faults", fault)
    try:
        async with Chat(own) as chat:
            await chat.sign_in()
            turn_id = await chat.ask(WRITES)
            asked = await chat.first("tool.approval_required")
            await chat.send("tool.approval", turn_id=turn_id, call_id=asked["call_id"], approved=True)
            wait_for(lambda: effects(own), "the effect")
            died = own.kill("host")
            wait_for(lambda: own.manifest["pids"]["host"] not in (died, None), "another host")
            end = await chat.end_of(turn_id, bound_s=90)
            response = await chat.first("response")
    finally:
        own.tool_servers("DELETE", "/_faults")

    assert end["type"] == "response.committed"
    assert [one["outcome"] for one in response["tool_feedback"]] == ["unknown"]
    figures = own.tool_servers("GET", "/_stats")["sfdc"]
    assert len(figures["effects"]) == 1
    assert figures["calls"]["log_activity"] == 1


@pytest.mark.requirement("tools:server-down")
async def test_with_all_servers_down_the_answer_still_comes_and_says_what_was_missing(own: Stack) -> None:
    """Not an error page; the reports name every server, and all is well when they are back."""
    own.control("stop", "mcp")
    try:
        async with Chat(own) as chat:
            await chat.sign_in()
            turn_id = await chat.ask(PIPELINE)
            end = await chat.end_of(turn_id, bound_s=60)
            response = await chat.first("response")
            notices = [frame for frame in chat.of(turn_id, "notice") if frame["code"] == "server_down"]
        own.discover()
        wait_for(lambda: len(own.get("/api/health/ready")["data"]["servers"]["down"]) == 4, "the report", bound_s=30)
        ready = own.get("/api/health/ready")["data"]
        shown = own.get("/api/servers", token=chat.token)["data"]["items"]
    finally:
        own.control("start", "mcp")
    own.discover()
    wait_for(lambda: own.get("/api/health/ready")["data"]["servers"]["down"] == [], "the servers", bound_s=30)
    async with Chat(own) as again:
        await again.sign_in()
        healthy = await again.ask(PIPELINE)
        await again.end_of(healthy)
        later = await again.first("response")

    assert end["type"] == "response.committed"
    assert "sfdc" in response["content"], response["content"]
    assert [one["outcome"] for one in response["tool_feedback"]] == ["failed"]
    assert any("sfdc" in notice["text"] for notice in notices)
    assert set(ready["servers"]["down"]) == {"sfdc", "hr", "o365", "winloss"}
    assert set(ready["checks"].values()) == {"ok"}
    assert {server["health"]["state"] for server in shown} == {"down"}
    assert [one["outcome"] for one in later["tool_feedback"]] == ["done"]


@pytest.mark.requirement("tools:token-wait")
async def test_a_call_whose_sign_in_has_ended_waits_for_session_update(own: Stack) -> None:
    """The token ends while the call waits for approval; approved on another device, it runs when the first signs in."""
    own.tool_servers("DELETE", "/_stats")
    async with Chat(own) as desk, Chat(own) as phone:
        await desk.sign_in()
        await phone.sign_in()
        turn_id = await desk.ask(WRITES)
        asked = await desk.first("tool.approval_required")
        async with CosmosClient(own.url("cosmos"), COSMOS_KEY) as client:
            users = client.get_database_client("salescoach").get_container_client("users")
            # What the database does by itself when the token's life is over.
            await users.delete_item(f"sealed:{desk.session_id}", partition_key=user_of(desk))
        await phone.send("tool.approval", turn_id=turn_id, call_id=asked["call_id"], approved=True)
        await phone.first("tool.approval_resolved")
        with pytest.raises(AssertionError, match="waited"):
            await desk.first("tool.started", bound_s=4)
        written = effects(own)
        await desk.sign_in()
        end = await desk.end_of(turn_id, bound_s=40)
        response = await desk.first("response")

    assert written == []
    assert end["type"] == "response.committed"
    assert [one["outcome"] for one in response["tool_feedback"]] == ["done"]
    assert len(effects(own)) == 1


def user_of(chat: Chat) -> str:
    """Name the person of a signed-in chat."""
    return next(frame for frame in chat.frames if frame["type"] == "session.created")["user"]["id"]

"""Roles and tool servers from end to end: who reaches what, counted at the servers, and what a silent server costs."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import pytest

from tests.e2e.client import Chat
from tests.e2e.stack import Stack, wait_for

PIPELINE = "How is my pipeline this quarter by stage?"
SALARIES = "What are the salary bands?"
MATRIX = [
    ("sam.sales", None, PIPELINE, "sfdc"),
    ("sam.sales", None, SALARIES, None),
    ("hana.hr", None, SALARIES, "hr"),
    ("hana.hr", None, "Show the pipeline of all by stage.", None),
    ("ada.admin", None, "Show the pipeline of all by stage.", "sfdc"),
    ("ada.admin", None, SALARIES, "hr"),
    ("tom.both", None, SALARIES, "hr"),
    ("tom.both", "Sales", SALARIES, None),
    ("nora.none", None, SALARIES, None),
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """A stack whose tool servers are asked by nobody else, and fail on order."""
    running = Stack(tmp_path_factory.mktemp("tools") / "data", "--faults", "--tokens-per-second", "0")
    running.start()
    yield running
    running.stop()


def calls(stack: Stack) -> dict[str, int]:
    """How many tool calls each server has seen."""
    figures: dict[str, Any] = stack.tool_servers("GET", "/_stats")
    return {name: sum(one["calls"].values()) for name, one in figures.items()}


def discover(stack: Stack, *down: str) -> None:
    """Have the app ask all servers now, and wait until it knows which are down."""
    stack.discover()
    wait_for(lambda: stack.get("/api/health/ready")["data"]["servers"]["down"] == list(down), "discovery")


def accept(stack: Stack, withheld: dict[str, Any]) -> dict[str, Any]:
    """Have the Admin accept a tool as it was shown."""
    url = f"{stack.url('app')}/api/admin/servers/{withheld['server']}/tools/{withheld['name']}"
    return stack.ask("PUT", url, {"digest": withheld["digest"]}, token=stack.token("ada.admin"))


def withheld(stack: Stack, name: str) -> list[dict[str, Any]]:
    """What an Admin is shown as switched off at a server."""
    items = stack.get("/api/servers", token=stack.token("ada.admin"))["data"]["items"]
    return next(server for server in items if server["name"] == name).get("withheld", [])


def kinds_of_events(stack: Stack) -> set[str]:
    """What was recorded today."""
    page = stack.get("/api/admin/security-events?limit=100", token=stack.token("ada.admin"))
    return {event["kind"] for event in page["data"]["items"]}


@pytest.mark.requirement("tools:roles-times-servers")
@pytest.mark.parametrize(("user", "wish", "question", "expected"), MATRIX)
async def test_a_role_reaches_its_own_servers_and_no_other(
    own: Stack, user: str, wish: str | None, question: str, expected: str | None
) -> None:
    """What the role lacks is neither shown nor contacted, and the answer says that there is no such tool."""
    before = calls(own)
    async with Chat(own, user) as chat:
        fields = {"role": wish} if wish else {}
        session = await chat.sign_in(**fields)
        turn_id = await chat.ask(question)
        await chat.end_of(turn_id)
        answer = (await chat.first("response"))["content"]
        feedback = (await chat.first("response"))["tool_feedback"]
    after = calls(own)

    contacted = {name for name in after if after[name] > before[name]}
    restricted = contacted & {"sfdc", "hr"}
    assert restricted == ({expected} if expected else set())
    assert answer
    if expected:
        assert expected in {tool["server"] for tool in session["tools"]}
        assert [one["ok"] for one in feedback if one["server"] == expected]
    else:
        assert re.search(r"no (business )?tool", answer)


@pytest.mark.requirement("tools:server-down")
@pytest.mark.requirement("tools:pinned")
async def test_what_fails_at_servers_costs_no_answer_and_is_seen_in_the_report(own: Stack) -> None:
    """In one run: one down, one slow, one with errors, one that changed a description; an Admin accepts that."""
    own.tool_servers("POST", "/_faults", {"mode": "http", "status": 503, "server": "winloss"})
    own.tool_servers("POST", "/_faults", {"mode": "slow", "seconds": 2, "server": "o365"})
    own.tool_servers("POST", "/_faults", {"mode": "tool_error", "server": "hr"})
    own.tool_servers("POST", "/_faults", {"mode": "changed_description", "server": "sfdc", "tool": "forecast"})
    try:
        discover(own, "winloss")
        async with Chat(own, "ada.admin") as chat:
            await chat.sign_in()
            turn_id = await chat.ask(
                "Show the pipeline of all by stage, and what are the salary bands, and which meetings do I have today?"
            )
            end = await chat.end_of(turn_id)
            answer = await chat.first("response")
            notices = [frame["code"] for frame in chat.of(turn_id, "notice")]
        report = own.get("/api/servers", token=own.token("ada.admin"))["data"]["items"]
        seen_by_sam = own.get("/api/servers", token=own.token("sam.sales"))["data"]["items"]
        ready = own.get("/api/health/ready")["data"]["servers"]
        sales = next(server for server in report if server["name"] == "sfdc")
        accepted = accept(own, sales["withheld"][0])
        wait_for(lambda: own.get("/api/health/ready")["data"]["servers"]["changed"] == [], "acceptance", bound_s=30)
        async with Chat(own) as sam:
            offered = {tool["name"]: tool for tool in (await sam.sign_in())["tools"]}
    finally:
        own.tool_servers("DELETE", "/_faults")
        discover(own)
    # What was accepted is pinned now, so that the first description is a change in its turn.
    accept(own, wait_for(lambda: withheld(own, "sfdc"), "the change back", bound_s=30)[0])
    wait_for(lambda: not withheld(own, "sfdc"), "acceptance", bound_s=30)

    health = {server["name"]: server["health"] for server in report}
    outcomes = {one["server"]: one for one in answer["tool_feedback"]}
    assert end["type"] == "response.committed"
    assert notices == ["server_down"]
    assert {name: one["outcome"] for name, one in outcomes.items()} == {
        "sfdc": "done", "hr": "failed", "o365": "done",
    }  # fmt: skip
    assert outcomes["o365"]["duration_ms"] > 2000
    assert "hr" in answer["content"]
    assert [(one["name"], one["reason"]) for one in sales["withheld"]] == [("forecast", "changed")]
    assert "forecast" not in {tool["name"] for tool in sales["tools"]}
    assert not [server for server in seen_by_sam if "withheld" in server]
    assert ready["changed"] == ["sfdc"]
    assert accepted["data"] == {"server": "sfdc", "name": "forecast", "digest": sales["withheld"][0]["digest"]}
    assert offered["forecast"]["description"].endswith("Now works differently.")
    assert {"tool_withheld", "tool_accepted"} <= kinds_of_events(own)
    assert (health["winloss"]["state"], health["sfdc"]["state"]) == ("down", "up")
    assert health["winloss"]["last_error"]
    assert health["sfdc"]["changed_tools"] == ["forecast"]
    assert ready["down"] == ["winloss"]


@pytest.mark.requirement("api:servers")
def test_a_person_is_shown_the_own_servers_only(own: Stack) -> None:
    """With their tools; the writing one needs approval."""
    items = own.get("/api/servers", token=own.token("sam.sales"))["data"]["items"]

    assert {server["name"] for server in items} == {"sfdc", "winloss", "o365"}
    tools = {tool["name"]: tool for server in items for tool in server["tools"]}
    assert tools["log_activity"]["needs_approval"]
    assert not tools["forecast"]["needs_approval"]


@pytest.mark.requirement("tools:cancel-reaches-server")
async def test_cancelling_a_question_stops_its_slow_tool(own: Stack) -> None:
    """Progress is shown; the server hears of the cancel within about a second."""
    own.tool_servers("DELETE", "/_stats")
    async with Chat(own) as chat:
        await chat.sign_in()
        turn_id = await chat.ask("Please do a deep pipeline review, take 120 seconds.")
        progress = await chat.first("tool.progress")
        await chat.send("query.cancel", turn_id=turn_id)
        end = await chat.end_of(turn_id)
    figures = own.tool_servers("GET", "/_stats")["sfdc"]

    assert progress["name"] == "deep_pipeline_review"
    assert end["type"] == "response.cancelled"
    assert figures["cancelled"] == {"deep_pipeline_review": 1}

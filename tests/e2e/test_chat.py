"""One message, from real clients, through all seven steps; what breaks on the way loses nothing."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from azure.cosmos.aio import CosmosClient

from tests.e2e.client import Chat, Frame
from tests.e2e.stack import Stack, wait_for

QUESTION = "How is my pipeline this quarter?"
COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
ANSWER_FIELDS = {
    *("v", "conversation_id", "seq", "message_id", "turn_id", "author", "content", "input_type", "created_at"),
    *("status", "question_id", "attempt", "model", "finish_reason", "usage", "tables", "chart_data", "tool_feedback"),
    "prompt_version",
}
QUESTION_FIELDS = {
    *("v", "conversation_id", "seq", "message_id", "turn_id", "author", "sender", "content", "input_type"),
    *("created_at", "status"),
}


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """A stack whose model takes its time, and whose parts fail on order."""
    running = Stack(tmp_path_factory.mktemp("chat") / "data", "--faults", "--tokens-per-second", "40")
    running.start()
    yield running
    running.stop()


async def documents(stack: Stack, container: str = "conversations") -> list[dict[str, Any]]:
    """Read a container back with the official SDK."""
    async with CosmosClient(stack.url("cosmos"), COSMOS_KEY) as client:
        items = client.get_database_client("salescoach").get_container_client(container)
        return [item async for item in items.query_items("SELECT * FROM c")]


def by_id(items: list[dict[str, Any]], item_id: str) -> dict[str, Any]:
    """Find one document."""
    return next(item for item in items if item["id"] == item_id)


@asynccontextmanager
async def raw(stack: Stack, user: str = "sam.sales") -> AsyncGenerator[tuple[aiohttp.ClientWebSocketResponse, str]]:
    """A bare WebSocket without a subprotocol, as the predecessor's webapp opens it."""
    token = stack.token(user)
    url = stack.post(f"{stack.url('app')}/api/negotiate", {}, token=token)["data"]["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield socket, token


async def receive(socket: aiohttp.ClientWebSocketResponse, *types: str) -> Frame:
    """Read frames until one of these types comes."""
    async with asyncio.timeout(20):
        while True:
            frame = await socket.receive_json()
            if frame["type"] in types:
                return frame


@pytest.mark.requirement("connect:raw-client")
async def test_the_predecessors_client_gets_its_session_deltas_and_response(stack: Stack) -> None:
    """Negotiate once, then the old JSON."""
    async with raw(stack) as (socket, token):
        await socket.send_str(json.dumps({"type": "session.update", "accessToken": token, "email_id": "x@example.com"}))
        created = await receive(socket, "session.created", "error")
        await socket.send_str(json.dumps({"type": "query", "content": QUESTION}))
        delta = await receive(socket, "response.delta")
        response = await receive(socket, "response")

    assert created["role"] == "Sales"
    assert {tool["server"] for tool in created["tools"]} >= {"sfdc"}
    assert "hr" not in {tool["server"] for tool in created["tools"]}
    assert delta["session_id"] == created["session_id"]
    assert response["content"]
    assert {"chart_data", "tables", "tool_feedback", "usage", "message_id"} <= set(response)
    assert response["tool_feedback"][0]["server"] == "sfdc"


@pytest.mark.requirement("persist:stored-as-documented")
async def test_deltas_response_and_stored_answer_are_the_same_characters(new_stack: Callable[..., Stack]) -> None:
    """Also in REST, in Cosmos, and after a restart of everything."""
    stack = new_stack()
    async with Chat(stack) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(QUESTION)
        await chat.end_of(turn_id)
        response = chat.of(turn_id, "response")[0]
    path = f"/api/sessions/{chat.session_id}/messages"
    before = stack.get(path, token=chat.token)["data"]
    stack.stop()
    stack.start()
    after = stack.get(path, token=stack.token("sam.sales"))["data"]
    items = await documents(stack)
    usage = await documents(stack, "users")

    question, answer = after["items"]
    stored = by_id(items, f"a:{turn_id}")
    assert chat.text(turn_id) == response["content"] == answer["content"] == stored["content"]
    assert before == after
    assert after["last_seq"] == 2
    assert set(answer) == ANSWER_FIELDS
    assert set(question) == QUESTION_FIELDS
    assert set(stored) >= ANSWER_FIELDS
    assert set(by_id(items, f"u:{question['message_id']}")) >= QUESTION_FIELDS
    assert by_id(items, f"x:{turn_id}:0:0")["state"] == "done"
    assert by_id(usage, f"use:{turn_id}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["created_at"])


@pytest.mark.requirement("process:true-to-data")
async def test_a_changed_figure_changes_the_answer(new_stack: Callable[..., Stack]) -> None:
    """The model stand-in knows no question by heart: what it says comes from the tool."""
    stack = new_stack()
    async with Chat(stack) as chat:
        await chat.sign_in()
        first = await chat.ask(QUESTION)
        await chat.end_of(first)
        change_amounts(stack)
        second = await chat.ask(QUESTION)
        await chat.end_of(second)

    old, new = (big_numbers(chat.of(turn, "response")[0]["content"]) for turn in (first, second))
    assert [number for number in old if number % 77_777 == 0] == []
    assert new
    assert [number for number in new if number % 77_777] == []


AMOUNT = 77_777_000


def big_numbers(text: str) -> list[int]:
    """Numbers with thousands marks in a text."""
    return [int(re.sub(r"\D", "", found)) for found in re.findall(r"\d{1,3}(?:[,.\u202f']\d{3})+", text)]


def change_amounts(stack: Stack) -> None:
    """Give every opportunity an amount that cannot be there by chance."""
    path = next(Path(stack.data).rglob("opportunities.json"))
    rows = json.loads(path.read_text(encoding="utf-8"))
    for row in rows:
        row["amount"] = AMOUNT
    path.write_text(json.dumps(rows), encoding="utf-8")


@pytest.mark.requirement("process:streams")
async def test_the_first_delta_comes_before_the_models_last_token(slow: Stack) -> None:
    """Streaming is real: text reaches the person while the model still works."""
    async with Chat(slow) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(QUESTION)
        await chat.first("response.delta")
        at_first_delta = slow_requests(slow)[-1]
        await chat.end_of(turn_id)
        at_end = slow_requests(slow)[-1]

    assert at_first_delta["finished"] is False
    assert at_end["finished"] is True
    assert len(chat.of(turn_id, "response.delta")) > 3


def slow_requests(stack: Stack) -> list[dict[str, Any]]:
    """What the model stand-in was asked."""
    with urllib.request.urlopen(f"{stack.url('model')}/_requests", timeout=5) as answer:  # noqa: S310
        return cast("dict[str, Any]", json.load(answer))["requests"]


@pytest.mark.requirement("stack:host-killed")
async def test_a_host_killed_in_mid_answer_finishes_the_turn_by_itself(slow: Stack) -> None:
    """One correct answer, equal to the stored one; the client only kept its connection."""
    async with Chat(slow) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(QUESTION)
        await chat.until(lambda frame: frame["type"] == "response.delta" and frame["offset"] > 20, "some text")
        old = slow.kill("host")
        wait_for(lambda: slow.manifest["pids"]["host"] not in (old, None), "another process", bound_s=10)
        end = await chat.end_of(turn_id, bound_s=60)
        ends = chat.of(turn_id, "response.committed", "response.failed", "response.cancelled")

    stored = slow.get(f"/api/sessions/{chat.session_id}/messages", token=chat.token)["data"]["items"]
    assert end["type"] == "response.committed"
    assert len(ends) >= 1
    assert [item["author"] for item in stored] == ["user", "assistant"]
    assert chat.text(turn_id) == chat.of(turn_id, "response")[-1]["content"] == stored[1]["content"]
    assert stored[1]["attempt"] > 1


@pytest.mark.requirement("persist:committed-after-binding")
async def test_a_failing_write_delays_committed_and_loses_nothing(slow: Stack) -> None:
    """`response.committed` is sent only after the output binding was applied."""
    async with Chat(slow) as chat:
        await chat.sign_in()
        fault = {"match": {"container": "conversations", "operation": "upsert", "count": 3}, "status": 503}
        slow.post(f"{slow.url('cosmos')}/_faults", fault)
        turn_id = await chat.ask(QUESTION)
        await chat.until(lambda frame: frame["type"] == "response" and frame["turn_id"] == turn_id, "the response")
        unstored = [item for item in await documents(slow) if item["id"] == f"a:{turn_id}"]
        early = chat.of(turn_id, "response.committed")
        end = await chat.end_of(turn_id, bound_s=40)
        stored = by_id(await documents(slow), f"a:{turn_id}")

    assert (unstored, early) == ([], [])
    assert end["type"] == "response.committed"
    assert stored["content"] == chat.of(turn_id, "response")[0]["content"]


def code_of(fault: urllib.error.HTTPError) -> tuple[int, str]:
    """A REST refusal's status and code."""
    with fault:
        return fault.code, json.load(fault)["error"]["code"]


@pytest.mark.requirement("connect:negotiate-refuses")
@pytest.mark.parametrize(
    "overrides",
    [
        {"key": "foreign"},
        {"lifetime_s": -600},
        {"audience": "api://another"},
        {"claims": {"scp": "another"}},
        {"claims": {"ver": "1.0"}},
        {"claims": {"idtyp": "app"}},
    ],
    ids=["forged", "expired", "other audience", "other scope", "v1", "an app's"],
)
def test_negotiate_refuses_a_bad_token(stack: Stack, overrides: dict[str, Any]) -> None:
    """401 and `unauthenticated`, by one shape."""
    token = stack.token("sam.sales", **overrides)

    with pytest.raises(urllib.error.HTTPError) as refused:
        stack.post(f"{stack.url('app')}/api/negotiate", {}, token=token)

    assert code_of(refused.value) == (401, "unauthenticated")


def test_a_foreign_tenants_and_a_missing_token_are_refused(stack: Stack) -> None:
    """Only allowed tenants; no anonymous caller."""
    for token in (stack.token("eve.other"), None, "", "a.b.c"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            stack.post(f"{stack.url('app')}/api/negotiate", {}, token=token)
        assert code_of(refused.value) == (401, "unauthenticated")


@pytest.mark.requirement("connect:foreign-origin")
async def test_a_foreign_pages_handshake_is_refused(stack: Stack) -> None:
    """The page's own origin and clients without a page connect; nobody else's page does."""
    token = stack.token("sam.sales")
    outcomes: dict[str | None, bool] = {}
    async with aiohttp.ClientSession() as session:
        for origin in (None, stack.url("web"), "https://evil.example.com", "null"):
            url = stack.post(f"{stack.url('app')}/api/negotiate", {}, token=token)["data"]["url"]
            headers = {} if origin is None else {"Origin": origin}
            try:
                async with session.ws_connect(url, headers=headers):
                    outcomes[origin] = True
            except aiohttp.WSServerHandshakeError as refused:
                outcomes[origin] = refused.status not in (401, 403)

    assert outcomes == {None: True, stack.url("web"): True, "https://evil.example.com": False, "null": False}


UPDATES: dict[str, tuple[dict[str, Any], str]] = {
    "a forged token": ({"key": "foreign"}, "unauthenticated"),
    "an expired token": ({"lifetime_s": -600}, "unauthenticated"),
    "another person's token": ({"user": "sue.sales"}, "forbidden"),
    "a foreign tenant's token": ({"user": "eve.other"}, "unauthenticated"),
}


@pytest.mark.requirement("authenticate:refuses")
@pytest.mark.parametrize("case", UPDATES)
async def test_a_bad_token_in_session_update_is_refused_and_the_connection_lives(stack: Stack, case: str) -> None:
    """The documented error; then the right token works on the same connection."""
    overrides, code = UPDATES[case]
    user = overrides.pop("user", "sam.sales")
    async with raw(stack) as (socket, good):
        bad = stack.token(user, **overrides)
        await socket.send_str(json.dumps({"type": "session.update", "accessToken": bad, "request_id": "r1"}))
        error = await receive(socket, "error", "session.created")
        await socket.send_str(json.dumps({"type": "query", "content": "hi"}))
        still = await receive(socket, "error", "query.accepted")
        await socket.send_str(json.dumps({"type": "session.update", "accessToken": good}))
        created = await receive(socket, "error", "session.created")

    assert (error["code"], error["in_reply_to"], error["request_id"]) == (code, "session.update", "r1")
    assert (still["type"], still["code"]) == ("error", "unauthenticated")
    assert created["type"] == "session.created"


BAD_FRAMES = {
    "malformed JSON": ('{"type": "query", ', "bad_request", "unknown"),
    "a missing token": ('{"type": "session.update"}', "bad_request", "session.update"),
    "an unknown type": ('{"type": "shout"}', "bad_request", "shout"),
    "40 KiB": (json.dumps({"type": "query", "content": "x" * 40 * 1024}), "too_large", "query"),
    "300 KiB": (json.dumps({"type": "query", "content": "x" * 300 * 1024}), "too_large", "unknown"),
}


@pytest.mark.requirement("query:bad-frames")
async def test_bad_frames_get_the_documented_error_and_leave_everything_healthy(stack: Stack) -> None:
    """On a bare connection, one after the other, and then a question is answered."""
    async with raw(stack) as (socket, token):
        await socket.send_str(json.dumps({"type": "session.update", "accessToken": token}))
        await receive(socket, "session.created")
        for text, code, in_reply_to in BAD_FRAMES.values():
            await socket.send_str(text)
            error = await receive(socket, "error")
            assert (error["code"], error["in_reply_to"]) == (code, in_reply_to)
            assert error["correlation_id"]
            assert error["retryable"] is False
        await socket.send_str(json.dumps({"type": "ping", "request_id": "p"}))
        pong = await receive(socket, "pong")
        await socket.send_str(json.dumps({"type": "query", "content": QUESTION}))
        end = await receive(socket, "response.committed", "response.failed")

    assert pong["request_id"] == "p"
    assert end["type"] == "response.committed"
    assert stack.get("/api/health")["data"]["status"] == "ok"


@pytest.mark.requirement("api:owner-only")
async def test_a_strangers_session_is_not_found(stack: Stack) -> None:
    """The same 404 for absent and not yours; lists show one's own only."""
    async with Chat(stack) as chat:
        await chat.sign_in()
        await chat.end_of(await chat.ask(QUESTION))

    sue = stack.token("sue.sales")
    mine = stack.get("/api/sessions", token=chat.token)["data"]["items"]
    hers = stack.get("/api/sessions", token=sue)["data"]["items"]
    assert chat.session_id in {item["session_id"] for item in mine}
    assert chat.session_id not in {item["session_id"] for item in hers}
    for path in (f"/api/sessions/{chat.session_id}", f"/api/sessions/{chat.session_id}/messages", "/api/sessions/x"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            stack.get(path, token=sue)
        assert code_of(refused.value) == (404, "not_found")
    with pytest.raises(urllib.error.HTTPError) as named:
        stack.get("/api/sessions?email=sue.sales@example.com", token=chat.token)
    assert code_of(named.value) == (400, "bad_request")


@pytest.mark.requirement("query:new-message")
async def test_a_second_device_sees_the_question_and_the_same_answer(stack: Stack) -> None:
    """`new_message` to every connection but the sending one; deltas to all."""
    async with Chat(stack) as desk, Chat(stack, session_id=desk.session_id) as phone:
        await desk.sign_in()
        await phone.sign_in()
        turn_id = await desk.ask(QUESTION)
        await desk.end_of(turn_id)
        await phone.end_of(turn_id)

    assert [frame["content"] for frame in phone.frames if frame["type"] == "new_message"] == [QUESTION]
    assert [frame for frame in desk.frames if frame["type"] == "new_message"] == []
    assert desk.text(turn_id) == phone.text(turn_id) == desk.of(turn_id, "response")[0]["content"]


async def test_someone_of_hr_is_never_offered_sales_tools(stack: Stack) -> None:
    """Structural filtering by the role of the token."""
    async with Chat(stack, "hana.hr") as chat:
        created = await chat.sign_in(role="Admin")

    servers = {tool["server"] for tool in created["tools"]}
    assert created["role"] == "HR"
    assert "hr" in servers
    assert "sfdc" not in servers


async def test_someone_without_a_role_can_chat_without_tools(stack: Stack) -> None:
    """The notice `no_role` says whom to ask."""
    async with Chat(stack, "nora.none") as chat:
        created = await chat.sign_in()
        notice = await chat.first("notice")
        end = await chat.end_of(await chat.ask("What can you do for me?"))

    assert {tool["server"] for tool in created["tools"]} <= {"o365"}
    assert notice["code"] == "no_role"
    assert end["type"] == "response.committed"


@pytest.mark.requirement("query:cancel")
async def test_a_cancel_stops_the_answer_and_keeps_what_was_said(slow: Stack) -> None:
    """One end, after which nothing follows."""
    async with Chat(slow) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(QUESTION)
        await chat.first("response.delta")
        await chat.send("query.cancel", turn_id=turn_id)
        end = await chat.end_of(turn_id)
        said = chat.text(turn_id)

    stored = slow.get(f"/api/sessions/{chat.session_id}/messages", token=chat.token)["data"]["items"]
    assert end["type"] == "response.cancelled"
    assert end["content"] == said == stored[1]["content"]
    assert stored[1]["status"] == "cancelled"


@pytest.mark.requirement("query:resume")
async def test_a_new_page_resumes_a_running_answer_from_its_session_alone(slow: Stack) -> None:
    """`session.created` names the running turn; the snapshot and what follows give the whole text."""
    async with Chat(slow) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(QUESTION)
        await chat.until(lambda frame: frame["type"] == "response.delta" and frame["offset"] > 20, "some text")
    async with Chat(slow, session_id=chat.session_id) as page:
        created = await page.sign_in()
        await page.send("turn.resume", turn_id=created["active_turn"]["turn_id"], conversation_id=chat.session_id)
        snapshot = await page.first("response.snapshot")
        await page.end_of(turn_id)

    stored = slow.get(f"/api/sessions/{chat.session_id}/messages", token=chat.token)["data"]["items"][1]
    assert created["active_turn"]["turn_id"] == turn_id
    assert snapshot["status"] in ("running", "done")
    assert page.of(turn_id, "response")[0]["content"].startswith(snapshot["text"])
    assert page.of(turn_id, "response")[0]["content"] == stored["content"]


async def test_a_tool_that_writes_waits_for_approval_and_then_runs_once(stack: Stack) -> None:
    """`log_activity` is never called without the asker's word."""
    async with Chat(stack) as chat:
        await chat.sign_in()
        turn_id = await chat.ask("Please log a call activity for my largest account: we talked about the renewal.")
        required = await chat.first("tool.approval_required", "response")
        assert required["type"] == "tool.approval_required", "the model stand-in did not choose the writing tool"
        await chat.send("tool.approval", turn_id=turn_id, call_id=required["call_id"], approved=True)
        resolved = await chat.first("tool.approval_resolved")
        await chat.end_of(turn_id)

    assert required["name"] == "log_activity"
    assert resolved["approved"] is True
    assert chat.of(turn_id, "response")[0]["tool_feedback"][-1]["outcome"] in ("done", "failed")


def test_unknown_upstream_events_have_no_effect(stack: Stack) -> None:
    """A forged event without the service's signature is refused."""
    connection = uuid.uuid4().hex
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "azure.webpubsub.user.message",
        "ce-source": f"/hubs/salescoach/client/{connection}",
        "ce-id": "1",
        "ce-time": "2026-01-01T00:00:00Z",
        "ce-hub": "salescoach",
        "ce-connectionId": connection,
        "ce-userId": "someone",
        "ce-eventName": "message",
        "ce-signature": "sha256=" + "0" * 64,
        "ce-awpsversion": "1.0",
        "WebHook-Request-Origin": "127.0.0.1",
        "Content-Type": "application/json",
    }
    url = f"{stack.url('app')}/runtime/webhooks/webpubsub"
    request = urllib.request.Request(url, b'{"type":"ping"}', headers, method="POST")  # noqa: S310

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)  # noqa: S310

    with refused.value:
        assert refused.value.code == 401

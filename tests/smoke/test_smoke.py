"""Try a running SalesCoach by its URL: sign-in, ask, tool, group, resume; and say how long handshake and events took.

SMOKE_API_URL and SMOKE_TOKEN name a deployment and a person of it; without them a local stack is started.
What the tests began there they delete again.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.e2e.stack import Stack

ANSWER_S = 120.0
ENDS = ("response.committed", "response.failed", "response.cancelled")
QUESTION = "How is my pipeline this quarter?"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to knock, and as whom."""

    api: str
    token: str


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Generator[Target]:
    """The named deployment, or a stack of our own."""
    if api := os.environ.get("SMOKE_API_URL"):
        yield Target(api.rstrip("/"), os.environ["SMOKE_TOKEN"])
        return
    stack = Stack(tmp_path_factory.mktemp("smoke") / "data")
    stack.start()
    yield Target(stack.url("app"), stack.token("sam.sales"))
    stack.stop()


def call(
    target: Target, method: str, path: str, body: dict[str, Any] | None = None, *, signed: bool = True
) -> tuple[int, dict[str, Any]]:
    """Ask the API."""
    headers = {"Authorization": f"Bearer {target.token}"} if signed else {}
    data = json.dumps(body or {}).encode() if method == "POST" else None
    request = urllib.request.Request(target.api + path, data, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as fault:
        with fault:
            return fault.code, json.loads(fault.read() or b"{}")


Tell = Callable[[str, float], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]) -> Tell:
    """Record a figure in the report, and show it."""

    def write(name: str, began: float) -> None:
        took_ms = round((time.monotonic() - began) * 1000)
        record_property(name, took_ms)
        with capsys.disabled():
            sys.stdout.write(f"\n{name}: {took_ms}\n")

    return write


def test_health_names_version_and_commit(target: Target) -> None:
    """What runs there is what was deployed, and it has what it needs."""
    status, health = call(target, "GET", "/api/health", signed=False)
    ready, checks = call(target, "GET", "/api/health/ready", signed=False)

    assert status == 200, health
    assert health["data"]["version"]
    assert health["data"]["commit"]
    assert ready == 200, checks


def test_negotiate_needs_a_token_and_gives_a_bound_url(target: Target) -> None:
    """Nobody gets in without one."""
    refused, _ = call(target, "POST", "/api/negotiate", signed=False)
    status, answer = call(target, "POST", "/api/negotiate")

    assert refused == 401
    assert status == 200, answer
    assert answer["data"]["url"].startswith(("wss://", "ws://127.0.0.1"))


class Line:
    """One WebSocket of a bare client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.frames: list[dict[str, Any]] = []

    async def say(self, **message: Any) -> None:
        """Send one message of the protocol."""
        await self._socket.send_str(json.dumps(message))

    async def hear(self, *types: str) -> dict[str, Any]:
        """Read until one of these types comes."""
        while True:
            frame: dict[str, Any] = await self._socket.receive_json(timeout=ANSWER_S)
            self.frames.append(frame)
            if frame["type"] in types:
                return frame


@asynccontextmanager
async def connected(target: Target, tell: Tell | None = None) -> AsyncGenerator[Line]:
    """Negotiate and open a WebSocket, as a bare client does."""
    status, negotiated = call(target, "POST", "/api/negotiate")
    assert status == 200, negotiated
    async with aiohttp.ClientSession() as http:
        began = time.monotonic()
        async with http.ws_connect(negotiated["data"]["url"]) as socket:
            if tell is not None:
                tell("handshake_ms", began)
            yield Line(socket)


async def signed_in(line: Line, target: Target, session: str, tell: Tell | None = None) -> dict[str, Any]:
    """Open a session on the connection; the first event that goes through the service to the app and back."""
    began = time.monotonic()
    await line.say(type="session.update", accessToken=target.token, session_id=session)
    created = await line.hear("session.created", "error")
    assert created["type"] == "session.created", created
    if tell is not None:
        tell("upstream_ms", began)
    return created


@pytest.mark.requirement("smoke:whole-way")
async def test_a_question_goes_the_whole_way_and_can_be_resumed(target: Target, tell: Tell) -> None:
    """Sign-in, a tool, the answer, and the same answer again on a new connection."""
    session = str(uuid.uuid4())
    async with connected(target, tell) as line:
        created = await signed_in(line, target, session, tell)
        began = time.monotonic()
        await line.say(type="query", content=QUESTION, session_id=session)
        accepted = await line.hear("query.accepted", "error")
        tell("accepted_ms", began)
        await line.hear("response.delta")
        tell("first_delta_ms", began)
        end = await line.hear(*ENDS)
    async with connected(target) as second:
        await signed_in(second, target, session)
        await second.say(type="turn.resume", turn_id=accepted["turn_id"], conversation_id=session)
        snapshot = await second.hear("response.snapshot", "error")
    deleted, refusal = call(target, "DELETE", f"/api/sessions/{session}")

    answer = next(frame for frame in line.frames if frame["type"] == "response")
    assert end["type"] == "response.committed", end
    if created["tools"]:
        assert [frame for frame in line.frames if frame["type"] == "tool.finished" and frame["ok"]]
    assert snapshot["response"]["content"] == answer["content"]
    assert deleted == 200, refusal


@pytest.mark.requirement("smoke:whole-way")
async def test_a_group_hears_the_coach_when_it_is_called(target: Target) -> None:
    """Founded, joined, a word among people, a question to the coach, read again over REST, and ended."""
    founded, group = call(target, "POST", "/api/groups", {"title": "Smoke test", "reply_policy": "mention"})
    assert founded == 201, group
    group_id = group["data"]["group_id"]
    try:
        async with connected(target) as line:
            await signed_in(line, target, str(uuid.uuid4()))
            await line.say(type="join_group", group_id=group_id)
            joined = await line.hear("group.joined", "error")
            await line.say(type="query", group_id=group_id, content="Good morning.")
            among_people = await line.hear("query.accepted", "error")
            await line.say(type="query", group_id=group_id, content=f"@coach {QUESTION}")
            called = await line.hear("query.accepted", "error")
            end = await line.hear(*ENDS)
        _, stored = call(target, "GET", f"/api/groups/{group_id}/messages")
    finally:
        ended, refusal = call(target, "DELETE", f"/api/groups/{group_id}")

    assert joined["type"] == "group.joined", joined
    assert among_people["turn_id"] is None
    assert (end["type"], end["turn_id"]) == ("response.committed", called["turn_id"])
    assert [message["author"] for message in stored["data"]["items"]] == ["user", "user", "assistant"]
    assert ended == 200, refusal

"""Try a running SalesCoach by its URL: sign-in, ask, tool, resume; and say how long handshake and events took.

SMOKE_API_URL and SMOKE_TOKEN name a deployment and a person of it; without them a local stack is started.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Generator
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


def call(target: Target, method: str, path: str, *, signed: bool = True) -> tuple[int, dict[str, Any]]:
    """Ask the API."""
    headers = {"Authorization": f"Bearer {target.token}"} if signed else {}
    request = urllib.request.Request(target.api + path, b"{}" if method == "POST" else None, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as fault:
        with fault:
            return fault.code, json.loads(fault.read() or b"{}")


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


@pytest.mark.requirement("smoke:whole-way")
async def test_a_question_goes_the_whole_way_and_can_be_resumed(
    target: Target, record_property: Callable[[str, object], None]
) -> None:
    """Sign-in, a tool, the answer, and the same answer again on a new connection."""
    session = str(uuid.uuid4())
    _, negotiated = call(target, "POST", "/api/negotiate")
    async with aiohttp.ClientSession() as http:
        began = time.monotonic()
        async with http.ws_connect(negotiated["data"]["url"]) as socket:
            record_property("handshake_ms", round((time.monotonic() - began) * 1000))
            line = Line(socket)
            began = time.monotonic()
            await line.say(type="session.update", accessToken=target.token, session_id=session)
            created = await line.hear("session.created", "error")
            record_property("upstream_ms", round((time.monotonic() - began) * 1000))
            assert created["type"] == "session.created", created
            began = time.monotonic()
            await line.say(type="query", content=QUESTION, session_id=session)
            accepted = await line.hear("query.accepted", "error")
            await line.hear("response.delta")
            record_property("first_delta_ms", round((time.monotonic() - began) * 1000))
            end = await line.hear(*ENDS)
        _, again = call(target, "POST", "/api/negotiate")
        async with http.ws_connect(again["data"]["url"]) as socket:
            second = Line(socket)
            await second.say(type="session.update", accessToken=target.token, session_id=session)
            await second.hear("session.created")
            turn = accepted["turn_id"]
            await second.say(type="turn.resume", turn_id=turn, conversation_id=session)
            snapshot = await second.hear("response.snapshot", "error")

    answer = next(frame for frame in line.frames if frame["type"] == "response")
    assert end["type"] == "response.committed", end
    if created["tools"]:
        assert [frame for frame in line.frames if frame["type"] == "tool.finished" and frame["ok"]]
    assert snapshot["response"]["content"] == answer["content"]

"""Thirty canaries through every path, errors included: none sings in a log, a durable record, a URL or an error.

A canary is a text, a token or an address that can be told from all others. Content belongs into the database and to its
people, and nowhere else; a token does not even belong into the database.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.stack import Stack
from tests.security.deployment import Json
from tests.security.raw_http import Answer, Lines

NAMES = (
    "question", "group question", "answered by nobody", "title", "comment", "search", "category", "people", "role wish",
    "region", "request id", "unknown type", "broken JSON", "too long", "session id", "group id", "turn id", "call id",
    "cursor", "day", "format", "reason", "group title", "user agent", "content type", "connection", "path",
    "e-mail in a question", "e-mail as a parameter", "token", "forged token", "upstream token", "claim",
    "unproved event",
)  # fmt: skip
CANARIES = {name: f"canary{uuid.uuid4().hex}" for name in NAMES}
ADDRESS = "sam.sales@example.com"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """A stack of its own, whose parts fail on order."""
    running = Stack(tmp_path_factory.mktemp("canaries") / "data", "--faults", "--tokens-per-second", "0")
    running.start()
    yield running
    running.stop()


class Talk:
    """One person's bare WebSocket and REST calls; keeps all errors that came back."""

    def __init__(self, stack: Stack, user: str) -> None:
        self.stack, self.token = stack, stack.token(user)
        self.lines, self.errors = Lines(stack.url("app"), 1), list[str]()
        self._frames: list[Json] = []

    async def rest(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Call REST as this person, unless another header says otherwise."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = await self.lines.send(method, path, sent.items(), content)
        if answer.status >= 400:
            self.errors.append(answer.body.decode("utf-8", "replace") + json.dumps(answer.headers))
        return answer

    async def run(self, *messages: Any) -> None:
        """Sign in, say all this, and listen until all turns that began have ended."""
        negotiated = await self.rest("POST", "/api/negotiate")
        async with aiohttp.ClientSession() as session, session.ws_connect(negotiated.json["data"]["url"]) as socket:
            await socket.send_json({"type": "session.update", "accessToken": self.token, "request_id": "in"})
            for message in messages:
                await socket.send_str(message if isinstance(message, str) else json.dumps(message))
            await socket.send_json({"type": "ping", "request_id": "out"})
            await self._listen(socket)

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        begun, ended, last = set[str](), set[str](), False
        async with asyncio.timeout(60):
            while not last or begun - ended:
                frame: Json = await socket.receive_json()
                last = last or frame.get("request_id") == "out"
                if frame["type"] == "error":
                    self.errors.append(json.dumps(frame))
                if frame["type"] == "query.accepted" and frame.get("turn_id"):
                    begun.add(frame["turn_id"])
                if frame["type"] in ("response.committed", "response.failed", "response.cancelled"):
                    ended.add(frame["turn_id"])
                if frame["type"] == "response.failed":
                    self.errors.append(json.dumps(frame["error"]))


def faulty(stack: Stack, part: str, fault: Any = None) -> None:
    """Have a part fail; without a fault no more."""
    stack.ask("POST" if fault else "DELETE", f"{stack.url(part)}/_faults", fault)


async def drive(stack: Stack, sam: Talk) -> None:
    """Take every canary down every path there is for it."""
    c, never = CANARIES, str(uuid.uuid4())
    session, message_id = str(uuid.uuid4()), str(uuid.uuid4())
    writing = f"Please log a call activity for my largest account: {c['reason']}."
    await sam.run(
        {"type": "session.update", "accessToken": sam.token, "session_id": session, "role": c["role wish"],
         "region": c["region"], "email_id": f"{c['e-mail in a question']}@example.com"},
        {"type": "query", "session_id": session, "message_id": message_id, "request_id": c["request id"],
         "content": f"How is my pipeline, {c['question']}, {c['e-mail in a question']}@example.com?"},
        {"type": "query", "session_id": session, "message_id": message_id, "content": c["question"]},
        {"type": "query", "session_id": session, "content": c["too long"] * 1000},
        {"type": c["unknown type"]}, f'{{"type": "{c["broken JSON"]}',
        {"type": "query", "content": c["question"], "session_id": 7},
        {"type": "turn.resume", "turn_id": c["turn id"], "conversation_id": c["session id"]},
        {"type": "tool.approval", "turn_id": c["turn id"], "call_id": c["call id"], "approved": True,
         "reason": c["reason"]},
        {"type": "query", "content": c["group question"], "group_id": c["group id"]},
        {"type": "feedback", "message_id": never, "conversation_id": session, "rating": "up", "comment": c["comment"]},
        {"type": "session.update", "accessToken": f"eyJ{c['token']}.eyJ{c['token']}.{c['token']}"},
    )  # fmt: skip
    founded = await sam.rest("POST", "/api/groups", {"title": c["group title"]})
    group = f"/api/groups/{founded.json['data']['group_id']}"
    for method, path, body in (
        ("PATCH", f"/api/sessions/{session}", {"title": c["title"]}), ("PATCH", f"/api/sessions/{session}", c["title"]),
        ("POST", f"{group}/messages", {"content": f"@coach {c['group question']}?"}),
        ("GET", f"/api/{c['path']}", None), ("GET", f"/api/sessions?search={c['search']}", None),
        ("GET", f"/api/people?query={c['people']}", None), ("GET", f"/api/questions?category={c['category']}", None),
        ("GET", f"/api/sessions/{c['session id']}", None), ("GET", f"/api/sessions?cursor={c['cursor']}", None),
        ("GET", f"/api/sessions?email={c['e-mail as a parameter']}@example.com", None),
        ("GET", f"/api/sessions/{session}/export?format={c['format']}", None),
        ("GET", f"/api/admin/security-events?day={c['day']}", None),
        ("POST", f"/api/sessions/{session}/messages", c["question"].encode()),
        ("PUT", f"{group}/members/{c['group id']}", None), ("DELETE", f"{group}/members/t:{c['group id']}", None),
    ):  # fmt: skip
        await sam.rest(method, path, body, User_Agent=c["user agent"], X_Type=c["content type"])
    forged = stack.token("sam.sales", key="forged", claims={"name": c["claim"], "email": f"{c['claim']}@example.com"})
    for value in (f"Bearer {forged}", f"Bearer {c['forged token']}", c["forged token"]):
        await sam.rest("GET", "/api/usage", Authorization=value)
    event = {"ce-type": "azure.webpubsub.user.message", "ce-connectionId": c["connection"], "ce-hub": "salescoach"}
    for bearer in (c["upstream token"], forged):
        await sam.rest("POST", "/api/events", c["unproved event"].encode(), Authorization=f"Bearer {bearer}", **event)
        await sam.rest("POST", "/runtime/webhooks/webpubsub", c["unproved event"].encode(), **event)
    await failing(stack, sam, writing)


async def failing(stack: Stack, sam: Talk, writing: str) -> None:
    """The same while each part fails: the model in several ways, the tools, the database, the service."""
    said = f"How is my pipeline, {CANARIES['answered by nobody']}?"
    for fault in ({"mode": "http", "status": 400, "count": 4}, {"mode": "context_length", "count": 2},
                  {"mode": "content_filter_prompt", "count": 2}, {"mode": "bad_tool_json", "count": 1}):  # fmt: skip
        faulty(stack, "model", fault)
        await sam.run({"type": "query", "content": said})
        faulty(stack, "model")
    faulty(stack, "identity", {"mode": "interaction_required", "count": 2})
    await sam.run({"type": "query", "content": said})
    faulty(stack, "identity")
    faulty(stack, "cosmos", {"match": {"operation": "batch", "count": 30}, "status": 503})
    await sam.run({"type": "query", "content": said})
    faulty(stack, "cosmos")
    asked = asyncio.create_task(sam.run({"type": "query", "content": writing}))
    await asyncio.wait({asked}, timeout=8)
    await sam.run({"type": "query", "content": said})
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)


def holds(data: bytes, words: list[str]) -> list[str]:
    """Name the words that a file holds, in UTF-8 or UTF-16."""
    return [word for word in words if word.encode() in data or word.encode("utf-16-le") in data]


@pytest.mark.requirement("secrets:canaries")
@pytest.mark.timeout(300)
async def test_no_canary_is_found_where_it_does_not_belong(stack: Stack) -> None:
    """Logs of all processes, durable records, error bodies; tokens not in the database either."""
    sam = Talk(stack, "sam.sales")

    await drive(stack, sam)
    await sam.lines.close()

    of_tokens = ("token", "forged token", "upstream token")
    tokens = [sam.token, sam.token.rpartition(".")[2], *(CANARIES[name] for name in of_tokens)]
    words = [*CANARIES.values(), ADDRESS, sam.token, sam.token.rpartition(".")[2]]
    files = [path for path in stack.data.rglob("*") if path.is_file()]
    logs = [path for path in files if path.parent.name == "logs"]
    durable = [path for path in files if "host" in path.relative_to(stack.data).parts]
    stored = [path for path in files if "cosmos" in path.relative_to(stack.data).parts]
    assert len(CANARIES) >= 30
    assert logs
    assert durable
    assert stored
    assert found(logs, words) == {}
    assert found(durable, words) == {}
    assert found(stored, tokens) == {}
    # An error names what it refuses as the client named it (docs/protocol.md, rule 1).
    errors = "\n".join(sam.errors).replace(CANARIES["request id"], "").replace(CANARIES["turn id"], "")
    assert len(sam.errors) >= 20
    assert [name for name, word in CANARIES.items() if word in errors] == []
    assert holds(stack.output.encode(), words) == []


def found(paths: list[Path], words: list[str]) -> dict[str, list[str]]:
    """Name the files that hold any of the words, and which."""
    names = {word: name for name, word in CANARIES.items()}
    hits = {path.name: [names.get(word, word[:12]) for word in holds(path.read_bytes(), words)] for path in paths}
    return {name: words for name, words in hits.items() if words}

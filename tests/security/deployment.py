"""A running SalesCoach as an attacker sees it: its routes, its door for events, and everybody's tokens."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import urllib.request
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
from azure.cosmos.aio import CosmosClient

from tests.e2e.stack import Stack
from tests.security.raw_http import Answer, Lines

HOME, ELSEWHERE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
SERVICE = "44444444-4444-4444-8444-0000000000aa"
UPSTREAM = "api://salescoach-upstream"
COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
CHANGING = ("tool_manifest", "server_status", "security_event", "common_question", "mcp_server")
"""Kinds that timers and records change by themselves."""
CONTAINERS = ("conversations", "users", "registry", "security_events")

Json = dict[str, Any]


def claims_of(token: str) -> Json:
    """Read a token's claims without verifying it."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def user_of(token: str) -> str:
    """Name the person of a token as the app does."""
    claims = claims_of(token)
    return f"{claims['tid']}:{claims['oid']}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in, on a connection of their own."""

    name: str
    token: str
    user_id: str
    connection: str


class Deployment:
    """One stack behind the HTTP door, where events are proved by identity as in Azure."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.lines = Lines(stack.url("app"))
        self.service_token = self.token("sam.sales", audience=UPSTREAM, claims={"oid": SERVICE, "scp": None})

    def token(self, user: str, **wish: Any) -> str:
        """Sign a sample person in, or have the issuer sign whatever is wished for."""
        return self.stack.token(user, **wish)

    def person(self, name: str, **wish: Any) -> Person:
        """Sign a sample person in and give them a connection."""
        token = self.token(name, **wish)
        return Person(name, token, user_of(token), f"c-{uuid.uuid4()}")

    def keys(self) -> Json:
        """Read the issuer's published keys."""
        url = f"{self.stack.url('identity')}/{HOME}/discovery/v2.0/keys"
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  # our own URL
            return json.load(answer)

    def routes(self) -> set[str]:
        """List the app's HTTP routes from the host's index, as `GET /api/sessions/{id}`."""
        url = f"{self.stack.url('app')}/admin/functions"
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  # our own URL
            functions: list[Any] = json.load(answer)
        found: set[str] = set()
        for function in functions:
            for binding in function["config"]["bindings"]:
                if binding["type"].lower() == "httptrigger":
                    found |= {f"{str(method).upper()} /api/{binding['route']}" for method in binding["methods"]}
        return found

    async def rest(
        self, method: str, target: str, token: str | None = None, body: Any = None, *, headers: Json | None = None
    ) -> Answer:
        """Call REST; a body that is no bytes is sent as JSON."""
        sent = [("Content-Type", "application/json"), *(headers or {}).items()]
        if token is not None:
            sent.append(("Authorization", f"Bearer {token}"))
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return await self.lines.send(method, target, sent, content)

    async def event(
        self,
        who: Person,
        data: Any,
        *,
        name: str = "message",
        session: str | None = None,
        state: Json | None = None,
        changes: dict[str, str | None] | None = None,
    ) -> Answer:
        """Send an event as Web PubSub does; `session`: the connection's last session; `changes`: other headers."""
        kind = "sys" if name in ("connect", "connected", "disconnected") else "user"
        known = state if state is not None else {"session": session, "opened": "yes"} if session else {}
        headers: dict[str, str | None] = {
            "ce-specversion": "1.0",
            "ce-type": f"azure.webpubsub.{kind}.{name}",
            "ce-source": f"/hubs/salescoach/client/{who.connection}",
            "ce-id": "1",
            "ce-time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ce-hub": "salescoach",
            "ce-connectionId": who.connection,
            "ce-userId": who.user_id,
            "ce-eventName": name,
            "ce-connectionState": base64.b64encode(json.dumps(known).encode()).decode(),
            "authorization": f"Bearer {self.service_token}",
            "content-type": "application/json",
        } | (changes or {})
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        sent = [(key, value) for key, value in headers.items() if value is not None]
        return await self.lines.send("POST", "/api/events", sent, content)

    async def say(self, who: Person, type_: str, session: str | None = None, **fields: Any) -> Json:
        """Send one message of a client and give its direct answer; empty if there is none."""
        answer = await self.event(who, {"type": type_, **fields}, session=session)
        assert answer.status == 200, answer
        return answer.json or {}

    async def sign_in(self, who: Person, session: str | None = None) -> str:
        """Open a session."""
        session = session or str(uuid.uuid4())
        opened = await self.say(who, "session.update", session_id=session, accessToken=who.token)
        assert opened["type"] in ("session.created", "session.updated"), opened
        return session

    @asynccontextmanager
    async def connected(self, who: Person) -> AsyncGenerator[Person]:
        """Give the person a connection that the service knows."""
        async with self._socket(who.token) as (_, greeting):
            yield replace(who, connection=greeting["connection_id"])

    @asynccontextmanager
    async def socket(self, user: str) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
        """Open a bare WebSocket, greeted."""
        async with self._socket(self.token(user)) as (socket, _):
            yield socket

    @asynccontextmanager
    async def _socket(self, token: str) -> AsyncGenerator[tuple[aiohttp.ClientWebSocketResponse, Json]]:
        trusted = ssl.create_default_context(cafile=str(self.stack.data / "certificates" / "webpubsub.crt"))
        negotiated = await self.rest("POST", "/api/negotiate", token)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(negotiated.json["data"]["url"], ssl=trusted) as socket,
        ):
            yield socket, await socket.receive_json(timeout=20)

    async def ended_question(self, who: Person, session: str, content: str = "Hello there!") -> Json:
        """Ask and wait until the answer is stored and the session has its title; give what names them."""
        asked = await self.rest("POST", f"/api/sessions/{session}/messages", who.token, {"content": content})
        assert asked.status == 202, asked
        accepted = asked.json["data"]
        while True:
            listed = await self.rest("GET", f"/api/sessions/{session}/messages", who.token)
            for item in listed.json["data"]["items"]:
                if item.get("turn_id") == accepted["turn_id"] and item["author"] == "assistant":
                    await self._titled(who, accepted["turn_id"])
                    return accepted | {"answer_id": item["message_id"]}

    async def _titled(self, who: Person, turn_id: str) -> None:
        """Wait for the last that a first turn changes by itself."""
        async with CosmosClient(self.stack.url("cosmos"), COSMOS_KEY) as client:
            users = client.get_database_client("salescoach").get_container_client("users")
            while not (await users.read_item(f"c:{turn_id.partition('.')[0]}", who.user_id)).get("titled"):
                await asyncio.sleep(0.02)

    async def documents(self) -> dict[str, Json]:
        """Read all that is stored, by container, partition and id; what changes by itself is left out."""
        found: dict[str, Json] = {}
        async with CosmosClient(self.stack.url("cosmos"), COSMOS_KEY) as client:
            database = client.get_database_client("salescoach")
            for container in CONTAINERS:
                items = database.get_container_client(container)
                async for item in items.query_items("SELECT * FROM c"):
                    if item.get("kind") not in CHANGING:
                        place = item.get("conversation_id") if container == "conversations" else item.get("user_id")
                        kept = {name: value for name, value in item.items() if not name.startswith("_")}
                        # The timer of the common questions takes this mark off.
                        kept.pop("unseen", None)
                        found[f"{container}/{place}/{item['id']}"] = kept
        return found

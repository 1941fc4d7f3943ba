"""Play the service of a page in Chromium: sign-in, REST and Web PubSub as the test tells them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route, WebSocketRoute

from local.web.server import Endpoints, headers

DIST = Path(__file__).resolve().parents[2] / "web" / "dist"
# Nothing listens there: every request is answered inside the browser. 127.0.0.1 is a secure context, names are not.
WEB = "http://127.0.0.1:42801"
API = "http://127.0.0.1:42802"
IDENTITY = "http://127.0.0.1:42803"
WEB_PUBSUB = "http://127.0.0.1:42804"
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
CORS = {
    "Access-Control-Allow-Origin": WEB,
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Allow-Methods": "GET, POST, PATCH, PUT, DELETE",
}
SAM = {"id": "t:sam", "name": "Sam Sales (sample)", "email": "sam.sales@example.com"}


@dataclass(kw_only=True)
class ScriptedService:
    """What the page's partners know, and what the page told them.

    `refusals` are error frames' fields, used up one by one by the next questions.
    """

    sessions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    questions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    groups: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    people: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    session_fields: dict[str, Any] = field(default_factory=dict[str, Any])
    lifetime_s: int = 3600
    entra: dict[str, str] | None = None
    """What /config.json says of Entra; then there are no sample people."""
    elsewhere: dict[str, Callable[[Route], None]] = field(default_factory=dict[str, Callable[[Route], None]])
    """Who answers under other base URLs."""
    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    sent: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])
    requests: list[str] = field(default_factory=list[str])
    strangers: list[str] = field(default_factory=list[str])
    sockets: list[WebSocketRoute] = field(default_factory=list[WebSocketRoute])
    refusals: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    no_deletion: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Errors' fields, used up one by one by the next deletions; an empty one is a lost connection."""
    holding: bool = False
    """Whether answers to deletions wait in `held`."""
    held: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    accepting: bool = True
    greeted: int = 0
    _sequence: int = 0

    def attend(self, context: BrowserContext) -> None:
        """Answer every request of the context, and note those to anybody else."""
        context.route("**/*", self._answer)
        context.route_web_socket(re.compile(".*"), self._open)

    def say(self, type_: str, session_id: str, **fields: Any) -> None:
        """Send one frame of a session to the newest connection."""
        frame = {"type": type_, "conversation_id": session_id, "session_id": session_id, **fields}
        self.say_raw(frame)

    def say_raw(self, frame: dict[str, Any]) -> None:
        """Send one frame as it is, as a server's message of the reliable protocol."""
        self._sequence += 1
        message = {"sequenceId": self._sequence, "type": "message", "from": "server", "dataType": "json"}
        self.sockets[-1].send(json.dumps({**message, "data": frame}))

    def lose_connection(self, *, recoverable: bool = False) -> None:
        """Cut the newest connection; close code 1008 tells the client that it cannot be recovered."""
        self.sockets[-1].close(code=1011 if recoverable else 1008, reason="lost")

    def heard(self, type_: str) -> list[dict[str, Any]]:
        """List what the page sent of one type."""
        return [message for message in self.told if message["type"] == type_]

    def wait_for(self, page: Page, type_: str, count: int = 1) -> dict[str, Any]:
        """Wait until the page has sent `count` messages of a type, and return the last of them."""
        self.wait_until(page, lambda: len(self.heard(type_)) >= count)
        return self.heard(type_)[count - 1]

    def wait_until(self, page: Page, holds: Callable[[], bool]) -> None:
        """Let the page go on until something holds, at most five seconds."""
        for _ in range(100):
            if holds():
                return
            page.wait_for_timeout(50)
        raise AssertionError(f"waited in vain; the page told {self.told}")

    def load_chat(self, page: Page, session_id: str) -> None:
        """Load the page anew at one chat and wait for its session."""
        before = len(self.sockets)
        page.goto(f"/#{session_id}")
        page.reload()
        self.wait_until(page, lambda: self.greeted > before)

    # -- HTTP --

    def _answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        base = f"{url.scheme}://{url.netloc}"
        self.requests.append(f"{route.request.method} {url.path}")
        if route.request.method == "OPTIONS":
            route.fulfill(status=204, headers=CORS)
        elif base == WEB:
            self._file(route, url.path)
        elif base == IDENTITY:
            self._identity(route, url.path)
        elif base == API:
            self._api(route, url.path)
        elif base in self.elsewhere:
            self.elsewhere[base](route)
        else:
            self.strangers.append(route.request.url)
            route.abort()

    def _file(self, route: Route, path: str) -> None:
        identity = next(iter(self.elsewhere), IDENTITY)
        endpoints = Endpoints(own=urlsplit(WEB).netloc, api=API, identity=identity, webpubsub=WEB_PUBSUB)
        if path == "/config.json":
            config = {"api": API, "identity": IDENTITY} if self.entra is None else {"api": API, "entra": self.entra}
            route.fulfill(json=config, headers=headers(endpoints))
            return
        file = DIST / (path.lstrip("/") or "index.html")
        if not file.is_file():
            route.fulfill(status=404)
            return
        content = {"Content-Type": f"{KINDS[file.suffix]}; charset=utf-8"}
        route.fulfill(body=file.read_bytes(), headers={**headers(endpoints), **content})

    def _identity(self, route: Route, path: str) -> None:
        if path == "/people":
            sue = {"user": "sue.sales", "name": "Sue Sales (sample)", "roles": ["Sales"]}
            none: dict[str, Any] = {"user": "nora.none", "name": "Nora None (sample)", "roles": []}
            sam = {"user": "sam.sales", "name": SAM["name"], "roles": ["Sales"]}
            route.fulfill(json=[sam, sue, none], headers=CORS)
        else:
            number = sum(request == "POST /token" for request in self.requests)
            token = {"access_token": f"token-{number}", "expires_in": self.lifetime_s}
            route.fulfill(json=token, headers=CORS)

    def _api(self, route: Route, path: str) -> None:
        if not self.accepting:
            route.fulfill(status=503, json={"success": False, "error": {"code": "internal"}}, headers=CORS)
        elif path == "/api/negotiate":
            url = f"ws{WEB_PUBSUB.removeprefix('http')}/client/hubs/salescoach?access_token=sample"
            route.fulfill(json={"success": True, "data": {"url": url}}, headers=CORS)
        elif path == "/api/sessions":
            route.fulfill(json={"success": True, "data": {"items": self.sessions}}, headers=CORS)
        elif path == "/api/people":
            route.fulfill(json={"success": True, "data": {"items": self.people}}, headers=CORS)
        elif path.startswith("/api/groups") and not path.endswith("/messages"):
            self._group(route, *path.split("/")[3:])
        elif path == "/api/questions":
            route.fulfill(json={"success": True, "data": {"items": self.questions}}, headers=CORS)
        elif route.request.method == "DELETE":
            self._delete(route, path.split("/")[3])
        else:
            self._messages(route, path.split("/")[3])

    def _delete(self, route: Route, session_id: str) -> None:
        """Delete a chat as the service does: told to all connections, then answered."""
        self.sent.append(("DELETE", session_id, None))
        if self.holding:
            self.held.append(lambda: self._deleted(route, session_id))
        else:
            self._deleted(route, session_id)

    def _deleted(self, route: Route, session_id: str) -> None:
        error = self.no_deletion.pop(0) if self.no_deletion else None
        if error == {}:
            route.abort()
        elif error is not None:
            body = {"success": False, "error": {"correlation_id": "c-3", **error}}
            route.fulfill(status=404 if error["code"] == "not_found" else 429, json=body, headers=CORS)
        else:
            self.sessions = [one for one in self.sessions if one["session_id"] != session_id]
            self.messages.pop(session_id, None)
            self.say("session.deleted", session_id)
            route.fulfill(json={"success": True, "data": {"session_id": session_id}}, headers=CORS)

    def _group(self, route: Route, group_id: str | None = None, *member: str) -> None:
        """Answer as the one group of the script, or with the list; `sent` holds what the page wrote."""
        body: dict[str, Any] | None = json.loads(route.request.post_data) if route.request.post_data else None
        if route.request.method != "GET":
            self.sent.append((route.request.method, "/".join(member[1:]), body))
        found = next((one for one in self.groups if one["group_id"] == group_id), None)
        if group_id is None and body is not None:
            found = {**self.groups[0], "title": body["title"]}
        data: dict[str, Any] = {"items": self.groups} if found is None else found
        route.fulfill(json={"success": True, "data": data}, headers=CORS)

    def _messages(self, route: Route, session_id: str) -> None:
        items = self.messages.get(session_id)
        if items is None:
            error = {"code": "not_found", "message": "No such session.", "correlation_id": "c-1"}
            route.fulfill(status=404, json={"success": False, "error": error}, headers=CORS)
            return
        query = dict(pair.split("=") for pair in urlsplit(route.request.url).query.split("&"))
        wanted = [item for item in items if item["seq"] > int(query.get("after_seq", 0))]
        data = {"items": wanted, "last_seq": items[-1]["seq"] if items else 0}
        route.fulfill(json={"success": True, "data": data}, headers=CORS)

    # -- Web PubSub --

    def _open(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        number = len(self.sockets)
        socket.on_message(lambda text: self._hear(socket, str(text)))
        if "awps_reconnection_token" in socket.url:
            return
        self._sequence = 0
        connected = {"type": "system", "event": "connected", "userId": SAM["id"], "connectionId": f"c{number}"}
        socket.send(json.dumps({**connected, "reconnectionToken": f"r{number}"}))

    def _hear(self, socket: WebSocketRoute, text: str) -> None:
        frame: dict[str, Any] = json.loads(text)
        if frame["type"] == "ping":
            socket.send('{"type":"pong"}')
        if frame["type"] != "event":
            return
        message: dict[str, Any] = frame["data"]
        self.told.append(message)
        socket.send(json.dumps({"type": "ack", "ackId": frame["ackId"], "success": True}))
        if message["type"] == "session.update":
            self._greet(message)
        if message["type"] == "query" and self.refusals:
            error = {"in_reply_to": "query", "message_id": message["message_id"], "correlation_id": "c-2"}
            self.say_raw({"type": "error", "message": "", "retryable": True, **error, **self.refusals.pop(0)})
        elif message["type"] == "query":
            accepted = {"message_id": message["message_id"], "turn_id": turn_of(message), "duplicate": False}
            where = message.get("session_id") or message["group_id"]
            self.say("query.accepted", where, **accepted)

    def _greet(self, message: dict[str, Any]) -> None:
        first, self.greeted = self.greeted < len(self.sockets), len(self.sockets)
        resumed = message["session_id"] in self.messages
        state: dict[str, Any] = {"role": "Sales", "roles": ["Sales"], "tools": [], "resumed": resumed, "last_seq": 0}
        turns: dict[str, Any] = {"active_turn": None, "waiting": [], "approvals": []}
        told = {"user": SAM, "expires_at": "2100-01-01T00:00:00.000Z", **state, **turns, **self.session_fields}
        self.say("session.created" if first else "session.updated", message["session_id"], **told)


def turn_of(query: dict[str, Any]) -> str:
    """Name the turn that a question begins."""
    return f"turn-{query['message_id']}"

"""A page on a raw socket: it knows a session's id, comes and goes, and shows what it is told by the law of the wire."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Any, Self

import aiohttp

from tests.e2e.stack import Stack
from tests.faults.screen import Screen, ShownTurn

WAIT_S = 40.0


class Page:
    """One connection, and the screen that it fills; the screen may be that of an earlier connection."""

    def __init__(
        self, http: aiohttp.ClientSession, stack: Stack, token: str, session_id: str, screen: Screen | None = None
    ) -> None:
        self.screen = screen or Screen()
        self.frames: list[dict[str, Any]] = []
        self.times: list[float] = []
        self._http, self._stack, self._token, self._session_id = http, stack, token, session_id
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Connect, sign in, and read what is stored."""
        app, headers = self._stack.url("app"), {"Authorization": f"Bearer {self._token}"}
        async with self._http.post(f"{app}/api/negotiate", json={}, headers=headers) as answer:
            negotiated: Any = await answer.json()
        self._socket = await self._http.ws_connect(negotiated["data"]["url"])
        await self.send("session.update", session_id=self._session_id, accessToken=self._token)
        self._reading = asyncio.create_task(self._read())
        await self.until(lambda: any(frame["type"].startswith("session.") for frame in self.frames), "session.created")
        await self.read_store()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Go away."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._socket is not None and not self._socket.closed:
            await self._socket.close()

    def beside(self, http: aiohttp.ClientSession, stack: Stack) -> Page:
        """Make another page of the same session, which knows nothing yet."""
        return Page(http, stack, self._token, self._session_id)

    def cut(self) -> None:
        """Lose the connection in the middle of whatever comes, without a word."""
        if self._reading is not None:
            self._reading.cancel()
        transport = self._socket.get_extra_info("socket") if self._socket is not None else None
        if transport is not None:
            transport.shutdown(2)

    async def send(self, type_: str, **fields: Any) -> None:
        """Send one message of the protocol."""
        assert self._socket is not None
        await self._socket.send_str(json.dumps({"type": type_, **fields}))

    async def ask(self, content: str, message_id: str) -> str:
        """Ask and give the turn's id.

        Raises:
            AssertionError: the question was refused, or nothing was heard of it.
        """
        request = str(uuid.uuid4())
        wish = {"content": content, "message_id": message_id, "session_id": self._session_id, "request_id": request}
        await self.send("query", **wish)

        def answers() -> list[dict[str, Any]]:
            # The answer to an earlier sending of the same message is as good.
            accepted = [one for one in self.frames if one["type"] == "query.accepted"]
            refused = [one for one in self.frames if one["type"] == "error" and one.get("request_id") == request]
            return [*refused, *(one for one in accepted if one["message_id"] == message_id)]

        await self.until(answers, "query.accepted")
        assert answers()[0]["type"] == "query.accepted", answers()[0]
        return answers()[0]["turn_id"]

    async def read_store(self) -> None:
        """Read the session over REST, as a page does that opens."""
        path = f"{self._stack.url('app')}/api/sessions/{self._session_id}/messages?limit=100"
        async with self._http.get(path, headers={"Authorization": f"Bearer {self._token}"}) as answer:
            if answer.status == 200:
                found: Any = await answer.json()
                self.screen.apply({"type": "@history", "items": found["data"]["items"]}, time.monotonic())

    async def _read(self) -> None:
        assert self._socket is not None
        async for message in self._socket:
            frame: dict[str, Any] = json.loads(message.data)
            await self._take(frame)

    async def _take(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        self.times.append(time.monotonic())
        if frame.get("conversation_id", self._session_id) == self._session_id:
            await self._obey(self.screen.apply(frame, time.monotonic()))
        self._news.set()

    async def _obey(self, wishes: list[dict[str, Any]]) -> None:
        for wish in wishes:
            if wish["type"] == "@history":
                await self.read_store()
            else:
                await self.send(**{"type_" if name == "type" else name: value for name, value in wish.items()})

    async def until(self, seen: Any, what: str, *, bound_s: float = WAIT_S) -> None:
        """Wait for what is seen; time passes for the screen, too.

        Raises:
            AssertionError: it did not come.
        """
        give_up = time.monotonic() + bound_s
        while not seen():
            types = [frame["type"] for frame in self.frames]
            assert time.monotonic() < give_up, f"waited {bound_s} s in vain for {what}; came: {types}"
            self._news.clear()
            try:
                async with asyncio.timeout(0.5):
                    await self._news.wait()
            except TimeoutError:
                await self._obey(self.screen.apply({"type": "@tick"}, time.monotonic()))

    async def end_of(self, turn_id: str) -> ShownTurn:
        """Wait until the turn has ended and its text is known."""

        def settled() -> bool:
            turn = self.screen.turns.get(turn_id)
            return turn is not None and turn.ended and turn.settled

        await self.until(settled, f"the end of {turn_id}")
        return self.screen.turns[turn_id]

    def of(self, turn_id: str) -> list[dict[str, Any]]:
        """Give a turn's frames."""
        return [frame for frame in self.frames if frame.get("turn_id") == turn_id]

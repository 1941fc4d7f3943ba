"""Send HTTP requests byte by byte, so that a test may also send what a well-behaved client never would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None for no body."""
        return json.loads(self.body) if self.body else None

    @property
    def code(self) -> str | None:
        """The code of a REST refusal, or of a frame that refuses."""
        try:
            said: Any = self.json
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, dict):
            return None
        found: Any = cast("dict[str, Any]", said).get("error", said)
        return cast("dict[str, Any]", found).get("code") if isinstance(found, dict) else None


class Line:
    """One connection that is opened anew whenever the server closes it; requests go one after the other."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port or 80
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, target: str, headers: Iterable[tuple[str, str | bytes]], body: bytes) -> Answer:
        """Send one request and read its answer."""
        lines = [f"{method} {target} HTTP/1.1".encode(), f"Host: {self._host}".encode()]
        lines += [
            name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) for name, value in headers
        ]
        if body or method != "GET":
            lines.append(f"Content-Length: {len(body)}".encode())
        request = b"\r\n".join(lines) + b"\r\n\r\n" + body
        async with self._turn, asyncio.timeout(ANSWER_S):
            try:
                return await self._exchange(request)
            except (ConnectionError, asyncio.IncompleteReadError):
                # The server may have closed an idle connection, or this one after a request that it did not like.
                await self.close()
                return await self._exchange(request)

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=2**22)
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return Answer(int(head[0].split(" ")[1]), headers, body)

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            try:
                await writer.wait_closed()
            except ConnectionError:
                return


class Lines:
    """Several connections, so that requests go side by side."""

    def __init__(self, url: str, number: int = 8) -> None:
        self._lines = [Line(url) for _ in range(number)]
        self._next = 0

    async def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str | bytes]] = (), body: bytes = b""
    ) -> Answer:
        """Send one request on whichever connection is next."""
        self._next = (self._next + 1) % len(self._lines)
        return await self._lines[self._next].send(method, target, headers, body)

    async def close(self) -> None:
        """Hang up."""
        for line in self._lines:
            await line.close()

"""A bare WebSocket client in these tests, which shows every frame and close code as it is."""

import asyncio
import json
import time
from collections.abc import Callable
from socket import SHUT_RDWR
from types import TracebackType
from typing import Any, Self

import jwt
from aiohttp import ClientSession, ClientWebSocketResponse, WSMessage, WSMsgType
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from yarl import URL

from local.webpubsub.server import WebPubSub

PATIENCE_S = 5.0
HUB = "chat"
JSON = "json.webpubsub.azure.v1"
RELIABLE = "json.reliable.webpubsub.azure.v1"
EVERYTHING = ("webpubsub.joinLeaveGroup", "webpubsub.sendToGroup")


def client_url(service: WebPubSub, user: str | None = None, **more: Any) -> URL:
    """Return the address that the official SDK makes for a client."""
    with WebPubSubServiceClient.from_connection_string(service.connection_string, hub=HUB) as sdk:
        return URL(sdk.get_client_access_token(user_id=user, **more)["url"])


class PlainClient:
    """One WebSocket of a client."""

    def __init__(self, session: ClientSession, url: URL, protocols: tuple[str, ...]) -> None:
        self._session = session
        self.url = url
        self._protocols = protocols
        self.frames: list[dict[str, Any]] = []
        self.connection_id = ""
        self.reconnection_token = ""
        self._acks = 0
        self.socket: ClientWebSocketResponse

    async def __aenter__(self) -> Self:
        """Connect; a client of a JSON subprotocol has its first frame then."""
        self.socket = await self._session.ws_connect(self.url, protocols=self._protocols, max_msg_size=0)
        if self.socket.protocol in {JSON, RELIABLE} and "awps_connection_id" not in self.url.query:
            first = await self.next()
            assert first["event"] == "connected"
            self.connection_id = first["connectionId"]
            self.reconnection_token = first.get("reconnectionToken", "")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close as a client does that is done."""
        await self.socket.close()

    async def message(self) -> WSMessage:
        """Return the next WebSocket message."""
        return await self.socket.receive(timeout=PATIENCE_S)

    async def next(self) -> dict[str, Any]:
        """Return the next frame."""
        message = await self.message()
        assert message.type is WSMsgType.TEXT, message
        frame: dict[str, Any] = json.loads(message.data)
        self.frames.append(frame)
        return frame

    async def say(self, **frame: Any) -> None:
        """Send a frame."""
        await self.socket.send_str(json.dumps(frame))

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """Send a frame with an ack id and return its ack; frames before it are kept in `frames`."""
        self._acks += 1
        frame.setdefault("ackId", self._acks)
        await self.say(**frame)
        while (answer := await self.next())["type"] != "ack" or answer["ackId"] != frame["ackId"]:
            pass
        return answer

    async def closed(self) -> tuple[int, str]:
        """Read until the service closes and return its code and reason."""
        while (message := await self.message()).type in {WSMsgType.TEXT, WSMsgType.BINARY}:
            if message.type is WSMsgType.TEXT and self.socket.protocol:
                self.frames.append(json.loads(message.data))
        if message.type is WSMsgType.CLOSE:
            return int(message.data), str(message.extra or "")
        return int(self.socket.close_code or 0), ""

    def cut(self) -> None:
        """Break the connection off as a network does."""
        self.socket.get_extra_info("socket").shutdown(SHUT_RDWR)

    @property
    def way_back(self) -> URL:
        """The address under which a reliable client recovers."""
        return self.url.update_query(
            awps_connection_id=self.connection_id, awps_reconnection_token=self.reconnection_token
        )


def signed(key: str, claims: dict[str, Any], algorithm: str = "HS256") -> str:
    """Return a token that a test makes up."""
    return jwt.encode(claims, key, algorithm=algorithm)


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds, for a bounded time."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


def bearer(service: WebPubSub, path: str, **claims: Any) -> dict[str, str]:
    """Return the header by which a caller of REST proves itself for that path and query."""
    token = signed(service.settings.keys[0], {"aud": service.url + path, "exp": time.time() + 60, **claims})
    return {"Authorization": f"Bearer {token}"}

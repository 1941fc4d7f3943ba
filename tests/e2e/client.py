"""A chat client for tests on the official Web PubSub client SDK: it collects frames and waits for them, bounded."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, Self

from azure.messaging.webpubsubclient.aio import WebPubSubClient
from azure.messaging.webpubsubclient.models import (
    CallbackType,
    OnGroupDataMessageArgs,
    OnServerDataMessageArgs,
    WebPubSubDataType,
)

from tests.e2e.stack import Stack

WAIT_S = 20.0
ENDS = ("response.committed", "response.cancelled", "response.failed")

Frame = dict[str, Any]


class Chat:
    """One connection of a sample person, in one session."""

    def __init__(
        self, stack: Stack, user: str = "sam.sales", *, session_id: str | None = None, token: str | None = None
    ) -> None:
        self.stack = stack
        self.token = token or stack.token(user)
        self.session_id = session_id or str(uuid.uuid4())
        self.frames: list[Frame] = []
        self._news = asyncio.Event()
        negotiated = stack.post(f"{stack.url('app')}/api/negotiate", {}, token=self.token)
        self.client = WebPubSubClient(negotiated["data"]["url"], auto_rejoin_groups=False)

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.client.subscribe(CallbackType.SERVER_MESSAGE, self._take)
        await self.client.subscribe(CallbackType.GROUP_MESSAGE, self._take)
        await self.client.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        await self.client.close()

    async def _take(self, message: OnServerDataMessageArgs | OnGroupDataMessageArgs) -> None:
        self.frames.append(dict(message.data))
        self._news.set()

    async def send(self, type_: str, **fields: Any) -> None:
        """Send one message of the protocol."""
        await self.client.send_event("message", {"type": type_, **fields}, WebPubSubDataType.JSON, ack=False)

    async def until(self, seen: Callable[[Frame], bool], what: str, *, bound_s: float = WAIT_S) -> Frame:
        """Wait for a frame.

        Raises:
            AssertionError: it did not come; the message lists the types that did.

        """
        try:
            async with asyncio.timeout(bound_s):
                while True:
                    for frame in self.frames:
                        if seen(frame):
                            return frame
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            types = [frame["type"] for frame in self.frames]
            raise AssertionError(f"waited {bound_s} s in vain for {what}; came: {types}") from None

    async def first(self, *types: str, bound_s: float = WAIT_S) -> Frame:
        """Wait for the first frame of one of these types."""
        return await self.until(lambda frame: frame["type"] in types, " or ".join(types), bound_s=bound_s)

    async def sign_in(self, **fields: Any) -> Frame:
        """Send `session.update` and wait for its answer."""
        await self.send("session.update", session_id=self.session_id, accessToken=self.token, **fields)
        return await self.first("session.created", "session.updated", "error")

    async def ask(self, content: str, **fields: Any) -> str:
        """Ask, and wait until the question is accepted; give the turn's id."""
        message_id = str(uuid.uuid4())
        await self.send("query", content=content, message_id=message_id, session_id=self.session_id, **fields)
        accepted = await self.until(lambda frame: frame.get("message_id") == message_id, "query.accepted")
        assert accepted["type"] == "query.accepted", accepted
        return accepted["turn_id"]

    async def end_of(self, turn_id: str, *, bound_s: float = WAIT_S) -> Frame:
        """Wait for the end of a turn."""
        return await self.until(
            lambda frame: frame["type"] in ENDS and frame["turn_id"] == turn_id, "the turn's end", bound_s=bound_s
        )

    def of(self, turn_id: str, *types: str) -> list[Frame]:
        """Give the frames of a turn, of these types."""
        return [frame for frame in self.frames if frame.get("turn_id") == turn_id and frame["type"] in types]

    def text(self, turn_id: str) -> str:
        """Put the deltas together by the rules of the wire (rule 6)."""
        text, attempt = "", 0
        for frame in self.of(turn_id, "response.delta"):
            if frame["attempt"] > attempt:
                text, attempt = "", frame["attempt"]
            if frame["attempt"] == attempt:
                assert frame["offset"] <= len(text), "a gap"
                text = text[: frame["offset"]] + frame["text"]
        return text

"""Send frames and make client URLs through Azure Web PubSub's official SDK."""

import math
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient

from shared.domain.errors import ChannelFull, ChannelUnavailable
from shared.domain.frames import Frame
from shared.domain.ids import ConnectionId, RoomName, UserId
from shared.wire.outbound import frame_data

HUB = "salescoach"
# The flow merges frames and offers them again (architecture.md, decision 17); azure-core would retry POSTs.
_OPTIONS: dict[str, Any] = {"retry_total": 0, "connection_timeout": 2, "read_timeout": 5, "logging_enable": False}

FULL_S = 10.0
"""How long a 429 without `Retry-After` is believed, and a client told to wait."""
FULL_MOST_S = 60.0
"""How long one with it is believed at most."""


class WebPubSubChannel:
    """Meet ClientChannel."""

    def __init__(self, client: WebPubSubServiceClient) -> None:
        self._client = client
        self._full_until = 0.0

    @classmethod
    def from_connection_string(cls, text: str) -> "WebPubSubChannel":
        """Connect with an access key; for local runs."""
        return cls(WebPubSubServiceClient.from_connection_string(text, hub=HUB, **_OPTIONS))

    @classmethod
    def from_identity(cls, endpoint: str, credential: AsyncTokenCredential) -> "WebPubSubChannel":
        """Connect with the app's own identity."""
        return cls(WebPubSubServiceClient(endpoint, HUB, credential, **_OPTIONS))

    async def to_user(self, user_id: UserId, frame: Frame, *, but: ConnectionId | None = None) -> None:
        """Send to all connections of a person, but one."""
        choice = {"filter": f"connectionId ne {_quoted(but)}"} if but is not None else {}
        async with self._translated():
            await self._client.send_to_user(
                user_id, message=frame_data(frame), content_type="application/json", **choice
            )

    async def to_connection(self, connection_id: ConnectionId, frame: Frame) -> None:
        """Send to one connection."""
        async with self._translated():
            await self._client.send_to_connection(
                connection_id, message=frame_data(frame), content_type="application/json"
            )

    async def to_room(
        self, room: RoomName, frame: Frame, *, but: ConnectionId | None = None, outside: RoomName | None = None
    ) -> None:
        """Send to all connections in a room but one, and but those that are in the room `outside` as well."""
        choice: dict[str, Any] = {"excluded": [but]} if but is not None else {}
        if outside is not None:
            choice["filter"] = f"not ({_quoted(outside)} in groups)"
        async with self._translated():
            await self._client.send_to_group(room, message=frame_data(frame), content_type="application/json", **choice)

    async def enter(self, room: RoomName, connection_id: ConnectionId) -> None:
        """Let a connection into a room."""
        async with self._translated():
            await self._client.add_connection_to_group(room, connection_id)

    async def leave(self, room: RoomName, connection_id: ConnectionId) -> None:
        """Take a connection out of a room in which it may not be."""
        async with self._translated():
            await self._client.remove_connection_from_group(room, connection_id)

    async def expel(self, room: RoomName, user_id: UserId) -> None:
        """Take all connections of a person out of a room, at once."""
        async with self._translated():
            await self._client.remove_user_from_group(room, user_id)

    async def present(self, room: RoomName) -> dict[ConnectionId, UserId]:
        """List who is in a room at present, as far as the service knows."""
        found: dict[ConnectionId, UserId] = {}
        async with self._translated():
            async for member in self._client.list_connections(group=room):
                found[ConnectionId(member.connection_id)] = UserId(member.user_id or "")
        return found

    async def close_connection(self, connection_id: ConnectionId, reason: str) -> None:
        """Close a connection, which may be gone by now."""
        async with self._translated():
            await self._client.close_connection(connection_id, reason=reason)

    async def close_connections(self, user_id: UserId, reason: str, *, but: ConnectionId | None = None) -> None:
        """Close all connections of a person, but one."""
        async with self._translated():
            await self._client.close_user_connections(user_id, reason=reason, excluded=[but] if but else None)

    async def client_url(self, user_id: UserId, lifetime_min: int) -> str:
        """Make a WebSocket URL bound to the person, without any role.

        It is made here, or by a call that the service answers at any load: that a connection would be refused is known
        from other requests alone, those of this process.
        """
        left_s = self._full_until - time.monotonic()
        if left_s > 0:
            raise ChannelFull("refused for load", retry_after_s=math.ceil(left_s))
        async with self._translated():
            token = await self._client.get_client_access_token(user_id=user_id, minutes_to_expire=lifetime_min)
        return str(token["url"])

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._client.close()

    @asynccontextmanager
    async def _translated(self) -> AsyncGenerator[None]:
        """Turn every fault of the SDK into ChannelUnavailable: a frame that is not sent loses nothing."""
        try:
            yield
        except HttpResponseError as fault:
            reason, seconds = f"status {fault.status_code}", _retry_after(fault)
            if fault.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                self._full_until = time.monotonic() + min(FULL_S if seconds is None else seconds, FULL_MOST_S)
                raise ChannelFull(reason, retry_after_s=seconds) from fault
            raise ChannelUnavailable(reason, retry_after_s=seconds) from fault
        except (AzureError, TimeoutError) as fault:
            raise ChannelUnavailable(type(fault).__name__) from fault


def _retry_after(fault: HttpResponseError) -> float | None:
    response: Any = fault.response
    wait = str(response.headers.get("Retry-After") or "") if response is not None else ""
    return float(wait) if wait.isdigit() else None


def _quoted(text: str) -> str:
    """Write an OData string literal (Web PubSub's filter reference)."""
    return "'" + text.replace("'", "''") + "'"

"""The official Python client, synchronous or asynchronous, behind one face."""

import asyncio
from collections.abc import Callable
from typing import Any

from azure.messaging.webpubsubclient import WebPubSubClient
from azure.messaging.webpubsubclient.aio import WebPubSubClient as AioClient
from azure.messaging.webpubsubclient.models import CallbackType, WebPubSubProtocolType

EVENTS = (
    CallbackType.CONNECTED,
    CallbackType.DISCONNECTED,
    CallbackType.STOPPED,
    CallbackType.GROUP_MESSAGE,
    CallbackType.SERVER_MESSAGE,
    CallbackType.REJOIN_GROUP_FAILED,
)


class OfficialClient:
    """A client of the official SDK; `events` are its callbacks in order, with their arguments."""

    def __init__(self, kind: str, url: str, *, protocol: WebPubSubProtocolType) -> None:
        self.events: list[tuple[str, Any]] = []
        self._sync = kind == "sync"
        make: Callable[..., Any] = WebPubSubClient if self._sync else AioClient
        # One attempt: the SDK repeats a refused request for seconds, a Forbidden one too. Short waits: the
        # synchronous one overlooks an ack, or an opening, that comes before it waits, and then waits its time out.
        quick: dict[str, Any] = {
            "message_retry_total": 0,
            "reconnect_retry_total": 5,
            "ack_timeout": 1.0,
            "start_timeout": 1.0,
        }
        self._client = make(url, protocol_type=protocol, **quick)

    async def __call__(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Call a method of the client."""
        method = getattr(self._client, name)
        if self._sync:
            await asyncio.to_thread(method, *args, **kwargs)
        else:
            await method(*args, **kwargs)

    async def open(self) -> None:
        """Connect, with every callback subscribed."""
        for event in EVENTS:
            await self("subscribe", event, self._listener(event))
        await self("open")

    def _listener(self, event: CallbackType) -> Any:
        def note(argument: Any = None) -> None:
            self.events.append((str(event.value), argument))

        async def note_later(argument: Any = None) -> None:
            note(argument)

        return note if self._sync else note_later

    def of(self, event: str) -> list[Any]:
        """Return the arguments of every such callback so far."""
        return [argument for name, argument in self.events if name == event]

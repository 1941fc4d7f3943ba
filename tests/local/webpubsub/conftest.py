"""A running service, the app behind it, and clients in front of it."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import pytest
from aiohttp import ClientSession
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient
from yarl import URL

from local.webpubsub.config import SYSTEM_EVENTS, EventHandler, HubSettings, Limits, Settings
from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler
from .plain_client import HUB, JSON, PlainClient, client_url

Start = Callable[..., Awaitable[WebPubSub]]
QUICK = Limits(retry_delays_s=(0.01, 0.02, 0.03), recovery_window_s=5.0)


class Connect(Protocol):
    """Connects a bare client."""

    async def __call__(
        self,
        user: str | None = None,
        *,
        protocol: str = JSON,
        url: URL | None = None,
        query: dict[str, str] | None = None,
        **token: Any,
    ) -> PlainClient:
        """Return the client once it is connected."""
        ...


@pytest.fixture
async def app() -> AsyncGenerator[AppHandler]:
    """Listen as the app's event handler."""
    handler = AppHandler()
    await handler.start()
    yield handler
    await handler.stop()


@pytest.fixture
async def start(app: AppHandler) -> AsyncGenerator[Start]:
    """Start services with settings of the test's own; all take every event to the app."""
    async with AsyncExitStack() as stack:

        async def begin(**settings: Any) -> WebPubSub:
            handler = EventHandler(url_template=app.url, system_events=SYSTEM_EVENTS, event_pattern="*")
            chosen: dict[str, Any] = {
                "port": 0,
                "hubs": {HUB: HubSettings(handlers=(handler,))},
                "limits": QUICK,
                **settings,
            }
            return await stack.enter_async_context(WebPubSub(Settings(**chosen)))

        yield begin


@pytest.fixture
async def service(start: Start) -> WebPubSub:
    """Start a service whose hub `chat` sends every event to the app."""
    return await start()


@pytest.fixture
async def http() -> AsyncGenerator[ClientSession]:
    """Open a bare HTTP client."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def connect(service: WebPubSub, http: ClientSession) -> AsyncGenerator[Connect]:
    """Connect bare clients with tokens of the official SDK."""
    async with AsyncExitStack() as stack:

        async def begin(
            user: str | None = None,
            *,
            protocol: str = JSON,
            url: URL | None = None,
            query: dict[str, str] | None = None,
            **token: Any,
        ) -> PlainClient:
            address = (url or client_url(service, user, **token)).update_query(query or {})
            client = PlainClient(http, address, (protocol,) if protocol else ())
            return await stack.enter_async_context(client)

        yield begin


@pytest.fixture
async def rest(service: WebPubSub) -> AsyncGenerator[WebPubSubServiceClient]:
    """Open the official service SDK, asynchronous."""
    client: WebPubSubServiceClient = WebPubSubServiceClient.from_connection_string(
        service.connection_string, hub=HUB, retry_total=0
    )
    async with client:
        yield client


@pytest.fixture(autouse=True)
def quiet_clients() -> None:
    """Keep expected failures of the SDK's clients out of the report."""
    for name in ("websocket", "azure", "aiohttp.websocket"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

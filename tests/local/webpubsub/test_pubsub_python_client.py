"""The official Python client: its whole use of the protocol, and its recovery."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientSession, web
from azure.messaging.webpubsubclient.models import SendMessageError, WebPubSubProtocolType
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient

from local.webpubsub.faults import PATH
from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler, Received
from .conftest import Start
from .official_client import OfficialClient
from .plain_client import EVERYTHING, HUB, client_url, eventually

Open = Callable[..., Awaitable[OfficialClient]]
# The SDK leaves the sockets that it lost to the garbage collector; nothing of ours is meant by it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*socket.socket:pytest.PytestUnraisableExceptionWarning"),
]
PLAIN, RELIABLE = WebPubSubProtocolType.JSON, WebPubSubProtocolType.JSON_RELIABLE


@pytest.fixture
async def service(start: Start) -> WebPubSub:
    """Start a service that can be broken."""
    return await start(faults=True)


@pytest.fixture(params=["sync", "aio"])
async def official(request: pytest.FixtureRequest, service: WebPubSub) -> AsyncGenerator[Open]:
    """Open official clients of either kind."""
    async with AsyncExitStack() as stack:

        async def begin(
            user: str, protocol: WebPubSubProtocolType = RELIABLE, *, roles: Any = EVERYTHING
        ) -> OfficialClient:
            url = str(client_url(service, user, roles=roles))
            client = OfficialClient(str(request.param), url, protocol=protocol)
            await client.open()
            stack.push_async_callback(client, "close")
            return client

        yield begin
    gc.collect()


async def _break(service: WebPubSub, http: ClientSession, **fault: Any) -> None:
    async with http.post(service.url + PATH, json=fault) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("protocol", [PLAIN, RELIABLE])
async def test_the_official_client_speaks_with_its_app_and_its_group(
    official: Open, rest: WebPubSubServiceClient, app: AppHandler, protocol: WebPubSubProtocolType
) -> None:
    """Joins, sends without echo, leaves, raises events, hears the server; a repeated ack id counts as done."""

    async def echo(received: Received) -> web.Response:
        return web.Response(body=received.body, content_type=received.headers["Content-Type"])

    app.answers["echo"] = echo
    ann, ben = await official("ann", protocol), await official("ben", protocol)
    for client in (ann, ben):
        await client("join_group", "g")

    await ann("send_to_group", "g", {"n": 1}, "json", no_echo=True)
    await ann("send_to_group", "g", "zwei", "text", ack_id=77)
    await ann("send_to_group", "g", "zwei", "text", ack_id=77)
    await ann("send_event", "echo", {"n": 3}, "json")
    await ann("send_event", "echo", memoryview(b"\x00\x04"), "binary")
    await rest.send_to_user("ann", {"n": 5})
    await ben("leave_group", "g")
    await ann("send_to_group", "g", "sechs", "text")

    await eventually(lambda: len(ann.of("server-message")) == 3 and len(ann.of("group-message")) == 2)
    assert [one.data for one in ann.of("server-message")] == [{"n": 3}, b"\x00\x04", {"n": 5}]
    assert [one.data for one in ann.of("group-message")] == ["zwei", "sechs"]
    assert [(one.data, one.from_user_id) for one in ben.of("group-message")] == [({"n": 1}, "ann"), ("zwei", "ann")]
    assert [one.user_id for one in ann.of("connected")] == ["ann"]


async def test_what_is_forbidden_or_fails_raises_in_the_client(official: Open, app: AppHandler) -> None:
    """The SDK reads name and message of the error from the ack."""
    app.answer("shout", status=400)
    ann = await official("ann", roles=())

    with pytest.raises(SendMessageError) as forbidden:
        await ann("join_group", "g")
    with pytest.raises(SendMessageError) as failed:
        await ann("send_event", "shout", "x", "text")

    assert forbidden.value.error_detail is not None
    assert forbidden.value.error_detail.name == "Forbidden"
    assert failed.value.error_detail is not None
    assert failed.value.error_detail.name == "InternalServerError"


async def test_a_killed_socket_loses_and_doubles_nothing(
    official: Open, service: WebPubSub, http: ClientSession, rest: WebPubSubServiceClient
) -> None:
    """Messages sent around three losses arrive once each, in order, on the same connection."""
    ann = await official("ann")
    await ann("join_group", "g")

    async def send() -> None:
        for number in range(150):
            await rest.send_to_group("g", {"n": number})

    sending = asyncio.create_task(send())
    for seen in (20, 60, 100):
        await eventually(lambda seen=seen: len(ann.of("group-message")) >= seen)
        await _break(service, http, kind="drop_connection", userId="ann")
    await sending
    await eventually(lambda: len(ann.of("group-message")) >= 150)

    assert [one.data["n"] for one in ann.of("group-message")] == list(range(150))
    assert len(ann.of("connected")) == 1
    assert not ann.of("disconnected")


async def test_after_a_reload_of_the_service_the_client_begins_anew_and_joins_again(
    official: Open, service: WebPubSub, http: ClientSession, rest: WebPubSubServiceClient
) -> None:
    """The old connection cannot be recovered: 1008 makes the SDK start a fresh one."""
    ann = await official("ann")
    await ann("join_group", "g")

    await _break(service, http, kind="service_reload")

    await eventually(lambda: len(ann.of("connected")) == 2)
    await eventually(lambda: bool(service.hubs.get(HUB).of_group("g")))
    await rest.send_to_group("g", {"n": 1})
    await eventually(lambda: len(ann.of("group-message")) == 1)
    first, second = (one.connection_id for one in ann.of("connected"))
    assert first != second

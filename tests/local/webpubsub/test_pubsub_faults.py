"""Faults on demand, and readers that are too slow."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from azure.core.exceptions import HttpResponseError
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient

from local.webpubsub.config import Limits
from local.webpubsub.faults import PATH
from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler
from .conftest import QUICK, Connect, Start
from .plain_client import EVERYTHING, HUB, JSON, RELIABLE, PlainClient, client_url, eventually


@pytest.fixture
async def service(start: Start) -> WebPubSub:
    """Start a service that can be broken."""
    return await start(faults=True)


@pytest.fixture
def fault(service: WebPubSub, http: ClientSession) -> Any:
    """Begin a fault and return what is on."""

    async def begin(**body: Any) -> Any:
        async with http.post(service.url + PATH, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return (await answer.json())["on"]

    return begin


async def test_without_the_option_there_is_no_such_endpoint(start: Start, http: ClientSession) -> None:
    """Faults are off by default."""
    service = await start()

    async with http.post(service.url + PATH, json={"kind": "service_reload"}) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "dance"},
        {"kind": "drop_frames"},
        {"kind": "drop_frames", "every": 0},
        {"kind": "delay", "ms": 1},
        {"kind": "delay", "what": "rest", "ms": -1},
        {"kind": "rest_refusal", "status": 200},
        {"kind": "quota", "connections": -1},
        {"kind": "rest_refusal", "status": 503, "times": True},
        [],
    ],
)
async def test_a_fault_that_is_none_is_refused(service: WebPubSub, http: ClientSession, body: Any) -> None:
    """The answer names what is missing."""
    async with http.post(service.url + PATH, json=body) as answer:
        assert answer.status == 400


async def test_a_web_page_cannot_break_the_service(service: WebPubSub, http: ClientSession) -> None:
    """A body of a type that pages may send everywhere is not read."""
    headers = {"Content-Type": "text/plain"}
    async with http.post(service.url + PATH, data='{"kind":"service_reload"}', headers=headers) as answer:
        assert answer.status == 400


async def test_a_connection_is_dropped_without_a_word(connect: Connect, fault: Any) -> None:
    """Only the one that is named; no close frame comes."""
    ann, ben = await connect("ann"), await connect("ben")

    await fault(kind="drop_connection", connectionId=ann.connection_id)

    assert (await ann.closed())[0] in {0, 1006}
    await ben.say(type="ping")
    assert (await ben.next())["type"] == "pong"


async def test_every_third_frame_is_lost(connect: Connect, fault: Any, rest: WebPubSubServiceClient) -> None:
    """Until the fault ends."""
    ann = await connect("ann")
    on = await fault(kind="drop_frames", userId="ann", every=3)

    for number in range(6):
        await rest.send_to_user("ann", {"n": number})

    assert on == [{"kind": "drop_frames", "userId": "ann", "every": 3}]
    heard = [(await ann.next())["data"]["n"] for _ in range(4)]
    assert heard in ([0, 2, 3, 5], [0, 1, 3, 4], [1, 2, 4, 5])


async def test_rest_answers_as_it_is_told(
    service: WebPubSub, fault: Any, rest: WebPubSubServiceClient, http: ClientSession
) -> None:
    """429 with Retry-After, then 503, each as often as asked; then all is well."""
    await fault(kind="rest_refusal", status=429, retry_after_s=1)
    await fault(kind="rest_refusal", status=503, times=2)
    statuses: list[Any] = []

    for _ in range(3):
        with pytest.raises(HttpResponseError) as refused:
            await rest.send_to_all({"n": 1})
        response: Any = refused.value.response
        statuses.append((refused.value.status_code, response.headers.get("Retry-After")))
    await rest.send_to_all({"n": 1})

    assert statuses == [(429, "1"), (503, None), (503, None)]
    async with http.get(service.url + "/api/health") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("what", ["rest", "upstream", "frames"])
async def test_each_part_can_be_slowed(connect: Connect, fault: Any, rest: WebPubSubServiceClient, what: str) -> None:
    """A send, an event or a frame takes the time that is set."""
    ann = await connect("ann")
    await fault(kind="delay", what=what, ms=150)
    loop = asyncio.get_running_loop()
    began = loop.time()

    if what == "upstream":
        await ann.ask(type="event", event="shout", data=1)
    else:
        await rest.send_to_user("ann", {"n": 1})
        await ann.next()

    assert loop.time() - began >= 0.15


async def test_the_end_of_all_faults_is_one_request(
    service: WebPubSub, http: ClientSession, connect: Connect, fault: Any, rest: WebPubSubServiceClient
) -> None:
    """DELETE ends them, what was stuck is delivered."""
    ann = await connect("ann")
    await fault(kind="slow_consumer", userId="ann")
    await fault(kind="delay", what="rest", ms=60_000)
    await fault(kind="rest_refusal", status=503)

    async with http.delete(service.url + PATH) as answer:
        assert (await answer.json())["on"] == []
    await rest.send_to_user("ann", {"n": 1})

    assert (await ann.next())["data"] == {"n": 1}


async def test_what_was_done_is_counted(
    service: WebPubSub, http: ClientSession, connect: Connect, rest: WebPubSubServiceClient
) -> None:
    """Operations and events by name, until the counts are reset."""
    ann = await connect("ann")
    for number in range(3):
        await rest.send_to_user("ann", {"n": number})
    await ann.ask(type="event", event="shout", data=1)

    async with http.get(service.url + "/_stats") as answer:
        counts = await answer.json()
    async with http.delete(service.url + "/_stats") as answer:
        reset = await answer.json()

    assert counts["connections"] == 1
    assert counts["operations"] == {"send_to_user": 3}
    assert counts["events"] == {"connect": 1, "connected": 1, "shout": 1}
    assert (reset["operations"], reset["events"]) == ({}, {})


async def test_a_reload_closes_all_and_lets_nobody_back(connect: Connect, fault: Any, app: AppHandler) -> None:
    """Clients must begin anew; the app hears of each end."""
    ann, ben = await connect("ann"), await connect("ben", protocol=RELIABLE)

    await fault(kind="service_reload")

    assert await ann.closed() == await ben.closed() == (1001, "ServiceReload")
    assert {one.body for one in await app.sees("disconnected", 2)} == {b'{"reason":"ServiceReload"}'}
    assert (await (await connect(url=ben.way_back, protocol=RELIABLE)).closed())[0] == 1008


async def test_a_consumer_that_is_made_slow_is_cut_off(start: Start, http: ClientSession) -> None:
    """At the limit of waiting messages the connection is closed with 1008."""
    service = await start(faults=True, limits=Limits(unacked_messages=10))
    async with PlainClient(http, client_url(service, "ann", roles=EVERYTHING), (JSON,)) as ann:
        await ann.ask(type="joinGroup", group="g")
        async with http.post(service.url + PATH, json={"kind": "slow_consumer"}) as answer:
            assert answer.status == 200
        for number in range(20):
            await ann.say(type="sendToGroup", group="g", data=number)

        assert await ann.closed() == (1008, "SlowClient")


async def test_a_client_that_reads_nothing_is_cut_off_and_memory_stays_bounded(
    start: Start, http: ClientSession
) -> None:
    """Its socket's buffers fill, then what waits reaches the limit; other members are not held up."""
    limits = Limits(unacked_bytes=2 * 1024 * 1024, retry_delays_s=QUICK.retry_delays_s)
    service = await start(limits=limits)
    target = client_url(service, "deaf", groups=["g"]).raw_path_qs
    upgrade = (
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: {JSON}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=1024)
    writer.write(upgrade.encode())
    await reader.readuntil(b"\r\n\r\n")
    hub = service.hubs.get(HUB)
    await eventually(lambda: len(hub.users) == 1)
    deaf = hub.of_user("deaf")[0]

    async with PlainClient(http, client_url(service, "ann", roles=EVERYTHING, groups=["g"]), (JSON,)) as ann:
        heard = 0
        while deaf.ending is None:
            await ann.ask(type="sendToGroup", group="g", dataType="text", data="x" * 500_000)
            heard += 1

    assert heard < 200
    assert deaf.ending.reason == "SlowClient"
    assert [frame["type"] for frame in ann.frames].count("message") == heard
    writer.close()


async def test_beyond_a_quota_nobody_comes_in_and_who_is_there_stays(
    service: WebPubSub, http: ClientSession, fault: Any, connect: Connect
) -> None:
    """Both kinds are 429 with a time to wait; without `messages` REST is served."""
    ann = await connect("ann")
    url = client_url(service)
    client = WebPubSubServiceClient.from_connection_string(service.connection_string, hub=HUB, retry_total=0)
    async with client:
        await fault(kind="quota", connections=1, retry_after_s=7)
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect(url, protocols=(JSON,))
        await client.send_to_user("ann", message={"n": 1}, content_type="application/json")
        await fault(kind="quota", connections=1, messages=True)
        with pytest.raises(HttpResponseError) as unsent:
            await client.send_to_user("ann", message={"n": 2}, content_type="application/json")

    assert (refused.value.status, unsent.value.status_code) == (429, 429)
    assert refused.value.headers is not None
    assert refused.value.headers["Retry-After"] == "7"
    assert (await ann.message()).json()["data"] == {"n": 1}
    async with http.delete(service.url + PATH), http.ws_connect(url, protocols=(JSON,)):
        pass

"""The reliable subprotocol: numbered messages, acknowledgement, and coming back to a connection."""

import asyncio

import pytest
from aiohttp import ClientSession, web
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient
from yarl import URL

from local.webpubsub.config import DEFAULT_KEY, Limits
from local.webpubsub.server import WebPubSub
from local.webpubsub.tokens import mint_reconnection

from .app_handler import AppHandler, Received
from .conftest import Connect, Start
from .plain_client import EVERYTHING, HUB, RELIABLE, PlainClient, client_url, eventually


@pytest.fixture
async def ann(connect: Connect) -> PlainClient:
    """Connect a reliable client that may do everything."""
    return await connect("ann", protocol=RELIABLE, roles=EVERYTHING)


async def _back(connect: Connect, client: PlainClient, **query: str) -> PlainClient:
    returned = await connect(url=client.way_back.update_query(query), protocol=RELIABLE)
    returned.connection_id, returned.reconnection_token = client.connection_id, client.reconnection_token
    return returned


async def test_messages_are_numbered_and_other_frames_are_not(ann: PlainClient, rest: WebPubSubServiceClient) -> None:
    """Numbers begin at 1 and stand behind the data; acks have none."""
    await ann.ask(type="joinGroup", group="g")
    await ann.say(type="sendToGroup", group="g", data=1, metadata={"k": "v"})
    await rest.send_to_user("ann", {"n": 2})

    texts = [(await ann.message()).data for _ in range(2)]

    assert "sequenceId" not in ann.frames[1]
    assert texts == [
        (
            '{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"json","data":1,'
            '"sequenceId":1,"metadata":{"k":"v"}}'
        ),
        '{"type":"message","from":"server","dataType":"json","data":{"n": 2},"sequenceId":2}',
    ]


async def test_what_was_not_acknowledged_is_repeated_in_order(
    ann: PlainClient, connect: Connect, rest: WebPubSubServiceClient
) -> None:
    """An ack covers all up to its number; what was sent meanwhile follows; no connected frame comes again."""
    for number in range(1, 5):
        await rest.send_to_user("ann", {"n": number})
        await ann.next()
    await ann.say(type="sequenceAck", sequenceId=2)
    await ann.ask(type="joinGroup", group="g")
    ann.cut()
    await rest.send_to_user("ann", {"n": 5})

    returned = await _back(connect, ann)

    assert [(await returned.next())["sequenceId"] for _ in range(3)] == [3, 4, 5]


async def test_groups_rights_and_ack_ids_survive_the_loss_of_a_socket(
    ann: PlainClient, connect: Connect, rest: WebPubSubServiceClient, app: AppHandler
) -> None:
    """The connection is the same; the app hears of neither loss nor return."""
    await ann.ask(type="joinGroup", group="g", ackId=1)
    await rest.grant_permission("joinLeaveGroup", ann.connection_id, target_name="x")
    ann.cut()

    returned = await _back(connect, ann)

    assert (await returned.ask(type="joinGroup", group="g", ackId=1))["error"]["name"] == "Duplicate"
    assert (await returned.ask(type="sendToGroup", group="g", data=1, ackId=2))["success"] is True
    assert returned.frames[-2]["data"] == 1
    assert [one.event for one in app.received if one.method == "POST"] == ["connect", "connected"]


async def test_the_old_access_token_in_the_way_back_is_not_looked_at(ann: PlainClient, connect: Connect) -> None:
    """The SDKs leave it in the address; it may be long expired."""
    ann.cut()

    returned = await _back(connect, ann, access_token="expired")
    await returned.say(type="ping")

    assert (await returned.next())["type"] == "pong"


async def test_a_second_return_takes_the_socket_over(ann: PlainClient, connect: Connect) -> None:
    """A client that returns before the service noticed its loss is served on the new socket."""
    returned = await _back(connect, ann)

    await returned.say(type="ping")

    assert (await returned.next())["type"] == "pong"
    assert (await ann.closed())[0] in {0, 1006}


@pytest.mark.parametrize("fault", ["token", "id", "foreign token", "plain client"])
async def test_who_cannot_come_back_is_told_to_begin_anew(ann: PlainClient, connect: Connect, fault: str) -> None:
    """The WebSocket is accepted and closed with 1008."""
    other = await connect("ben")
    query = {
        "token": {"awps_reconnection_token": "garbage"},
        "id": {"awps_connection_id": "garbage"},
        "foreign token": {"awps_reconnection_token": mint_reconnection(DEFAULT_KEY, "another")},
        "plain client": {
            "awps_connection_id": other.connection_id,
            "awps_reconnection_token": mint_reconnection(DEFAULT_KEY, other.connection_id),
        },
    }[fault]

    returned = await _back(connect, ann, **query)

    assert (await returned.closed())[0] == 1008


async def test_after_the_window_there_is_no_way_back(start: Start, http: ClientSession, app: AppHandler) -> None:
    """Then the app hears of the end, and a return is closed with 1008."""
    service = await start(limits=Limits(recovery_window_s=0.05))
    async with PlainClient(http, client_url(service, "ann"), (RELIABLE,)) as ann:
        ann.cut()
        ended = await app.sees("disconnected")

    async with PlainClient(http, ann.way_back, (RELIABLE,)) as returned:
        assert (await returned.closed())[0] == 1008
    assert ended[0].body == b'{"reason":"ConnectionLost"}'


async def test_a_goodbye_ends_the_connection_at_once(ann: PlainClient, connect: Connect, app: AppHandler) -> None:
    """Close code 1000 is no loss: the app hears of it, and there is no way back."""
    await ann.socket.close(code=1000)
    await app.sees("disconnected")

    returned = await _back(connect, ann)

    assert (await returned.closed())[0] == 1008


async def test_any_other_close_code_can_be_recovered_from(ann: PlainClient, connect: Connect) -> None:
    """A page that is left closes with 1001 and may come back."""
    await ann.socket.close(code=1001)

    returned = await _back(connect, ann)
    await returned.say(type="ping")

    assert (await returned.next())["type"] == "pong"


async def test_an_expired_message_is_not_repeated(
    ann: PlainClient, connect: Connect, rest: WebPubSubServiceClient
) -> None:
    """A time to live ends the waiting of a message for a client that is away."""
    ann.cut()
    await rest.send_to_user("ann", {"n": 1}, params={"messageTtlSeconds": "1"})
    await rest.send_to_user("ann", {"n": 2})
    loop = asyncio.get_running_loop()
    ends = loop.time() + 1
    await eventually(lambda: loop.time() > ends)

    returned = await _back(connect, ann)

    assert (await returned.next())["data"] == {"n": 2}


async def test_an_event_in_flight_is_finished_when_the_socket_is_lost(
    ann: PlainClient, connect: Connect, app: AppHandler
) -> None:
    """Reply and ack of an event wait for the client to return."""
    gate = asyncio.Event()

    async def slow(_: Received) -> web.Response:
        await gate.wait()
        return web.Response(text="late")

    app.answers["slow"] = slow
    await ann.say(type="event", event="slow", ackId=1, data=1)
    await app.sees("slow")
    ann.cut()
    gate.set()

    returned = await _back(connect, ann)

    assert [(await returned.next())["type"] for _ in range(2)] == ["message", "ack"]


async def test_a_client_that_acknowledges_nothing_is_cut_off(
    start: Start, http: ClientSession, app: AppHandler
) -> None:
    """More unacknowledged messages than the limit close with 1008, for good."""
    service = await start(limits=Limits(unacked_messages=10))
    async with PlainClient(http, client_url(service, "ann", roles=EVERYTHING), (RELIABLE,)) as ann:
        await ann.ask(type="joinGroup", group="g")
        for number in range(11):
            await ann.say(type="sendToGroup", group="g", data=number)

        assert await ann.closed() == (1008, "SlowClient")
    ended = await app.sees("disconnected")
    assert ended[0].body == b'{"reason":"SlowClient"}'


async def test_unacknowledged_bytes_are_limited_too(start: Start, http: ClientSession) -> None:
    """The second limit is the size of what waits."""
    service = await start(limits=Limits(unacked_bytes=1000))
    async with PlainClient(http, client_url(service, "ann", roles=EVERYTHING), (RELIABLE,)) as ann:
        await ann.ask(type="joinGroup", group="g")
        await ann.say(type="sendToGroup", group="g", data="x" * 1000)

        assert (await ann.closed())[0] == 1008


async def test_a_client_that_acknowledges_is_never_cut_off(start: Start, http: ClientSession) -> None:
    """The acknowledgement empties the buffer."""
    service = await start(limits=Limits(unacked_messages=10))
    async with PlainClient(http, client_url(service, "ann", roles=EVERYTHING), (RELIABLE,)) as ann:
        await ann.ask(type="joinGroup", group="g")
        for number in range(1, 101):
            await ann.say(type="sendToGroup", group="g", data=number)
            assert (await ann.next())["sequenceId"] == number
            await ann.say(type="sequenceAck", sequenceId=number)


async def test_nothing_is_lost_or_doubled_over_many_losses(
    ann: PlainClient, connect: Connect, rest: WebPubSubServiceClient
) -> None:
    """A socket cut after every few messages: the client that drops what it has seen has all, once."""
    seen: list[int] = []
    last = 0

    async def send() -> None:
        for number in range(200):
            await rest.send_to_user("ann", {"n": number})

    sending = asyncio.create_task(send())
    client = ann
    while len(seen) < 200:
        frame = await client.next()
        if frame["type"] == "message" and frame["sequenceId"] == last + 1:
            seen.append(frame["data"]["n"])
            last += 1
            if last % 7 == 0:
                await client.say(type="sequenceAck", sequenceId=last - 3)
                client.cut()
                client = await _back(connect, client)
    await sending

    assert seen == list(range(200))


async def test_the_way_back_is_given_in_the_first_frame(ann: PlainClient, service: WebPubSub) -> None:
    """The reliable client's connected frame carries a token."""
    assert ann.reconnection_token
    assert URL(service.url).host == "127.0.0.1"
    assert ann.connection_id in service.hubs.get(HUB).connections

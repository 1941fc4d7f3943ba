"""Events to the app: headers, signatures, state, retries and outages."""

import hashlib
import hmac
import re

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, web

from local.webpubsub.config import DEFAULT_KEY, EventHandler, HubSettings, Limits
from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler, Received
from .conftest import Connect, Start
from .plain_client import HUB, JSON, RELIABLE, PlainClient, client_url

OTHER_KEY = "another-key-of-more-than-thirty-two-bytes"


async def test_every_event_carries_the_cloudevents_headers(connect: Connect, app: AppHandler) -> None:
    """Names, source, time, and ids that count up; the subprotocol is unknown at connect."""
    client = await connect("ann")
    await app.sees("connected")
    await client.ask(type="event", event="Shout", data={"n": 1})
    await client.socket.close()
    await app.sees("disconnected")

    events = [one for one in app.received if one.method == "POST"]
    assert [(one.event, one.headers["ce-id"], one.headers["ce-type"]) for one in events] == [
        ("connect", "0", "azure.webpubsub.sys.connect"),
        ("connected", "1", "azure.webpubsub.sys.connected"),
        ("Shout", "2", "azure.webpubsub.user.Shout"),
        ("disconnected", "3", "azure.webpubsub.sys.disconnected"),
    ]
    for one in events:
        assert one.headers["ce-specversion"] == one.headers["ce-awpsversion"] == "1.0"
        assert one.headers["ce-hub"] == HUB
        assert one.headers["ce-userId"] == "ann"
        assert one.headers["ce-connectionId"] == client.connection_id
        assert one.headers["ce-source"] == f"/hubs/{HUB}/client/{client.connection_id}"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one.headers["ce-time"])
        assert one.headers["WebHook-Request-Origin"] == "127.0.0.1"
        assert one.path == f"/events/{HUB}/{one.event}"
        assert "ce-connectionState" not in one.headers
    assert [one.headers.get("ce-subprotocol") for one in events] == [None, JSON, JSON, JSON]
    assert [one.body for one in events[1:]] == [b"{}", b'{"n":1}', b'{"reason":""}']


async def test_both_keys_sign_the_connection_id(start: Start, http: ClientSession, app: AppHandler) -> None:
    """The primary key's signature first, in lower-case hex."""
    service = await start(keys=(DEFAULT_KEY, OTHER_KEY))

    async with PlainClient(http, client_url(service), (JSON,)) as client:
        identity = client.connection_id.encode()

    digests = [hmac.new(key.encode(), identity, hashlib.sha256).hexdigest() for key in (DEFAULT_KEY, OTHER_KEY)]
    assert app.of("connect")[0].headers["ce-signature"] == ",".join(f"sha256={digest}" for digest in digests)


async def test_the_state_goes_round(connect: Connect, app: AppHandler) -> None:
    """What connect and user events answer comes back until it is replaced; connected cannot change it."""
    answers = {"connect": {"ce-connectionState": "one"}, "connected": {"ce-connectionState": "never"}}
    for event, headers in (
        answers | {"change": {"ce-connectionState": "two"}, "clear": {"ce-connectionState": ""}}
    ).items():
        app.answer(event, headers=headers)
    client = await connect("ann")
    await app.sees("connected")

    for event in ("look", "change", "look", "clear", "look"):
        await client.ask(type="event", event=event, data=1)

    assert [one.headers["ce-connectionState"] for one in app.of("look")] == ["one", "two", ""]


async def test_cookies_of_the_handler_come_back_to_it(connect: Connect, app: AppHandler) -> None:
    """They are kept per connection, as affinity needs it."""
    app.answer("connect", headers={"Set-Cookie": "ARRAffinity=abc; Path=/; HttpOnly"})

    client = await connect("ann")
    await client.ask(type="event", event="look", data=1)

    assert app.of("look")[0].headers["Cookie"] == "ARRAffinity=abc"


@pytest.mark.parametrize("status", [408, 500, 503])
async def test_an_event_that_fails_for_now_is_repeated_with_its_id(
    connect: Connect, app: AppHandler, status: int
) -> None:
    """Four attempts at most; the client hears of the success only."""

    async def third_time(_: Received) -> web.Response:
        return web.Response(status=204 if len(app.of("shout")) == 3 else status)

    app.answers["shout"] = third_time
    client = await connect("ann")

    answer = await client.ask(type="event", event="shout", data=1)

    assert answer["success"] is True
    assert len({one.headers["ce-id"] for one in app.of("shout")}) == 1


@pytest.mark.parametrize(("status", "attempts"), [(500, 4), (408, 4), (400, 1), (401, 1), (404, 1), (429, 1), (302, 1)])
async def test_an_event_that_fails_is_refused_and_the_client_stays(
    connect: Connect, app: AppHandler, status: int, attempts: int
) -> None:
    """InternalServerError after the last attempt; without ack id nothing is said; the id may be used again."""
    app.answer("shout", status=status)
    client = await connect("ann")

    answer = await client.ask(type="event", event="shout", data=1, ackId=5)
    seen = len(app.of("shout"))
    await client.say(type="event", event="shout", data=1)
    app.answer("shout", status=204)
    again = await client.ask(type="event", event="shout", data=1, ackId=5)

    assert answer["error"] == {"name": "InternalServerError", "message": "Internal server error"}
    assert seen == attempts
    assert again["success"] is True


async def test_an_event_that_nobody_takes_is_refused(start: Start, http: ClientSession, app: AppHandler) -> None:
    """A JSON client is told, a raw one is closed with 1011."""
    service = await start(hubs={HUB: HubSettings(handlers=(EventHandler(url_template=app.url, event_pattern="a,B"),))})

    async with PlainClient(http, client_url(service), (JSON,)) as client:
        assert (await client.ask(type="event", event="b", data=1))["success"] is True
        assert (await client.ask(type="event", event="c", data=1))["error"]["name"] == "InternalServerError"
    async with PlainClient(http, client_url(service), ()) as raw:
        await raw.socket.send_str("x")
        assert await raw.closed() == (1011, "InternalServerError")


async def test_a_failed_event_can_be_made_to_end_the_connection(
    start: Start, http: ClientSession, app: AppHandler
) -> None:
    """The switch for what the service's documents say of events without ack id."""
    app.answer("shout", status=400)
    service = await start(drop_on_failed_event=True)

    async with PlainClient(http, client_url(service), (JSON,)) as client:
        assert (await client.ask(type="event", event="shout", data=1))["success"] is False
        await client.say(type="event", event="shout", data=1)
        assert (await client.closed())[0] == 1011


async def test_the_first_handler_that_takes_an_event_gets_it(
    start: Start, http: ClientSession, app: AppHandler
) -> None:
    """Handlers are asked in order, by system events and by pattern."""
    base = app.url.replace("{event}", "")
    handlers = (
        EventHandler(url_template=base + "first", event_pattern="a"),
        EventHandler(url_template=base + "second", event_pattern="*", system_events=frozenset({"connect"})),
        EventHandler(url_template=base + "third", event_pattern="*", system_events=frozenset({"connect", "connected"})),
    )
    service = await start(hubs={HUB: HubSettings(handlers=handlers)})

    async with PlainClient(http, client_url(service), (JSON,)) as client:
        for event in ("a", "b"):
            await client.ask(type="event", event=event, data=1)
        await app.sees("connected")

    taken = {one.event: one.path.rpartition("/")[2] for one in app.received if one.method == "POST"}
    assert taken == {"connect": "second", "connected": "third", "a": "first", "b": "second"}


async def test_clients_outlive_an_app_that_is_restarted(service: WebPubSub, connect: Connect, app: AppHandler) -> None:
    """While the app is down events are refused; when it is back they arrive, on the same connection."""
    clients = [await connect("ann"), await connect("ben", protocol=RELIABLE)]
    await app.stop()

    refused = [(await one.ask(type="event", event="shout", data=1))["error"]["name"] for one in clients]
    with pytest.raises(WSServerHandshakeError) as nobody:
        await connect("cat")
    await app.start()

    assert refused == ["InternalServerError"] * 2
    assert nobody.value.status == 500
    assert [(await one.ask(type="event", event="shout", data=1))["success"] for one in clients] == [True, True]
    assert len(service.hubs.get(HUB).connections) == 2


async def test_an_event_waits_for_an_app_that_is_back_within_the_retries(
    start: Start, http: ClientSession, app: AppHandler
) -> None:
    """An outage that is shorter than the retries is not noticed by the client."""
    service = await start(limits=Limits(retry_delays_s=(0.2, 0.2, 0.2)))
    async with PlainClient(http, client_url(service), (JSON,)) as client:
        await app.stop()
        await client.say(type="event", event="shout", ackId=1, data=1)
        await app.start()

        assert (await client.next())["success"] is True


async def test_an_answer_that_is_not_what_it_says_fails_the_event(connect: Connect, app: AppHandler) -> None:
    """JSON that is none never reaches the client."""
    app.answer("shout", body=b"{", content_type="application/json")
    client = await connect("ann")

    assert (await client.ask(type="event", event="shout", data=1))["error"]["name"] == "InternalServerError"


async def test_metadata_of_a_reply_travels_with_it(connect: Connect, app: AppHandler) -> None:
    """The handler's headers become the frame's metadata."""
    app.answer("shout", text="x", headers={"X-WebPubSub-Metadata-Trace": "abc"})
    client = await connect("ann")

    await client.ask(type="event", event="shout", data=1)

    assert client.frames[1]["metadata"] == {"trace": "abc"}

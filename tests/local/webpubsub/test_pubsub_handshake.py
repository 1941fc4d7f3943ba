"""The client endpoint: addresses, subprotocols, raw clients, and who is let in."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web

from local.webpubsub.config import HubSettings
from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler
from .conftest import Connect, Start
from .plain_client import EVERYTHING, HUB, JSON, PlainClient, client_url


async def test_the_first_served_subprotocol_of_several_is_chosen(connect: Connect, http: ClientSession) -> None:
    """Unknown ones before it are passed over."""
    known = await connect("ann")

    async with http.ws_connect(known.url, protocols=("custom.v1", JSON)) as socket:
        assert socket.protocol == JSON


@pytest.mark.parametrize("name", ["protobuf.webpubsub.azure.v1", "protobuf.reliable.webpubsub.azure.v1"])
async def test_protobuf_is_refused_by_name(service: WebPubSub, http: ClientSession, name: str) -> None:
    """A subprotocol that is left out is 501, not silently a raw client."""
    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(client_url(service), protocols=(name,))

    assert refused.value.status == 501


async def test_a_raw_clients_frames_are_message_events(connect: Connect, app: AppHandler) -> None:
    """Text and binary frames go up with their types and come back bare."""

    async def echo(received: Any) -> web.Response:
        return web.Response(body=received.body, content_type=received.headers["Content-Type"])

    app.answers["message"] = echo
    client = await connect("ann", protocol="")

    await client.socket.send_str("hello")
    text = await client.message()
    await client.socket.send_bytes(b"\x01")
    binary = await client.message()

    assert client.socket.protocol is None
    assert (text.type, text.data) == (WSMsgType.TEXT, "hello")
    assert (binary.type, binary.data) == (WSMsgType.BINARY, b"\x01")
    assert [one.headers["Content-Type"] for one in app.of("message")] == ["text/plain", "application/octet-stream"]


async def test_a_frame_of_one_megabyte_is_served_and_a_byte_more_is_not(connect: Connect, app: AppHandler) -> None:
    """The limit itself is allowed."""
    client = await connect("ann", protocol="")

    await client.socket.send_bytes(b"x" * 1024 * 1024)
    await app.sees("message")
    await client.socket.send_bytes(b"x" * (1024 * 1024 + 1))

    assert (await client.closed())[0] == 1009
    assert len(app.of("message")[0].body) == 1024 * 1024


async def test_a_raw_client_can_send_to_a_group(connect: Connect) -> None:
    """In mode sendToGroup its frames are group messages; it is no member by that."""
    member = await connect("ben", groups=["g"])
    sender = await connect("ann", protocol="", roles=EVERYTHING, query={"webpubsub_mode": "sendToGroup", "group": "g"})

    await sender.socket.send_str("hello")

    frame = await member.next()
    assert (frame["group"], frame["fromUserId"], frame["data"]) == ("g", "ann", "hello")


async def test_a_raw_client_without_the_role_is_closed(connect: Connect) -> None:
    """In mode sendToGroup the role is needed."""
    client = await connect("ann", protocol="", query={"webpubsub_mode": "sendToGroup", "group": "g"})

    await client.socket.send_str("hello")

    assert (await client.closed())[0] == 1008


async def test_a_client_may_name_the_hub_in_the_query(service: WebPubSub, http: ClientSession) -> None:
    """`/client/?hub=` is the second form of the address."""
    url = client_url(service, "ann")
    other = url.with_path("/client/").with_query(hub=HUB, access_token=url.query["access_token"])

    async with PlainClient(http, other, (JSON,)) as client:
        assert client.frames[0]["userId"] == "ann"


async def test_an_anonymous_client_is_let_in_where_the_hub_allows_it(start: Start, http: ClientSession) -> None:
    """Without a token the hub's setting decides."""
    service = await start(hubs={HUB: HubSettings(anonymous=True)})

    async with http.ws_connect(f"{service.url}/client/hubs/{HUB}", protocols=(JSON,)) as socket:
        assert json.loads((await socket.receive()).data)["userId"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/client/hubs/1bad", 400),
        ("/client/", 400),
        ("/clients/mqtt/hubs/chat", 501),
        ("/clients/socketio/hubs/chat", 501),
        ("/client/hubs/chat?webpubsub_mode=shout", 400),
        ("/client/hubs/chat?webpubsub_mode=sendToGroup", 400),
    ],
)
async def test_an_address_that_leads_nowhere_is_refused(
    start: Start, http: ClientSession, path: str, status: int
) -> None:
    """Bad names and modes are 400, what is left out is 501, both before the upgrade."""
    service = await start(hubs={HUB: HubSettings(anonymous=True)})

    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(service.url + path)

    assert refused.value.status == status


async def test_what_is_no_websocket_is_refused_before_the_app_is_asked(
    service: WebPubSub, http: ClientSession, app: AppHandler
) -> None:
    """A plain GET gets 400 and raises no event."""
    async with http.get(client_url(service)) as answer:
        assert answer.status == 400

    assert not app.received

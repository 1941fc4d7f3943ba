"""What every ClientChannel does; the real one over the service's REST API to a real socket."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
import pytest

from shared.adapters.web_pubsub import WebPubSubChannel
from shared.domain.errors import ChannelFull, ChannelUnavailable
from shared.domain.frames import ConnectionAck, ResponseDelta
from shared.domain.ids import ConnectionId, PublicId, UserId, group_key, room_name

from .conftest import Part

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
SAM, HANA = UserId("tenant:sam o'hara"), UserId("tenant:hana")
DELTA = ResponseDelta(conversation_id="c", session_id="c", turn_id="t", attempt=1, offset=0, text='é "x" 😀\n')


async def test_a_frame_reaches_every_connection_but_the_named_one(web_pubsub: Part) -> None:
    """`filter` by connection id, quotes in the user id and all."""
    channel = WebPubSubChannel.from_connection_string(f"Endpoint={web_pubsub.url};AccessKey={KEY};Version=1.0;")
    url = await channel.client_url(SAM, 5)
    protocols = ["json.webpubsub.azure.v1"]
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=protocols) as desk,
        session.ws_connect(url, protocols=protocols) as phone,
    ):
        desk_id = ConnectionId((await desk.receive_json())["connectionId"])
        phone_id = ConnectionId((await phone.receive_json())["connectionId"])
        await channel.to_user(SAM, DELTA, but=desk_id)
        greeting = ConnectionAck(connection_id=phone_id, server_time=datetime(2026, 1, 5, tzinfo=UTC))
        await channel.to_connection(phone_id, greeting)
        await channel.to_user(SAM, greeting)
        first, second = await phone.receive_json(), await phone.receive_json()
        at_desk = await desk.receive_json()
    await channel.close()

    assert first["data"] == {
        "type": "response.delta",
        "conversation_id": "c",
        "session_id": "c",
        "turn_id": "t",
        "attempt": 1,
        "offset": 0,
        "text": DELTA.text,
    }
    assert second["data"]["server_time"] == "2026-01-05T09:00:00.000Z".replace("09", "00")
    assert at_desk["data"]["type"] == "connection.ack"


@pytest.mark.requirement("group:removed-hears-nothing")
async def test_a_room_is_heard_by_who_entered_and_not_by_who_left_or_was_expelled(web_pubsub: Part) -> None:
    """All connections of an expelled person are silent at once; taking out who is not in is no fault."""
    channel = WebPubSubChannel.from_connection_string(f"Endpoint={web_pubsub.url};AccessKey={KEY};Version=1.0;")
    room = room_name(group_key(PublicId(str(uuid4()))), "HR")
    protocols = ["json.webpubsub.azure.v1"]
    async with aiohttp.ClientSession() as session:
        sockets = [
            await session.ws_connect(await channel.client_url(user, 5), protocols=protocols)
            for user in (SAM, SAM, HANA, HANA)
        ]
        ids = [ConnectionId((await socket.receive_json())["connectionId"]) for socket in sockets]
        for one in ids:
            await channel.enter(room, one)
        await channel.to_room(room, replace(DELTA, text="all but the first"), but=ids[0])
        await channel.expel(room, SAM)
        await channel.leave(room, ids[3])
        await channel.to_room(room, replace(DELTA, text="the third alone"))
        for again in (channel.expel(room, SAM), channel.leave(room, ids[3])):
            await again
        for user in (SAM, HANA):
            await channel.to_user(user, replace(DELTA, text="the end"))
        heard: list[list[str]] = []
        for socket in sockets:
            texts: list[str] = []
            while texts[-1:] != ["the end"]:
                texts.append((await socket.receive_json())["data"]["text"])
            heard.append(texts)
            await socket.close()
    await channel.close()

    both = ["all but the first", "the third alone", "the end"]
    assert heard == [["the end"], [both[0], "the end"], both, [both[0], "the end"]]


@pytest.mark.requirement("group:canary")
async def test_who_is_in_a_second_room_can_be_left_out_and_all_can_be_listed(web_pubsub: Part) -> None:
    """So that those who may not hear an answer are told that alone; the service itself knows who is there."""
    channel = WebPubSubChannel.from_connection_string(f"Endpoint={web_pubsub.url};AccessKey={KEY};Version=1.0;")
    key = group_key(PublicId(str(uuid4())))
    everyone, role = room_name(key), room_name(key, "HR")
    protocols = ["json.webpubsub.azure.v1"]
    async with aiohttp.ClientSession() as session:
        sockets = [
            await session.ws_connect(await channel.client_url(user, 5), protocols=protocols) for user in (SAM, HANA)
        ]
        ids = [ConnectionId((await socket.receive_json())["connectionId"]) for socket in sockets]
        for one in ids:
            await channel.enter(everyone, one)
        await channel.enter(role, ids[1])
        here = await channel.present(everyone)
        await channel.to_room(everyone, replace(DELTA, text="outside"), outside=role)
        await channel.to_room(role, replace(DELTA, text="inside"))
        heard = [(await socket.receive_json())["data"]["text"] for socket in sockets]
        for socket in sockets:
            await socket.close()
    nobody = await channel.present(room_name(group_key(PublicId(str(uuid4())))))
    await channel.close()

    assert heard == ["outside", "inside"]
    assert (here, nobody) == ({ids[0]: SAM, ids[1]: HANA}, {})


async def test_a_service_that_refuses_or_is_absent_is_channel_unavailable(web_pubsub: Part) -> None:
    """One request, no retries; the flow decides."""
    refused = WebPubSubChannel.from_connection_string(f"Endpoint={web_pubsub.url};AccessKey={KEY[::-1]};Version=1.0;")
    absent = WebPubSubChannel.from_connection_string(f"Endpoint=http://127.0.0.1:9;AccessKey={KEY};Version=1.0;")

    for channel in (refused, absent):
        with pytest.raises(ChannelUnavailable):
            await channel.to_user(SAM, DELTA)
        await channel.close()


def test_a_frame_is_written_as_documented() -> None:
    """Compact, unescaped, `type` first, absent fields left out."""
    from shared.wire.outbound import frame_text  # noqa: PLC0415  # beside what it proves

    assert frame_text(DELTA).startswith('{"type":"response.delta","conversation_id":"c"')
    assert "group_id" not in json.loads(frame_text(DELTA))
    assert "😀" in frame_text(DELTA)


@pytest.mark.requirement("query:failure-matrix")
async def test_who_was_refused_for_load_lets_nobody_connect_for_as_long(web_pubsub: Part) -> None:
    """The service would refuse the connection; another fault says nothing about that."""
    async with aiohttp.ClientSession() as http:
        for status, named, wait in ((503, 4, None), (429, 3, 3), (429, 600, 60)):
            channel = WebPubSubChannel.from_connection_string(f"Endpoint={web_pubsub.url};AccessKey={KEY};Version=1.0;")
            fault = {"kind": "rest_refusal", "status": status, "retry_after_s": named}
            async with http.post(f"{web_pubsub.url}/_faults", json=fault) as begun:
                assert begun.status == 200
            with pytest.raises(ChannelUnavailable) as refused:
                await channel.to_user(SAM, DELTA)
            assert refused.value.retry_after_s == named
            if wait is None:
                assert (await channel.client_url(SAM, 5)).startswith("ws")
            else:
                with pytest.raises(ChannelFull) as full:
                    await channel.client_url(SAM, 5)
                assert full.value.retry_after_s == wait
            await channel.to_user(SAM, DELTA)
            await channel.close()

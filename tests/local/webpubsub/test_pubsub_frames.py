"""Every frame of the JSON subprotocol."""

import asyncio
import base64
from typing import Any

import pytest
from aiohttp import web

from .app_handler import AppHandler
from .conftest import Connect
from .plain_client import EVERYTHING


async def test_the_first_frame_says_who_is_connected(connect: Connect) -> None:
    """A JSON client gets user and connection id, and no way back."""
    client = await connect("ann")

    first = client.frames[0]

    assert first == {
        "type": "system",
        "event": "connected",
        "userId": "ann",
        "connectionId": client.connection_id,
    }


async def test_an_anonymous_user_is_null(connect: Connect) -> None:
    """A token without subject gives a connection without user."""
    client = await connect()

    assert client.frames[0]["userId"] is None


@pytest.mark.parametrize(
    ("data_type", "data"),
    [("json", {"a": [1, None, "ä"]}), ("text", "plain ☕"), ("binary", base64.b64encode(b"\x00\xff").decode())],
)
async def test_a_group_message_reaches_all_members_and_its_sender(connect: Connect, data_type: str, data: Any) -> None:
    """Every data type arrives as it was sent, with group and sender."""
    ann, ben = await connect("ann", roles=EVERYTHING), await connect("ben", roles=EVERYTHING)
    for client in (ann, ben):
        assert (await client.ask(type="joinGroup", group="g"))["success"] is True

    ack = await ann.ask(type="sendToGroup", group="g", dataType=data_type, data=data)

    expected = {
        "type": "message",
        "from": "group",
        "group": "g",
        "fromUserId": "ann",
        "dataType": data_type,
        "data": data,
    }
    assert ack == {"type": "ack", "ackId": 2, "success": True}
    assert await ben.next() == expected
    assert expected in ann.frames


async def test_no_echo_spares_the_sender(connect: Connect) -> None:
    """With noEcho a member who sends gets the ack alone."""
    ann, ben = await connect("ann", roles=EVERYTHING), await connect("ben", roles=EVERYTHING)
    for client in (ann, ben):
        await client.ask(type="joinGroup", group="g")

    await ann.ask(type="sendToGroup", group="g", noEcho=True, data=1)

    assert (await ben.next())["data"] == 1
    assert [frame["type"] for frame in ann.frames] == ["system", "ack", "ack"]


async def test_who_left_a_group_hears_no_more_of_it(connect: Connect) -> None:
    """After leaveGroup another's message does not arrive; sending needs no membership."""
    ann, ben = await connect("ann", roles=EVERYTHING), await connect("ben", roles=EVERYTHING)
    await ann.ask(type="joinGroup", group="g")

    await ann.ask(type="leaveGroup", group="g")
    await ben.ask(type="sendToGroup", group="g", data=1)
    await ann.say(type="ping")

    assert await ann.next() == {"type": "pong"}


async def test_groups_of_the_token_are_joined_from_the_start(connect: Connect) -> None:
    """Groups in the token need no role."""
    ann = await connect("ann", groups=["g"])
    ben = await connect("ben", roles=EVERYTHING)

    await ben.ask(type="sendToGroup", group="g", data="hi", dataType="text", metadata={"trace": "1"})

    assert (await ann.next())["metadata"] == {"trace": "1"}


@pytest.mark.parametrize("kind", ["joinGroup", "leaveGroup", "sendToGroup"])
async def test_without_a_role_only_events_are_allowed(connect: Connect, kind: str) -> None:
    """What a role would permit is Forbidden without it, and may be asked again under the same id."""
    client = await connect("ann")

    first = await client.ask(type=kind, group="g", data=1, ackId=7)
    again = await client.ask(type=kind, group="g", data=1, ackId=7)

    assert first["success"] is False
    assert first["error"]["name"] == again["error"]["name"] == "Forbidden"
    assert first["error"]["message"]


@pytest.mark.parametrize(
    ("roles", "group", "allowed"),
    [
        (["webpubsub.joinLeaveGroup"], "any", True),
        (["webpubsub.joinLeaveGroup.g1"], "g1", True),
        (["webpubsub.joinLeaveGroup.g1"], "g2", False),
        (["webpubsub.joinLeaveGroups.team.*"], "team.red", True),
        (["webpubsub.joinLeaveGroups.team.*"], "team.red.one", False),
        (["webpubsub.joinLeaveGroups.team.**"], "team.red.one", True),
        (["webpubsub.joinLeaveGroups.g?"], "g1", True),
        (["webpubsub.joinLeaveGroups.g?"], "g.", False),
        ([r"webpubsub.joinLeaveGroups.g\*"], "g*", True),
        ([r"webpubsub.joinLeaveGroups.g\*"], "gx", False),
        (["webpubsub.joinLeaveGroups.*.*.*.*.*.*"], "a.b.c.d.e.f", False),
        (["webpubsub.joinLeaveGroups.Team"], "team", False),
    ],
)
async def test_roles_name_groups_literally_or_by_pattern(
    connect: Connect, roles: list[str], group: str, *, allowed: bool
) -> None:
    """The literal role and the wildcard roles open their groups and no other."""
    client = await connect("ann", roles=roles)

    answer = await client.ask(type="joinGroup", group=group)

    assert answer["success"] is allowed


async def test_an_ack_id_is_carried_out_once(connect: Connect) -> None:
    """A repeat is refused as Duplicate with the service's words."""
    client = await connect("ann", roles=EVERYTHING)

    await client.ask(type="joinGroup", group="g", ackId=1)
    answer = await client.ask(type="joinGroup", group="g", ackId=1)

    assert answer["error"] == {"name": "Duplicate", "message": "Message with ack-id: 1 has been processed"}


async def test_the_last_thousand_ack_ids_are_remembered(connect: Connect) -> None:
    """The oldest of 1,001 ids is forgotten, first in first out."""
    client = await connect("ann", roles=EVERYTHING)

    for number in range(1, 1002):
        await client.ask(type="joinGroup", group="g", ackId=number)

    assert (await client.ask(type="joinGroup", group="g", ackId=1))["success"] is True
    assert (await client.ask(type="joinGroup", group="g", ackId=1001))["success"] is False


@pytest.mark.parametrize(
    ("reply", "frame"),
    [
        (
            {"body": b'{"n": 1.50}', "content_type": "application/json"},
            '{"type":"message","from":"server","dataType":"json","data":{"n": 1.50}}',
        ),
        (
            {"body": b"hi", "content_type": "text/plain"},
            '{"type":"message","from":"server","dataType":"text","data":"hi"}',
        ),
        (
            {"body": b"\x00", "content_type": "application/octet-stream"},
            '{"type":"message","from":"server","dataType":"binary","data":"AA=="}',
        ),
    ],
)
async def test_the_handlers_reply_comes_before_the_ack(
    connect: Connect, app: AppHandler, reply: dict[str, Any], frame: str
) -> None:
    """A reply is a server message, its JSON untouched, and the ack follows it."""
    app.answer("shout", **reply)
    client = await connect("ann")

    await client.say(type="event", event="shout", ackId=1, dataType="text", data="x")

    assert (await client.message()).data == frame
    assert await client.next() == {"type": "ack", "ackId": 1, "success": True}


async def test_a_frames_type_is_read_without_case(connect: Connect) -> None:
    """The service does not mind how a type is written."""
    client = await connect("ann", roles=EVERYTHING)

    assert (await client.ask(type="JOINGROUP", group="g"))["success"] is True


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "joinGroup"},
        {"type": "joinGroup", "group": ""},
        {"type": "joinGroup", "group": "g" * 1025},
        {"type": "sendToGroup", "group": "g", "dataType": "json"},
        {"type": "sendToGroup", "group": "g", "dataType": "json", "data": None},
        {"type": "sendToGroup", "group": "g", "dataType": "binary", "data": "*"},
        {"type": "sendToGroup", "group": "g", "dataType": "xml", "data": "x"},
        {"type": "sendToGroup", "group": "g", "data": 1, "ttlSeconds": 301},
        {"type": "sendToGroup", "group": "g", "data": 1, "noEcho": "yes"},
        {"type": "sendToGroup", "group": "g", "data": 1, "metadata": {"k": "é"}},
        {"type": "sendToGroup", "group": "g", "data": 1, "metadata": {"k": "v" * 1025}},
        {"type": "event", "event": "1st", "data": 1},
    ],
)
async def test_a_field_that_is_wrong_is_refused_by_ack(connect: Connect, fields: dict[str, Any]) -> None:
    """With an ack id the client is told BadRequest and stays; without one it is declined."""
    client = await connect("ann", roles=EVERYTHING)

    answer = await client.ask(**fields)
    await client.say(**fields)

    assert answer["error"]["name"] == "BadRequest"
    assert (await client.closed())[0] == 1007


@pytest.mark.parametrize("text", ["", "{", "[]", '"ping"', '{"type":1}', '{"type":"dance"}', '{"type":"ping"}}', "NaN"])
async def test_what_is_no_frame_ends_the_connection(connect: Connect, text: str) -> None:
    """Malformed JSON and unknown types close with 1007 and say so before."""
    client = await connect("ann")

    await client.socket.send_str(text)

    code, reason = await client.closed()
    assert code == 1007
    assert reason.startswith("InvalidPayloadData")
    assert client.frames[-1]["event"] == "disconnected"


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "invoke", "invocationId": "1", "target": "event", "event": "e"},
        {"type": "cancelInvocation", "invocationId": "1"},
        {"type": "sendToGroup", "group": "g", "stream": {"streamId": "s"}},
        {"type": "streamData", "streamId": "s"},
        {"type": "streamEnd", "streamId": "s"},
        {"type": "setGroupState", "group": "g", "ackId": 1},
        {"type": "event", "event": "e", "dataType": "protobuf", "data": "AA=="},
    ],
)
async def test_what_is_left_out_is_refused_by_name(connect: Connect, frame: dict[str, Any]) -> None:
    """A frame of the preview features closes with 1003 and the name of what is missing."""
    client = await connect("ann", roles=EVERYTHING)

    await client.say(**frame)

    code, reason = await client.closed()
    assert code == 1003
    assert "is not supported by the local Web PubSub service" in reason


async def test_a_binary_frame_ends_a_json_client(connect: Connect) -> None:
    """JSON clients speak text."""
    client = await connect("ann")

    await client.socket.send_bytes(b"{}")

    assert (await client.closed())[0] == 1003


async def test_a_frame_over_one_megabyte_ends_the_connection(connect: Connect) -> None:
    """The limit of a frame is 1 MB."""
    client = await connect("ann")

    await client.socket.send_str("x" * (1024 * 1024 + 1))

    assert (await client.closed())[0] == 1009


async def test_events_of_one_connection_are_served_one_after_the_other(connect: Connect, app: AppHandler) -> None:
    """The next frame, a ping too, waits for the handler's answer."""
    gate = asyncio.Event()

    async def slow(_: Any) -> web.Response:
        await gate.wait()
        return web.Response(status=204)

    app.answers["slow"] = slow
    client = await connect("ann")
    await client.say(type="event", event="slow", ackId=1, data=1)
    await client.say(type="event", event="quick", ackId=2, data=1)
    await client.say(type="ping")

    await app.sees("slow")
    assert not app.of("quick")
    gate.set()

    assert [frame.get("ackId", frame["type"]) for frame in [await client.next() for _ in range(3)]] == [1, 2, "pong"]

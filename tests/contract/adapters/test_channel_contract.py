"""What every ClientChannel does; the real one over the service's REST API to a real socket."""

import json
from datetime import UTC, datetime

import aiohttp
import pytest

from shared.adapters.web_pubsub import WebPubSubChannel
from shared.domain.errors import ChannelUnavailable
from shared.domain.frames import ConnectionAck, ResponseDelta
from shared.domain.ids import ConnectionId, UserId

from .conftest import Part

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
SAM = UserId("tenant:sam o'hara")
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

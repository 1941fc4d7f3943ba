"""A thousand malformed frames and requests: no crash, no hang, and the service is well afterwards.

`PUBSUB_SEED` and `PUBSUB_SIZE` choose another run; a failing seed replays.
"""

import asyncio
import logging
import os
import random
import time

import pytest
from aiohttp import ClientConnectionError, ClientSession
from aiohttp.http_exceptions import HttpProcessingError

from local.webpubsub.server import WebPubSub

from .conftest import Connect
from .malformed import frame, request
from .plain_client import EVERYTHING, HUB, JSON, RELIABLE, PlainClient, client_url, signed

SEED = int(os.environ.get("PUBSUB_SEED", "3"))
SIZE = int(os.environ.get("PUBSUB_SIZE", "1000"))
PATIENCE_S = 5


async def _is_well(connect: Connect, service: WebPubSub, caplog: pytest.LogCaptureFixture) -> None:
    client = await connect("well", roles=EVERYTHING)
    await client.ask(type="joinGroup", group="well")
    await client.ask(type="sendToGroup", group="well", data=1)
    assert client.frames[-2]["data"] == 1
    assert [record for record in caplog.records if record.levelno >= logging.ERROR and not _is_no_http(record)] == []
    assert len(service.hubs.get(HUB).connections) == 1


def _is_no_http(record: logging.LogRecord) -> bool:
    # aiohttp reports every request that is not HTTP as an error of its own; it answers 400.
    return record.exc_info is not None and isinstance(record.exc_info[1], HttpProcessingError)


@pytest.mark.parametrize("protocol", [JSON, RELIABLE, ""])
async def test_malformed_frames_do_no_harm(
    service: WebPubSub, http: ClientSession, connect: Connect, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    """Each is answered, ignored or ends its own connection."""
    chance = random.Random(f"{SEED}{protocol}")
    url = client_url(service, "ann", roles=EVERYTHING)
    left = SIZE // 6

    while left > 0:
        async with asyncio.timeout(PATIENCE_S), PlainClient(http, url, (protocol,) if protocol else ()) as client:
            while left > 0 and not client.socket.closed:
                left -= 1
                await _send(client, frame(chance))
            if protocol == RELIABLE:
                await client.socket.close(code=1000)

    async with asyncio.timeout(PATIENCE_S):
        while service.hubs.get(HUB).connections:
            await asyncio.sleep(0.005)
    await _is_well(connect, service, caplog)


async def _send(client: PlainClient, garbage: str | bytes) -> None:
    """Send it, and read on until a ping is answered or the connection is closed."""
    try:
        if isinstance(garbage, bytes):
            await client.socket.send_bytes(garbage)
        else:
            await client.socket.send_str(garbage.encode(errors="replace").decode())
        if client.socket.protocol:
            await client.say(type="ping")
            while not client.socket.closed:
                message = await client.message()
                if message.data == '{"type":"pong"}':
                    return
    except ClientConnectionError:
        await client.socket.close()


async def test_malformed_requests_do_no_harm(
    service: WebPubSub, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is answered or its connection is closed."""
    chance = random.Random(SEED)
    token = signed(service.settings.keys[0], {"aud": f"{service.url}/api/hubs/chat/:send", "exp": time.time() + 3600})

    for _ in range(SIZE // 2):
        raw = request(chance, f"127.0.0.1:{service.port}", token)
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(raw)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
        writer.close()
        assert not answer or answer.startswith(b"HTTP/1."), raw
        assert b" 500 " not in answer.partition(b"\r\n")[0], raw

    await _is_well(connect, service, caplog)


async def test_garbage_after_the_upgrade_ends_its_own_connection(
    service: WebPubSub, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Bytes that are no WebSocket frames close the socket and nothing else."""
    chance = random.Random(SEED)
    target = client_url(service, "ann").raw_path_qs
    upgrade = (
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: {JSON}\r\n\r\n"
    )

    for _ in range(SIZE // 50):
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(upgrade.encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(chance.randbytes(chance.randint(1, 500)))
        writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            await reader.read()
        writer.close()

    async with asyncio.timeout(PATIENCE_S):
        while service.hubs.get(HUB).connections:
            await asyncio.sleep(0.005)
    await _is_well(connect, service, caplog)

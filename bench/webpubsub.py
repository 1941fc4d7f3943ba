"""Measure the local Web PubSub: clients, events through the app and back, REST sends, memory.

The service is a process of its own, on one core; the load and a handler that answers at once share another.

    python -m bench.webpubsub [--clients 500] [--seconds 2] [--json]
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jwt
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, web
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient

# Published with Microsoft's emulator; the service's default.
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
HUB = "bench"
JSON = "json.webpubsub.azure.v1"
SENDERS = 8
ROUNDS = 10


@dataclass
class Figures:
    """What was measured."""

    clients: int = 0
    clients_per_s: float = 0.0
    kb_per_client: float = 0.0
    events_per_s: float = 0.0
    event_ms: float = 0.0
    sends_per_s: float = 0.0
    sdk_sends_per_s: float = 0.0
    fan_out_per_s: float = 0.0
    memory_mb: float = 0.0


@asynccontextmanager
async def _handler() -> AsyncGenerator[str]:
    async def answer(request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            return web.Response(headers={"WebHook-Allowed-Origin": "*"})
        return web.Response(body=await request.read(), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@asynccontextmanager
async def _service(handler: str) -> AsyncGenerator[tuple[str, int]]:
    arguments = ["--port", "0", "--hub", HUB, "--event-handler", handler, "--system-events", ""]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local.webpubsub", *arguments, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    yield (await process.stdout.readline()).decode().split()[-1], process.pid
    process.terminate()
    await process.wait()


def _memory_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def _repeat(seconds: float, once: Callable[[], Awaitable[None]]) -> int:
    done, ends = 0, time.perf_counter() + seconds
    while time.perf_counter() < ends:
        await once()
        done += 1
    return done


async def _event(socket: ClientWebSocketResponse) -> None:
    await socket.send_json({"type": "event", "event": "echo", "ackId": time.perf_counter_ns(), "data": {"n": 1}})
    await socket.receive()
    await socket.receive()


@dataclass
class _Load:
    """What the measurements share."""

    url: str
    pid: int
    seconds: float
    sdk: Any
    session: ClientSession
    sockets: list[ClientWebSocketResponse]


async def _connect(load: _Load, stack: AsyncExitStack, clients: int, figures: Figures) -> None:
    token = await load.sdk.get_client_access_token(user_id="bench", groups=["all"])
    before, began = _memory_kb(load.pid), time.perf_counter()
    for _ in range(clients):
        socket = await stack.enter_async_context(load.session.ws_connect(token["url"], protocols=(JSON,)))
        await socket.receive()
        load.sockets.append(socket)
    figures.clients = clients
    figures.clients_per_s = clients / (time.perf_counter() - began)
    figures.kb_per_client = (_memory_kb(load.pid) - before) / clients


async def _raise_events(load: _Load, figures: Figures) -> None:
    alone = await _repeat(load.seconds, lambda: _event(load.sockets[0]))
    figures.event_ms = load.seconds / alone * 1000
    together = await asyncio.gather(
        *(_repeat(load.seconds, lambda socket=socket: _event(socket)) for socket in load.sockets[:SENDERS])
    )
    figures.events_per_s = sum(together) / load.seconds


async def _send(load: _Load, figures: Figures) -> None:
    path = f"{load.url}/api/hubs/{HUB}/users/nobody/:send"
    token = jwt.encode({"aud": path, "exp": time.time() + 3600}, KEY, algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def bare() -> None:
        async with load.session.post(path, data=b'{"n":1}', headers=headers) as answer:
            assert answer.status == 202

    async def by_sdk() -> None:
        await load.sdk.send_to_user("nobody", {"n": 1})

    async def a_second(once: Callable[[], Awaitable[None]]) -> float:
        return sum(await asyncio.gather(*(_repeat(load.seconds, once) for _ in range(SENDERS)))) / load.seconds

    figures.sends_per_s, figures.sdk_sends_per_s = await a_second(bare), await a_second(by_sdk)


async def _fan_out(load: _Load, figures: Figures) -> None:
    began = time.perf_counter()
    for _ in range(ROUNDS):
        await load.sdk.send_to_group("all", {"n": 1})
    await asyncio.gather(*(_receive(socket, ROUNDS) for socket in load.sockets))
    figures.fan_out_per_s = ROUNDS * len(load.sockets) / (time.perf_counter() - began)


async def _measure(url: str, pid: int, clients: int, seconds: float) -> Figures:
    sdk: Any = WebPubSubServiceClient.from_connection_string(f"Endpoint={url};AccessKey={KEY};Version=1.0;", hub=HUB)
    figures = Figures()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sdk)
        session = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=0)))
        load = _Load(url, pid, seconds, sdk, session, [])
        await _connect(load, stack, clients, figures)
        await _raise_events(load, figures)
        await _send(load, figures)
        await _fan_out(load, figures)
        figures.memory_mb = _memory_kb(pid) / 1024
    return figures


async def _receive(socket: ClientWebSocketResponse, count: int) -> None:
    for _ in range(count):
        await socket.receive()


async def _run(clients: int, seconds: float) -> Figures:
    async with _handler() as handler, _service(handler) as (url, pid):
        return await _measure(url, pid, clients, seconds)


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.webpubsub", description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure of throughput")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = asyncio.run(_run(given.clients, given.seconds))
    if given.json:
        print(json.dumps(asdict(figures)))
        return
    print(f"connected clients           {figures.clients} at {figures.clients_per_s:.0f} a second")
    print(f"memory                      {figures.memory_mb:.0f} MB, {figures.kb_per_client:.1f} KB a client")
    print(f"event, app, reply, ack      {figures.event_ms:.2f} ms alone, {figures.events_per_s:.0f} a second")
    print(f"REST sends to a user        {figures.sends_per_s:.0f} a second, {figures.sdk_sends_per_s:.0f} by one SDK")
    print(f"frames out of group sends   {figures.fan_out_per_s:.0f} a second")


if __name__ == "__main__":
    main()

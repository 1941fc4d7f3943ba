"""Measure a group: how soon a message reaches everybody, and what an answer costs in sends, for 2, 20 and 200 members.

A stack of its own with one bare connection per member. Everything runs on one machine, so that what is measured holds
the work of all clients, too: compare the sizes, and the sends with what architecture.md, decision 7, allows.

    python -m bench.groups [--sizes 2,20,200] [--messages 20] [--json]
"""

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.stack import Stack
from tests.e2e.talk import QUESTION, Circle, call

SENDS_MOST = 500
"""Members times frames a second that an answer may cost (architecture.md, decision 7)."""
WAIT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a group of one size showed."""

    members: int
    first_ms: float
    """Median time until the first member had a message, from its sending on."""
    all_ms: float
    """Median time until the last member had it."""
    all_p95_ms: float
    join_ms: float
    """Median time of `join_group` until `group.joined`."""
    answer_s: float
    """From the first piece of text to the last at one member."""
    deltas: int
    sends: int
    """Calls of the service's REST interface for the answer, whoever they are for."""
    frames_a_second: float
    delivered_a_second: float
    """Frames of text a second times members."""


class Listener:
    """One bare connection: it notes when which frame came."""

    def __init__(self, user: str, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.user = user
        self.socket = socket
        self.came: list[tuple[float, dict[str, Any]]] = []
        self._news = asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            self.came.append((time.perf_counter(), json.loads(message.data)))
            self._news.set()

    async def tell(self, type_: str, **fields: Any) -> None:
        """Send a message."""
        await self.socket.send_json({"type": type_, **fields})

    async def when(self, **wanted: Any) -> tuple[float, dict[str, Any]]:
        """Give the first frame with these fields, and when it came."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for at, frame in self.came:
                    if all(frame.get(name) == value for name, value in wanted.items()):
                        return at, frame
                self._news.clear()
                await self._news.wait()


async def connect(http: aiohttp.ClientSession, circle: Circle, user: str) -> Listener:
    """Open a bare connection and sign in by it."""
    stack, token = circle.stack, circle.token(user)
    negotiated = await asyncio.to_thread(call, stack, "POST", "negotiate", token=token, body={})
    listener = Listener(user, await http.ws_connect(negotiated["url"]))
    await listener.tell("session.update", accessToken=token)
    _, created = await listener.when(type="session.created")
    circle.ids[user] = created["user"]["id"]
    return listener


async def gather(http: aiohttp.ClientSession, circle: Circle, size: int) -> tuple[list[Listener], list[float]]:
    """Let that many people in; give them, and how long their joining took."""
    people = ["sam.sales", *(f"member-{number}" for number in range(1, size))]
    listeners = [await connect(http, circle, user) for user in people]
    for user in people[1:]:
        await asyncio.to_thread(circle.let_in, user)
    joins: list[float] = []
    for listener in listeners:
        began = time.perf_counter()
        await listener.tell("join_group", group_id=circle.group_id, request_id="join")
        at, _ = await listener.when(request_id="join")
        joins.append(at - began)
    return listeners, joins


async def fan_out(listeners: Sequence[Listener], group: str, messages: int) -> list[tuple[float, float]]:
    """Let the first one say something; give how long it took to the first and the last of the others."""
    sender, others = listeners[0], listeners[1:]
    spread: list[tuple[float, float]] = []
    for number in range(messages):
        message_id = str(uuid.uuid4())
        began = time.perf_counter()
        await sender.tell("query", group_id=group, content=f"Message {number}", message_id=message_id)
        came = [at for at, _ in await asyncio.gather(*(one.when(message_id=message_id) for one in others))]
        spread.append((min(came) - began, max(came) - began))
    return spread


async def answer(stack: Stack, listeners: Sequence[Listener], group: str) -> tuple[list[float], int]:
    """Let the coach answer; give when its pieces came to the last member, and how many sends that cost."""
    _stats(stack, "DELETE")
    await listeners[0].tell("query", group_id=group, content=QUESTION, request_id="ask")
    _, accepted = await listeners[0].when(request_id="ask")
    turn = accepted["turn_id"]
    await asyncio.gather(*(one.when(type="response.committed", turn_id=turn) for one in listeners))
    operations = _stats(stack, "GET")["operations"]
    pieces = [at for at, frame in listeners[-1].came if frame["type"] == "response.delta" and frame["turn_id"] == turn]
    return pieces, sum(count for name, count in operations.items() if "send" in name)


def _stats(stack: Stack, method: str) -> Any:
    request = urllib.request.Request(f"{stack.url('webpubsub')}/_stats", method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=5) as found:  # noqa: S310
        text = found.read()
    return json.loads(text) if text else None


async def measure(stack: Stack, size: int, messages: int) -> Figures:
    """Measure one size."""
    async with AsyncExitStack() as open_things:
        http = await open_things.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        circle = await open_things.enter_async_context(Circle(stack, role="Sales"))
        listeners, joins = await gather(http, circle, size)
        spread = await fan_out(listeners, circle.group_id, messages)
        pieces, sends = await answer(stack, listeners, circle.group_id)
        for listener in listeners:
            await listener.socket.close()
            await listener.reading
    last = sorted(one for _, one in spread)
    seconds = pieces[-1] - pieces[0]
    return Figures(
        members=size,
        first_ms=round(statistics.median(one for one, _ in spread) * 1000, 1),
        all_ms=round(statistics.median(last) * 1000, 1),
        all_p95_ms=round(last[int(len(last) * 0.95)] * 1000, 1),
        join_ms=round(statistics.median(joins) * 1000, 1),
        answer_s=round(seconds, 2),
        deltas=len(pieces),
        sends=sends,
        frames_a_second=round((len(pieces) - 1) / seconds, 1),
        delivered_a_second=round((len(pieces) - 1) * size / seconds, 1),
    )


async def run(sizes: Sequence[int], messages: int) -> list[Figures]:
    """Measure all sizes on one stack."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "data", "--tokens-per-second", "60")
        stack.start()
        try:
            return [await measure(stack, size, messages) for size in sizes]
        finally:
            stack.stop()


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="2,20,200", help="numbers of members")
    parser.add_argument("--messages", type=int, default=20, help="messages whose way is measured")
    parser.add_argument("--json", action="store_true", help="print JSON")
    wish = parser.parse_args()
    logging.disable(logging.WARNING)
    figures = asyncio.run(run([int(size) for size in wish.sizes.split(",")], wish.messages))
    if wish.json:
        print(json.dumps([asdict(one) for one in figures], indent=2))
        return
    for one in figures:
        print(f"{one.members} members:")
        print(f"  a message reaches the first in {one.first_ms} ms, all in {one.all_ms} ms (p95 {one.all_p95_ms} ms)")
        print(f"  join_group is answered in {one.join_ms} ms")
        print(
            f"  an answer of {one.answer_s} s: {one.deltas} pieces, {one.sends} sends, {one.frames_a_second} pieces/s,"
        )
        print(f"  times members {one.delivered_a_second}/s (at most {SENDS_MOST})")


if __name__ == "__main__":
    main()

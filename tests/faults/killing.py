"""Kill the host at points, one after the other, while people ask; `python -m tests.faults.killing SEED [FIRST LAST]`.

The seed orders the points and draws who asks what, and when.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import tempfile
import time
import urllib.request
import warnings
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from tests.e2e.client import Chat
from tests.e2e.stack import Stack, wait_for
from tests.faults.points import Point, all_points, url
from tests.faults.visitor import Visitor

READS = "How is my pipeline this quarter?"
WRITES = "Log a call on ACC-0004: renewal talked over at length"
PEOPLE = ("sam.sales", "tom.both", "hana.hr")
WRITERS = 2
"""So many of them may write."""
MET_WITHIN_S = 15.0
BACK_WITHIN_S = 20.0
OPTIONS = ("--faults", "--tokens-per-second", "300")


@dataclass(kw_only=True)
class Figures:
    """What was counted."""

    points: int = 0
    kills: int = 0
    turns: int = 0
    writes: int = 0
    sent: int = 0
    effects: int = 0
    slowest_s: float = 0.0
    missed: list[str] = field(default_factory=list[str])

    def line(self) -> str:
        """Tell them in one line."""
        missed = f" (not met: {', '.join(self.missed)})" if self.missed else ""
        return (
            f"{self.points} points, {self.kills} hosts killed{missed}, {self.turns} turns: 0 lost, 0 doubled, "
            f"{self.writes} writes asked for, {self.sent} sent, {self.effects} done, each once; "
            f"slowest turn {self.slowest_s:.0f} s"
        )


def ordered(seed: int) -> list[Point]:
    """Give every point in the seed's order."""
    points = all_points()
    Random(seed).shuffle(points)
    return points


async def kill_at(stack: Stack, points: Sequence[Point], seed: int, *, loud: bool = False) -> Figures:
    """Kill at each of the points and check what was asked meanwhile.

    Raises:
        AssertionError: something was lost, doubled, late or out of order.
    """
    random, figures = Random(seed), Figures(points=len(points))
    before = written(stack)
    async with aiohttp.ClientSession() as http, people(stack) as visitors:
        for point in points:
            began = time.monotonic()
            await one_point(http, stack, visitors, point, random, figures)
            if loud:
                print(f"{time.monotonic() - began:5.1f} s  {point.name}", flush=True)  # noqa: T201  # a program's output
        await is_up(http, stack)
        for visitor in visitors:
            visitor.judge(stack)
    keys = written(stack) - before
    figures.sent, figures.effects = keys.total(), len(keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert figures.sent <= figures.writes
    return figures


@contextlib.asynccontextmanager
async def people(stack: Stack) -> AsyncGenerator[list[Visitor]]:
    """Sign everybody in."""
    async with contextlib.AsyncExitStack() as open_chats:
        visitors = [Visitor(await open_chats.enter_async_context(Chat(stack, name))) for name in PEOPLE]
        for visitor in visitors:
            await visitor.chat.sign_in()
        yield visitors


async def one_point(
    http: aiohttp.ClientSession, stack: Stack, visitors: list[Visitor], point: Point, random: Random, figures: Figures
) -> None:
    """Arm the point, have everybody ask, kill whoever comes there, and wait until all is answered."""
    await is_up(http, stack)
    old = stack.pid("host")
    await point.arm(http, stack)
    # A conversation that begins has writes and a step of its own: its entry, its title.
    visitors[-1].begin_anew()
    writer = random.randrange(WRITERS)
    asking = [
        asyncio.create_task(visit(visitor, WRITES if number == writer else READS, random.uniform(0, 0.3)))
        for number, visitor in enumerate(visitors)
    ]
    met = asyncio.create_task(wait_until_met(http, stack, point, old))
    try:
        waits = await asyncio.gather(*asking)
    except AssertionError as fault:
        raise AssertionError(f"{point.name}: {fault}") from fault
    finally:
        met.cancel()
        await asyncio.gather(met, *asking, return_exceptions=True)
    figures.slowest_s = max(figures.slowest_s, *waits)
    figures.turns += len(visitors)
    figures.writes += 1
    if stack.manifest["pids"]["host"] == old:
        figures.missed.append(point.name)
    else:
        figures.kills += 1
    await is_up(http, stack)
    await point.disarm(http, stack)


async def visit(visitor: Visitor, content: str, pause_s: float) -> float:
    """Ask and see the end; give the seconds that it took."""
    await asyncio.sleep(pause_s)
    return await visitor.see_end(*await visitor.ask(content))


async def wait_until_met(http: aiohttp.ClientSession, stack: Stack, point: Point, host: int) -> None:
    """Kill the host as soon as something waits at the point."""
    give_up = time.monotonic() + MET_WITHIN_S
    while time.monotonic() < give_up:
        if await point.is_hit(http, stack):
            os.kill(host, signal.SIGKILL)
            return
        await asyncio.sleep(0.02)


async def is_up(http: aiohttp.ClientSession, stack: Stack) -> None:
    """Wait until the host serves again.

    Raises:
        TimeoutError: it does not.
    """
    async with asyncio.timeout(BACK_WITHIN_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"{stack.url('app')}/api/health") as app, http.get(url(stack, "durable")) as engine:
                    if (app.status, engine.status) == (200, 200):
                        return
            await asyncio.sleep(0.05)


def written(stack: Stack) -> Counter[str]:
    """Count the calls that write by their keys, as the tool server saw them."""
    base = url(stack, "mcp").removesuffix("/_faults")
    with urllib.request.urlopen(f"{base}/_stats", timeout=5) as seen:  # noqa: S310
        stats: dict[str, Any] = json.load(seen)
    return Counter(stats["sfdc"]["keys"])


def main() -> None:
    """Kill at the points of one seed, or at some of them, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("last", type=int, nargs="?", default=10_000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    points = ordered(options.seed)[options.first : options.last]
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "data", *OPTIONS)
        stack.start()
        try:
            wait_for(stack.accepts_connections, "the stack")
            figures = asyncio.run(kill_at(stack, points, options.seed, loud=True))
        except BaseException:
            for name in ("host", "cosmos", "mcp"):
                print(stack.log(name)[-4000:])  # noqa: T201
            raise
        finally:
            stack.stop()
    print(f"seed {options.seed}, {options.first}-{options.first + len(points) - 1}: {figures.line()}")  # noqa: T201


if __name__ == "__main__":
    main()

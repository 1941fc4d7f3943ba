"""Measure what the app adds until a person reads: a question's way to `query.accepted`, and to the first text.

A stack of its own whose model answers at once, so that all the time is ours: client, service, host, engine, stores. One
chat asks one question after the other, then several chats do so side by side. In Azure the network and the services
come on top, and the Functions host in place of the local one.

    python -m bench.first_text [--times 30] [--chats 1,10] [--json]
"""

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from tests.e2e.stack import Stack
from tests.faults.pages import Page

USER, QUESTION = "nora.none", "Hello"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Milliseconds after the question was sent."""

    chats: int
    questions: int
    accepted_p50: float
    accepted_p95: float
    first_text_p50: float
    first_text_p95: float


async def ask(page: Page) -> tuple[float, float]:
    """Ask once and wait for the end; give the milliseconds to acceptance and to the first text."""
    began = time.monotonic()
    turn_id = await page.ask(QUESTION, str(uuid.uuid4()))
    await page.end_of(turn_id)
    heard = {
        kind: next(at for frame, at in zip(page.frames, page.times, strict=True) if is_of(frame, kind, turn_id))
        for kind in ("query.accepted", "response.delta")
    }
    return tuple((at - began) * 1000 for at in heard.values())  # type: ignore[return-value]


def is_of(frame: dict[str, object], kind: str, turn_id: str) -> bool:
    """Whether this frame of a turn is of that type."""
    return frame["type"] == kind and frame.get("turn_id") == turn_id


async def chat(http: aiohttp.ClientSession, stack: Stack, times: int) -> list[tuple[float, float]]:
    """Ask so many questions in one session; the first one warms up and is left out."""
    async with Page(http, stack, stack.token(USER), str(uuid.uuid4())) as page:
        return [await ask(page) for _ in range(times + 1)][1:]


async def measure(stack: Stack, chats: int, times: int) -> Figure:
    """Let so many chats ask side by side."""
    async with aiohttp.ClientSession() as http:
        asked = [
            one for some in await asyncio.gather(*(chat(http, stack, times) for _ in range(chats))) for one in some
        ]
    accepted, first = zip(*asked, strict=True)
    return Figure(
        chats=chats,
        questions=len(asked),
        accepted_p50=of_hundred(accepted, 50),
        accepted_p95=of_hundred(accepted, 95),
        first_text_p50=of_hundred(first, 50),
        first_text_p95=of_hundred(first, 95),
    )


def of_hundred(values: Sequence[float], percent: int) -> float:
    """Give the percentile of values, in whole tenths."""
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 1)


def main() -> None:
    """Print one line per number of chats."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30, help="questions of each chat (default 30)")
    parser.add_argument("--chats", default="1,10", help="how many side by side (default 1,10)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "stack", "--tokens-per-second", "0")
        stack.start()
        try:
            for chats in str(options.chats).split(","):
                one = asyncio.run(measure(stack, int(chats), options.times))
                print(json.dumps(asdict(one)) if options.json else line(one))
        finally:
            stack.stop()


def line(one: Figure) -> str:
    """Show one figure."""
    return (
        f"{one.chats:>3} chats, {one.questions} questions: accepted after {one.accepted_p50:.0f} ms (p95 "
        f"{one.accepted_p95:.0f}), first text after {one.first_text_p50:.0f} ms (p95 {one.first_text_p95:.0f})"
    )


if __name__ == "__main__":
    main()

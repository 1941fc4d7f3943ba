"""Count what a turn costs: Cosmos operations and request units, sends, durable actions and history events.

A stack of its own; each kind of turn is played several times and the median of each count is shown, since timers of the
app work beside the turns. Checkpoints, one each 0.8 s that a model speaks or a tool works, are among the patches.

    python -m bench.turns [--times 5] [--json]
"""

import argparse
import asyncio
import json
import logging
import sqlite3
import statistics
import tempfile
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.stack import Stack
from tests.e2e.talk import QUESTION, Talker, call
from tests.faults.pages import Page

BUDGET = (11, 28)
"""Most durable actions and history events of a simple turn (docs/reliability.md, "What a turn costs")."""
KINDS = {
    "simple": ("nora.none", "Hello"),
    "tool": ("sam.sales", "How is my pipeline this quarter?"),
    "approval": ("sam.sales", "Log a call on ACC-0004: renewal talked over at length"),
}
ACTIONS = (4, 10)
"""TaskScheduled and TimerCreated, by the numbers of the Durable Task Framework."""
QUIET_S = 1.5
"""What follows a turn's end (a title) is counted, too."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one turn cost."""

    operations: Mapping[str, int]
    request_units: float
    sends: int
    deltas: int
    actions: int
    events: int
    seconds: float


def fetch(url: str, method: str = "GET") -> Any:
    """Ask a stand-in."""
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5) as answer:  # noqa: S310
        text = answer.read()
    return json.loads(text) if text else None


Play = Callable[[], Awaitable[tuple[str, int]]]
"""Plays one turn; gives its id and how many pieces of text one client was sent."""


async def cost_of(stack: Stack, play: Play) -> Cost:
    """Play one turn and count."""
    cosmos, service = f"{stack.url('cosmos')}/_stats", f"{stack.url('webpubsub')}/_stats"
    for stats in (cosmos, service):
        fetch(stats, "DELETE")
    began = time.monotonic()
    turn_id, deltas = await play()
    seconds = time.monotonic() - began
    await asyncio.sleep(QUIET_S)
    stored, sent = fetch(cosmos), fetch(service)["operations"]
    history = durable_history(stack, f"{turn_id}.1")
    operations = {
        f"{container}.{name}": figures["count"]
        for container, names in stored["containers"].items()
        for name, figures in names.items()
    }
    return Cost(
        operations=operations,
        request_units=round(stored["charge"], 1),
        sends=sum(count for name, count in sent.items() if name.startswith("send_")),
        deltas=deltas,
        actions=sum(kind in ACTIONS for kind in history),
        events=len(history),
        seconds=round(seconds, 1),
    )


def durable_history(stack: Stack, instance_id: str) -> list[int]:
    """Read the kinds of an execution's events, as the engine stores them; its HTTP API shows fewer."""
    file = next((stack.data / "host").glob("durable-*.sqlite3"))
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT event FROM history WHERE instance_id=? ORDER BY position", (instance_id,))
        return [json.loads(event)["EventType"] for (event,) in rows]


async def ask_alone(page: Page, question: str) -> tuple[str, int]:
    """Ask in a session."""
    turn_id = await page.ask(question, str(uuid.uuid4()))
    await approve(page, turn_id)
    await page.end_of(turn_id)
    return turn_id, sum(frame["type"] == "response.delta" for frame in page.of(turn_id))


async def ask_together(talker: Talker) -> tuple[str, int]:
    """Ask in a group."""
    turn_id = (await talker.say(QUESTION))["turn_id"]
    await talker.committed(turn_id)
    return turn_id, len(talker.of(turn_id, "response.delta"))


async def approve(page: Page, turn_id: str) -> None:
    """Say yes to what waits for it, until the turn has ended."""

    def stands_still() -> bool:
        turn = page.screen.turns.get(turn_id)
        return turn is not None and (turn.ended or bool(turn.approvals))

    await page.until(stands_still, "the end or a call that waits")
    for call_id in list(page.screen.turns[turn_id].approvals):
        await page.send("tool.approval", turn_id=turn_id, call_id=call_id, approved=True)


async def measure(stack: Stack, times: int) -> dict[str, list[Cost]]:
    """Play every kind of turn; the first of each warms up and is left out."""
    costs: dict[str, list[Cost]] = {}
    async with aiohttp.ClientSession() as http:
        for kind, (user, question) in KINDS.items():
            async with Page(http, stack, stack.token(user), str(uuid.uuid4())) as page:
                play = partial(ask_alone, page, question)
                costs[kind] = [await cost_of(stack, play) for _ in range(times + 1)][1:]
    async with Talker(stack, "sam.sales") as sam, Talker(stack, "sue.sales") as sue:
        await sue.sign_in()
        group = call(stack, "POST", "groups", token=sam.token, body={"title": "Costs", "role": "Sales"})["group_id"]
        await sam.sign_in()
        call(stack, "PUT", f"groups/{group}/members/{sue.user_id}", token=sam.token)
        for one in (sam, sue):
            await one.enter(group)
        costs["group of two, tool"] = [await cost_of(stack, partial(ask_together, sam)) for _ in range(times + 1)][1:]
    return costs


def median(costs: list[Cost]) -> Cost:
    """Take the median of each count."""
    names = sorted({name for cost in costs for name in cost.operations})
    operations = {name: round(statistics.median(cost.operations.get(name, 0) for cost in costs)) for name in names}
    numbers = {name: [getattr(cost, name) for cost in costs] for name in asdict(costs[0]) if name != "operations"}
    middle: dict[str, Any] = {name: round(statistics.median(values), 1) for name, values in numbers.items()}
    return Cost(operations=+Counter(operations), **middle)


def line(kind: str, cost: Cost) -> str:
    """Tell a kind's costs."""
    total = sum(cost.operations.values())
    told = ", ".join(f"{name} {count}" for name, count in cost.operations.items())
    return (
        f"{kind}: {total} Cosmos operations ({told}), {cost.request_units:.0f} RU, "
        f"{cost.sends} sends ({cost.deltas} deltas), {cost.actions} durable actions, {cost.events} history events, "
        f"{cost.seconds} s"
    )


def main() -> None:
    """Print the costs of each kind of turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5, help="turns of each kind (default 5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "data", "--tokens-per-second", "150")
        stack.start()
        try:
            costs = {kind: median(some) for kind, some in asyncio.run(measure(stack, options.times)).items()}
        finally:
            stack.stop()
    if options.json:
        print(json.dumps({kind: asdict(cost) for kind, cost in costs.items()}))
    else:
        for kind, cost in costs.items():
            print(line(kind, cost))
    if (costs["simple"].actions, costs["simple"].events) > BUDGET or costs["simple"].events > BUDGET[1]:
        raise SystemExit(f"A simple turn is over its budget of {BUDGET[0]} actions and {BUDGET[1]} events.")


if __name__ == "__main__":
    main()

"""The Functions host is killed before and after its durable steps, under load; a client sees nothing but a pause."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Generator
from random import Random
from typing import Any

import pytest

from tests.e2e.client import ENDS, Chat, Frame
from tests.e2e.stack import Stack, wait_for
from tests.faults.screen import Screen

READS = "How is my pipeline this quarter?"
WRITES = "Log a call on ACC-0004: renewal talked over at length"
SAMPLE = 3
POINTS_PER_SIZE = 4
STEPS_MOST = 36
TURN_MOST_S = 60.0
CHATS = 3


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """Run a stack whose parts fail on order."""
    running = Stack(tmp_path_factory.mktemp("kill") / "data", "--faults", "--tokens-per-second", "150")
    running.start()
    yield running
    running.stop()


class Visitor:
    """Somebody who asks until the question is accepted, approves what is to be written, and keeps a screen."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.screen = Screen()
        self._seen = 0

    def look(self) -> None:
        """Take in what has come since."""
        for frame in self.chat.frames[self._seen :]:
            self.screen.apply(frame, 0.0)
        self._seen = len(self.chat.frames)

    async def ask(self, content: str) -> tuple[str, float]:
        """Send the question, again and again with the same id; give turn and time of acceptance."""
        message_id = str(uuid.uuid4())

        def answered(frame: Frame) -> bool:
            return frame["type"] == "query.accepted" and frame["message_id"] == message_id

        for _ in range(30):
            sent = {"content": content, "message_id": message_id, "session_id": self.chat.session_id}
            try:
                await self.chat.send("query", **sent)
                accepted = await self.chat.until(answered, "query.accepted", bound_s=3)
            except Exception:  # noqa: BLE001  # the SDK raises many kinds while it reconnects; the id makes it safe
                await asyncio.sleep(0.5)
                continue
            return accepted["turn_id"], time.monotonic()
        raise AssertionError("never accepted")

    async def see_end(self, turn_id: str, since: float) -> float:
        """Approve and wait until the turn has ended and its text is known; give the seconds since acceptance."""
        approved = set[str]()
        asked_at = time.monotonic()
        while True:
            self.look()
            turn = self.screen.turns.get(turn_id)
            if turn is not None and turn.ended and turn.settled:
                return time.monotonic() - since
            waited_s = time.monotonic() - since
            assert waited_s < TURN_MOST_S, f"{turn_id} has not ended after {waited_s:.0f} s: {turn}"
            waiting: set[str] = set(turn.approvals) if turn else set()
            for call_id in waiting - approved:
                await self._say("tool.approval", turn_id=turn_id, call_id=call_id, approved=True)
                approved.add(call_id)
            if time.monotonic() - asked_at > 3:
                asked_at, approved = time.monotonic(), set[str]()
                await self._say("turn.resume", turn_id=turn_id, conversation_id=self.chat.session_id)
            await asyncio.sleep(0.05)

    async def _say(self, type_: str, **fields: Any) -> None:
        try:
            await self.chat.send(type_, **fields)
        except Exception:  # noqa: BLE001  # said again at the next look
            await asyncio.sleep(0.2)


def crash(stack: Stack, ahead: int, when: str) -> None:
    """Have the host die at a transaction that is so many steps ahead."""
    url = f"http://127.0.0.1:{stack.base + 8}/durabletask/_faults"
    with urllib.request.urlopen(url, timeout=5) as answer:
        step = json.load(answer)["step"]
    stack.post(url, {"kind": "crash", "step": step + ahead, "when": when})


def is_up(stack: Stack) -> bool:
    """Tell whether the durable engine listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{stack.base + 8}/durabletask/_faults", timeout=1):
            return stack.manifest["pids"]["host"] is not None
    except OSError:
        return False


def writes(stack: Stack) -> tuple[int, Counter[str]]:
    """Count the calls that write and their effects by key, as the tool server saw them."""
    base = next(iter(stack.manifest["mcp"].values())).rsplit("/", 2)[0]
    with urllib.request.urlopen(f"{base}/_stats", timeout=5) as seen:  # noqa: S310
        stats = json.load(seen)["sfdc"]
    return stats["calls"].get("log_activity", 0), Counter(str(effect["key"]) for effect in stats["effects"])


def judge(stack: Stack, visitor: Visitor, asked: list[str]) -> None:
    """Everything asked is stored and answered once, in order, and the screen shows what is stored."""
    stored: list[Any] = []
    more: list[Any] = [None]
    while more:
        path = f"/api/sessions/{visitor.chat.session_id}/messages?limit=100&after_seq={len(stored)}"
        more = stack.get(path, token=visitor.chat.token)["data"]["items"]
        stored += more
    answers = {item["turn_id"]: item for item in stored if item["author"] == "assistant"}
    assert [item["seq"] for item in stored] == list(range(1, len(stored) + 1))
    assert [item["turn_id"] for item in stored if item["author"] == "user"] == asked
    assert [item["turn_id"] for item in stored if item["author"] == "assistant"] == asked
    for turn_id in asked:
        assert visitor.screen.turns[turn_id].text == answers[turn_id]["content"]
        ends: set[str] = {frame["type"] for frame in visitor.chat.of(turn_id, *ENDS)}
        assert len(ends) <= 1, ends


@pytest.mark.timeout(7200)
@pytest.mark.requirement("stack:host-killed")
async def test_a_kill_at_any_durable_step_loses_and_doubles_nothing(
    stack: Stack, big: int | None, first_seed: int, figure: Any
) -> None:
    """Turns that read and turns that write, in several sessions at once, before and after each step."""
    points = big * POINTS_PER_SIZE if big else SAMPLE
    random = Random(first_seed)
    async with contextlib.AsyncExitStack() as open_chats:
        visitors = [Visitor(await open_chats.enter_async_context(Chat(stack))) for _ in range(CHATS)]
        for visitor in visitors:
            await visitor.chat.sign_in()
        kills, slowest = await kill_at(stack, visitors, points, random)
    called, effects = writes(stack)

    assert called <= points
    assert [key for key, count in effects.items() if count > 1] == []
    assert kills >= points // 2
    figure(
        "kill",
        f"{points} points from seed {first_seed}, {kills} hosts killed, {points * CHATS} turns: 0 lost, 0 doubled, "
        f"{points} writes asked for, {called} sent, {len(effects)} done, each once; slowest turn {slowest:.0f} s",
    )


async def kill_at(stack: Stack, visitors: list[Visitor], points: int, random: Random) -> tuple[int, float]:
    """Kill and ask, point by point; give the number of kills and the slowest turn."""
    asked: list[list[str]] = [[] for _ in visitors]
    slowest, kills = 0.0, 0
    for point in range(points):
        wait_for(lambda: is_up(stack), "the host", bound_s=20)
        before = stack.pid("host")
        ahead, when = 1 + (point // 2 + random.randrange(3)) % STEPS_MOST, ("before", "after")[point % 2]
        crash(stack, ahead, when)
        questions = [WRITES if number == point % CHATS else READS for number in range(CHATS)]
        accepted = await asyncio.gather(*(one.ask(text) for one, text in zip(visitors, questions, strict=True)))
        for mine, (turn_id, _) in zip(asked, accepted, strict=True):
            mine.append(turn_id)
        waits = await asyncio.gather(*(one.see_end(*got) for one, got in zip(visitors, accepted, strict=True)))
        slowest = max(slowest, *waits)
        kills += stack.pid("host") != before
    wait_for(lambda: is_up(stack), "the host", bound_s=20)
    for visitor, mine in zip(visitors, asked, strict=True):
        judge(stack, visitor, mine)
    return kills, slowest

"""Many at once: each message delivered ten times, twenty writers in one conversation, cancels at any instant."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import aiohttp
import pytest

from tests.e2e.stack import Stack
from tests.faults.pages import Page
from tests.faults.visitor import all_stored

COPIES = 10
MESSAGES_PER_SIZE = 20
SESSIONS = 6
WRITERS = 20
CANCELS_PER_SIZE = 2
CANCEL_SAMPLE = 4
TOGETHER = 2
ANSWER_S = 3.0
STOPPED_WITHIN_S = 1.0
SHORT = "Hello"
LONG = "How is my pipeline this quarter?"


def pace(stack: Stack, tokens_per_second: int) -> None:
    """Set how fast the model speaks."""
    stack.post(f"{stack.url('model')}/_pace", {"tokens_per_second": tokens_per_second})


async def pages_of(opened: AsyncExitStack, stack: Stack, user: str, sessions: list[str]) -> list[Page]:
    """Open a connection of a person for each of these sessions."""
    http = await opened.enter_async_context(aiohttp.ClientSession())
    token = stack.token(user)
    pages = [Page(http, stack, token, session) for session in sessions]
    await asyncio.gather(*(opened.enter_async_context(page) for page in pages))
    return pages


@pytest.mark.timeout(3600)
@pytest.mark.requirement("query:ten-copies")
async def test_a_message_that_is_delivered_ten_times_at_once_is_one_turn(
    fault_stack: Stack, big: int | None, first_seed: int, figure: Any
) -> None:
    """Ten connections send it at the same moment; all ten are told the same turn, one of them that it is new."""
    messages = big * MESSAGES_PER_SIZE if big else SESSIONS
    random = Random(first_seed)
    sessions = [str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(SESSIONS)]
    pace(fault_stack, 1000)
    asked: dict[str, list[str]] = {session: [] for session in sessions}
    async with AsyncExitStack() as opened:
        pages = await pages_of(opened, fault_stack, "nora.none", [random.choice(sessions) for _ in range(COPIES)])
        watchers = await pages_of(opened, fault_stack, "nora.none", sessions)

        async def talk(session: str, watcher: Page, count: int) -> None:
            for _ in range(count):
                turn_id = await say_ten_times(pages, session, str(uuid.UUID(int=random.getrandbits(128), version=4)))
                asked[session].append(turn_id)
                await watcher.end_of(turn_id)

        shares = [len(range(number, messages, SESSIONS)) for number in range(SESSIONS)]
        await asyncio.gather(*map(talk, sessions, watchers, shares))
    token = fault_stack.token("nora.none")
    for session, turns in asked.items():
        stored = all_stored(fault_stack, token, session)
        assert [item["turn_id"] for item in stored] == [turn for turn in turns for _ in range(2)]
        assert [item["seq"] for item in stored] == list(range(1, 2 * len(turns) + 1))
    turns = sum(map(len, asked.values()))
    figure(
        "duplicates", f"{messages} messages, each delivered {COPIES} times at once, seed {first_seed}: {turns} turns"
    )


async def say_ten_times(pages: list[Page], session: str, message_id: str) -> str:
    """Send one message on every connection at once; give its turn."""
    await asyncio.gather(
        *(page.send("query", content=SHORT, message_id=message_id, session_id=session) for page in pages)
    )

    def accepted(page: Page) -> list[dict[str, Any]]:
        return [one for one in page.frames if one.get("message_id") == message_id and one["type"] == "query.accepted"]

    for page in pages:
        await page.until(lambda page=page: accepted(page), "query.accepted")
    answers = [answer for page in pages for answer in accepted(page)]
    assert len(answers) == COPIES
    assert len({answer["turn_id"] for answer in answers}) == 1
    assert [answer["duplicate"] for answer in answers].count(False) == 1
    return answers[0]["turn_id"]


@pytest.mark.timeout(3600)
@pytest.mark.requirement("query:twenty-writers")
async def test_twenty_writers_in_one_conversation_are_answered_in_order(
    fault_stack: Stack, big: int | None, first_seed: int, figure: Any
) -> None:
    """No gap in the order, every answer after its question, no turn begins before the one before it has its answer."""
    each = big or 1
    pace(fault_stack, 1000)
    session = str(uuid.UUID(int=Random(first_seed + 1).getrandbits(128), version=4))
    async with AsyncExitStack() as opened:
        pages = await pages_of(opened, fault_stack, "nora.none", [session] * WRITERS)

        async def write(page: Page) -> None:
            for _ in range(each):
                await page.end_of(await page.ask(SHORT, str(uuid.uuid4())))

        await asyncio.gather(*map(write, pages))
        frames = pages[0].frames
    stored = all_stored(fault_stack, fault_stack.token("nora.none"), session)
    questions = [item["turn_id"] for item in stored if item["author"] == "user"]
    answers = [item["turn_id"] for item in stored if item["author"] == "assistant"]
    seen = [(one["type"], one["turn_id"]) for one in frames if one["type"] in ("response.started", "response")]

    assert [item["seq"] for item in stored] == list(range(1, 2 * WRITERS * each + 1))
    assert answers == questions
    assert seen == [(kind, turn) for turn in questions for kind in ("response.started", "response")]
    figure("order", f"{WRITERS} writers, {each} messages each, {len(answers)} turns: no gap, no overlap, in order")


@pytest.mark.timeout(3600)
@pytest.mark.requirement("query:cancel-at-any-instant")
async def test_a_cancel_at_any_instant_ends_the_turn_with_what_was_said(
    fault_stack: Stack, big: int | None, first_seed: int, figure: Any
) -> None:
    """No piece of text after a second, no frame after the end, the model's stream closed, what was said is stored."""
    cancels = big * CANCELS_PER_SIZE if big else CANCEL_SAMPLE
    random = Random(first_seed)
    pace(fault_stack, 60)
    outcomes: list[tuple[str, float, float]] = []
    async with AsyncExitStack() as opened:
        sessions = [str(uuid.uuid4()) for _ in range(TOGETHER)]
        pages = await pages_of(opened, fault_stack, "sam.sales", sessions)

        async def stop_some(page: Page, session: str, count: int) -> None:
            outcomes.extend(
                [await stop_one(fault_stack, page, session, random.uniform(0, ANSWER_S)) for _ in range(count)]
            )

        shares = [len(range(number, cancels, TOGETHER)) for number in range(TOGETHER)]
        await asyncio.gather(*map(stop_some, pages, sessions, shares))
    running = fault_stack.get("/api/health")["data"]["status"]
    stopped = [silence for end, silence, _ in outcomes if end == "response.cancelled"]
    ended = [until_end for end, _, until_end in outcomes if end == "response.cancelled"]

    assert running == "ok"
    assert max(stopped, default=0.0) <= STOPPED_WITHIN_S
    middle, most = (sorted(ended)[len(ended) // 2], max(ended)) if ended else (0.0, 0.0)
    figure(
        "cancel",
        f"{cancels} cancels at random instants, seed {first_seed}: {len(ended)} cancelled, the others had ended; "
        f"last piece of text {max(stopped, default=0):.2f} s after the cancel at most, "
        f"end after {middle:.2f} s (median), {most:.2f} s (most)",
    )


async def stop_one(stack: Stack, page: Page, session: str, after_s: float) -> tuple[str, float, float]:
    """Ask, cancel after a while, and check the end; give it, and when the text and the turn ended after the cancel."""
    message_id, said_at = str(uuid.uuid4()), time.monotonic()
    turn_id = await page.ask(LONG, message_id)
    await asyncio.sleep(max(0.0, said_at + after_s - time.monotonic()))
    cancelled_at = time.monotonic()
    await page.send("query.cancel", turn_id=turn_id, request_id=turn_id[-20:])
    turn = await page.end_of(turn_id)
    timed = [(at, one) for at, one in zip(page.times, page.frames, strict=True) if one.get("turn_id") == turn_id]
    ends = [(at, one) for at, one in timed if one["type"] in ENDS]
    end_at, end = ends[0]
    stored = all_stored(stack, stack.token("sam.sales"), session)[-1]

    assert len(ends) == 1
    assert [one["type"] for at, one in timed if at > end_at] == []
    assert (stored["turn_id"], stored["content"]) == (turn_id, turn.text)
    assert turn.text == spoken([one for _, one in timed])
    pieces = [at for at, one in timed if one["type"] == "response.delta"]
    return end["type"], max([0.0, *(at - cancelled_at for at in pieces)]), end_at - cancelled_at


ENDS = ("response.committed", "response.cancelled", "response.failed")


def spoken(frames: list[dict[str, Any]]) -> str:
    """Join the pieces of the last attempt that spoke."""
    pieces = [one for one in frames if one["type"] == "response.delta"]
    last = max((one["attempt"] for one in pieces), default=0)
    text = ""
    for one in pieces:
        if one["attempt"] == last:
            text = text[: one["offset"]] + one["text"]
    return text

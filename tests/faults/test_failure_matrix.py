"""The failure matrix of docs/reliability.md on a running stack: each row breaks one thing under one turn.

Whatever breaks, the question is stored once and answered once, the page ends with the stored text, and a call that
writes reaches its server once at most. A sample takes some rows, others each day; a size takes all.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp
import pytest

from tests.e2e.stack import Stack
from tests.faults.deeds import DEEDS, Fault, engine, model, service, store
from tests.faults.killing import is_up, written
from tests.faults.pages import Page
from tests.faults.points import url
from tests.faults.visitor import all_stored

READS = "How is my pipeline this quarter?"
WRITES = "Log a call on ACC-0004: renewal talked over at length"
TURN_MOST_S = 60.0
SAMPLE = 4
PARTS = ("durable", "cosmos", "webpubsub", "mcp", "model", "identity")
ACTIVITIES = ("process_round", "run_tool", "respond", "persist", "release")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What breaks, and how the turn then ends."""

    faults: Sequence[Fault] = ()
    question: str = READS
    status: str = "final"
    finish_reason: str | None = None
    error: str | None = None
    words: str | None = None
    """Somebody does this in mid-answer."""


ROWS: dict[str, Row] = {
    "Web PubSub: 429 with Retry-After": Row(
        faults=[service(kind="rest_refusal", status=429, retry_after_s=1, times=3)]
    ),
    "Web PubSub: 503 to some frames": Row(faults=[service(kind="rest_refusal", status=503, times=6)]),
    "Web PubSub: down for the whole turn": Row(faults=[service(kind="rest_refusal", status=503, times=100_000)]),
    "Web PubSub: every third frame is lost": Row(faults=[service(kind="drop_frames", every=3)]),
    "Web PubSub: its quota is reached": Row(
        faults=[service(kind="quota", connections=1, messages=True, retry_after_s=2)], words="others knock"
    ),
    "Web PubSub: events come late": Row(faults=[service(kind="delay", what="upstream", ms=10_000)]),
    "Web PubSub: sends are slow": Row(faults=[service(kind="delay", what="rest", ms=300)]),
    **{
        f"Durable: {name} runs twice at once": Row(
            faults=[engine("repeat_activity", activity=name, side_by_side=True)], question=WRITES
        )
        for name in ACTIVITIES
    },
    **{
        f"Durable: {name} runs again, its result was lost": Row(
            faults=[engine("repeat_activity", activity=name)], question=WRITES
        )
        for name in ACTIVITIES
    },
    "Durable: a work item comes late": Row(faults=[engine("hold_activity", activity="respond", seconds=4)]),
    "Durable: the wake-up of a cancel is lost": Row(
        faults=[engine("deliver_event", event="cancel", copies=0)], status="cancelled", words="cancel"
    ),
    "Durable: the wake-up of a cancel comes twice": Row(
        faults=[engine("deliver_event", event="cancel", copies=2)], status="cancelled", words="cancel"
    ),
    "Durable: the execution is lost": Row(words="terminate"),
    "Durable: purged while the page comes back": Row(words="purge"),
    "Model: 500 before the first token": Row(faults=[model("http", 2, status=500)]),
    "Model: 500 for ever": Row(faults=[model("http", 50, status=500)], status="failed", error="model_unavailable"),
    "Model: 429 with Retry-After 2": Row(faults=[model("http", status=429, retry_after=2)]),
    "Model: 429 with Retry-After 300": Row(
        faults=[model("http", 50, status=429, retry_after=300)], status="failed", error="model_unavailable"
    ),
    "Model: no byte for 20 s": Row(faults=[model("hang_after", after=5, during="answer")]),
    "Model: cut at a token": Row(faults=[model("cut_after_tokens", after=9, during="answer")]),
    "Model: ends without a finish reason": Row(faults=[model("eof_without_finish_after", after=9, during="answer")]),
    "Model: says nothing": Row(faults=[model("empty", during="answer")]),
    "Model: content filter": Row(
        faults=[model("content_filter_after", after=9, during="answer")], finish_reason="content_filter"
    ),
    "Model: too long": Row(faults=[model("length_after", after=9, during="answer")], finish_reason="length"),
    "Model: broken arguments": Row(faults=[model("bad_tool_json", during="calls")]),
    "Model: an invented tool": Row(faults=[model("unknown_tool", during="calls")]),
    "Model: a hundred calls at once": Row(faults=[model("many_calls", during="calls", calls=100)]),
    "Tool server: dies after the effect": Row(
        faults=[("mcp", {"mode": "cut", "tool": "log_activity", "count": 1})], question=WRITES
    ),
    "Tool server: 503": Row(faults=[("mcp", {"mode": "http", "status": 503, "tool": "pipeline_summary", "count": 4})]),
    "Cosmos DB: 429": Row(faults=[store(429, 3, retry_after_ms=300)]),
    "Cosmos DB: down in a turn": Row(words="store down"),
    "Cosmos DB: reads come out of a copy that is behind": Row(
        faults=[store("stale", 100_000)], words="caught up", question=WRITES
    ),
    "Cosmos DB: down before acceptance": Row(faults=[store(503, 6, "batch", '"u:')]),
    **{
        f"Cosmos DB: the answer to a write is lost, {name}": Row(faults=[store("drop-after-apply", 1, kind, text)])
        for name, kind, text in (
            ("acceptance", "batch", '"u:'),
            ("claim", "patch", "/attempt"),
            ("end of a round", "batch", "/rounds/-"),
            ("seal", "batch", "/sealed"),
            ("release", "batch", "AND IS_DEFINED(c.sealed) AND"),
            ("answer", "upsert", '"a:'),
        )
    },
    "Sign-in: no keys, no tokens for tools": Row(
        faults=[("identity", {"mode": "keys_unavailable"}), ("identity", {"mode": "unavailable"})]
    ),
    "Host: told to end in mid-answer": Row(words="SIGTERM"),
    "Host: killed in mid-answer": Row(words="SIGKILL"),
    "Host: its disk is full before the start": Row(faults=[engine("disk_full")], words="disk full"),
    "Host: its disk is full in mid-answer": Row(words="disk full later"),
    "Host: no file left to open in mid-answer": Row(words="no files"),
    "Client: two pages, one of them comes back": Row(words="second page"),
}


@pytest.mark.timeout(3600)
@pytest.mark.requirement("query:failure-matrix")
async def test_every_row_of_the_failure_matrix_ends_as_it_says(
    fault_stack: Stack, big: int | None, first_seed: int, figure: Any
) -> None:
    """One row after the other, each on a session of its own."""
    names = list(ROWS) if big else Random(first_seed).sample(list(ROWS), SAMPLE)
    slowest: tuple[float, str] = (0.0, "")
    fault_stack.post(f"{fault_stack.url('model')}/_pace", {"tokens_per_second": 100})
    async with aiohttp.ClientSession() as http:
        for name in names:
            began = time.monotonic()
            async with whole(http, fault_stack):
                try:
                    await play(http, fault_stack, ROWS[name])
                except AssertionError as fault:
                    raise AssertionError(f"{name}: {fault}") from fault
            slowest = max(slowest, (time.monotonic() - began, name))
    figure("failure matrix", f"{len(names)} rows, slowest {slowest[0]:.0f} s ({slowest[1]}): each ended as it says")


@contextlib.asynccontextmanager
async def whole(http: aiohttp.ClientSession, stack: Stack) -> AsyncGenerator[None]:
    """Leave the stack as it was."""
    await is_up(http, stack)
    try:
        yield
    finally:
        await is_up(http, stack)
        for part in PARTS:
            async with http.delete(url(stack, part)):
                pass


async def play(http: aiohttp.ClientSession, stack: Stack, row: Row) -> None:
    """Play a row and check its end."""
    token, session, before = stack.token("sam.sales"), str(uuid.uuid4()), written(stack)
    async with Page(http, stack, token, session) as page:
        for part, fault in row.faults:
            async with http.post(url(stack, part), json=dict(fault)) as answer:
                assert answer.status < 300, await answer.text()
        turn_id = await insist(page, row.question)
        await approve(page, turn_id, row)
        if row.words is not None:
            await DEEDS[row.words](http, stack, page, turn_id)
        stored = await answer_of(http, stack, token, session)
        if row.faults and row.faults[0][0] == "webpubsub":
            async with http.delete(url(stack, "webpubsub")):
                pass
        # A page that was told nothing comes back and asks.
        await page.send("turn.resume", turn_id=turn_id, conversation_id=session)
        shown = await page.end_of(turn_id)
    messages = all_stored(stack, stack.token("sam.sales"), session)
    keys = written(stack) - before

    assert [message["seq"] for message in messages] == [1, 2]
    assert [message["turn_id"] for message in messages] == [turn_id, turn_id]
    assert stored == messages[1]
    assert stored["status"] == row.status, stored
    assert row.finish_reason in (None, stored["finish_reason"])
    assert shown.text == stored["content"]
    assert row.error is None or shown.error["code"] == row.error
    assert keys.total() <= (row.question == WRITES)


async def insist(page: Page, question: str) -> str:
    """Ask with one id until it is accepted."""
    message_id = str(uuid.uuid4())
    for _ in range(10):
        try:
            async with asyncio.timeout(5):
                return await page.ask(question, message_id)
        except (TimeoutError, AssertionError):
            await asyncio.sleep(1.0)
    raise AssertionError("never accepted")


async def approve(page: Page, turn_id: str, row: Row) -> None:
    """Say yes to the call that writes, however late the page hears of it."""
    if row.question != WRITES:
        return

    def waits_or_ended() -> bool:
        turn = page.screen.turns.get(turn_id)
        return turn is not None and (turn.ended or bool(turn.approvals))

    await page.until(waits_or_ended, "a call that waits")
    for call_id in list(page.screen.turns[turn_id].approvals):
        await page.send("tool.approval", turn_id=turn_id, call_id=call_id, approved=True)


async def answer_of(http: aiohttp.ClientSession, stack: Stack, token: str, session: str) -> Any:
    """Wait for the stored answer, as long as a turn may take."""
    path, give_up = f"{stack.url('app')}/api/sessions/{session}/messages", time.monotonic() + TURN_MOST_S
    while time.monotonic() < give_up:
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get(path, headers={"Authorization": f"Bearer {token}"}) as answer:
                found: Any = await answer.json() if answer.status == 200 else None
            items: list[Any] = found["data"]["items"] if found else []
            if len(items) > 1:
                return items[1]
        await asyncio.sleep(0.2)
    raise AssertionError(f"no answer within {TURN_MOST_S:.0f} s")

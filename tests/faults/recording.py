"""Record what a page is told on a running stack as golden streams: `python -m tests.faults.recording`.

Three stories: a tool is used, a call waits for approval, the host is killed in mid-answer. Both clients' reducers read
them (tests/contract/golden); a recording is made anew when the wire changes.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from tests.contract.golden_streams import GOLDEN
from tests.e2e.stack import Stack
from tests.faults.deeds import in_mid_answer
from tests.faults.pages import Page
from tests.faults.test_failure_matrix import READS, WRITES, Row, approve

Story = Callable[[Stack, Page, str], Awaitable[None]]


async def nothing(_stack: Stack, _page: Page, _turn_id: str) -> None:
    """Let the answer come."""


async def consent(_stack: Stack, page: Page, turn_id: str) -> None:
    """Approve the call."""
    await approve(page, turn_id, Row(question=WRITES))


async def crash(stack: Stack, page: Page, turn_id: str) -> None:
    """Kill the host in mid-answer."""
    await in_mid_answer(page, turn_id)
    stack.kill("host")


STORIES: dict[str, tuple[str, Story]] = {
    "recorded_tool": (READS, nothing),
    "recorded_approval": (WRITES, consent),
    "recorded_host_killed": (READS, crash),
}


async def record(stack: Stack, name: str) -> None:
    """Play one story and write it down with what a client must know in the end."""
    question, story = STORIES[name]
    session, began = str(uuid.uuid4()), time.monotonic()
    async with aiohttp.ClientSession() as http, Page(http, stack, stack.token("sam.sales"), session) as page:
        turn_id = await page.ask(question, str(uuid.uuid4()))
        await story(stack, page, turn_id)
        shown = await page.end_of(turn_id)
        told = [
            {"at": round((at - began) * 1000), "frame": frame}
            for at, frame in zip(page.times, page.frames, strict=True)
            if frame.get("conversation_id", session) == session
        ]
    facts = {"text": shown.text, "attempt": shown.attempt, "status": "done", "ended": True, "settled": True}
    expect: dict[str, Any] = {"conversations": {session: {"turns": {turn_id: facts}}}}
    lines = [*told, {"expect": expect}]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    await asyncio.to_thread((GOLDEN / f"{name}.jsonl").write_text, text, encoding="utf-8")


def main() -> None:
    """Record every story."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "data", "--tokens-per-second", "120")
        stack.start()
        try:
            for name in STORIES:
                asyncio.run(record(stack, name))
        finally:
            stack.stop()


if __name__ == "__main__":
    main()

"""A connection is cut after every frame of an answer: whoever comes back ends with exactly the text that is stored."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import aiohttp
import pytest

from tests.e2e.stack import Stack
from tests.faults.pages import Page

SAMPLE = 1
CUT_MOST = 40
"""A page for each frame of the longest answer waits to be cut; what is not cut sees the answer whole."""
QUESTIONS = (
    "How is my pipeline this quarter?",
    "Compare the open pipeline by stage as a chart",
    "Which opportunities close this month?",
    "Wie steht meine Pipeline?",
)


@pytest.mark.timeout(3600)
@pytest.mark.requirement("query:resume-at-every-frame")
async def test_whoever_is_cut_at_any_frame_ends_with_the_stored_text(
    fault_stack: Stack, big: int | None, first_seed: int, figure: Any
) -> None:
    """Half of them come back as a new page that knows the session's id alone, half with what they had."""
    answers, random, cuts = big or SAMPLE, Random(first_seed), 0
    token = fault_stack.token("sam.sales")
    async with aiohttp.ClientSession() as http:
        for _ in range(answers):
            fault_stack.post(f"{fault_stack.url('model')}/_pace", {"tokens_per_second": random.choice([60, 120, 240])})
            cuts += await cut_everywhere(http, fault_stack, token, random.choice(QUESTIONS))
    figure("resume", f"{answers} answers, {cuts} connections cut, one after each frame, seed {first_seed}: same text")


async def cut_everywhere(http: aiohttp.ClientSession, stack: Stack, token: str, question: str) -> int:
    """Ask once, cut a page after each frame, and compare what all see in the end with the store; count the cuts."""
    session_id = str(uuid.uuid4())
    async with AsyncExitStack() as opened:
        desk = await opened.enter_async_context(Page(http, stack, token, session_id))
        pages = [Page(http, stack, token, session_id) for _ in range(CUT_MOST)]
        await asyncio.gather(*(opened.enter_async_context(page) for page in pages))
        turn_id = await desk.ask(question, str(uuid.uuid4()))
        texts = await asyncio.gather(
            *(
                cut_and_back(http, stack, (token, session_id), page, number, turn_id)
                for number, page in enumerate(pages)
            )
        )
        shown = await desk.end_of(turn_id)
    stored = stack.get(f"/api/sessions/{session_id}/messages", token=token)["data"]["items"][1]
    frames = desk.of(turn_id)
    assert stored["turn_id"] == turn_id
    assert shown.text == stored["content"]
    assert [text for text, _ in texts if text != stored["content"]] == []
    cuts = sum(was_cut for _, was_cut in texts)
    assert cuts >= min(CUT_MOST, len(frames) - 2)
    return cuts


async def cut_and_back(
    http: aiohttp.ClientSession, stack: Stack, who: tuple[str, str], page: Page, number: int, turn_id: str
) -> tuple[str, bool]:
    """Cut a page after that many frames and come back; give the text that is seen in the end."""

    def is_due() -> bool:
        frames = page.of(turn_id)
        return len(frames) > number or any(frame["type"] == "response.committed" for frame in frames)

    await page.until(is_due, "a frame")
    if len(page.of(turn_id)) <= number:
        return (await page.end_of(turn_id)).text, False
    page.cut()
    async with Page(http, stack, *who, screen=page.screen if number % 2 else None) as again:
        return (await again.end_of(turn_id)).text, True

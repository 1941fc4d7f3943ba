"""Let a started app find its tools, and wait until it calls itself ready."""

from __future__ import annotations

import asyncio
import http.client

from local.stack.probe import Answer, ask
from local.stack.worker import PartFailed

OPEN_S = 60.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0


async def open_app(app: str) -> None:
    """Have the tools discovered once, then wait for the app's own word that it is ready.

    Raises:
        PartFailed: the app refused or stayed unready; the message holds its last answer.

    """
    try:
        async with asyncio.timeout(OPEN_S):
            await refresh_tools(f"{app}/admin/functions/refresh_tools")
            await ready(f"{app}/api/health/ready")
    except TimeoutError as fault:
        last = await asyncio.to_thread(ask, f"{app}/api/health/ready")
        raise PartFailed(f"The app is not ready after {OPEN_S:.0f} s: {said(last)}") from fault


async def refresh_tools(url: str) -> None:
    """Start the discovery of tools; a busy machine's host may leave the first request unanswered.

    Raises:
        PartFailed: the host refused.

    """
    while True:
        answer = await asyncio.to_thread(ask, url, method="POST", content={"input": ""})
        if answer is not None:
            break
        await asyncio.sleep(FIRST_PAUSE_S)
    if answer.status != http.client.ACCEPTED:
        raise PartFailed(f"The host did not refresh the tools: {said(answer)}")


async def ready(url: str) -> None:
    """Wait until the app answers that it can serve."""
    pause = FIRST_PAUSE_S
    while True:
        answer = await asyncio.to_thread(ask, url)
        if answer is not None and answer.status == http.client.OK:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_S)


def said(answer: Answer | None) -> str:
    """Quote an answer in one line."""
    return "no answer" if answer is None else f"status {answer.status} {answer.body[:2000]}"

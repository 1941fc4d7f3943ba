"""Play a script at the set pace to a sink, and note how far it came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from local.model.events import TOKENS, Break, CallBegins, Event, Finish, Script
from local.model.requests_log import Entry


async def play(script: Script, entry: Entry, tokens_per_second: float) -> AsyncGenerator[Event]:
    """Yield the events when they are due; a pace of 0 knows no waiting.

    A `hang` waits until the caller goes away. What was sent is noted in `entry` as it goes.
    """
    began = time.monotonic()
    entry.tokens_planned = script.tokens
    try:
        for event in script.events:
            if isinstance(event, TOKENS):
                await _until(began, entry.tokens_sent + 1, tokens_per_second)
            if event == Break("hang"):
                await asyncio.Event().wait()
            if isinstance(event, Break):
                # Nobody asks for more after it, so it is noted first.
                entry.finish_reason = event.kind
            yield event
            _note(event, entry)
    finally:
        entry.ended_at = time.time()
        entry.cancelled = not entry.finished and not entry.finish_reason


async def _until(began: float, token: int, tokens_per_second: float) -> None:
    """Wait until a token is due, counted from the beginning, so that delays do not add up."""
    due = began + token / tokens_per_second if tokens_per_second > 0 else began
    await asyncio.sleep(max(0.0, due - time.monotonic()))


def _note(event: Event, entry: Entry) -> None:
    if isinstance(event, TOKENS):
        entry.tokens_sent += 1
        entry.last_token_at = time.time()
        entry.first_token_at = entry.first_token_at or entry.last_token_at
    elif isinstance(event, CallBegins):
        entry.tools_called.append(event.name)
    elif isinstance(event, Finish):
        entry.finish_reason = event.reason
        entry.finished = True

"""What Application Insights gets of a running stack, and what becomes of answers when it does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from shared.domain.correlation import trace_of
from shared.domain.ids import TurnId
from tests.collector import Collector, collecting
from tests.e2e.client import Chat
from tests.e2e.stack import Stack, wait_for

QUESTION = "How is my pipeline this quarter?"


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncGenerator[tuple[Stack, Collector]]:
    """A stack that tells a collector what it does."""
    async with collecting() as collector:
        stack = Stack(tmp_path / "data", "--tokens-per-second", "0")
        stack.settings["APPLICATIONINSIGHTS_CONNECTION_STRING"] = collector.connection_string
        await asyncio.to_thread(stack.start)
        await asyncio.to_thread(wait_for, stack.accepts_connections, "the stack")
        yield stack, collector
        collector.answering.set()
        await asyncio.to_thread(stack.stop)


@pytest.mark.requirement("observability:trace")
@pytest.mark.requirement("observability:dropped")
async def test_turns_are_traces_without_content_and_are_answered_while_nobody_takes_them(
    watched: tuple[Stack, Collector],
) -> None:
    """Rounds and calls below the turn, with their times and tokens; then the collector holds its answers back."""
    stack, collector = watched
    async with Chat(stack) as chat:
        await chat.sign_in()
        turn_id = await chat.ask(QUESTION)
        await chat.end_of(turn_id)
        answer = chat.of(turn_id, "response")[0]["content"]
        async with asyncio.timeout(60):
            while not (collector.of("Request") and collector.of("Metric")):
                await asyncio.sleep(0.05)
        collector.answering.clear()
        collector.asked.clear()
        held = await chat.ask("And last quarter?")
        await chat.end_of(held)
        await asyncio.wait_for(collector.asked.wait(), 60)
        end = await chat.end_of(await chat.ask("And the year before?"))

    assert end["type"] == "response.committed"
    (turn,) = collector.of("Request")
    assert turn["tags"]["ai.operation.id"] == trace_of(TurnId(turn_id))
    assert turn["properties"]["salescoach.turn.end"] == "final"
    parts = [part for part in collector.of("RemoteDependency") if part["tags"]["ai.operation.parentId"] == turn["id"]]
    assert [part["name"] for part in sorted(parts, key=lambda part: part["properties"]["gen_ai.operation.name"])] == [
        "chat gpt-4.1-mini",
        "chat gpt-4.1-mini",
        "execute_tool pipeline_summary",
    ]
    measured = {point["name"] for metric in collector.of("Metric") for point in metric["metrics"]}
    assert {"salescoach.turn.first_token", "salescoach.turn.wait", "gen_ai.client.token.usage"} <= measured
    for said in (QUESTION, answer, "@"):
        assert said not in repr(collector.items)

"""What Application Insights gets of a running stack, and what becomes of answers when it does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from shared.domain.correlation import trace_of
from shared.domain.ids import TurnId
from tests.collector import collecting
from tests.e2e.client import Chat
from tests.e2e.stack import Stack

QUESTION = "How is my pipeline this quarter?"


@pytest.mark.requirement("observability:trace")
async def test_a_turn_is_one_trace_that_holds_nothing_of_what_was_said(new_stack: Callable[..., Stack]) -> None:
    """Rounds and calls below the turn, with their times and tokens."""
    stack = new_stack("--tokens-per-second", "0")
    async with collecting() as collector:
        stack.stop()
        stack.settings["APPLICATIONINSIGHTS_CONNECTION_STRING"] = collector.connection_string
        stack.start()
        async with Chat(stack) as chat:
            await chat.sign_in()
            turn_id = await chat.ask(QUESTION)
            await chat.end_of(turn_id)
            answer = chat.of(turn_id, "response")[0]["content"]
        async with asyncio.timeout(60):
            while not (collector.of("Request") and collector.of("Metric")):
                await asyncio.sleep(0.05)

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
    assert QUESTION not in repr(collector.items)
    assert answer not in repr(collector.items)
    assert "@" not in repr(collector.items)


@pytest.mark.requirement("observability:dropped")
async def test_answers_come_while_application_insights_holds_its_answer(new_stack: Callable[..., Stack]) -> None:
    """The collector takes the connection and says nothing; turns end as ever."""
    stack = new_stack("--tokens-per-second", "0")
    async with collecting() as collector:
        collector.answering.clear()
        stack.stop()
        stack.settings["APPLICATIONINSIGHTS_CONNECTION_STRING"] = collector.connection_string
        stack.start()
        async with Chat(stack) as chat:
            await chat.sign_in()
            first = await chat.ask(QUESTION)
            await chat.end_of(first)
            await asyncio.wait_for(collector.asked.wait(), 30)
            second = await chat.ask("And last quarter?")
            end = await chat.end_of(second)
        collector.answering.set()

    assert end["type"] == "response.committed"

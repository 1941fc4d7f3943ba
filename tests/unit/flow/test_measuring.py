"""What a turn tells of itself for traces and metrics."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.correlation import trace_of
from shared.domain.errors import ErrorCode, ModelFailed
from shared.domain.model import ModelRequest
from shared.domain.telemetry import Operation, span_of
from shared.domain.tools import CallState
from shared.flow.measuring import measured_stream

pytestmark = pytest.mark.requirement("observability:trace")
SECRET = "Zebra-Canary-4711"


class Told:
    """Keeps what was recorded."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def record(self, done: Operation) -> None:
        """Keep it."""
        self.operations.append(done)

    def values(self, name: str) -> list[float]:
        """The values of one instrument."""
        return [one.value for done in self.operations for one in done.measured if one.name == name]


@pytest.fixture
def told(room: Any) -> Told:
    """A watched room."""
    told = Told()
    room.services = replace(room.services, telemetry=told)
    return told


async def test_a_turn_is_one_trace_from_its_question_to_its_end(room: Any, rounds: Any, told: Told) -> None:
    """Rounds and calls are spans below the turn's own, whatever process tells of them."""
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("Fine."))
    room.answers("pipeline")

    accepted = await room.ask()
    await room.run()

    *parts, whole = told.operations
    assert [part.name for part in parts] == ["chat primary-model", "execute_tool pipeline", "chat primary-model"]
    assert {done.trace_id for done in told.operations} == {trace_of(accepted.turn_id)}
    assert {part.parent_id for part in parts} == {whole.span_id} == {span_of(accepted.turn_id)}
    assert (whole.name, whole.parent_id, whole.error) == ("invoke_agent salescoach", None, None)
    assert whole.attributes["salescoach.turn.end"] == "final"
    sent = room.tools.called[-1].context.extra["traceparent"]
    assert sent == f"00-{whole.trace_id}-{parts[1].span_id}-01"


async def test_waits_first_texts_and_tokens_are_counted_once_a_turn(room: Any, rounds: Any, told: Told) -> None:
    """A second attempt is no second first token, and its wait is not the queue's."""
    room.scripted([ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "cut", may_repeat=True)], rounds.says("Fine."))
    await room.ask()
    room.clock.advance(3)
    await room.run()

    assert told.values("salescoach.turn.wait") == [3.0]
    (first,), (whole,) = told.values("salescoach.turn.first_token"), told.values("salescoach.turn.duration")
    assert 3.0 < first <= whole
    assert told.values("gen_ai.client.token.usage") == [10, 5]
    assert [done.error for done in told.operations] == ["model_unavailable", None, None]
    assert len(told.values("gen_ai.client.operation.duration")) == 2


async def test_a_failed_call_names_how_it_ended(room: Any, rounds: Any, told: Told) -> None:
    """Its duration counts under that name, too."""
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("Sorry."))
    room.answers("pipeline", state=CallState.FAILED)
    await room.ask()
    await room.run()

    (call,) = [done for done in told.operations if done.name == "execute_tool pipeline"]
    assert call.error == "failed"
    assert call.measured[0].attributes["error.type"] == "failed"


async def test_a_stream_that_is_left_early_is_told_as_interrupted(room: Any, rounds: Any, told: Told) -> None:
    """By a cancel, for example."""
    room.scripted(rounds.says("Fine."))
    await room.ask()
    turn = await room.turn(room.started())

    with pytest.raises(KeyboardInterrupt):
        async with measured_stream(room.services, turn, ModelRequest(system="", said=())):
            raise KeyboardInterrupt

    assert [(done.name, done.error) for done in told.operations] == [("chat primary-model", "interrupted")]


async def test_a_clock_that_goes_back_measures_nothing_negative(room: Any, rounds: Any, told: Told) -> None:
    """Hosts' clocks differ."""
    room.scripted(rounds.says("Fine."))
    await room.ask()
    room.clock.advance(-timedelta(minutes=10).total_seconds())
    await room.run()

    assert told.values("salescoach.turn.wait") == told.values("salescoach.turn.duration") == [0.0]


async def test_nothing_that_people_or_tools_said_is_told(room: Any, rounds: Any, told: Told) -> None:
    """Ids, codes, names of models and tools, counts and times."""
    room.scripted(rounds.asks_for("sfdc__pipeline", first=SECRET), rounds.says(SECRET))
    room.answers("pipeline", SECRET)
    await room.ask(SECRET)
    await room.run()

    assert len(told.operations) == 4
    assert SECRET not in repr(told.operations)
    assert "@" not in repr(told.operations)

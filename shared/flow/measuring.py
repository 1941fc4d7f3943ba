"""Measure what a turn does, for whoever watches the app: model rounds, tool calls, and the turn as a whole."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from shared.domain.errors import ModelFailed
from shared.domain.model import ModelEvent, ModelRequest, RoundFinished
from shared.domain.telemetry import model_call, tool_call, whole_turn
from shared.domain.tools import ToolCall
from shared.domain.turns import Turn
from shared.flow.services import Services, TurnServices
from shared.ports import Clock

INTERRUPTED = "interrupted"
"""The stream was left before its end: a cancel, another execution, or the end of its time."""


class _Watched:
    """Passes a stream on, and sees when its first text came and how it ended."""

    def __init__(self, events: AsyncIterator[ModelEvent], clock: Clock) -> None:
        self._events = events
        self._clock = clock
        self.first: datetime | None = None
        self.finished: RoundFinished | None = None

    def __aiter__(self) -> AsyncIterator[ModelEvent]:
        return self

    async def __anext__(self) -> ModelEvent:
        event = await anext(self._events)
        if isinstance(event, RoundFinished):
            self.finished = event
        elif self.first is None:
            self.first = self._clock.now()
        return event


@asynccontextmanager
async def measured_stream(
    services: TurnServices, turn: Turn, request: ModelRequest
) -> AsyncGenerator[AsyncIterator[ModelEvent]]:
    """Open the model's stream as the port does, and record the call when it is left."""
    began, watched, error = services.clock.now(), None, INTERRUPTED
    try:
        async with services.model.stream(request) as events:
            watched = _Watched(aiter(events), services.clock)
            yield watched
        error = None
    except ModelFailed as fault:
        error = fault.code.value
        raise
    finally:
        first, finished = (watched.first, watched.finished) if watched else (None, None)
        model = services.model.name(secondary=request.use_secondary)
        services.telemetry.record(model_call(turn, model, (began, first, services.clock.now()), finished, error))


def record_call(services: Services, turn: Turn, call: ToolCall) -> None:
    """Record a call that was sent, when its outcome is stored."""
    if call.started_at is not None:
        services.telemetry.record(tool_call(turn, call, services.clock.now()))


def record_turn(services: Services, turn: Turn) -> None:
    """Record a whole turn, when its end is told."""
    services.telemetry.record(whole_turn(turn, services.clock.now()))

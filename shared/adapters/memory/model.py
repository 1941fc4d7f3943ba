"""Play a language model from a script."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from shared.domain.model import ModelEvent, ModelRequest, RoundFinished, TextDelta

Line = ModelEvent | Exception | asyncio.Event
"""What happens next in a stream: an event, a fault that is raised, or a wait until a test lets it go on."""


class MemoryModel:
    """Meet ChatModel: each request plays the next round of the script."""

    def __init__(self, rounds: Iterable[Sequence[Line]] = ()) -> None:
        self.rounds = [list(lines) for lines in rounds]
        self.requests: list[ModelRequest] = []
        self.open_streams = 0
        self.produced: list[TextDelta | RoundFinished] = []

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent], None]:
        """Open the stream of the next scripted round.

        Raises:
            IndexError: the script has no more rounds.
        """
        self.requests.append(request)
        lines = self.rounds.pop(0)
        self.open_streams += 1
        try:
            yield self._play(lines)
        finally:
            self.open_streams -= 1

    def name(self, *, secondary: bool) -> str:
        """Name the model that a request would use."""
        return "secondary-model" if secondary else "primary-model"

    async def _play(self, lines: Sequence[Line]) -> AsyncIterator[ModelEvent]:
        for line in lines:
            await asyncio.sleep(0)
            if isinstance(line, asyncio.Event):
                await line.wait()
            elif isinstance(line, Exception):
                raise line
            else:
                self.produced.append(line)
                yield line

"""Have a chart drawn by the utility model where the person asked for one and parsing finds none."""

import asyncio
import logging
from dataclasses import dataclass

from shared.domain.charts import Chart, tables_and_chart
from shared.domain.conversation import Usage
from shared.domain.drawn_charts import DRAWING_TASK, SHAPE, SHAPE_NAME, asks_for_chart, believed
from shared.domain.errors import ModelFailed, StoreUnavailable
from shared.domain.model import ModelRequest, Said, WantedShape
from shared.domain.number_marks import conventions
from shared.domain.turn_events import End
from shared.domain.turns import Turn
from shared.flow.aside import TEXT_MOST, ask_aside
from shared.flow.services import TurnServices

DRAWING_S = 6.0
"""How long the final message may wait for it; the answer's text has been streamed long before."""

_log = logging.getLogger("salescoach.respond")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart if there is one, and what it cost."""

    chart: Chart | None = None
    usage: Usage | None = None


async def draw(services: TurnServices, turn: Turn, end: End) -> Drawing:
    """Draw the chart that was asked for; any failure gives none."""
    text = turn.finished_text()
    if end is not End.DONE or sum(char.isdigit() for char in text) < 2:  # noqa: PLR2004  # a chart has two numbers
        return Drawing()
    try:
        question = await services.conversations.message(turn.conversation.key, turn.question_id)
        if question is None or not asks_for_chart(question.content):
            return Drawing()
        charted, decimal = await asyncio.to_thread(_read, services, text, turn.locale)
        return Drawing() if charted else await _ask(services, text[:TEXT_MOST], decimal)
    except (ModelFailed, StoreUnavailable, TimeoutError) as fault:
        _log.warning("chart.left_out", extra={"turn_id": turn.turn_id, "reason": type(fault).__name__})
        return Drawing()


def _read(services: TurnServices, text: str, locale: str | None) -> tuple[bool, str]:
    """Tell whether parsing finds a chart, and which decimal mark the text uses."""
    written = services.read_markdown(text)
    _, chart = tables_and_chart(written, text, locale)
    return chart is not None, conventions(written, text, locale).decimal


async def _ask(services: TurnServices, text: str, decimal: str) -> Drawing:
    shape = WantedShape(name=SHAPE_NAME, schema=SHAPE)
    said = (Said(role="user", text=text),)
    request = ModelRequest(system=DRAWING_TASK, said=said, purpose="utility", shape=shape)
    told = await ask_aside(services, request, within_s=DRAWING_S)
    return Drawing(chart=believed(told.text, text, decimal), usage=told.usage)

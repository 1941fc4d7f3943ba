"""Illustrate an answer: find its tables and its chart, by parsing alone, after its text has been streamed."""

import asyncio
from dataclasses import replace

from shared.domain.charts import Chart, tables_and_chart
from shared.domain.conversation import Message
from shared.domain.tables import Table
from shared.flow.services import TurnServices


async def illustrate(services: TurnServices, answer: Message, locale: str | None) -> Message:
    """Give the answer with its tables and its chart; the text stays as it is."""
    text = _complete(answer)
    if not text:
        return answer
    # In a thread: other turns of this worker go on streaming meanwhile.
    tables, chart = await asyncio.to_thread(_read, services, text, locale)
    return replace(answer, tables=tables, chart_data=chart)


def _read(services: TurnServices, text: str, locale: str | None) -> tuple[list[Table], Chart | None]:
    return tables_and_chart(services.read_markdown(text), text, locale)


def _complete(answer: Message) -> str:
    """Give the text that is surely whole: an answer that was cut may end inside a number of a table."""
    if answer.status == "final" and answer.finish_reason in ("stop", "tool_limit"):
        return answer.content
    return answer.content[: max(answer.content.rfind("\n\n"), 0)]

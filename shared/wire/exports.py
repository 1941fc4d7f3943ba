"""Write a conversation as Markdown or as CSV, for people and their spreadsheets."""

import csv
import io
import re
from collections.abc import Iterable

from shared.domain.conversation import Message
from shared.domain.tables import Cell, Table
from shared.wire.outbound import timestamp

# What spreadsheets take for the beginning of a formula (OWASP, CSV injection), also in its full-width forms, and
# behind blanks and invisible characters, which some of them skip.
_FORMULA = re.compile("[\\s\u0000-\u001f\u200b-\u200f\u2060\ufeff]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_ENDS = {"cancelled": "*Stopped.*", "failed": "*This answer failed.*"}


def markdown(title: str, messages: Iterable[Message]) -> str:
    """Write every question and answer as they are, each below a heading that says whose it is and when."""
    parts = [f"# {' '.join(title.split()) or 'Conversation'}"]
    for message in messages:
        name = message.sender.name if message.sender else "SalesCoach"
        parts.append(f"## {' '.join(name.split())}, {timestamp(message.created_at)}")
        if message.content:
            parts.append(message.content)
        if message.withheld is not None:
            parts.append("*This answer is for another role.*")
        if message.status in _ENDS:
            parts.append(_ENDS[message.status])
        sources = [_source(tool.server, tool.name, tool.as_of) for tool in message.tool_feedback if tool.ok]
        if sources:
            parts.append("\n".join(["Sources:", "", *sources]))
    return "\n\n".join(parts) + "\n"


def _source(server: str, name: str, as_of: str | None) -> str:
    return f"- {server}, {name}" + (f", as of {as_of}" if as_of else "")


def tables_csv(messages: Iterable[Message]) -> str:
    """Write the answers' tables one below the other, an empty line between two; nothing in it is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)  # RFC 4180: CRLF, quotes where needed
    tables = [table for message in messages for table in message.tables]
    for number, table in enumerate(tables):
        if number:
            writer.writerow([])
        writer.writerows(_rows(table))
    return text.getvalue()


def _rows(table: Table) -> Iterable[list[Cell]]:
    if table.title:
        yield [harmless(table.title)]
    yield [harmless(_header(column.name, column.unit)) for column in table.columns]
    for row in table.rows:
        yield [harmless(cell) for cell in row]


def _header(name: str, unit: str | None) -> str:
    return f"{name} ({unit})" if unit else name


def harmless(cell: Cell) -> Cell:
    """Give a cell that no spreadsheet runs: a text that looks like a formula begins with an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell

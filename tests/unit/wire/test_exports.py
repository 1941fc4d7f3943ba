"""A conversation on paper and in spreadsheets."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.conversation import Message, Person
from shared.domain.ids import UserId
from shared.domain.tables import Cell, Column, Table
from shared.domain.tools import ToolFeedback
from shared.wire.exports import harmless, markdown, tables_csv

DAY = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def said(author: Any, content: str, **more: Any) -> Message:
    """A stored message."""
    return Message(conversation_id="c", seq=1, message_id="m", author=author, content=content, created_at=DAY, **more)


def column(name: str, unit: str | None = None) -> Column:
    """A column of anything."""
    return Column(name=name, type="text", unit=unit, align="left")


@pytest.mark.requirement("api:export")
def test_markdown_has_every_line_of_the_answers() -> None:
    """Word for word, with whose it is, when, and where the figures come from."""
    told = ToolFeedback(
        call_id="x",
        server="sfdc",
        name="pipeline",
        ok=True,
        outcome="done",
        duration_ms=3,
        summary="1",
        as_of="2026-01-05",
    )
    answer = said("assistant", "| a |\n|---|\n| 1 |\n\n  - kept as it is", tool_feedback=[told])
    stopped = said("assistant", "Half", status="cancelled")

    text = markdown(
        "My\n# title", [said("user", "How?", sender=Person(id=UserId("t:sam"), name="Sam")), answer, stopped]
    )

    assert text.startswith("# My # title\n\n## Sam, 2026-01-05T09:30:00.000Z\n\nHow?\n\n## SalesCoach, 2026-")
    assert answer.content in text
    assert "- sfdc, pipeline, as of 2026-01-05" in text
    assert text.endswith("Half\n\n*Stopped.*\n")


@pytest.mark.requirement("api:export")
def test_csv_has_the_tables_one_below_the_other() -> None:
    """Titles, headers with their units, numbers as numbers, nothing for null."""
    table = Table(
        title="By region", columns=[column("Region"), column("Won", "EUR")], rows=[["No,rth", -1.5], ["S", None]]
    )
    other = Table(columns=[column("a")], rows=[["x"]])

    text = tables_csv([said("user", "q"), said("assistant", "t", tables=[table, other])])

    assert text == 'By region\r\nRegion,Won (EUR)\r\n"No,rth",-1.5\r\nS,\r\n\r\na\r\nx\r\n'


@pytest.mark.requirement("api:export")
@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1 to 2", "@SUM(A1)", "\tx", "\r=x", "\n=x", "  =x", "\u00a0=x", "\u200b=x", "\ufeff@x", "\uff1d1"],
)
def test_no_cell_of_the_csv_is_a_formula(cell: str) -> None:
    """Also behind blanks and invisible characters, also in titles and headers."""
    table = Table(title=cell, columns=[column(cell)], rows=[[cell]])

    rows = list(csv.reader(io.StringIO(tables_csv([said("assistant", "t", tables=[table])]), newline="")))

    assert rows == [[f"'{cell}"]] * 3


def test_what_is_no_formula_stays_as_it_is() -> None:
    """Numbers, also negative ones, dates and words."""
    cells: list[Cell] = [-5, 3.2, None, "a=b", "2026-01-05", "", "North"]

    assert [harmless(cell) for cell in cells] == cells

"""Reading answers in general: generated tables come back the same, mutated ones do no harm."""

import json
import os
import random
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.markdown_tables import READ_MOST, MarkdownTables
from shared.domain.charts import Chart, tables_and_chart
from shared.domain.dates import moment, readings
from shared.domain.number_marks import decimal_mark
from shared.domain.tables import Align, Table, Written, WrittenTable

SEED = int(os.environ.get("FAULTS_SEED", "1"))
DOCUMENTS = 2000
READER = MarkdownTables()

words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp", "Zs")), max_size=12
).map(lambda text: text.strip())
aligns: st.SearchStrategy[Align | None] = st.sampled_from(["left", "right", "center", None])


@st.composite
def written_tables(draw: st.DrawFn) -> WrittenTable:
    """Any table of texts."""
    width = draw(st.integers(1, 5))
    cells = st.lists(words, min_size=width, max_size=width).map(tuple)
    header = draw(cells)
    rows = draw(st.lists(cells, max_size=5))
    sides = draw(st.lists(aligns, min_size=width, max_size=width))
    return WrittenTable(title=None, header=header, aligns=tuple(sides), rows=tuple(rows))


def escaped(text: str) -> str:
    """A text whose every mark is only itself."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def markdown(table: WrittenTable) -> str:
    """The table as markdown."""
    rules = {"left": ":--", "right": "--:", "center": ":-:", None: "---"}
    lines = [[escaped(cell) for cell in table.header], [rules[side] for side in table.aligns]]
    lines += [[escaped(cell) for cell in row] for row in table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@pytest.mark.requirement("respond:tables")
@given(table=written_tables())
@settings(max_examples=150, deadline=None)
def test_a_table_that_is_written_as_markdown_is_read_back_the_same(table: WrittenTable) -> None:
    """Header, alignment and every cell."""
    assert READER.read(markdown(table)) == [table]


amounts = st.one_of(
    st.integers(-(10**12), 10**12), st.decimals(-(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False)
)


@pytest.mark.requirement("respond:tables")
@given(
    values=st.lists(st.one_of(amounts, st.none()), min_size=2, max_size=6).filter(any),
    mark=st.sampled_from([".", ","]),
    unit=st.sampled_from(["", " EUR", " %", " days"]),
)
@settings(max_examples=150, deadline=None)
def test_numbers_written_for_a_locale_are_the_same_numbers_when_read(values: list[Any], mark: str, unit: str) -> None:
    """With thousands marks and decimals of the locale; nothing stays nothing."""
    swap = str.maketrans(",.", ".,") if mark == "," else {}
    cells = ["" if value is None else f"{value:,}".translate(swap) + unit for value in values]
    text = "| x | y |\n|---|---|\n" + "\n".join(f"| r{row} | {cell} |" for row, cell in enumerate(cells))

    tables, _ = tables_and_chart(READER.read(text), text, "de" if mark == "," else "en")

    assert [row[1] for row in tables[0].rows] == [
        None if value is None else pytest.approx(float(value)) for value in values
    ]


EVIDENCE: dict[str, tuple[str, str]] = {
    "its language": ("Das ist der Umsatz, und hier sind die Zahlen für das Quartal.", "This is what your team has."),
    "a percentage": ("12,5 %", "12.5%"),
    "a price": ("Rund €3,75", "About $3.75"),
    "two groups": ("1.234.567", "1,234,567"),
    "both marks": ("1.234,5", "1,234.5"),
    "another table": ("| z |\n|---|\n| 0,25 |\n", "| z |\n|---|\n| 0.25 |\n"),
    "another column": ("", ""),
}


@pytest.mark.requirement("respond:numbers-as-written")
@given(
    values=st.lists(st.integers(1000, 999_999), min_size=2, max_size=6),
    mark=st.sampled_from([".", ","]),
    evidence=st.sampled_from(sorted(EVIDENCE)),
    locale=st.sampled_from(["same", "other", None]),
)
@settings(max_examples=200, deadline=None)
def test_what_an_answer_shows_of_its_habit_outweighs_its_readers_locale(
    values: list[int], mark: str, evidence: str, locale: str | None
) -> None:
    """Never a thousandfold or a thousandth: 1,234 in an English answer is that for a German reader too."""
    swap = str.maketrans(",.", ".,") if mark == "," else {}
    share = " 0,5 |" if mark == "," else " 0.5 |"
    beside = share if evidence == "another column" else " b |"
    rows = [f"| r{row} | {f'{value:,}'.translate(swap)} |{beside}" for row, value in enumerate(values)]
    text = "\n".join(["| x | y | a |", "|---|---|---|", *rows, "", EVIDENCE[evidence][mark == "."]])
    homes = {"same": ("de-DE", "en-GB"), "other": ("en-GB", "de-DE")}

    tables, chart = tables_and_chart(READER.read(text), text, homes[locale][mark == "."] if locale else None)

    assert [row[1] for row in tables[0].rows] == values
    assert chart is not None
    assert [point.value for point in chart.data] == values


def sample_documents() -> list[str]:
    """The corpus, as one pool of texts."""
    paths = sorted(Path(__file__).parent.glob("*.json"))
    return ["\n".join(case["text"]) for path in paths for case in json.loads(path.read_text(encoding="utf-8"))]


def mutated(rng: random.Random, pool: list[str]) -> str:
    """A document that no model would write: pieces of several, with characters lost, doubled and foreign."""
    text = "\n\n".join(rng.sample(pool, rng.randint(1, 3)))
    for _ in range(rng.randint(1, 30)):
        at, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        end = min(end, at + 20)
        kind = rng.randint(0, 3)
        noise = rng.choice(
            ["|", "\n", "-", "`", "\\", "**", "> ", "\t", "é", "🙂", "<br>", "9", ",", ".", "%", "\x00", "["]
        )
        new = {0: "", 1: noise, 2: text[at:end] * rng.randint(2, 5), 3: noise * rng.randint(1, 40)}[kind]
        text = text[:at] + new + text[end:]
    return text


def sane(tables: list[Table], chart: Chart | None) -> None:
    """What may be said of any result."""
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
    if chart is None:
        return
    assert len(chart.data) >= 2
    assert len({point.label for point in chart.data}) == len(chart.data)
    assert all(len(series.values) == len(chart.data) for series in chart.series or [])


@pytest.mark.requirement("respond:any-text")
def test_no_document_however_broken_stops_the_reader() -> None:
    """Every result is a rectangle of cells and a chart with labels of its own."""
    rng, pool = random.Random(SEED), sample_documents()

    for _ in range(DOCUMENTS):
        text = mutated(rng, pool)
        sane(*tables_and_chart(READER.read(text), text, rng.choice([None, "de", "en-US"])))


@pytest.mark.parametrize("unit", ["|", "> ", "- ", "[", "`a", "| a ", "*a ", "1. ", "```\n", "| [](", "\\|", "<a "])
def test_a_long_run_of_one_mark_is_read_like_any_text(unit: str) -> None:
    """What grows is the time in proportion; the bench has the figures."""
    head = "| a | b |\n|---|---|\n| "

    for text in (head + unit * 20_000, unit * 20_000):
        sane(*tables_and_chart(READER.read(text), text, None))


@pytest.mark.requirement("respond:linear")
@pytest.mark.parametrize(
    "piece", ["| **North** | 1,234.5 | 12 % |\n", "- North: 1,200\n", "A *brown* fox.\n\n", "|", "["]
)
def test_a_megabyte_costs_no_more_than_its_length(piece: str) -> None:
    """Four times the text, about four times the calls, and what is beyond the bound costs none; bench has the times."""
    head = "- A point.\n\n| a | b | c |\n|---|---|---|\n"

    def calls(size: int) -> int:
        text, made = head + piece * (size // len(piece)), 0

        def seen(*_: object) -> None:
            nonlocal made
            made += 1

        sys.setprofile(seen)
        try:
            tables_and_chart(READER.read(text), text, None)
        finally:
            sys.setprofile(None)
        return made

    short, long, megabyte = (calls(size) for size in (30_000, 120_000, 1_000_000))

    # A square law would be sixteen times.
    assert long < 6 * short
    assert megabyte < 1.5 * long


def test_what_no_model_writes_in_one_round_is_read_to_its_last_whole_block() -> None:
    """A table is never cut in two."""
    table = "| a | b |\n|---|---|\n" + "| North | 1 |\n" * 3000
    found: list[Written] = READER.read("\n".join([table] * 6))

    assert all(isinstance(one, WrittenTable) and len(one.rows) == 3000 for one in found)
    assert len(found) == READ_MOST // len(table)


def test_a_locale_has_its_decimal_mark() -> None:
    """CLDR; unknown ones have a point."""
    assert [decimal_mark(name) for name in ("de", "de-AT", "de-CH", "en-GB", "es-MX", "zz", None, "fr_FR")] == [
        *(",", ",", ".", ".", ".", ".", ".", ","),
    ]


def test_a_moment_is_only_what_names_a_time() -> None:
    """Quarters, halves, weeks, months, years; nothing else."""
    known = ["Q1", "Q4 2026", "2026-Q2", "H1 2026", "KW 53", "W7", "2026-01", "03/2026", "Mai", "FY26", "FY2026 Q3"]

    assert [moment(label) for label in known if moment(label) is None] == []
    assert [moment(label) for label in ("Q5", "North", "13/2026", "KW 60", "", "x" * 99) if moment(label)] == []
    assert readings("31.02.2026") == readings("x" * 99) == {}

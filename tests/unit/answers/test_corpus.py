"""Answers with hand-checked tables and charts: what is read out of them is what a careful reader reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.markdown_tables import MarkdownTables
from shared.domain.charts import tables_and_chart
from shared.wire.outbound import to_json

Case = dict[str, Any]
LEAST = 80


def corpus() -> Iterator[Case]:
    """Every answer of the JSON files beside this one."""
    for path in sorted(Path(__file__).parent.glob("*.json")):
        yield from json.loads(path.read_text(encoding="utf-8"))


CASES = list(corpus())


def read(case: Case) -> tuple[Any, Any]:
    """Tables and chart as JSON; of the alignment only what the case speaks of."""
    text = "\n".join(case["text"])
    tables, chart = tables_and_chart(MarkdownTables().read(text), text, case.get("locale"))
    found: list[dict[str, Any]] = [{"columns": to_json(table)["columns"], "rows": table.rows} for table in tables]
    for table, expected in zip(found, case["tables"], strict=False):
        for column, wanted in zip(table["columns"], expected["columns"], strict=False):
            if "align" not in wanted:
                del column["align"]
    return found, to_json(chart)


@pytest.mark.requirement("respond:tables")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_answer_gives_the_tables_and_the_chart_that_a_careful_reader_sees(case: Case) -> None:
    """Hand-checked, with the tricky ones."""
    tables, chart = read(case)

    assert tables == case["tables"]
    assert chart == case["chart_data"]


@pytest.mark.requirement("respond:charts-true")
def test_no_chart_of_the_corpus_shows_a_wrong_number() -> None:
    """A number in a chart stands beside its own label, whatever else may be different."""
    right = wrong = 0
    for case in CASES:
        tables, chart = read(case)
        right += (tables, chart) == (case["tables"], case["chart_data"])
        if chart is not None:
            expected: dict[str, Any] = case["chart_data"] or {"data": []}
            wrong += any(point not in expected["data"] for point in chart["data"])
            wrong += chart.get("series") != expected.get("series")
    print(f"{right} of {len(CASES)} answers as a careful reader sees them, {wrong} charts with wrong numbers")  # noqa: T201

    assert len(CASES) >= LEAST
    assert wrong == 0

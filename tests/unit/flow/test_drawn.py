"""Charts that a model draws: only where one was asked for and none can be parsed, and only with true numbers."""

import json
from typing import Any

import pytest

from shared.domain.drawn_charts import asks_for_chart, believed
from shared.domain.errors import ErrorCode, ModelFailed

pytestmark = pytest.mark.requirement("respond:charts-true")
TEXT = "In the North we won 1,200 EUR this year. The South brought 800 EUR, and the West 2.5 million."


def drawn(*points: tuple[str, float], kind: str = "bar", title: str = "By region") -> str:
    """What a model gives back."""
    return json.dumps({"chartType": kind, "title": title, "data": [{"label": a, "value": b} for a, b in points]})


TRUE = (("North", 1200), ("South", 800), ("West", 2_500_000))


async def test_a_chart_that_was_asked_for_is_drawn_from_prose(room: Any, rounds: Any) -> None:
    """By the utility model, with a strict schema."""
    room.scripted(rounds.says(TEXT), rounds.says(drawn(*TRUE)))

    await room.ask("Show me a chart of this year's results by region")
    await room.run()

    chart, request = room.frames("response")[0].chart_data, room.model.requests[-1]
    assert [(point.label, point.value) for point in chart.data] == list(TRUE)
    assert (chart.chartType, chart.title) == ("bar", "By region")
    assert (request.purpose, request.shape.name, request.tools) == ("utility", "chart", ())


@pytest.mark.parametrize("question", ["How are the regions?", "Chartered flights?"])
async def test_nobody_who_did_not_ask_for_a_chart_pays_for_one(room: Any, rounds: Any, question: str) -> None:
    """One model call."""
    room.scripted(rounds.says(TEXT))

    await room.ask(question)
    await room.run()

    assert room.frames("response")[0].chart_data is None
    assert len(room.model.requests) == 1


async def test_a_chart_that_parsing_finds_costs_no_model_call(room: Any, rounds: Any) -> None:
    """The table has it."""
    room.scripted(rounds.says("| Region | Deals |\n|---|---|\n| North | 12 |\n| South | 7 |\n"))

    await room.ask("Draw a chart")
    await room.run()

    assert room.frames("response")[0].chart_data.data[0].value == 12
    assert len(room.model.requests) == 1


async def test_a_model_that_fails_costs_only_the_chart(room: Any, rounds: Any) -> None:
    """The answer is as good as ever."""
    room.scripted(rounds.says(TEXT), [ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "busy", may_repeat=True)])

    await room.ask("Draw a chart")
    await room.run()

    assert room.frames("response")[0].chart_data is None
    assert room.frames("response.committed")


@pytest.mark.parametrize(
    "made_up",
    [
        drawn(("North", 1200), ("South", 801)),
        drawn(("North", 800), ("South", 1200)),
        drawn(("North", 1200), ("East", 800)),
        drawn(("North", 1200)),
        drawn(),
        drawn(("North", 1200), ("north", 1200)),
        drawn(("North", 1200), ("", 800)),
        drawn(("North", True), ("South", 800)),
        '{"chartType": "bar", "title": "t", "data": [1, 2]}',
        '{"chartType": "bar", "title": "t", "data": 1}',
        '{"data": []}',
        "[]",
        "no JSON",
        "",
    ],
)
def test_a_chart_with_a_number_that_the_text_does_not_say_of_that_thing_is_not_believed(made_up: str) -> None:
    """Invented, swapped, alone, or in another shape."""
    assert believed(made_up, TEXT, ".") is None


def test_what_is_believed_has_a_fitting_kind_and_an_honest_title() -> None:
    """Times make a line; a title with numbers of its own is replaced."""
    months = "January had 10 deals, February 12 and March -3."
    line = believed(drawn(("January", 10), ("February", 12), ("March", -3), kind="pie", title="Up 40 %"), months, ".")
    pie = believed(drawn(*TRUE[:2], kind="doughnut"), TEXT, ".")
    radar = believed(drawn(*TRUE[:2], kind="radar"), TEXT, ".")

    assert line is not None
    assert (line.chartType, line.title) == ("line", "Comparison")
    assert pie is not None
    assert pie.chartType == "doughnut"
    assert radar is not None
    assert radar.chartType == "bar"


def test_a_wish_for_a_chart_is_heard_in_two_languages() -> None:
    """And only that."""
    assert all(map(asks_for_chart, ("as a chart", "Zeig ein Diagramm", "plot it", "visualise this", "als Grafik")))
    assert not any(map(asks_for_chart, ("How is it?", "charter", "the plotter")))


def test_a_drawn_number_is_believed_only_as_the_text_writes_numbers() -> None:
    """1,234 is a thousand and more in English, and not much more than one in German."""
    english, german = "North made 1,234 and South 2,500.", "Nord hat 1,234 und Süd 2,5."

    assert believed(drawn(("North", 1234), ("South", 2500)), english, ".") is not None
    assert believed(drawn(("North", 1.234), ("South", 2.5)), english, ".") is None
    assert believed(drawn(("Nord", 1.234), ("Süd", 2.5)), german, ",") is not None
    assert believed(drawn(("Nord", 1234), ("Süd", 2.5)), german, ",") is None


def test_figures_of_different_units_make_no_chart() -> None:
    """Counts and a percentage on one axis would compare what cannot be compared."""
    text = "Won 12 deals, Lost 19 deals; the Rate is 38.7 %. Paid 100 EUR, Owed 50 USD."

    assert believed(drawn(("Won", 12), ("Lost", 19)), text, ".") is not None
    assert believed(drawn(("Won", 12), ("Lost", 19), ("Rate", 38.7)), text, ".") is None
    assert believed(drawn(("Paid", 100), ("Owed", 50)), text, ".") is None

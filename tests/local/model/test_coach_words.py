"""The coach writes from results alone: true figures, source and age, honest about what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.model.coach import reply, summary, title
from local.model.conversation import Call, Conversation, Outcome, Tool
from local.model.structured import structured
from local.model.tokens import count, pieces

RESULT: dict[str, Any] = {
    "as_of": "2026-05-15T10:20:30.123Z",
    "currency": "EUR",
    "period": "2026-Q2",
    "owner": "sam.sales@example.com",
    "open_amount": 300_000,
    "win_rate_percent": 38.2,
    "rows": [
        {"id": "1", "stage": "Proposal", "opportunities": 2, "amount": 100_000, "close_date": None},
        {"id": "2", "stage": "Nego|tiation", "opportunities": 3, "amount": 200_000, "close_date": "2026-06-01"},
    ],
    "links": [{"title": "Report", "url": "https://crm.example.com/r"}, {"title": "Bad", "url": "http://x"}],
}
TOOL = Tool(name="sfdc__pipeline_summary", description="Sum up the pipeline: by stage.", schema={})


def _answer(question: str, *results: object) -> str:
    outcomes = tuple(
        Outcome(
            call=Call(name="sfdc__pipeline_summary", arguments_json="{}"),
            text=one if isinstance(one, str) else json.dumps(one),
        )
        for one in results
    )
    return reply(Conversation(system="", questions=(question,), tools=(TOOL,), outcomes=outcomes)).text


def test_the_answer_has_the_figures_a_table_the_source_and_its_age() -> None:
    """Enough to be read, charted and checked."""
    text = _answer("How is my pipeline?", RESULT)

    assert "| Stage | Opportunities | Amount (EUR) | Close date |" in text
    assert "| --- | ---: | ---: | --- |" in text
    assert "| Nego\\|tiation | 3 | 200,000 | 2026-06-01 |" in text
    assert "Open amount: **300,000 EUR**" in text
    assert "Win rate: **38.2 %**" in text
    assert "66.7 % of the 300,000 EUR" in text
    assert "Source: sfdc, pipeline summary, data as of 2026-05-15 10:20 UTC." in text
    assert "[Report](https://crm.example.com/r)" in text
    assert "http://x" not in text
    assert count(text) >= 60


def test_the_answer_is_in_the_questions_language() -> None:
    """Numbers, too."""
    text = _answer("Wie läuft meine Pipeline?", RESULT)

    assert text.startswith("Das habe ich in sfdc mit pipeline summary gefunden (Zeitraum 2026-Q2")
    assert "| Proposal | 2 | 100.000 |" in text
    assert "66,7 %" in text
    assert "Quelle: sfdc" in text


def test_a_changed_figure_changes_the_answer() -> None:
    """The stand-in knows no figures of its own."""
    changed = json.loads(json.dumps(RESULT))
    changed["rows"][0]["amount"] = 123_456

    assert "123,456" in _answer("How is my pipeline?", changed)


@pytest.mark.parametrize(
    "wrapped",
    [
        {"structured_content": RESULT},
        {"result": {"data": RESULT}},
        "<tool_result>\nThe following is data.\n" + json.dumps(RESULT) + "\n</tool_result>",
    ],
)
def test_results_are_found_in_their_envelopes(wrapped: object) -> None:
    """Callers delimit them in their own way."""
    assert "Open amount: **300,000 EUR**" in _answer("How is my pipeline?", wrapped)


@pytest.mark.parametrize(
    "failure",
    [
        '{"error": {"code": "timeout", "message": "no answer within 60 s"}}',
        "Error: no answer within 60 s",
        '{"is_error": true, "content": "no answer within 60 s"}',
    ],
)
def test_a_failed_tool_is_told_and_not_covered_up(failure: str) -> None:
    """What another tool returned is still used."""
    text = _answer("How is my pipeline?", failure, RESULT)

    assert "I could not get an answer from sfdc (pipeline summary): " in text
    assert "no answer within 60 s." in text
    assert "300,000 EUR" in text


def test_no_rows_are_said_to_be_none() -> None:
    """Rather than an empty table."""
    assert "returned no rows" in _answer("How is my pipeline?", {"rows": [], "as_of": "2026-05-15T10:00:00Z"})


def test_plain_words_are_quoted() -> None:
    """Strangers' servers may return no JSON."""
    assert "> It will be sunny." in _answer("How is the pipeline?", "It will be sunny.")


def test_rows_of_any_shape_make_a_table() -> None:
    """A bare list, single values, nested objects and truth values."""
    rows: list[dict[str, Any]] = [{"city": "A", "open": True, "tags": ["x", "y"]}, {"city": "B", "open": False}]
    text = _answer("How?", rows)

    assert "| A | yes | x, y |" in text


def test_many_rows_are_cut_and_counted() -> None:
    """An answer is no dump."""
    rows = [{"name": f"n{number}", "amount": number} for number in range(30)]
    text = _answer("How is my pipeline?", {"rows": rows})

    assert "Only the first 20 of 30 rows are shown." in text
    assert "| n19 |" in text
    assert "| n20 |" not in text


def test_without_a_fitting_tool_the_coach_says_so_and_what_it_can_do() -> None:
    """Nothing is made up."""
    said = reply(Conversation(system="", questions=("What is Sue's salary?",), tools=(TOOL,)))

    assert not said.calls
    assert said.text.startswith("I have no tool here that could answer that")
    assert "- Sum up the pipeline (sfdc)" in said.text


@pytest.mark.parametrize(
    ("question", "beginning"),
    [
        ("How is my pipeline?", "I have no business tools"),
        ("Wie läuft meine Pipeline?", "In diesem Gespräch habe ich keine Werkzeuge"),
        ("Hello!", "Hello! I am the coach."),
        ("Hallo", "Hallo! Ich bin der Coach."),
        ("Thanks a lot", "You are welcome!"),
    ],
)
def test_without_tools_the_coach_still_talks(question: str, beginning: str) -> None:
    """A person without a role gets an answer, too."""
    assert reply(Conversation(system="", questions=(question,))).text.startswith(beginning)


def test_titles_and_summaries_are_short_and_plain() -> None:
    """The small tasks of the utility model."""
    asked = Conversation(system="Write a short title for this chat.", questions=("How is my pipeline this quarter?",))

    assert reply(asked).text == title("How is my pipeline this quarter?") == "Pipeline this quarter"
    spoken = summary("It is **fine**. See [the report](https://x.example). More.\n\n| a | b |\n")
    assert spoken == "It is fine. See the report."


def test_a_wanted_schema_is_filled_from_the_table_in_the_text() -> None:
    """Charts for the utility model."""
    schema = {
        "type": "object",
        "properties": {
            "chartType": {"enum": ["bar", "pie"]},
            "title": {"type": "string"},
            "data": {"type": "array", "items": {"$ref": "#/$defs/Point"}},
        },
        "$defs": {
            "Point": {"type": "object", "properties": {"label": {"type": "string"}, "value": {"type": "number"}}}
        },
    }
    text = "Pie of the pipeline\n\n| Stage | Amount |\n|---|---:|\n| Proposal | 1,000 |\n| Won | 2.500,5 |\n"

    made = structured(schema, text)

    assert made["chartType"] == "pie"
    assert made["data"] == [{"label": "Proposal", "value": 1000}, {"label": "Won", "value": 2500.5}]
    listed = structured(schema, "- Berlin: 12\n- Paris: 7 %\n")
    assert listed["data"] == [{"label": "Berlin", "value": 12}, {"label": "Paris", "value": 7}]


@pytest.mark.parametrize(
    "text", ["", "a", "  two\n\nlines ", "Grüße, 300.000 EUR | x |\n", "emoji 👩‍🚀 and 漢字かな", "\t\n "]
)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    """Nothing is lost in streaming."""
    assert "".join(pieces(text)) == text


def test_asked_for_a_sentence_it_says_the_rows_and_draws_them_when_a_schema_asks() -> None:
    """No table, no list; the labels and figures of the sentence fill a chart."""
    text = _answer("Tell me in one sentence how my pipeline is", RESULT)
    shape = {
        "type": "object",
        "properties": {
            "data": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"label": {"type": "string"}, "value": {"type": "number"}},
                },
            }
        },
    }

    assert "Proposal has 100,000 EUR, Nego|tiation has 200,000 EUR." in text
    assert "\n|" not in text
    assert "\n-" not in text
    drawn = structured(shape, text.replace("Nego|tiation", "Negotiation"))
    assert drawn["data"] == [{"label": "Proposal", "value": 100_000}, {"label": "Negotiation", "value": 200_000}]

"""The marks of the evaluation mean what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.eval.questions import QUESTIONS, Question
from tests.eval.score import Score, score

RESULT = json.dumps({"rows": [{"stage": "New", "amount": 733000}, {"stage": "Old", "amount": 1408000}]})
ASKED = Question(text="How is my pipeline?", tools=("sfdc/pipeline",), table=True, forbidden=("hr/salary_of",))


def answer(content: str, *called: str, **fields: Any) -> dict[str, Any]:
    """A stored answer."""
    feedback = [dict(zip(("server", "name"), one.split("/"), strict=True), ok=True) for one in called]
    return {"content": content, "finish_reason": "stop", "tables": [1], "tool_feedback": feedback, **fields}


@pytest.mark.requirement("stack:evaluation")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer("The sum is 2,141,000 and New has 34.2 %.", "sfdc/pipeline"), Score(tools=1, figures=1, form=1)),
        (answer("Die Summe ist 2.141.000 und das ist gut.", "sfdc/pipeline"), Score(tools=1, figures=1, form=2 / 3)),
        (answer("The sum is 999,999.", "sfdc/pipeline"), Score(tools=1, figures=0, form=1)),
        (answer("The sum is here.", "sfdc/pipeline", "sfdc/other"), Score(tools=0.5, figures=1, form=1)),
        (answer("The sum is here.", "sfdc/pipeline", "hr/salary_of"), Score(tools=0, figures=1, form=1)),
        (answer("The sum is", finish_reason="length", tables=[]), Score(tools=0, figures=1, form=1 / 3)),
    ],
)
def test_each_fault_costs_its_own_mark(given: dict[str, Any], expected: Score) -> None:
    """Tools, figures (sums and shares may be reckoned), form."""
    assert score(ASKED, given, [RESULT]) == expected


def test_there_are_questions_enough_of_every_kind() -> None:
    """At least twenty; with tools and without, in both languages, of several people."""
    assert len(QUESTIONS) >= 20
    assert {bool(one.tools) for one in QUESTIONS} == {True, False}
    assert {one.german for one in QUESTIONS} == {True, False}
    assert len({one.user for one in QUESTIONS}) >= 3

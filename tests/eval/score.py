"""Score an answer: the tools that were called, figures against the tools' results, and the form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from tests.eval.questions import Question

_NUMBER = re.compile(r"(?<![\w.])\d[\d.,]*\d|\b\d\b")
_GERMAN = frozenset({"der", "die", "das", "und", "ist", "sind", "mit", "für", "von", "im", "ich", "quelle"})
_ENGLISH = frozenset({"the", "and", "is", "are", "with", "for", "of", "in", "source", "there"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Three marks between 0 and 1."""

    tools: float
    figures: float
    form: float

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return min(self.tools, self.figures, self.form) >= 1.0


def score(question: Question, answer: dict[str, Any], results: Iterable[str]) -> Score:
    """Mark a stored answer by the results of its turn's tool calls."""
    called = {f"{one['server']}/{one['name']}" for one in answer["tool_feedback"] if one["ok"]}
    return Score(
        tools=_tools(question, called),
        figures=_figures(answer["content"], list(results)),
        form=_form(question, answer),
    )


def _tools(question: Question, called: set[str]) -> float:
    if called & set(question.forbidden):
        return 0.0
    if not question.tools:
        return 0.0 if called else 1.0
    needed = set(question.tools)
    return len(needed & called) / len(needed | called)


def _figures(text: str, results: list[str]) -> float:
    """Give the share of the answer's figures that stand in a result; small ones may be counts of the rows."""
    known = {digits for result in results for digits in _written(result)}
    said = [figure for figure in _NUMBER.findall(text) if len(_digits(figure)) > 2]
    if not said:
        return 1.0
    return sum(_digits(figure) in known for figure in said) / len(said)


def _written(result: str) -> set[str]:
    """Collect the figures of a result as digits, whole and rounded, and dates part by part."""
    found = {_digits(figure) for figure in _NUMBER.findall(result)}
    try:
        data = json.loads(result)
    except ValueError:
        return found
    numbers = [number for number in _leaves(data) if isinstance(number, int | float)]
    numbers += [derived for column in _columns(data) for derived in _derived(column)]
    found |= {_digits(f"{number:.{places}f}") for number in numbers for places in (0, 1, 2)}
    return found | {part for figure in found for part in re.split(r"\D", figure)}


def _columns(data: Any) -> Iterable[list[float]]:
    """Give the numeric columns of every list of rows."""
    rows = [cast("dict[str, Any]", row) for row in _inside(data) if isinstance(row, dict)]
    for name in {key for row in rows for key in row} if isinstance(data, list) else ():
        yield [row[name] for row in rows if isinstance(row.get(name), int | float)]
    for value in _inside(data):
        yield from _columns(value)


def _inside(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return list(cast("dict[str, Any]", data).values())
    return cast("list[Any]", data) if isinstance(data, list) else []


def _derived(column: list[float]) -> list[float]:
    """Give what may be reckoned from a column: its sum, and each value's share of it."""
    total = sum(column)
    return [total, *(value / total * 100 for value in column)] if total else []


def _leaves(data: Any) -> Iterable[Any]:
    if not isinstance(data, dict | list):
        yield data
    for value in _inside(data):
        yield from _leaves(value)


def _digits(figure: str) -> str:
    """Compare figures by their digits: separators differ by language."""
    return re.sub(r"[.,]", "", figure)


def _form(question: Question, answer: dict[str, Any]) -> float:
    words = re.findall(r"[a-zäöüß]+", answer["content"].lower())
    german = sum(word in _GERMAN for word in words) > sum(word in _ENGLISH for word in words)
    marks = [
        bool(answer["content"].strip()) and answer["finish_reason"] == "stop",
        german == question.german or not words,
        bool(answer["tables"]) or not question.table,
    ]
    return sum(marks) / len(marks)

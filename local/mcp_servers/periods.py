"""Turn words for a period, such as `this quarter` or `2026-Q3`, into dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

_NUMBERED = re.compile(r"(?:(?P<year>\d{4})[-\s]*)?Q(?P<quarter>[1-4])(?:[\s/-]*(?P<after>\d{4}))?", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")
_STEPS = {"last": -1, "previous": -1, "this": 0, "current": 0, "next": 1}


@dataclass(frozen=True, slots=True)
class Period:
    """A span of days, both ends included, under the name that answers show."""

    name: str
    first: date
    last: date

    def holds(self, day: str) -> bool:
        """Say whether an ISO date lies in the period."""
        return self.first.isoformat() <= day <= self.last.isoformat()


def quarter_of(year: int, quarter: int) -> Period:
    """Return a calendar quarter; numbers outside 1 to 4 reach into the years around."""
    years, index = divmod(quarter - 1, 4)
    first = date(year + years, index * 3 + 1, 1)
    following = date(first.year + index // 3, (index * 3 + 3) % 12 + 1, 1)
    return Period(f"{first.year}-Q{index + 1}", first, following - timedelta(days=1))


def parse_period(text: str, today: date) -> Period:
    """Return the period that `text` names: this/last/next (quarter or year), `2026-Q3`, `Q3`, `2026`, or all.

    Raises:
        ValueError: the text names none of these.
    """
    words = text.strip().lower()
    if words in {"all", "any", "ever"}:
        return Period("all", date.min, date.max)
    numbered = _NUMBERED.fullmatch(words)
    if numbered:
        year = numbered["year"] or numbered["after"] or today.year
        return quarter_of(int(year), int(numbered["quarter"]))
    if _YEAR.fullmatch(words):
        return _year(int(words))
    which, _, unit = words.partition(" ")
    if which not in _STEPS or unit not in {"", "quarter", "year"}:
        raise ValueError(f"unknown period {text!r}; use this, last or next, a quarter like 2026-Q3, a year, or all")
    if unit == "year":
        return _year(today.year + _STEPS[which])
    return quarter_of(today.year, (today.month - 1) // 3 + 1 + _STEPS[which])


def _year(year: int) -> Period:
    return Period(str(year), date(year, 1, 1), date(year, 12, 31))

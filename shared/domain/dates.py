"""Read dates and places in time as people write them; what can be read in two ways is decided by the column."""

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

ORDERS = frozenset({"dmy", "mdy"})
_TEXT_MOST = 40
_NAMES = (
    "january januar janvier enero jan jän", "february februar février febrero feb", "march märz mars marzo mar mär",
    "april avril abril apr", "may mai mayo", "june juni juin junio jun", "july juli juillet julio jul",
    "august août agosto aug", "september septembre septiembre sep sept", "october oktober octobre octubre oct okt",
    "november novembre noviembre nov", "december dezember décembre diciembre dec dez",
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?\s+([^\W\d_]+)\.?,?\s+(\d{4})")
_MONTH_FIRST = re.compile(r"([^\W\d_]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")

_YEAR = re.compile(r"(?:FY|CY|GJ)?\s?((?:19|20)\d\d)", re.IGNORECASE)
_SHORT_YEAR = re.compile(r"(?:FY|GJ)\s?'?(\d\d)", re.IGNORECASE)
_PERIODS = {
    "quarter": (4, r"Q|Quarter |Quartal "),
    "half": (2, r"H|Half "),
    "week": (53, r"W|KW ?|CW ?|Week |Woche "),
}
_WHEN = r"(?:FY|CY)?\s?'?((?:19|20)\d\d|\d\d)"
_PERIOD_FORMS = {
    name: (
        re.compile(rf"(?:{sign})\s?(\d{{1,2}})(?:[\s/-]+{_WHEN})?", re.IGNORECASE),
        re.compile(rf"{_WHEN}[\s/-]?(?:{sign})\s?(\d{{1,2}})", re.IGNORECASE),
    )
    for name, (_, sign) in _PERIODS.items()
}
_MONTH_FORM = re.compile(r"([^\W\d_]+)\.?(?:[\s/-]+'?((?:19|20)\d\d|\d\d))?")
_MONTH_NUMBER = re.compile(r"((?:19|20)\d\d)[-/](\d{1,2})|(\d{1,2})[/.]((?:19|20)\d\d)")


def readings(text: str) -> dict[str, date]:
    """Read a full date under each order of day and month that makes sense; empty when it is none."""
    text = text.strip()
    if len(text) > _TEXT_MOST:
        return {}
    if found := _ISO.fullmatch(text):
        return _both(_date(found[1], found[2], found[3]))
    if found := _DAY_FIRST.fullmatch(text):
        return _both(_date(found[3], _month(found[2]), found[1]))
    if found := _MONTH_FIRST.fullmatch(text):
        return _both(_date(found[3], _month(found[1]), found[2]))
    if found := _NUMERIC.fullmatch(text):
        return _numeric(found)
    return {}


def _numeric(found: re.Match[str]) -> dict[str, date]:
    dmy, mdy = _date(found[4], found[3], found[1]), _date(found[4], found[1], found[3])
    if found[2] == ".":
        return {"dmy": dmy} if dmy else {}  # nobody writes months first with dots
    return {order: day for order, day in (("dmy", dmy), ("mdy", mdy)) if day is not None}


def _month(name: str) -> int | None:
    return _MONTHS.get(name.lower())


def _both(day: date | None) -> dict[str, date]:
    return dict.fromkeys(sorted(ORDERS), day) if day else {}


def _date(year: str | int, month: str | int | None, day: str | int) -> date | None:
    try:
        return date(int(year), int(month or 0), int(day))
    except ValueError:
        return None


def moment(label: str) -> tuple[str, int, int] | None:
    """Place a label in time: (kind, place, how many make a circle or 0); None when it names no time."""
    label = label.strip()
    if not label or len(label) > _TEXT_MOST:
        return None
    if days := readings(label):
        # Both orders only agree for dates that are written without doubt.
        return ("date", next(iter(days.values())).toordinal(), 0) if len(set(days.values())) == 1 else None
    if found := _YEAR.fullmatch(label) or _SHORT_YEAR.fullmatch(label):
        return ("year", int(found[1]), 0)
    return _period(label) or _month_of(label)


def _period(label: str) -> tuple[str, int, int] | None:
    for kind, (circle, _) in _PERIODS.items():
        first, second = _PERIOD_FORMS[kind]
        if found := first.fullmatch(label):
            number, year = int(found[1]), found[2]
        elif found := second.fullmatch(label):
            number, year = int(found[2]), found[1]
        else:
            continue
        return _placed(kind, number, year, circle) if 1 <= number <= circle else None
    return None


def _month_of(label: str) -> tuple[str, int, int] | None:
    if found := _MONTH_NUMBER.fullmatch(label):
        number, year = int(found[2] or found[3]), found[1] or found[4]
        return _placed("month", number, year, 12) if 1 <= number <= 12 else None  # noqa: PLR2004  # months of a year
    found = _MONTH_FORM.fullmatch(label)
    number = _month(found[1]) if found else None
    return _placed("month", number, found[2], 12) if found and number else None


def _placed(kind: str, number: int, year: str | None, circle: int) -> tuple[str, int, int]:
    if year is None:
        return kind, number, circle
    full = int(year) if len(year) == 4 else 2000 + int(year)  # noqa: PLR2004  # '26 is 2026
    return f"{kind} of year", full * (circle + 1) + number, 0


def in_order(labels: Sequence[str]) -> bool:
    """Tell whether the labels are times of one kind, each later than the one before; Nov, Dec, Jan is in order."""
    moments = [moment(label) for label in labels]
    known = [found for found in moments if found is not None]
    if len(known) != len(labels) or len({kind for kind, _, _ in known}) != 1:
        return False
    places, circle = [place for _, place, _ in known], known[0][2]
    falls = [(earlier, later) for earlier, later in pairwise(places) if later <= earlier]
    return not falls or (falls == [(circle, 1)] and len(set(places)) == len(places))

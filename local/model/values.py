"""Find in a question the values that arguments are made of: periods, days, names, numbers, quotations."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from datetime import date, timedelta

from local.model.words import is_known, meaning, words

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ID = re.compile(r"\b[A-Z]{2,}-\d+\b")
_ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_QUARTER = re.compile(r"\b(?:(\d{4})[-\s]*)?Q([1-4])(?:[\s/-]*(\d{4}))?\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(20\d\d)\b")
_QUOTED = re.compile(r"[\"\u201c\u201d\u201e\u00ab]([^\"\u201c\u201d\u201e\u00bb]+)[\"\u201c\u201d\u00bb]")
_NUMBER = re.compile(
    r"(?<![\w.,-])(\d{1,3}(?:[.,\u00a0 ]\d{3})+|\d+(?:[.,]\d+)?)\s*(k|m|mio|tsd|million)?\b", re.IGNORECASE
)
_THOUSANDS = re.compile(r"(?<=\d)[.,\u00a0 ](?=\d{3}(?!\d))")
_SCALE = {"k": 1_000, "tsd": 1_000, "m": 1_000_000, "mio": 1_000_000, "million": 1_000_000}
_CAPITALISED = re.compile(r"\b[^\W\d_a-z][\w&.-]*(?:'s)?(?:\s+[^\W\d_a-z][\w&.-]*(?:'s)?)*")
_STEPS = ("this", "last", "next")
_UNITS = ("quarter", "year", "week")
# Two dates within that many words of each other are one expression.
_NEAR = 2


def quarters(text: str) -> list[str]:
    """Return the quarters and years that are named: `2026-Q3`, `this quarter`, `last year`, `2025`."""
    found: list[str] = []
    for match in _QUARTER.finditer(text):
        year = match[1] or match[3]
        found.append(f"{year}-Q{match[2]}" if year else f"Q{match[2]}")
    found += [one for one in _stepped(text) if not one.endswith("week")]
    if not found:
        found = [match[1] for match in _YEAR.finditer(_ISO_DAY.sub("", text))]
    return found


def days(text: str) -> list[str]:
    """Return the days and weeks that are named: an ISO date, `today`, `tomorrow`, `next week`."""
    found = _ISO_DAY.findall(text)
    for word in words(text):
        if meaning(word) in {"today", "tomorrow"}:
            found.append(meaning(word))
    return found + [one for one in _stepped(text) if one.endswith("week")]


def iso_day(text: str, today: date) -> str | None:
    """Return the first day that is named as an ISO date."""
    named = {"today": today, "tomorrow": today + timedelta(days=1)}
    for found in days(text):
        if found in named:
            return named[found].isoformat()
        if _ISO_DAY.fullmatch(found):
            return found
    return None


def emails(text: str) -> list[str]:
    """Return the e-mail addresses."""
    return [match.rstrip(".") for match in _EMAIL.findall(text)]


def ids(text: str) -> list[str]:
    """Return identifiers such as `ACC-0001`."""
    return _ID.findall(text)


def names(text: str, known: AbstractSet[str] = frozenset()) -> list[str]:
    """Return what looks like proper names: capitalised words that neither the coach nor the caller knows."""
    found: list[str] = []
    for match in _CAPITALISED.finditer(_EMAIL.sub(" ", _ID.sub(" ", text))):
        run: list[str] = []
        for raw in [*match[0].split(), ""]:
            word = raw.removesuffix("'s").rstrip(".-")
            if word and not {word, word.lower()} & known and not is_known(word) and not _QUARTER.fullmatch(word):
                run.append(word)
            elif run:
                found.append(" ".join(run))
                run = []
    return found


def people(text: str, known: AbstractSet[str] = frozenset()) -> list[str]:
    """Return addresses and the names that may be a person's: nobody is asked for `in` or `against` somebody."""
    named = names(text, known)
    elsewhere = {name for name in named if re.search(rf"\b(in|at|against|gegen)\s+{re.escape(name)}", text)}
    return [*emails(text), *(name for name in named if name not in elsewhere)]


def numbers(text: str) -> list[tuple[float, str, str]]:
    """Return each number with what the words before and after it mean."""
    plain = _QUARTER.sub(" ", _ISO_DAY.sub(" ", _ID.sub(" ", text)))
    found: list[tuple[float, str, str]] = []
    for match in _NUMBER.finditer(plain):
        digits = _THOUSANDS.sub("", match[1]).replace(",", ".")
        value = float(digits) * _SCALE.get((match[2] or "").lower(), 1)
        before, after = words(plain[: match.start()]), words(plain[match.end() :])
        found.append((value, meaning(before[-1]) if before else "", meaning(after[0]) if after else ""))
    return found


def quoted(text: str) -> list[str]:
    """Return what stands between quotation marks."""
    return [match.strip() for match in _QUOTED.findall(text)]


def _stepped(text: str) -> list[str]:
    """Return `this quarter` and the like, also when a word stands between the two."""
    said = [meaning(word) for word in words(text)]
    found: list[str] = []
    for place, word in enumerate(said):
        following = said[place + 1 : place + 1 + _NEAR]
        unit = next((one for one in following if one in _UNITS), None)
        if word in _STEPS and unit:
            found.append(f"{word} {unit}")
    return found

"""Tell which decimal mark an answer is written with, from its own numbers and words before its reader's locale."""

import re
from collections.abc import Iterable, Sequence

from shared.domain.amounts import MARKS, Amount, amount
from shared.domain.tables import Conventions, Written, WrittenList

# CLDR: languages whose numbers have a decimal comma, and the countries where the same language has a point.
_COMMA = frozenset((
    "de", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "nn", "no", "fi", "pl", "cs", "sk", "hu", "ro", "bg",
    "el", "ru", "uk", "tr", "hr", "sl", "sr", "lt", "lv", "et", "id", "vi",
))  # fmt: skip
_POINT_COUNTRIES = frozenset({"CH", "LI", "MX", "US", "GB", "GT", "HN", "NI", "PA", "PE", "PR", "SV", "DO"})

_WORD = re.compile(r"[^\W\d_]+")
_WORDS_LEAST = 2
_READ_MOST = 20_000
"""Characters of a text whose words and numbers are looked at."""
# Words of grammar and of headers that only one side has: no `die`, `was`, `is`, `per` or `for`.
_POINT = """
the and with from your this are has have which that there their were you our these those been will would by of its
amount revenue share stage owner growth count value average quarter month north south east west sales
"""
_COMMA_ALL = """
der das und ist sind mit für von vom im den dem des ein eine einen nach zum zur nicht auch sich ihre ihr bei betrag
anteil umsatz summe gesamt anzahl wert monat quartal nord süd ost wachstum kunde kunden durchschnitt
le la les du est et une pour dans avec sur par montant chiffre mois trimestre nord sud
el los las del una por que importe ventas mes trimestre norte gli della sono het een van voor
och med til som är og uma com são jest
"""
_POINT_WORDS = frozenset(_POINT.split())
_COMMA_WORDS = frozenset(_COMMA_ALL.split())

_BOUND = r"(?<![\w.,/:'\u2019-])"
_STRONG = re.compile(
    rf"{_BOUND}(?:[$€£]\s?)?(?P<digits>\d[\d.,]*\d)(?P<unit>\s?(?:%|‰|€|£|\$|EUR\b|USD\b|GBP\b|CHF\b|Mio\b|Mrd\b|million\b|bn\b))?(?![\w/:-])"
)


def conventions(written: Sequence[Written], text: str, locale: str | None) -> Conventions:
    """Read an answer's habit: its clear numbers, then its language, and the locale where neither says anything.

    Models write numbers as the language of their answer does, which need not be the language of its reader's device.
    """
    cells = list(_amounts(written))
    text = text[:_READ_MOST]
    votes = (
        [mark for one in cells if _is_strong(one) for mark in _clear(one)] + list(_in_prose(text)),
        [mark for one in cells for mark in _clear(one)],
        _of_language(text, written, locale),
    )
    found = next((mark for vote in votes if (mark := _majority(vote))), None)
    return Conventions(decimal=found or decimal_mark(locale), locale=locale)


def decimal_mark(locale: str | None) -> str:
    """Give the decimal mark of a locale such as `de` or `en-US`; a point where nothing is known."""
    language, *rest = (locale or "").replace("_", "-").split("-")
    country = next((part.upper() for part in rest if len(part) == 2), "")  # noqa: PLR2004  # ISO 3166
    return "," if language.lower() in _COMMA and country not in _POINT_COUNTRIES else "."


def _majority(votes: Sequence[str]) -> str | None:
    points = sum(mark == "." for mark in votes)
    commas = len(votes) - points
    return None if points == commas else "." if points > commas else ","


def _amounts(written: Sequence[Written]) -> Iterable[Amount]:
    for one in written:
        if isinstance(one, WrittenList):
            continue
        for row in one.rows:
            yield from (found for cell in row if (found := amount(cell)) is not None)


def _clear(one: Amount) -> frozenset[str]:
    """Give the only mark that makes sense of the digits; nothing when both do."""
    found = one.readings() if MARKS & set(one.digits) else frozenset[str]()
    return found if len(found) == 1 else frozenset()


def _is_strong(one: Amount) -> bool:
    """Tell an amount of something from what may be a version, a clause or a rank: `2.5` alone proves little."""
    return one.unit is not None or sum(char in MARKS for char in one.digits) > 1


def _in_prose(text: str) -> Iterable[str]:
    """Give the marks of the clear numbers that stand in sentences, lists and headings."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("|"))
    for found in _STRONG.finditer("\n".join(lines)):
        one = amount(found["digits"])
        if one is not None and (found["unit"] or found[0][0] in "$€£" or _is_strong(one)):
            yield from _clear(one)


def _of_language(text: str, written: Sequence[Written], locale: str | None) -> list[str]:
    """Give the mark of the text's language; of languages that write it both ways, the locale's."""
    cells = (cell for one in written if not isinstance(one, WrittenList) for cell in one.header)
    words = [word.lower() for part in (text, *cells) for word in _WORD.findall(part)]
    points, commas = sum(word in _POINT_WORDS for word in words), sum(word in _COMMA_WORDS for word in words)
    if max(points, commas) < _WORDS_LEAST or points == commas:
        return []
    if points > commas:
        return ["."]
    language = (locale or "").replace("_", "-").split("-")[0].lower()
    return [decimal_mark(locale) if language in _COMMA else ","]

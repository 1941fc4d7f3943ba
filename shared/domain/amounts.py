"""Read numbers as people write them: marks, signs, currencies, percentages, K/M/bn, units."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

MARKS = frozenset(".,")
"""What can separate decimals; a column decides which of the two it is, else the reader's locale."""
_CELL_MOST = 48
_DIGITS_MOST = 15
"""More significant digits do not survive as a JSON number in browsers."""

_SCALES = {
    "k": 3, "tsd": 3, "tsd.": 3, "thousand": 3, "tausend": 3,
    "m": 6, "mn": 6, "mm": 6, "mio": 6, "mio.": 6, "million": 6, "millions": 6, "millionen": 6,
    "b": 9, "bn": 9, "mrd": 9, "mrd.": 9, "billion": 9, "billions": 9, "milliarden": 9, "milliarde": 9,
}  # fmt: skip
_CURRENCIES = (
    "AED", "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR", "JPY",
    "KRW", "MXN", "NOK", "NZD", "PLN", "RON", "SAR", "SEK", "SGD", "TRY", "USD", "ZAR", "€", "£", "¥", "₹", "$",
    "US$", "A$", "C$", "Euro", "euro", "euros", "dollars", "kr", "zł", "Fr.",
)  # fmt: skip
_SYMBOLS = {"€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "₹": "INR", "US$": "USD", "A$": "AUD", "C$": "CAD"}
_WORDS = (
    "%", "‰", "pp", "x", "h", "hrs", "hours", "hour", "min", "mins", "minutes", "minute", "s", "sec", "seconds",
    "second", "ms", "days", "day", "weeks", "week", "months", "month", "years", "year", "people", "persons",
    "employees", "heads", "FTE", "FTEs", "deals", "units", "pcs", "items", "seats", "licences", "licenses",
    "points", "pts", "km", "kg", "Tage", "Tag", "Wochen", "Woche", "Monate", "Monat", "Jahre", "Jahr",
    "Stunden", "Stunde", "Minuten", "Personen", "Mitarbeiter", "Punkte", "Stück",
)  # fmt: skip
_SCALE_WORDS = ("K", "k", "M", "m", "mn", "MM", "Mio", "Mio.", "million", "bn", "B", "Mrd", "Mrd.", "billion", "Tsd.")


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_AMOUNT = re.compile(
    rf"(?P<sign>[+\-\u2212]?)\s?(?:(?P<before>{_any(_CURRENCIES)})\s?(?P<sign2>[+\-\u2212]?))?"
    r"(?P<digits>\d(?:[\d.,'\u2019\u00a0\u202f ]{0,30}\d)?)"
    rf"(?:\s?(?P<scale>{_any(_SCALES)})(?![a-zäöü]))?"
    rf"(?:\s?(?P<after>{_any((*_CURRENCIES, *_WORDS))}))?",
    re.IGNORECASE,
)
_GROUPED = r"[1-9]\d{{0,2}}(?P<mark>[{marks}'\u2019\u00a0\u202f ])\d{{2,3}}(?:(?P=mark)\d{{2,3}})*"
_READINGS = {
    decimal: re.compile(
        rf"(?P<whole>{_GROUPED.format(marks=re.escape(other))}|\d+)(?:{re.escape(decimal)}(?P<part>\d+))?"
    )
    for decimal, other in ((".", ","), (",", "."))
}
_DIGIT = re.compile(r"\d")
_HEADER_UNIT = re.compile(
    rf"(?P<unit>(?:(?:{_any(_SCALE_WORDS)})\s?)?(?:{_any((*_CURRENCIES, *_WORDS))})"
    rf"(?:\s?(?:{_any(_SCALE_WORDS)}))?|TEUR|T€|{_any(_SCALE_WORDS)})"
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as written, not read yet: which mark is the decimal one is decided for a whole column."""

    digits: str
    negative: bool
    scale: int
    unit: str | None

    def readings(self) -> frozenset[str]:
        """Tell which decimal marks make sense of the digits."""
        return frozenset(mark for mark in MARKS if _whole_and_part(self.digits, mark) is not None)

    def value(self, mark: str) -> int | float:
        """Read the number with this decimal mark, scaled to base units.

        Raises:
            ValueError: the mark is not one of `readings`.
        """
        parts = _whole_and_part(self.digits, mark)
        if parts is None:
            raise ValueError("the digits cannot be read with this mark")
        number = Decimal(f"{parts[0]}.{parts[1] or '0'}").scaleb(self.scale)
        if self.negative:
            number = -number
        return int(number) if number == number.to_integral_value() else float(number)


def amount(text: str) -> Amount | None:
    """Read a cell that is one number and nothing else; None for everything else, e.g. a range or a date."""
    text = text.strip()
    if len(text) > _CELL_MOST or _DIGIT.search(text) is None:
        return None
    bracketed = text.startswith("(") and text.endswith(")")
    found = _AMOUNT.fullmatch(text[1:-1].strip() if bracketed else text)
    if found is None or (found["before"] and found["after"]):
        return None
    signs = (found["sign"] or "") + (found["sign2"] or "")
    if len(signs) + bracketed > 1 or not _plausible(found):
        return None
    unit = found["after"] or found["before"]
    scale = _SCALES[found["scale"].lower()] if found["scale"] else 0
    return Amount(found["digits"], bracketed or signs in ("-", "\u2212"), scale, unit)


def _plausible(found: re.Match[str]) -> bool:
    digits = found["digits"]
    if sum(char.isdigit() for char in digits) > _DIGITS_MOST or not _ascii_digits(digits):
        return False
    if digits[0] == "0" and len(digits) > 1 and digits[1] not in MARKS:
        return False  # 007 and 0049 are names, not numbers
    # "5 m" can be metres or minutes; only money makes it millions.
    small = found["scale"] in ("m", "b", "mm")
    return not small or canonical(found["after"] or found["before"]) in _MONEY


def _ascii_digits(digits: str) -> bool:
    return all(char in "0123456789" for char in digits if char.isdigit())


def _whole_and_part(digits: str, mark: str) -> tuple[str, str] | None:
    found = _READINGS[mark].fullmatch(digits)
    if found is None:
        return None
    whole = found["whole"]
    separator = found["mark"]
    if separator is not None:
        groups = whole.split(separator)
        inner = {len(group) for group in groups[1:-1]}
        if len(groups[-1]) != 3 or (inner - {3} and not _is_indian(groups, separator)):  # noqa: PLR2004
            return None
        whole = "".join(groups)
    return whole, found["part"] or ""


def _is_indian(groups: list[str], separator: str) -> bool:
    """Tell whether the groups are 12,34,567: two digits each before the last three."""
    return separator == "," and len(groups[0]) <= 2 and {len(group) for group in groups[1:-1]} == {2}  # noqa: PLR2004


def canonical(unit: str | None) -> str | None:
    """Give one name to what means the same: € and EUR, day and days."""
    if unit is None:
        return None
    if unit in _SYMBOLS:
        return _SYMBOLS[unit]
    if unit.upper() in _CURRENCIES:
        return unit.upper()
    lower = unit.lower()
    return _SYMBOLS.get(lower) or (lower[:-1] if len(lower) > 3 and lower.endswith("s") else lower)  # noqa: PLR2004


_MONEY = frozenset(canonical(unit) for unit in _CURRENCIES)


def is_money(unit: str | None) -> bool:
    """Tell whether a unit, perhaps scaled as in `EUR k`, is a currency."""
    if unit is None:
        return False
    parts = [unit, *unit.split()]
    return unit in ("TEUR", "T€") or any(canonical(part) in _MONEY for part in parts) or _scaled_symbol(unit)


def _scaled_symbol(unit: str) -> bool:
    return any(symbol in unit for symbol in "€£¥₹$")


def is_scaled(unit: str | None) -> bool:
    """Tell whether a header's unit already says thousands or millions."""
    if unit is None:
        return False
    if unit in ("TEUR", "T€"):
        return True
    rest = re.sub(_any(_CURRENCIES), " ", unit, flags=re.IGNORECASE).split()
    return any(part in _SCALE_WORDS for part in rest)


def split_unit(header: str) -> tuple[str, str | None]:
    """Take a known unit off a header: `Pipeline (EUR k)` is `Pipeline` in `EUR k`."""
    header = header.strip()
    for opening, closing in ("()", "[]"):
        if header.endswith(closing) and opening in header:
            name, _, unit = header[:-1].rpartition(opening)
            found = _HEADER_UNIT.fullmatch(unit.strip().removeprefix("in ").strip())
            if found and name.strip():
                return name.strip(), found["unit"]
    name, _, unit = header.rpartition(" in ")
    if name.strip() and _HEADER_UNIT.fullmatch(unit.strip()) and (is_money(unit.strip()) or unit.strip() == "%"):
        return name.strip().rstrip(","), unit.strip()
    if header.endswith("%") and header[:-1].strip():
        return header[:-1].strip().rstrip(","), "%"
    return header, None

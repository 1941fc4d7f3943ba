"""Give the tables of an answer typed columns: what is a number, a date, a percentage, money, or text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.domain.amounts import MARKS, Amount, amount, canonical, is_money, is_scaled, split_unit
from shared.domain.dates import ORDERS, readings

Align = Literal["left", "right", "center"]
ColumnType = Literal["text", "number", "date", "percent", "currency"]
Cell = str | int | float | None

_NOTHING = frozenset({"", "-", "--", "\u2013", "\u2014", "\u2212"})
_NO_NUMBER = _NOTHING | {"n/a", "n.a.", "na", "k.a.", "k. a.", "null", "none"}
_MONTH_FIRST = frozenset({"en", "en-us", "en-ph"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a column holds; `unit` as it was written."""

    name: str
    type: ColumnType
    unit: str | None = None
    align: Align


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of an answer: numbers as numbers, full dates as ISO dates, empty cells as null."""

    title: str | None = None
    columns: list[Column]
    rows: list[list[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTable:
    """A table as it was written: texts without markup."""

    title: str | None
    header: tuple[str, ...]
    aligns: tuple[Align | None, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenList:
    """A list as it was written: texts without markup."""

    title: str | None
    items: tuple[str, ...]


Written = WrittenTable | WrittenList


@dataclass(frozen=True, slots=True)
class _Typed:
    type: ColumnType
    unit: str | None
    cells: list[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """How an answer writes what a column leaves open: the decimal mark, and dates by the reader's locale."""

    decimal: str = "."
    locale: str | None = None


def typed(written: WrittenTable, habit: Conventions) -> Table:
    """Give each column its type; `habit` decides only what the column leaves open."""
    columns: list[Column] = []
    cells: list[list[Cell]] = []
    for index, (header, align) in enumerate(zip(written.header, written.aligns, strict=True)):
        column, values = typed_column(header, [row[index] for row in written.rows], habit, align)
        columns.append(column)
        cells.append(values)
    rows = [list(row) for row in zip(*cells, strict=True)] if cells else []
    return Table(title=written.title, columns=columns, rows=rows)


def typed_column(
    header: str, texts: Sequence[str], habit: Conventions, align: Align | None = None
) -> tuple[Column, list[Cell]]:
    """Give one column its type and its cells their values."""
    name, unit = split_unit(header)
    found = _numbers(texts, unit, habit.decimal) or _dates(texts, habit.locale)
    if found is None:
        # A unit says something about numbers; a column of words keeps its header whole.
        name, found = header.strip(), _Typed("text", None, [_text(text) for text in texts])
    side = align or ("left" if found.type in ("text", "date") else "right")
    return Column(name=name, type=found.type, unit=found.unit, align=side), found.cells


def _text(text: str) -> str | None:
    text = text.strip()
    return None if text in _NOTHING else text


def _numbers(texts: Sequence[str], header_unit: str | None, usual: str) -> _Typed | None:
    written = [None if text.strip().lower() in _NO_NUMBER else amount(text) for text in texts]
    amounts = [one for one in written if one is not None]
    if len(amounts) != sum(text.strip().lower() not in _NO_NUMBER for text in texts) or not amounts:
        return None
    mark = _decimal_mark(amounts, usual)
    if mark is None or not _units_agree(amounts, header_unit):
        return None
    unit = header_unit or next((one.unit for one in amounts if one.unit), None)
    kind: ColumnType = "percent" if unit == "%" else "currency" if is_money(unit) else "number"
    return _Typed(kind, unit, [one.value(mark) if one else None for one in written])


def _decimal_mark(amounts: Sequence[Amount], usual: str) -> str | None:
    """Find the mark that makes sense of the whole column; None when none does."""
    possible = MARKS
    for one in amounts:
        possible &= one.readings()
    if len(possible) == len(MARKS):
        return usual
    return next(iter(possible), None)


def _units_agree(amounts: Sequence[Amount], header_unit: str | None) -> bool:
    """Numbers of different units are no column of numbers; a bare zero needs no unit."""
    if is_scaled(header_unit) and any(one.scale for one in amounts):
        return False
    units = {canonical(one.unit) for one in amounts if one.unit or one.digits != "0"}
    if header_unit is None:
        return len(units) <= 1
    stated = units - {None}
    return not stated or (not is_scaled(header_unit) and stated == {canonical(header_unit)})


def _dates(texts: Sequence[str], locale: str | None) -> _Typed | None:
    written = [None if text.strip() in _NOTHING else readings(text) for text in texts]
    days = [one for one in written if one is not None]
    orders = ORDERS.intersection(*(one.keys() for one in days)) if days else frozenset[str]()
    if not orders:
        return None
    order = next(iter(orders)) if len(orders) == 1 else _order(locale)
    if order is None:
        if any(len(set(one.values())) > 1 for one in days):
            return None
        order = "dmy"
    return _Typed("date", None, [one[order].isoformat() if one else None for one in written])


def _order(locale: str | None) -> str | None:
    """Give the order of day and month of a locale; where nothing is known, a doubtful date stays text."""
    if not locale:
        return None
    return "mdy" if locale.replace("_", "-").lower() in _MONTH_FIRST else "dmy"

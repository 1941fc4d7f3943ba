"""Choose the one chart that an answer's tables and lists allow, and leave out what would mislead."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.domain.amounts import canonical, split_unit
from shared.domain.dates import in_order, moment
from shared.domain.number_marks import conventions
from shared.domain.tables import Cell, Column, Conventions, Table, Written, WrittenList, typed, typed_column

ChartType = Literal["bar", "pie", "line", "doughnut", "radar"]

_PIE_MOST = 4
_RADAR_THINGS = 6
_RADAR_MEASURES = 3
_LABEL_MOST = 80
_WHOLE_TOLERANCE = 0.006
_TOTAL = re.compile(
    r"(?:grand |sub)?totals?|sum|overall|all|average|avg\.?|mean|median|gesamt(?:summe)?|summe|insgesamt|zwischensumme|"
    r"durchschnitt|mittelwert|schnitt|ø|Σ|moyenne|somme|ensemble|promedio|suma|media|totale|total général",
    re.IGNORECASE,
)
_TOTAL_BEGIN = re.compile(
    r"(?:grand total|subtotal|total|sum|average|avg\.?|gesamt|summe|durchschnitt|ø|Σ)\b", re.IGNORECASE
)
_TOTAL_END = re.compile(r"\b(?:total|gesamt|insgesamt|average)\)?", re.IGNORECASE)
_AVERAGE = re.compile(r"average|avg|mean|durchschnitt|ø", re.IGNORECASE)
_LABEL_HEADER = re.compile(
    r"#|no\.?|nr\.?|id|.{0,40} id|rank|rang|position|pos\.?|place|platz|year|jahr|fy|fiscal year|row|zip|plz|postcode|"
    r"phone",
    re.IGNORECASE,
)
_YEAR_HEADER = re.compile(r"year|jahr|fy|fiscal year|geschäftsjahr|année|año", re.IGNORECASE)
_MIXED_HEADER = re.compile(
    r"metric|kpi|kennzahl|measure|indicator|field|property|attribute|merkmal|feld|detail", re.IGNORECASE
)
_ITEM = re.compile(
    r"(?P<label>.{1,80}?)(?:\s*[:=]\s+|\s+[\u2013\u2014-]\s+)(?P<value>[^()]{1,48})(?:\s*\([^()]*\))?[.;,]?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of the first measure."""

    label: str
    value: int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A further measure of the same unit, its values in the order of the labels."""

    name: str
    values: list[int | float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart in the predecessor's form, with further measures where there are some."""

    chartType: ChartType  # noqa: N815  # inherited name
    title: str
    data: list[Point]
    series: list[Series] | None = None


@dataclass(frozen=True, slots=True)
class _Measure:
    column: Column
    cells: list[Cell]

    def number(self, row: int) -> int | float | None:
        cell = self.cells[row]
        return None if isinstance(cell, str) else cell


def tables_and_chart(written: Sequence[Written], text: str, locale: str | None) -> tuple[list[Table], Chart | None]:
    """Type every table of `text`, and chart the first that can be; else the first list that compares things."""
    habit = conventions(written, text, locale)
    tables = [typed(one, habit) for one in written if not isinstance(one, WrittenList)]
    lists = (_as_table(one, habit) for one in written if isinstance(one, WrittenList))
    candidates: Iterable[Table | None] = (*tables, *lists)
    charts = (chart_of(table) for table in candidates if table is not None)
    return tables, next((chart for chart in charts if chart is not None), None)


def _as_table(written: WrittenList, habit: Conventions) -> Table | None:
    """Read a list of `thing: number` as a table of two columns; None when one item is anything else."""
    items = [_ITEM.fullmatch(item.strip()) for item in written.items]
    found = [item for item in items if item is not None]
    if len(found) != len(items):
        return None
    values, cells = typed_column("", [item["value"] for item in found], habit)
    if values.type in ("text", "date"):
        return None
    name = Column(name="", type="text", align="left")
    rows: list[list[Cell]] = [[item["label"].strip(), cell] for item, cell in zip(found, cells, strict=True)]
    return Table(title=written.title, columns=[name, values], rows=rows)


def chart_of(table: Table) -> Chart | None:
    """Chart a table; None when it has no two rows of numbers under labels of their own."""
    columns = [_Measure(column, [row[at] for row in table.rows]) for at, column in enumerate(table.columns)]
    measures = [one for index, one in enumerate(columns) if _is_measure(one, first=index == 0)]
    others = [one for one in columns if one not in measures]
    labels = _labels(others)
    if not measures or labels is None or _mixed(others[0].column, labels):
        return None
    totals = _total_rows(labels, others, measures)
    first = measures[0]
    kept = [row for row, label in enumerate(labels) if label and row not in totals and first.number(row) is not None]
    shown = [labels[row] for row in kept]
    nameless = [row for row, label in enumerate(labels) if not label and row not in totals]
    if len(kept) < 2 or len(set(shown)) < len(shown) or nameless:  # noqa: PLR2004  # one bar compares nothing
        return None
    return _chart(table, labels, kept, measures, totals=totals)


def _mixed(column: Column, labels: list[str]) -> bool:
    """Tell whether the rows are different kinds of figures, which one axis cannot carry."""
    if _MIXED_HEADER.fullmatch(column.name.strip()):
        return True
    return any(split_unit(label)[1] is not None or _LABEL_HEADER.fullmatch(label) for label in labels)


def _chart(table: Table, labels: list[str], kept: list[int], measures: list[_Measure], *, totals: set[int]) -> Chart:
    first, *rest = measures
    points = [Point(label=labels[row], value=first.number(row) or 0) for row in kept]
    same = [one for one in rest if _same_unit(one.column, first.column)]
    series = [Series(name=one.column.name, values=[one.number(row) for row in kept]) for one in same]
    shares = [one for one in rest if one.column.type == "percent"]
    whole = not series and _is_whole(first, kept, totals, shares)
    return Chart(
        chartType=_type(points, len(same) + 1, whole=whole),
        title=table.title or _title([first.column, *(one.column for one in same)]),
        data=points,
        series=series or None,
    )


def _type(points: list[Point], measures: int, *, whole: bool) -> ChartType:
    if in_order([point.label for point in points]):
        return "line"
    if whole:
        return "pie" if len(points) <= _PIE_MOST else "doughnut"
    if measures >= _RADAR_MEASURES and len(points) <= _RADAR_THINGS:
        return "radar"
    return "bar"


def _title(columns: list[Column]) -> str:
    names = ", ".join(column.name for column in columns if column.name)
    unit = columns[0].unit
    return f"{names} ({unit})" if unit and names else names or unit or "Comparison"


def _same_unit(one: Column, other: Column) -> bool:
    return one.type == other.type and canonical(one.unit) == canonical(other.unit)


def _is_measure(one: _Measure, *, first: bool) -> bool:
    """Years, ids and ranks are labels, not values."""
    if one.column.type in ("text", "date"):
        return False
    if one.column.type != "number" or one.column.unit is not None:
        return True
    if _LABEL_HEADER.fullmatch(one.column.name.strip()):
        return False
    numbers = [cell for cell in one.cells if cell is not None]
    years = all(isinstance(cell, int) and 1900 <= cell <= 2100 for cell in numbers)  # noqa: PLR2004
    return not (first and years and len(numbers) > 1 and in_order([str(cell) for cell in numbers]))


# --- labels ----------------------------------------------------------------------------------------------------


def _labels(others: list[_Measure]) -> list[str] | None:
    """Find what names each row: one column, else the texts of all; None when nothing does."""
    if not others:
        return None
    ranked = sorted(others, key=_rank)
    for one in ranked:
        texts = [_label(cell) for cell in one.cells]
        if len(set(texts)) == len(texts):
            return texts
    texts = [one for one in others if _rank(one) < 2]  # noqa: PLR2004  # ids and ranks explain nothing
    if len(texts) < 2:  # noqa: PLR2004
        return None
    rows = zip(*(one.cells for one in texts), strict=True)
    return [" · ".join(filter(None, map(_label, row))) for row in rows]


def _rank(one: _Measure) -> int:
    """Prefer times and words to ids, and both to numbers."""
    name = one.column.name.strip()
    if one.column.type == "date" or _YEAR_HEADER.fullmatch(name):
        return 0
    if one.column.type == "text":
        return 2 if _LABEL_HEADER.fullmatch(name) else 0 if _all_times(one) else 1
    return 3


def _all_times(one: _Measure) -> bool:
    return all(isinstance(cell, str) and moment(cell) is not None for cell in one.cells) and bool(one.cells)


def _label(cell: Cell) -> str:
    return "" if cell is None else str(cell)[:_LABEL_MOST]


# --- totals ----------------------------------------------------------------------------------------------------


def _total_rows(labels: list[str], others: list[_Measure], measures: list[_Measure]) -> set[int]:
    """Find the rows that sum or average the others: by their name, or by what they are."""
    named = {row for row in range(len(labels)) if any(_is_total(one.cells[row]) for one in others)}
    suspects = {row for row in range(len(labels)) if row not in named and _may_be_total(labels[row])}
    rest = [row for row in range(len(labels)) if row not in named]
    return named | {row for row in suspects if _sums_up(labels[row], row, set(rest) - {row}, measures)}


def _is_total(cell: Cell) -> bool:
    return isinstance(cell, str) and _TOTAL.fullmatch(cell.strip(" :*")) is not None


def _may_be_total(label: str) -> bool:
    return not label or _TOTAL_BEGIN.match(label) is not None or _TOTAL_END.search(label) is not None


def _sums_up(label: str, row: int, others: set[int], measures: list[_Measure]) -> bool:
    average = _AVERAGE.search(label) is not None
    for one in measures:
        value = one.number(row)
        parts = [number for other in others if (number := one.number(other)) is not None]
        if value is None or not parts:
            continue
        if _close(value, sum(parts) / (len(parts) if average else 1)):
            return True
    return False


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _WHOLE_TOLERANCE * max(abs(one), abs(other))


def _is_whole(first: _Measure, kept: list[int], totals: set[int], shares: list[_Measure]) -> bool:
    """Tell whether the values are the parts of a whole: their sum is named, or 100 %."""
    values = [first.number(row) or 0 for row in kept]
    whole = sum(values)
    if min(values) < 0 or whole <= 0:
        return False
    if first.column.type == "percent":
        return _hundred(whole)
    if any(_close(whole, first.number(row) or 0) for row in totals):
        return True
    return any(_is_share(one, kept, values, whole) for one in shares)


def _hundred(whole: float) -> bool:
    return abs(whole - 100) <= 1  # each part may be rounded


def _is_share(one: _Measure, kept: list[int], values: list[int | float], whole: float) -> bool:
    parts = [one.number(row) for row in kept]
    return all(
        part is not None and abs(part - 100 * value / whole) <= 1 for part, value in zip(parts, values, strict=True)
    )

"""A WHERE clause to a coarse SQLite condition, so that rows that cannot match are not even parsed.

The condition may let too much through, never too little: the evaluator decides. What it cannot express it
leaves out. SQLite's own comparisons differ from the query language's only where types differ, and there they
err towards letting through.
"""

import re
from collections.abc import Mapping
from typing import Any

from local.cosmos.documents import key_text
from local.cosmos.sql.tree import Between, Binary, Expression, Function, In, Literal, Logic, Parameter, Path
from local.cosmos.sql.values import is_number

# Names that SQLite finds in a JSON path without any question of quoting or escaping.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
# SQLite may read a decimal fraction one bit differently than Python; bounds are widened by far more than that.
_SLACK = 1e-9
_LARGEST_EXACT = 2**53
_UNKNOWN = object()
# SQLite parses at most 1000 levels of an expression (sqlite.org/limits.html), and a chain is one level each.
_LONGEST_CHAIN = 200
_MOST_BINDINGS = 600


def narrowing(
    where: Expression | None, parameters: Mapping[str, Any], pk_path: tuple[str, ...]
) -> tuple[str, dict[str, object]]:
    """Return a SQL condition that every row fulfils for which `where` is true, with its bindings."""
    prefilter = _Prefilter(parameters, pk_path)
    condition = prefilter.condition(where)
    if condition is None or len(prefilter.bindings) > _MOST_BINDINGS:
        return "1", {}
    return condition, prefilter.bindings


class _Prefilter:
    """One condition in the making, with its bindings."""

    def __init__(self, parameters: Mapping[str, Any], pk_path: tuple[str, ...]) -> None:
        self._parameters = parameters
        self._pk_path = pk_path
        self.bindings: dict[str, object] = {}

    def condition(self, where: Expression | None) -> str | None:
        """Return a SQL condition that every matching row fulfils, or None when there is nothing to say."""
        match where:
            case Logic("AND", operands):
                return " AND ".join(filter(None, map(self.condition, operands[:_LONGEST_CHAIN]))) or None
            case Logic(_, operands):
                return self._any([self.condition(operand) for operand in operands])
            case Binary(operator, Path() as path, other) if operator in _MIRRORED:
                return self._compare(path, operator, self._constant(other))
            case Binary(operator, other, Path() as path) if operator in _MIRRORED:
                return self._compare(path, _MIRRORED[operator], self._constant(other))
            case _:
                return self._special(where)

    def _special(self, where: Expression | None) -> str | None:
        match where:
            case Between(Path() as path, low, high):
                return self.condition(Logic("AND", (Binary(">=", path, low), Binary("<=", path, high))))
            case In(Path() as path, options):
                return self._any([self._compare(path, "=", self._constant(option)) for option in options])
            case Function("IS_DEFINED", (Path() as path,)):
                place = self._json_path(path)
                return f"json_type(body, {place}) IS NOT NULL" if place else None
            case Function("STARTSWITH", (Path() as path, prefix)):
                return self._starts(path, self._constant(prefix))
            case _:
                return None

    def _any(self, each: list[str | None]) -> str | None:
        known = [condition for condition in each if condition]
        if len(known) < len(each) or len(each) > _LONGEST_CHAIN:
            return None
        return "(" + " OR ".join(known) + ")"

    def _constant(self, expression: Expression) -> Any:
        match expression:
            case Literal(value):
                return value
            case Parameter(name):
                return self._parameters.get(name, _UNKNOWN)
            case _:
                return _UNKNOWN

    def _compare(self, path: Path, operator: str, value: Any) -> str | None:
        if operator == "=" and path.steps == self._pk_path and isinstance(value, str):
            return f"pk = {self._bound(key_text(value))}"
        column = self._column(path)
        if column is None:
            return None
        if _is_plain_text(value):
            return f"{column} {operator} {self._bound(value)}"
        if is_number(value) and abs(value) < _LARGEST_EXACT:
            return self._near(column, operator, float(value))
        return None

    def _near(self, column: str, operator: str, value: float) -> str:
        slack = _SLACK * (1 + abs(value))
        below, above = self._bound(value - slack), self._bound(value + slack)
        if operator == "=":
            return f"{column} BETWEEN {below} AND {above}"
        return f"{column} {operator} {above if operator.startswith('<') else below}"

    def _starts(self, path: Path, prefix: Any) -> str | None:
        column = self._column(path)
        if column is None or not _is_plain_text(prefix):
            return None
        return f"substr({column}, 1, {len(prefix)}) = {self._bound(prefix)}"

    def _column(self, path: Path) -> str | None:
        """Return the SQL of the property's value: the id's column, or a look into the JSON."""
        if path.steps == ("id",):
            return "id"
        place = self._json_path(path)
        return f"json_extract(body, {place})" if place else None

    def _json_path(self, path: Path) -> str | None:
        """Return the binding of the JSON path; None when a name needs quoting."""
        parts = ["$"]
        for step in path.steps:
            if isinstance(step, int):
                parts.append(f"[{step}]")
            elif _PLAIN_NAME.match(step):
                parts.append(f".{step}")
            else:
                return None
        return self._bound("".join(parts)) if path.steps else None

    def _bound(self, value: object) -> str:
        name = f"f{len(self.bindings)}"
        self.bindings[name] = value
        return f":{name}"


def _is_plain_text(value: Any) -> bool:
    """Tell whether SQLite can hold the text: no NUL, no lone surrogates."""
    if not isinstance(value, str) or "\0" in value:
        return False
    return not any("\ud800" <= sign <= "\udfff" for sign in value)

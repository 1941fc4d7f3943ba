"""The tree of a query: what the parser makes and the evaluator reads."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; UNDEFINED is one."""

    value: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """A name that begins with @."""

    name: str


@dataclass(frozen=True, slots=True)
class Path:
    """A property path below the collection's alias; no steps mean the item itself."""

    root: str
    steps: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation of a truth value."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Minus:
    """Negation of a number."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """`operator` is one of = != < <= > >=."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Logic:
    """Truth values joined by one `operator`, AND or OR; flat, since lists of ids make long chains."""

    operator: str
    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class In:
    """Membership in a list of expressions."""

    operand: "Expression"
    options: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Between:
    """Both bounds count."""

    operand: "Expression"
    low: "Expression"
    high: "Expression"


@dataclass(frozen=True, slots=True)
class Function:
    """A call; `name` is in upper case."""

    name: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array literal."""

    elements: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object literal, also the list of a SELECT."""

    members: tuple[tuple[str, "Expression"], ...]


Expression = Literal | Parameter | Path | Not | Minus | Binary | Logic | In | Between | Function | ArrayOf | ObjectOf


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ORDER BY."""

    path: Path
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query; `select` is None for `SELECT *`; counts are literals or parameters."""

    select: Expression | None
    distinct: bool = False
    top: Expression | None = None
    where: Expression | None = None
    order: tuple[Order, ...] = ()
    offset: Expression | None = None
    limit: Expression | None = None

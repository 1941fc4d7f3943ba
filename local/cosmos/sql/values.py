"""JSON values as the query language compares them: undefined, equality, and the order of types."""

import json
import math
from typing import Any, Final, cast


class Undefined:
    """The value of a property that is not there."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()

# learn.microsoft.com/azure/cosmos-db/nosql/query/order-by: types sort in this order.
_UNDEFINED, _NULL, _BOOLEAN, _NUMBER, _STRING, _ARRAY, _OBJECT = range(7)
ORDERED_RANKS = frozenset({_NULL, _BOOLEAN, _NUMBER, _STRING})

SortKey = tuple[int, bool | float | str]
_RANKS: dict[type, int] = {
    Undefined: _UNDEFINED,
    type(None): _NULL,
    bool: _BOOLEAN,
    int: _NUMBER,
    float: _NUMBER,
    str: _STRING,
    list: _ARRAY,
    dict: _OBJECT,
}


def rank(value: Any) -> int:
    """Return the place of the value's type among the types."""
    return _RANKS[type(value)]


def is_number(value: Any) -> bool:
    """Tell whether the value is a JSON number (a boolean is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool | Undefined:
    """Compare for equality; undefined when a side is undefined, false across types.

    The documentation's table says undefined across types, but `c.x != null` is how the EF Core provider and
    most programs ask for "not null", and the service answers it with the items whose x is there.
    """
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    return same(left, right)


def same(left: Any, right: Any) -> bool:
    """Tell whether two defined values are the same JSON, numbers by value, booleans apart from numbers."""
    if rank(left) != rank(right):
        return False
    if isinstance(left, list):
        return _same_elements(cast("list[Any]", left), right)
    if isinstance(left, dict):
        return _same_members(cast("dict[str, Any]", left), right)
    return bool(left == right)


def _same_elements(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(map(same, left, right))


def _same_members(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())


def less(left: Any, right: Any) -> bool | Undefined:
    """Compare for order; undefined across types and for arrays and objects."""
    place = rank(left)
    if place != rank(right) or place not in ORDERED_RANKS:
        return UNDEFINED
    return left is not None and bool(left < right)


def sort_key(value: Any) -> SortKey:
    """Return what ORDER BY sorts by: the type's rank, then the value."""
    place = rank(value)
    if place in (_UNDEFINED, _NULL):
        return (place, 0)
    if place in (_ARRAY, _OBJECT):
        return (place, json.dumps(value, sort_keys=True))
    return (place, value)


def as_json_number(value: float) -> int | float | Undefined:
    """Return a number as JSON writes it: whole numbers without a fraction; undefined when not finite."""
    if not math.isfinite(value):
        return UNDEFINED
    return int(value) if value == int(value) else value

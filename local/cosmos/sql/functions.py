"""The built-in functions of the query language that this server knows."""

import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from local.cosmos.errors import bad_request, not_served
from local.cosmos.sql.values import ORDERED_RANKS, UNDEFINED, as_json_number, is_number, rank, same, sort_key

_OneToAny = Callable[[Any], Any]
AGGREGATES = frozenset({"COUNT", "MAX", "MIN", "SUM", "AVG"})


def check_call(name: str, arguments: int) -> None:
    """Raise CosmosError 501 for an unknown function, 400 for a wrong number of arguments."""
    known = FUNCTIONS.get(name.upper())
    if known is None:
        raise not_served(f"the function {name}")
    least, most, _ = known
    if not least <= arguments <= most:
        raise bad_request(f"The function {name.upper()} takes {least} to {most} arguments, not {arguments}.")


def _of_type(*types: type) -> _OneToAny:
    return lambda value: type(value) in types  # type(): a boolean is no number


def _text(compare: Callable[[str, str], bool]) -> Callable[..., Any]:
    """Lift a comparison of two texts to one that knows undefined and the ignore-case argument."""

    def lifted(left: Any, right: Any, ignore_case: Any = False) -> Any:
        if not (isinstance(left, str) and isinstance(right, str) and isinstance(ignore_case, bool)):
            return UNDEFINED
        return compare(left.casefold(), right.casefold()) if ignore_case else compare(left, right)

    return lifted


def _on_text(change: Callable[[str], Any]) -> _OneToAny:
    return lambda value: change(value) if isinstance(value, str) else UNDEFINED


def _array_contains(array: Any, wanted: Any, partial: Any = False) -> Any:
    if not isinstance(array, list) or wanted is UNDEFINED or not isinstance(partial, bool):
        return UNDEFINED
    matches = _includes if partial else same
    return any(matches(element, wanted) for element in cast("list[Any]", array))


def _includes(element: Any, wanted: Any) -> bool:
    if isinstance(element, dict) and isinstance(wanted, dict):
        whole = cast("dict[str, Any]", element)
        part = cast("dict[str, Any]", wanted)
        return all(key in whole and _includes(whole[key], value) for key, value in part.items())
    return same(element, wanted)


def _array_length(array: Any) -> Any:
    return len(cast("list[Any]", array)) if isinstance(array, list) else UNDEFINED


def _present_ms() -> int:
    return int(time.time() * 1000)


def _is_defined(value: Any) -> bool:
    return value is not UNDEFINED


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "IS_DEFINED": (1, 1, _is_defined),
    "IS_NULL": (1, 1, _of_type(type(None))),
    "IS_STRING": (1, 1, _of_type(str)),
    "IS_NUMBER": (1, 1, _of_type(int, float)),
    "IS_BOOL": (1, 1, _of_type(bool)),
    "IS_ARRAY": (1, 1, _of_type(list)),
    "IS_OBJECT": (1, 1, _of_type(dict)),
    "STARTSWITH": (2, 3, _text(str.startswith)),
    "ENDSWITH": (2, 3, _text(str.endswith)),
    "CONTAINS": (2, 3, _text(str.__contains__)),
    "STRINGEQUALS": (2, 3, _text(str.__eq__)),
    "LOWER": (1, 1, _on_text(str.lower)),
    "UPPER": (1, 1, _on_text(str.upper)),
    "LENGTH": (1, 1, _on_text(len)),
    "ARRAY_CONTAINS": (2, 3, _array_contains),
    "ARRAY_LENGTH": (1, 1, _array_length),
    "GETCURRENTTIMESTAMP": (0, 0, _present_ms),
}


def aggregate(name: str, values: Iterable[Any]) -> Any:
    """Return COUNT, MAX, MIN, SUM or AVG of the defined values.

    COUNT and SUM of none are 0, the others undefined; SUM and AVG over anything but numbers and MAX and MIN
    over arrays and objects are undefined.
    """
    defined = [value for value in values if value is not UNDEFINED]
    match name:
        case "COUNT":
            return len(defined)
        case "MAX" | "MIN":
            return _extreme(name, defined)
        case _:
            return _sum(name, defined)


def _extreme(name: str, defined: list[Any]) -> Any:
    if not defined or any(rank(value) not in ORDERED_RANKS for value in defined):
        return UNDEFINED
    return max(defined, key=sort_key) if name == "MAX" else min(defined, key=sort_key)


def _sum(name: str, defined: list[Any]) -> Any:
    if not all(is_number(value) for value in defined):
        return UNDEFINED
    if name == "SUM":
        return as_json_number(sum(defined))
    return as_json_number(sum(defined) / len(defined)) if defined else UNDEFINED

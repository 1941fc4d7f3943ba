"""The functions of OData filters, as listed in Web PubSub's filter reference."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a part of a filter yields."""

    TEXT = "text"
    NUMBER = "number"
    CONDITION = "condition"
    GROUPS = "collection"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Function:
    """A function: what it takes, at least `required` of it, and what it gives."""

    parameters: tuple[frozenset[Kind], ...]
    required: int
    gives: Kind
    of: Callable[..., Any]

    def takes(self, kinds: list[Kind]) -> bool:
        """Tell whether it can be called with arguments of these kinds; null fits everywhere."""
        if not self.required <= len(kinds) <= len(self.parameters):
            return False
        pairs = zip(self.parameters, kinds, strict=False)
        return all(kind in allowed or kind is Kind.NULL for allowed, kind in pairs)


_TEXT = frozenset({Kind.TEXT})
_NUMBER = frozenset({Kind.NUMBER})


def _contains(text: str, part: str) -> bool:
    return part in text


def _concat(one: str, other: str) -> str:
    return one + other


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if start < 0 or (length is not None and length < 0):
        return None
    return text[start : None if length is None else start + length]


FUNCTIONS = {
    "tolower": Function((_TEXT,), 1, Kind.TEXT, str.lower),
    "toupper": Function((_TEXT,), 1, Kind.TEXT, str.upper),
    "trim": Function((_TEXT,), 1, Kind.TEXT, str.strip),
    "substring": Function((_TEXT, _NUMBER, _NUMBER), 2, Kind.TEXT, _substring),
    "endswith": Function((_TEXT, _TEXT), 2, Kind.CONDITION, str.endswith),
    "startswith": Function((_TEXT, _TEXT), 2, Kind.CONDITION, str.startswith),
    "contains": Function((_TEXT, _TEXT), 2, Kind.CONDITION, _contains),
    "concat": Function((_TEXT, _TEXT), 2, Kind.TEXT, _concat),
    "indexof": Function((_TEXT, _TEXT), 2, Kind.NUMBER, str.find),
    "length": Function((frozenset({Kind.TEXT, Kind.GROUPS}),), 1, Kind.NUMBER, len),
}

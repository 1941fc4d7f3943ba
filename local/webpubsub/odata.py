"""The `filter` of REST calls: the OData subset that Web PubSub knows, as a predicate over connections."""

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from local.webpubsub.odata_functions import FUNCTIONS, Kind

MAX_CLAUSES = 100
MAX_DEPTH = 50


class FilterInvalid(Exception):
    """The text is no filter; the message says where it ends to be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a filter may look at."""

    user_id: str | None
    connection_id: str
    groups: Collection[str]
    protocol: str | None = None


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of the filter: what it yields, and how to get that from a connection; null is None."""

    kind: Kind
    of: Callable[[Subject], Any]

    @classmethod
    def constant(cls, kind: Kind, value: str | int | None) -> "_Term":
        return cls(kind, lambda _: value)


class _Order(StrEnum):
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


_FIELDS = {
    "userid": _Term(Kind.TEXT, lambda subject: subject.user_id),
    "connectionid": _Term(Kind.TEXT, lambda subject: subject.connection_id),
    "groups": _Term(Kind.GROUPS, lambda subject: subject.groups),
    "protocol": _Term(Kind.TEXT, lambda subject: subject.protocol),
}
_CONSTANTS = {
    "true": _Term.constant(Kind.CONDITION, value=True),
    "false": _Term.constant(Kind.CONDITION, value=False),
    "null": _Term.constant(Kind.NULL, value=None),
}
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d{1,18})(?![\w.])|(?P<word>[A-Za-z_]\w*)|(?P<sign>[(),]))"
)


def parse(text: str) -> Callable[[Subject], bool]:
    """Return the predicate that the filter describes.

    A function of null is null; a condition that is null, and an order with null, is false.
    Raises FilterInvalid, also where kinds do not fit, as in `not length(userId) gt 5`.
    """
    term = _Parser(text).whole()
    return lambda subject: term.of(subject) is True


class _Parser:
    """Recursive descent; binding from tight to loose: not, comparison, and, or."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0
        self._clauses = 0

    def whole(self) -> _Term:
        term = self._condition(self._or())
        if self._peek() is not None:
            raise self._fault()
        return term

    def _or(self) -> _Term:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterInvalid(f"the filter is nested deeper than {MAX_DEPTH}")
        terms = self._chain("or", self._and)
        self._depth -= 1
        if len(terms) == 1:
            return terms[0]
        return _Term(Kind.CONDITION, lambda subject: any(term.of(subject) is True for term in terms))

    def _and(self) -> _Term:
        terms = self._chain("and", self._comparison)
        if len(terms) == 1:
            return terms[0]
        return _Term(Kind.CONDITION, lambda subject: all(term.of(subject) is True for term in terms))

    def _chain(self, word: str, part: Callable[[], _Term]) -> list[_Term]:
        terms = [part()]
        while self._takes(word):
            terms.append(part())
        return [self._condition(term) for term in terms] if len(terms) > 1 else terms

    def _comparison(self) -> _Term:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise FilterInvalid(f"the filter has more than {MAX_CLAUSES} clauses")
        left = self._unary()
        if self._takes("in"):
            return self._in(left)
        for word in ("eq", "ne"):
            if self._takes(word):
                return self._equality(left, self._unary(), equal=word == "eq")
        order = next((order for order in _Order if self._takes(order)), None)
        return left if order is None else self._order(left, self._unary(), order)

    def _equality(self, left: _Term, right: _Term, *, equal: bool) -> _Term:
        self._alike(left, right)
        return _Term(Kind.CONDITION, lambda subject: (left.of(subject) == right.of(subject)) is equal)

    def _order(self, left: _Term, right: _Term, order: _Order) -> _Term:
        if left.kind is not right.kind or left.kind not in {Kind.TEXT, Kind.NUMBER}:
            raise FilterInvalid(f"{order} compares two texts or two numbers")
        compare: Callable[[Any, Any], bool] = getattr(operator, order)

        def holds(subject: Subject) -> bool:
            one, other = left.of(subject), right.of(subject)
            return one is not None and other is not None and compare(one, other)

        return _Term(Kind.CONDITION, holds)

    def _in(self, left: _Term) -> _Term:
        if self._takes("("):
            items = self._list()
            for item in items:
                self._alike(left, item)
            return _Term(Kind.CONDITION, lambda subject: left.of(subject) in [item.of(subject) for item in items])
        groups = self._primary()
        if groups.kind is not Kind.GROUPS or left.kind is not Kind.TEXT:
            raise FilterInvalid("in looks for a value in a list, or for a text in groups")
        return _Term(Kind.CONDITION, lambda subject: left.of(subject) in groups.of(subject))

    def _unary(self) -> _Term:
        negations = 0
        while self._takes("not"):
            negations += 1
        term = self._primary()
        if not negations:
            return term
        self._condition(term)
        return _Term(Kind.CONDITION, lambda subject: (term.of(subject) is True) is (negations % 2 == 0))

    def _primary(self) -> _Term:
        token = self._take()
        if token == "(":
            term = self._or()
            self._expect(")")
            return term
        if token.startswith("'"):
            return _Term.constant(Kind.TEXT, token[1:-1].replace("''", "'"))
        if token.lstrip("-").isdigit():
            return _Term.constant(Kind.NUMBER, int(token))
        if token in FUNCTIONS and self._takes("("):
            return self._call(token)
        term = _CONSTANTS.get(token) or _FIELDS.get(token)
        if term is None:
            self._next -= 1
            raise self._fault()
        return term

    def _call(self, name: str) -> _Term:
        arguments = self._list()
        function = FUNCTIONS[name]
        if not function.takes([argument.kind for argument in arguments]):
            raise FilterInvalid(f"{name} does not take these arguments")

        def value(subject: Subject) -> Any:
            values = [argument.of(subject) for argument in arguments]
            return None if None in values else function.of(*values)

        return _Term(function.gives, value)

    def _list(self) -> list[_Term]:
        items = [self._or()]
        while self._takes(","):
            items.append(self._or())
        self._expect(")")
        return items

    @staticmethod
    def _condition(term: _Term) -> _Term:
        if term.kind is not Kind.CONDITION:
            raise FilterInvalid(f"a {term.kind} stands where a condition is needed")
        return term

    @staticmethod
    def _alike(one: _Term, other: _Term) -> None:
        kinds = {one.kind, other.kind} - {Kind.NULL}
        if len(kinds) > 1 or Kind.GROUPS in kinds:
            raise FilterInvalid(f"a {one.kind} cannot equal a {other.kind}")

    def _peek(self) -> str | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _takes(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._next += 1
        return True

    def _take(self) -> str:
        token = self._peek()
        if token is None:
            raise self._fault()
        self._next += 1
        return token

    def _expect(self, token: str) -> None:
        if not self._takes(token):
            raise self._fault()

    def _fault(self) -> FilterInvalid:
        return FilterInvalid(f"the filter is not understood at {self._peek() or 'its end'}")


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise FilterInvalid(f"the filter is not understood at character {place}")
        token = found[found.lastgroup or 0]
        tokens.append(token if found.lastgroup == "text" else token.lower())
        place = found.end()
    return tokens

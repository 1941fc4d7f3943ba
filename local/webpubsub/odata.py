"""The `filter` of REST calls: the OData subset that Web PubSub knows, as a predicate over connections."""

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

MAX_CLAUSES = 100
MAX_DEPTH = 50

Value: TypeAlias = str | int | bool | None | Collection[str]
Term: TypeAlias = Callable[["Subject"], Any]


class FilterInvalid(Exception):
    """The text is no filter; the message says where it ends to be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a filter may look at."""

    user_id: str | None
    connection_id: str
    groups: Collection[str]
    protocol: str | None = None


_FIELDS: dict[str, Term] = {
    "userid": lambda subject: subject.user_id,
    "connectionid": lambda subject: subject.connection_id,
    "groups": lambda subject: subject.groups,
    "protocol": lambda subject: subject.protocol,
}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
# name -> how many arguments, and what it does; the list is that of reference-odata-filter
_FUNCTIONS: dict[str, tuple[tuple[int, ...], Callable[..., Any]]] = {
    "tolower": ((1,), str.lower),
    "toupper": ((1,), str.upper),
    "trim": ((1,), str.strip),
    "substring": ((2, 3), lambda text, start, length=None: _substring(text, start, length)),
    "endswith": ((2,), str.endswith),
    "startswith": ((2,), str.startswith),
    "contains": ((2,), lambda text, part: part in _of(str, text)),
    "concat": ((2,), lambda one, other: _of(str, one) + _of(str, other)),
    "indexof": ((2,), str.find),
    "length": ((1,), len),
}
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d{1,18})(?![\w.])|(?P<word>[A-Za-z_]\w*)|(?P<sign>[(),]))"
)


def parse(text: str) -> Callable[[Subject], bool]:
    """Return the predicate that the filter describes.

    A part that does not fit a connection (a function of null, an order of text and number)
    is false for it. Raises FilterInvalid.
    """
    term = _Parser(text).whole()

    def matches(subject: Subject) -> bool:
        try:
            return term(subject) is True
        except TypeError:
            return False

    return matches


def _of(kind: type[str], value: object) -> str:
    if not isinstance(value, kind):
        raise TypeError("not a text")
    return value


def _substring(text: str, start: int, length: int | None) -> str:
    if start < 0 or (length is not None and length < 0):
        raise TypeError("no such part")
    return _of(str, text)[start : None if length is None else start + length]


class _Parser:
    """Recursive descent; binding from tight to loose: not, comparison, and, or."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0
        self._clauses = 0

    def whole(self) -> Term:
        term = self._or()
        if self._peek() is not None:
            raise self._fault()
        return term

    def _or(self) -> Term:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterInvalid(f"the filter is nested deeper than {MAX_DEPTH}")
        terms = [self._and()]
        while self._takes("or"):
            terms.append(self._and())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else lambda subject: any(_truth(term, subject) for term in terms)

    def _and(self) -> Term:
        terms = [self._comparison()]
        while self._takes("and"):
            terms.append(self._comparison())
        return terms[0] if len(terms) == 1 else lambda subject: all(_truth(term, subject) for term in terms)

    def _comparison(self) -> Term:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise FilterInvalid(f"the filter has more than {MAX_CLAUSES} clauses")
        left = self._unary()
        name = self._peek()
        if name == "in":
            self._next += 1
            return self._in(left)
        compare = _COMPARE.get(name or "")
        if compare is None:
            return left
        self._next += 1
        right = self._unary()
        return lambda subject: compare(left(subject), right(subject))

    def _in(self, left: Term) -> Term:
        if self._peek() != "(":
            collection = self._primary()
            return lambda subject: left(subject) in _collection(collection(subject))
        self._next += 1
        items = self._list()
        return lambda subject: left(subject) in [item(subject) for item in items]

    def _unary(self) -> Term:
        negations = 0
        while self._takes("not"):
            negations += 1
        term = self._primary()
        if not negations:
            return term
        return lambda subject: _truth(term, subject) is (negations % 2 == 0)

    def _primary(self) -> Term:
        token = self._take()
        if token == "(":
            term = self._or()
            self._expect(")")
            return term
        if token.startswith("'"):
            text = token[1:-1].replace("''", "'")
            return lambda _: text
        if token.lstrip("-").isdigit():
            number = int(token)
            return lambda _: number
        return self._named(token)

    def _named(self, token: str) -> Term:
        constants: dict[str, Value] = {"true": True, "false": False, "null": None}
        if token in constants:
            return lambda _: constants[token]
        if token in _FUNCTIONS and self._takes("("):
            return self._call(token)
        if token in _FIELDS:
            return _FIELDS[token]
        self._next -= 1
        raise self._fault()

    def _call(self, name: str) -> Term:
        arguments = self._list()
        counts, function = _FUNCTIONS[name]
        if len(arguments) not in counts:
            raise FilterInvalid(f"{name} takes {' or '.join(map(str, counts))} arguments")
        return lambda subject: function(*(argument(subject) for argument in arguments))

    def _list(self) -> list[Term]:
        items = [self._or()]
        while self._takes(","):
            items.append(self._or())
        self._expect(")")
        return items

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


def _truth(term: Term, subject: Subject) -> bool:
    value = term(subject)
    if not isinstance(value, bool):
        raise TypeError("not a condition")
    return value


def _collection(value: object) -> Collection[str]:
    if value is None or isinstance(value, str | int):
        raise TypeError("not a collection")
    return cast("Collection[str]", value)

"""Run a query over rows: filter, sort, cut, project, and find the place where the next page begins."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from local.cosmos.errors import bad_request, refuse
from local.cosmos.sql.evaluate import Evaluator, bind, parameter
from local.cosmos.sql.functions import AGGREGATES, aggregate
from local.cosmos.sql.tree import Expression, Function, Literal, Parameter, Query
from local.cosmos.sql.values import UNDEFINED, SortKey, is_number, sort_key
from local.cosmos.store import Row
from local.cosmos.wire import dump_json

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result stands in the order: its sort keys, then its row's place of creation."""

    keys: tuple[SortKey, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class Result:
    """One result as JSON text, with its place."""

    text: str
    place: Place


@dataclass(slots=True)
class _Match:
    place: Place
    row: Row
    document: dict[str, Any] | None


def run(query: Query, parameters: Mapping[str, Any], rows: Iterable[Row]) -> list[Result]:
    """Return all results of the query over the rows, in order.

    Raises CosmosError 400 for faulty parameters, 501 for combinations that this server does not know.
    """
    chosen = query.select
    if isinstance(chosen, Function) and chosen.name in AGGREGATES:
        return _aggregate(query, chosen, parameters, rows)
    matches = _sorted(query, _matches(query, parameters, rows))
    if query.distinct:
        return _window(query, parameters, _distinct(_project(query, parameters, matches)))
    return _project(query, parameters, _window(query, parameters, matches))


def rest_after(query: Query, results: list[Result], place: Place) -> list[Result]:
    """Return the results that stand behind a place."""
    descending = [key.descending for key in query.order]
    for index, result in enumerate(results):
        if _is_behind(result.place, place, descending):
            return results[index:]
    return []


def _is_behind(one: Place, other: Place, descending: list[bool]) -> bool:
    for mine, others, downwards in zip(one.keys, other.keys, descending, strict=True):
        if mine != others:
            return (mine < others) if downwards else (mine > others)
    return one.seq > other.seq


def _matches(query: Query, parameters: Mapping[str, Any], rows: Iterable[Row]) -> list[_Match]:
    predicate = bind(query.where, parameters) if query.where is not None else None
    keys = [bind(key.path, parameters) for key in query.order]
    if predicate is None and not keys:
        return [_Match(Place((), row.seq), row, None) for row in rows]
    matches: list[_Match] = []
    for row in rows:
        document = json.loads(row.body)
        if predicate is None or predicate(document) is True:
            place = Place(tuple(sort_key(key(document)) for key in keys), row.seq)
            matches.append(_Match(place, row, document))
    return matches


def _sorted(query: Query, matches: list[_Match]) -> list[_Match]:
    # Stable sorts from the last key to the first give the order of all keys, each in its own direction.
    for number, key in reversed(list(enumerate(query.order))):
        matches.sort(key=_nth_key(number), reverse=key.descending)
    return matches


def _nth_key(number: int) -> Callable[[_Match], SortKey]:
    return lambda match: match.place.keys[number]


def _project(query: Query, parameters: Mapping[str, Any], matches: list[_Match]) -> list[Result]:
    if query.select is None:
        return [Result(match.row.body, match.place) for match in matches]
    chosen = bind(query.select, parameters)
    results: list[Result] = []
    for match in matches:
        document = match.document if match.document is not None else json.loads(match.row.body)
        value = chosen(document)
        if value is not UNDEFINED:
            results.append(Result(dump_json(value), match.place))
    return results


def _distinct(results: list[Result]) -> list[Result]:
    kept: dict[str, Result] = {}
    for result in results:
        kept.setdefault(json.dumps(json.loads(result.text), sort_keys=True), result)
    return list(kept.values())


def _window(query: Query, parameters: Mapping[str, Any], found: list[_Found]) -> list[_Found]:
    if query.top is not None:
        return found[: _count("TOP", query.top, parameters)]
    if query.offset is not None and query.limit is not None:
        offset = _count("OFFSET", query.offset, parameters)
        return found[offset : offset + _count("LIMIT", query.limit, parameters)]
    return found


def _count(clause: str, expression: Expression, parameters: Mapping[str, Any]) -> int:
    match expression:
        case Literal(value):
            count = value
        case Parameter(name):
            count = parameter(name, parameters)
        case _:
            raise TypeError(expression)
    if not is_number(count) or count != int(count) or count < 0:
        raise bad_request(f"{clause} needs a whole number from 0.")
    return int(count)


def _aggregate(query: Query, call: Function, parameters: Mapping[str, Any], rows: Iterable[Row]) -> list[Result]:
    if query.distinct or query.order or query.top is not None or query.offset is not None:
        refuse("an aggregate together with DISTINCT, TOP, ORDER BY or OFFSET")
    if len(call.arguments) != 1:
        raise bad_request(f"The aggregate {call.name} takes one argument.")
    value: Evaluator = bind(call.arguments[0], parameters)
    matches = _matches(query, parameters, rows)
    documents = (match.document if match.document is not None else json.loads(match.row.body) for match in matches)
    total = aggregate(call.name, map(value, documents))
    return [] if total is UNDEFINED else [Result(dump_json(total), Place((), 0))]

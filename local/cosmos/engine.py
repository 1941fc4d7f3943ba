"""What happens to one item: create, upsert, read, replace, patch, delete, each under its conditions.

Every function here runs inside the caller's transaction, so that a batch can undo what came before.
"""

import json
from dataclasses import dataclass
from typing import Any

from local.cosmos import charge
from local.cosmos.catalog import Container
from local.cosmos.documents import check_id, check_key, stamp
from local.cosmos.errors import (
    FILTER_PREDICATE_FAILED,
    CosmosError,
    bad_request,
    conflict,
    item_not_found,
    precondition_failed,
    refuse,
)
from local.cosmos.patch import apply
from local.cosmos.sql.evaluate import bind
from local.cosmos.sql.parser import parse_condition
from local.cosmos.store import Row, Store
from local.cosmos.wire import Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """The status of an operation, the item after it (None after a delete), and the charge."""

    status: int
    row: Row | None
    charge: float


@dataclass(frozen=True, slots=True)
class Target:
    """Where an operation works: a container of a store, and one partition of it."""

    store: Store
    container: Container
    pk: str

    def find(self, item: str) -> Row | None:
        """Return the living item, or None."""
        return self.store.get(self.container.scope(), self.pk, item)

    def must_find(self, item: str, if_match: str | None) -> Row:
        """Return the living item; raises CosmosError 404, or 412 when its ETag is not `if_match`."""
        row = self.find(item)
        if row is None:
            raise item_not_found()
        _check_etag(row, if_match)
        return row


def _check_etag(row: Row, if_match: str | None) -> None:
    if if_match not in (None, "*", row.etag):
        raise precondition_failed()


def create(target: Target, document: Json) -> Outcome:
    """Store a new item; raises CosmosError 409 when the id is taken in the partition."""
    check_key(document, target.container, target.pk)
    if target.find(check_id(document)) is not None:
        raise conflict()
    return _store(target, document, None, 201)


def upsert(target: Target, document: Json, if_match: str | None = None) -> Outcome:
    """Replace the item (under `if_match`) or create it (whatever `if_match` says, as the service does)."""
    check_key(document, target.container, target.pk)
    old = target.find(check_id(document))
    if old is None:
        return _store(target, document, None, 201)
    _check_etag(old, if_match)
    return _store(target, document, old, 200)


def replace(target: Target, item: str, document: Json, if_match: str | None = None) -> Outcome:
    """Replace an item that is there; raises CosmosError 404 or 412."""
    check_key(document, target.container, target.pk)
    if check_id(document) != item:
        refuse("a replace that changes the id")
    return _store(target, document, target.must_find(item, if_match), 200)


def patch(target: Target, item: str, body: Json, if_match: str | None = None) -> Outcome:
    """Apply `{"operations": [...], "condition"?: "FROM c WHERE ..."}`.

    Raises CosmosError 404, 412 for a stale ETag or a condition that does not hold, 400 for unfit operations.
    """
    unknown = body.keys() - {"operations", "condition"}
    if unknown:
        refuse(f"the member {min(unknown)!r} of a patch")
    old = target.must_find(item, if_match)
    document = json.loads(old.body)
    if not _holds(body.get("condition"), document):
        raise CosmosError(
            412, "One of the specified pre-condition is not met: filter predicate.", substatus=FILTER_PREDICATE_FAILED
        )
    changed = apply(document, body.get("operations"), target.container.pk_path)
    outcome = _store(target, changed, old, 200)
    return Outcome(200, outcome.row, outcome.charge + 1)


def _holds(condition: Any, document: Json) -> bool:
    if condition is None:
        return True
    if not isinstance(condition, str):
        raise bad_request("The condition of a patch must be text.")
    return bind(parse_condition(condition), {})(document) is True


def delete(target: Target, item: str, if_match: str | None = None) -> Outcome:
    """Delete an item; raises CosmosError 404 or 412."""
    old = target.must_find(item, if_match)
    target.store.next_lsn()
    target.store.delete(old.seq)
    return Outcome(204, None, charge.write(len(old.body)))


def read(target: Target, item: str, if_none_match: str | None = None) -> Outcome:
    """Return an item, or status 304 when its ETag is `if_none_match`; raises CosmosError 404."""
    row = target.must_find(item, None)
    if if_none_match is not None and if_none_match in ("*", row.etag):
        return Outcome(304, row, charge.MINIMUM)
    return Outcome(200, row, charge.read(len(row.body)))


def _store(target: Target, document: Json, old: Row | None, status: int) -> Outcome:
    lsn = target.store.next_lsn()
    row = stamp(target.container, document, pk=target.pk, seq=old.seq if old else lsn)
    target.store.put(target.container.scope(), row)
    return Outcome(status, row, charge.write(len(row.body)))

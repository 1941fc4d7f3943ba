"""Single-item requests: headers and body to an operation of the engine, its outcome to a reply."""

from local.cosmos import engine, wire
from local.cosmos.catalog import Container
from local.cosmos.documents import UNDEFINED_KEY, key_of, parse_key
from local.cosmos.engine import Outcome, Target
from local.cosmos.errors import bad_request, refuse
from local.cosmos.store import Store
from local.cosmos.wire import Call, Json, Reply

_IF_MATCH = "if-match"
_IF_NONE_MATCH = "if-none-match"


def create(store: Store, container: Container, call: Call) -> Reply:
    """Answer a plain POST of an item."""
    _no_conditions(call, _IF_MATCH, _IF_NONE_MATCH)
    document = call.json_object()
    target = Target(store, container, _key_for_write(container, call, document))
    with store.transaction():
        return _reply(engine.create(target, document), call)


def upsert(store: Store, container: Container, call: Call) -> Reply:
    """Answer a POST with the upsert header."""
    _no_conditions(call, _IF_NONE_MATCH)
    document = call.json_object()
    target = Target(store, container, _key_for_write(container, call, document))
    with store.transaction():
        return _reply(engine.upsert(target, document, call.header(_IF_MATCH)), call)


def read(store: Store, container: Container, call: Call) -> Reply:
    """Answer a GET of an item, 304 when the caller has it."""
    outcome = engine.read(_target(store, container, call), call.address.item, call.header(_IF_NONE_MATCH))
    return _reply(outcome, call)


def replace(store: Store, container: Container, call: Call) -> Reply:
    """Answer a PUT of an item."""
    _no_conditions(call, _IF_NONE_MATCH)
    document = call.json_object()
    target = Target(store, container, _key_for_write(container, call, document))
    with store.transaction():
        outcome = engine.replace(target, call.address.item, document, call.header(_IF_MATCH))
        return _reply(outcome, call)


def patch(store: Store, container: Container, call: Call) -> Reply:
    """Answer a PATCH of an item."""
    _no_conditions(call, _IF_NONE_MATCH)
    body = call.json_object()
    target = _target(store, container, call)
    with store.transaction():
        return _reply(engine.patch(target, call.address.item, body, call.header(_IF_MATCH)), call)


def delete(store: Store, container: Container, call: Call) -> Reply:
    """Answer a DELETE of an item."""
    _no_conditions(call, _IF_NONE_MATCH)
    target = _target(store, container, call)
    with store.transaction():
        return _reply(engine.delete(target, call.address.item, call.header(_IF_MATCH)), call)


def delete_partition(store: Store, container: Container, call: Call) -> Reply:
    """Answer the deletion of all items of a partition; here at once, in Azure in the background."""
    target = _target(store, container, call)
    with store.transaction():
        store.next_lsn()
        deleted = store.delete_partition(container.scope(), target.pk)
    return Reply(status=200, charge=1.0 + deleted)


def _target(store: Store, container: Container, call: Call) -> Target:
    header = call.header(wire.PARTITION_KEY)
    if header is None:
        raise bad_request("PartitionKey value must be supplied for this operation.")
    return Target(store, container, parse_key(header))


def _key_for_write(container: Container, call: Call, document: Json) -> str:
    """Return the key of the header; without one the document's own, as gateways of old did it."""
    header = call.header(wire.PARTITION_KEY)
    if header is not None:
        return parse_key(header)
    own = key_of(document, container.pk_path)
    if own == UNDEFINED_KEY:
        raise bad_request("PartitionKey value must be supplied for this operation.")
    return own


def _no_conditions(call: Call, *names: str) -> None:
    for name in names:
        if call.header(name) is not None:
            refuse(f"the header {name} on {call.method} of {call.address.kind}")


def _reply(outcome: Outcome, call: Call) -> Reply:
    headers = {"etag": outcome.row.etag} if outcome.row else {}
    minimal = call.method != "GET" and call.headers.get("prefer") == "return=minimal"
    with_body = outcome.row is not None and outcome.status != 304 and not minimal  # noqa: PLR2004 - not modified
    body = outcome.row.body if outcome.row and with_body else None
    return Reply(status=outcome.status, body=body, headers=headers, charge=outcome.charge)

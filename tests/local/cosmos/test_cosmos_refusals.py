"""What the service refuses, without sockets: by name, before anything is written."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.cosmos import address
from local.cosmos.errors import CosmosError
from local.cosmos.service import Service, operation_of
from local.cosmos.store import Store
from local.cosmos.wire import Call

ITEMS = "/dbs/d/colls/c/docs"
ITEM = f"{ITEMS}/a"
KEY_X = {"x-ms-documentdb-partitionkey": '["x"]'}
BATCH = {**KEY_X, "x-ms-cosmos-is-batch-request": "True", "x-ms-cosmos-batch-atomic": "True"}
QUERY = {**KEY_X, "x-ms-documentdb-isquery": "True"}
UPSERT = {**KEY_X, "x-ms-documentdb-is-upsert": "True"}
PLAN = {"x-ms-cosmos-is-query-plan-request": "True"}
ALL = {"query": "SELECT * FROM c"}
COLLS = "/dbs/d/colls"
TWO_KEYS = {"id": "h", "partitionKey": {"paths": ["/a", "/b"], "kind": "MultiHash"}}
NO_TTL = {"id": "h", "partitionKey": {"paths": ["/a"]}, "defaultTtl": 0}
BODY = {"id": "a", "pk": "x"}


@pytest.fixture
def service() -> Iterator[Service]:
    """Return a service in memory with one container and one item."""
    opened = Service(Store(None))
    opened.catalog.create_database({"id": "d"})
    opened.catalog.create_container("d", {"id": "c", "partitionKey": {"paths": ["/pk"]}, "defaultTtl": -1})
    send(opened, "POST", ITEMS, BODY, KEY_X)
    yield opened
    opened.store.close()


def send(service: Service, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
    """Send one request past the sockets and return its parsed answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    where = address.parse(path)
    call = Call(method=method, address=where, headers=headers, body=data, base_url="http://local/")
    reply = service.answer(operation_of(call), call)
    return json.loads(reply.body) if reply.body else None


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "word"),
    [
        ("POST", COLLS, TWO_KEYS, {}, 501, "hierarchical"),
        ("POST", COLLS, {"id": "h"}, {}, 400, "partitionKey"),
        ("POST", COLLS, {"id": "a/b", "partitionKey": {"paths": ["/a"]}}, {}, 400, "id"),
        ("POST", COLLS, NO_TTL, {}, 400, "defaultTtl"),
        ("PUT", "/dbs/d/colls/c", {"id": "c", "partitionKey": {"paths": ["/other"]}}, {}, 400, "partition key"),
        ("POST", "/dbs", ALL, QUERY, 501, "queries over databases"),
        ("POST", ITEMS, ALL, PLAN, 501, "query plans"),
        ("POST", ITEMS, [], {**BATCH, "x-ms-cosmos-batch-atomic": "False"}, 501, "atomic"),
        ("POST", ITEMS, [], BATCH, 400, "list of operations"),
        ("POST", ITEMS, [{"operationType": "Read", "id": "a", "ifNoneMatch": "*"}], BATCH, 501, "ifNoneMatch"),
        ("POST", ITEMS, [{"operationType": "Touch", "id": "a"}], BATCH, 501, "Touch"),
        ("POST", ITEMS, BODY, {**UPSERT, "if-none-match": "*"}, 501, "if-none-match"),
        ("POST", ITEMS, {"id": "b", "pk": "y"}, KEY_X, 400, "PartitionKey"),
        ("POST", ITEMS, {"id": "b", "pk": "x"}, {"x-ms-documentdb-partitionkey": '["x","y"]'}, 501, "several parts"),
        ("POST", ITEMS, {"id": "b", "pk": ["x"]}, {}, 400, "partition key"),
        ("POST", ITEMS, b'{"id": "b", "pk": "x", "n": NaN}', KEY_X, 400, "NaN"),
        ("POST", ITEMS, b'{"id": "b", "pk": "x", "n": 1e999}', KEY_X, 400, "too large"),
        ("POST", ITEMS, b'{"id": "b", "pk": "x"', KEY_X, 400, "JSON"),
        ("POST", ITEMS, b"[1]", KEY_X, 400, "object"),
        ("POST", ITEMS, b'{"id": "b", "pk": "x", "n": ' + b"[" * 200 + b"]" * 200 + b"}", KEY_X, 400, "nested"),
        ("POST", ITEMS, b"[" * 100_000, KEY_X, 400, "JSON"),
        ("GET", ITEM, b"", {}, 400, "PartitionKey"),
        ("GET", ITEMS, b"", {"a-im": "Incremental feed"}, 501, "change feeds"),
        ("GET", ITEM, b"", {**KEY_X, "x-ms-cosmos-intended-collection-rid": "other"}, 400, "not the one"),
        ("PUT", ITEM, {"id": "b", "pk": "x"}, KEY_X, 501, "changes the id"),
        ("PATCH", ITEM, {"operations": [{"op": "incr", "path": "/n", "value": 1}], "more": 1}, KEY_X, 501, "more"),
        ("PATCH", ITEM, {"operations": []}, KEY_X, 400, "operations"),
        ("PATCH", "/dbs/d/colls/c", {}, {}, 501, "PATCH of container"),
        ("POST", ITEMS, {"query": 5}, QUERY, 400, "text"),
        ("POST", ITEMS, {**ALL, "parameters": [{"name": "p"}]}, QUERY, 400, "@"),
        ("POST", ITEMS, ALL, {**QUERY, "x-ms-start-epk": "1F"}, 501, "key range"),
    ],
)  # fmt: skip
def test_a_request_is_refused_and_changes_nothing(
    service: Service, method: str, path: str, body: Any, headers: dict[str, str], status: int, word: str
) -> None:
    """400 for a fault of the caller, 501 for what this server does not know; the message names it."""
    before = send(service, "GET", ITEMS, b"", {})

    with pytest.raises(CosmosError) as refused:
        send(service, method, path, body, headers)

    assert refused.value.status == status
    assert word in refused.value.message
    assert send(service, "GET", ITEMS, b"", {}) == before


def test_expired_items_are_deleted_for_good(service: Service) -> None:
    """The clean-up takes what is over, and nothing else."""
    send(service, "POST", ITEMS, {"id": "short", "pk": "x", "ttl": 60}, KEY_X)
    send(service, "POST", ITEMS, {"id": "long", "pk": "x", "ttl": 6000}, KEY_X)
    service.store.connection.execute("UPDATE items SET modified = modified - 100")

    assert service.purge() == 1
    assert [one["id"] for one in send(service, "GET", ITEMS, b"", {})["Documents"]] == ["a", "long"]


def test_a_page_has_at_most_four_megabytes(service: Service) -> None:
    """The rest comes with the continuation."""
    for number in range(5):
        send(service, "POST", ITEMS, {"id": f"b{number}", "pk": "x", "text": "y" * 1_500_000}, KEY_X)

    page = send(service, "GET", ITEMS, b"", {})

    assert [one["id"] for one in page["Documents"]] == ["a", "b0", "b1"]

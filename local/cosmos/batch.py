"""Transactional batches: operations on one partition, all applied or none."""

from typing import Any, cast

from local.cosmos import charge, engine, wire
from local.cosmos.catalog import Container
from local.cosmos.documents import ITEM_LIMIT, parse_key
from local.cosmos.engine import Outcome, Target
from local.cosmos.errors import CosmosError, bad_request, not_served, refuse
from local.cosmos.store import Store
from local.cosmos.wire import Call, Json, Reply, dump_json

# learn.microsoft.com/azure/cosmos-db/concepts-limits (per-request limits).
OPERATION_LIMIT = 100
_MULTI_STATUS = 207
_FAILED_DEPENDENCY = 424
_FIRST_FAILURE = 400


class _FailedError(Exception):
    """Unwinds the transaction; carries the results up to the failed one."""

    def __init__(self, results: list[Json]) -> None:
        super().__init__()
        self.results = results


def run(store: Store, container: Container, call: Call) -> Reply:
    """Answer a batch: 200 with the result of each operation, or 207 when one failed and all were undone.

    Raises CosmosError 400 or 413 for a malformed one, 501 for one that is not atomic.
    """
    operations = _operations(call)
    target = Target(store, container, parse_key(call.headers.get(wire.PARTITION_KEY, "")))
    try:
        with store.transaction():
            return _reply(200, _all(target, operations))
    except _FailedError as failed:
        return _reply(_MULTI_STATUS, _undone(failed.results, len(operations)))


def _all(target: Target, operations: list[Json]) -> list[Json]:
    results: list[Json] = []
    for operation in operations:
        results.append(_result(target, operation))
        if results[-1]["statusCode"] >= _FIRST_FAILURE:
            raise _FailedError(results)
    return results


def _operations(call: Call) -> list[Json]:
    if not call.flag(wire.BATCH_ATOMIC):
        refuse("batches that are not atomic")
    if call.header(wire.PARTITION_KEY) is None:
        raise bad_request("A batch needs a partition key.")
    if len(call.body) > ITEM_LIMIT:
        raise CosmosError(413, f"Request size is too large: a batch may have {ITEM_LIMIT} bytes.")
    parsed = call.json()
    if not isinstance(parsed, list) or not parsed:
        raise bad_request("A batch needs a list of operations.")
    listed = cast("list[Any]", parsed)
    if len(listed) > OPERATION_LIMIT:
        raise bad_request(f"Batch request has more operations than what is supported: {OPERATION_LIMIT}.")
    if not all(isinstance(operation, dict) for operation in listed):
        raise bad_request("Each operation of a batch must be an object.")
    return listed


def _result(target: Target, operation: Json) -> Json:
    try:
        return _success(_execute(target, operation))
    except CosmosError as error:
        if error.status == 501:  # noqa: PLR2004 - not implemented concerns the request as a whole
            raise
        return {"statusCode": error.status, "subStatusCode": error.substatus, "requestCharge": charge.MINIMUM}


def _execute(target: Target, operation: Json) -> Outcome:
    if "ifNoneMatch" in operation:
        refuse("ifNoneMatch in a batch")
    if_match = operation.get("ifMatch")
    item = str(operation.get("id", ""))
    match operation.get("operationType"):
        case "Create":
            return engine.create(target, _body(operation))
        case "Upsert":
            return engine.upsert(target, _body(operation), if_match)
        case "Replace":
            return engine.replace(target, item, _body(operation), if_match)
        case "Patch":
            return engine.patch(target, item, _body(operation), if_match)
        case "Delete":
            return engine.delete(target, item, if_match)
        case "Read":
            return engine.read(target, item)
        case other:
            raise not_served(f"the batch operation {other!r}")


def _body(operation: Json) -> Json:
    body = operation.get("resourceBody")
    if not isinstance(body, dict):
        raise bad_request("The operation needs a resourceBody that is an object.")
    return cast("Json", body)


def _success(outcome: Outcome) -> Json:
    result: Json = {"statusCode": outcome.status, "requestCharge": outcome.charge}
    if outcome.row is not None:
        result |= {"eTag": outcome.row.etag, "resourceBody": wire.parse_json(outcome.row.body.encode())}
    return result


def _undone(results: list[Json], count: int) -> list[Json]:
    """Keep the failed result in its place; what came before and after it depended on it."""
    others = {"statusCode": _FAILED_DEPENDENCY, "requestCharge": 0.0}
    before = [others] * (len(results) - 1)
    return [*before, results[-1], *[others] * (count - len(results))]


def _reply(status: int, results: list[Json]) -> Reply:
    total = round(sum(result["requestCharge"] for result in results), 2)
    return Reply(status=status, body=dump_json(results), charge=total)

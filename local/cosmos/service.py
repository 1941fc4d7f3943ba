"""The server without sockets: which operation a request is, who answers it, and what every reply carries."""

import uuid
from collections.abc import Callable

from local.cosmos import batch, items, queries, resources, wire
from local.cosmos.catalog import Catalog, Container
from local.cosmos.errors import COLLECTION_RID_MISMATCH, CosmosError, bad_request, refuse
from local.cosmos.store import Store
from local.cosmos.wire import Call, Reply

_QUERY_TYPE = "application/query+json"
_OnItems = Callable[[Store, Container, Call], Reply]
_ITEM_OPERATIONS: dict[str, _OnItems] = {
    "batch": batch.run,
    "create": items.create,
    "delete": items.delete,
    "delete_partition": items.delete_partition,
    "patch": items.patch,
    "query": queries.query,
    "read": items.read,
    "read_feed": queries.feed,
    "replace": items.replace,
    "upsert": items.upsert,
}
_BY_METHOD = {
    ("account", "GET"): "account",
    ("databases", "GET"): "list_databases",
    ("databases", "POST"): "create_database",
    ("database", "GET"): "read_database",
    ("database", "DELETE"): "delete_database",
    ("containers", "GET"): "list_containers",
    ("containers", "POST"): "create_container",
    ("container", "GET"): "read_container",
    ("container", "PUT"): "replace_container",
    ("container", "DELETE"): "delete_container",
    ("ranges", "GET"): "ranges",
    ("partition", "POST"): "delete_partition",
    ("items", "GET"): "read_feed",
    ("item", "GET"): "read",
    ("item", "PUT"): "replace",
    ("item", "PATCH"): "patch",
    ("item", "DELETE"): "delete",
}


def operation_of(call: Call) -> str:
    """Return the name of the operation, as faults and statistics use it; raises CosmosError 501."""
    if call.flag(wire.QUERY_PLAN):
        refuse("query plans")
    if (call.address.kind, call.method) == ("items", "POST"):
        return _posted(call)
    name = _BY_METHOD.get((call.address.kind, call.method))
    if name is None:
        refuse(f"{call.method} of {call.address.kind}")
    return name


def _posted(call: Call) -> str:
    if call.flag(wire.BATCH):
        return "batch"
    if call.flag(wire.IS_QUERY) or call.headers.get("content-type", "").startswith(_QUERY_TYPE):
        return "query"
    return "upsert" if call.flag(wire.IS_UPSERT) else "create"


class Service:
    """Definitions and items behind one `answer`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.catalog = Catalog(store)

    def answer(self, operation: str, call: Call) -> Reply:
        """Carry out the operation; raises CosmosError for a refusal."""
        match call.address.kind:
            case "account":
                return resources.account(call)
            case "databases":
                return resources.databases(self.catalog, call)
            case "database":
                return resources.database(self.catalog, call)
            case "containers":
                return resources.containers(self.catalog, call)
            case _:
                return self._in_container(operation, call)

    def _in_container(self, operation: str, call: Call) -> Reply:
        container = self.catalog.container(call.address.database, call.address.container)
        intended = call.header(wire.INTENDED_RID)
        if intended is not None and intended != container.rid:
            # The SDK then reads the container again: it was deleted and made anew.
            raise bad_request("The container is not the one intended.", substatus=COLLECTION_RID_MISMATCH)
        if operation in _ITEM_OPERATIONS:
            reply = _ITEM_OPERATIONS[operation](self.store, container, call)
            reply.headers[wire.ALT_CONTENT_PATH] = container.path
            reply.headers[wire.PARTITION_RANGE] = "0"
            reply.headers[wire.SESSION_TOKEN] = self.session_token()
            return reply
        if operation == "ranges":
            return resources.ranges(container, call)
        return resources.container(self.catalog, container, call)

    def session_token(self) -> str:
        """Return range, token version and the number of the last write, as the SDK parses it."""
        return f"0:-1#{self.store.lsn}"

    def purge(self) -> int:
        """Delete expired items for good; return how many went."""
        with self.store.transaction():
            return sum(self.store.purge(one.scope()) for one in self.catalog.every_container())


def seen_by(call: Call) -> int:
    """Return the number of the last write that the caller's session has seen; 0 for a caller without one."""
    last = (call.header(wire.SESSION_TOKEN) or "").rpartition("#")[2]
    return int(last) if last.isdecimal() else 0


def error_reply(error: CosmosError) -> Reply:
    """Return the reply of a refusal."""
    headers = {wire.SUBSTATUS: str(error.substatus), **error.headers}
    return Reply(status=error.status, body=error.body().decode(), headers=headers, charge=1.0)


def common_headers(call_id: str | None, reply: Reply) -> dict[str, str]:
    """Return the reply's headers with those that every reply has."""
    return {
        "content-type": "application/json",
        wire.ACTIVITY_ID: call_id or str(uuid.uuid4()),
        wire.CHARGE: f"{reply.charge:g}",
        "x-ms-gatewayversion": "version=local",
        **reply.headers,
    }

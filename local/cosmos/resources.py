"""The account document, databases, containers and partition key ranges."""

from local.cosmos.catalog import Catalog, Container
from local.cosmos.errors import refuse
from local.cosmos.wire import IS_QUERY, Call, Json, Reply, dump_json

# One physical partition for all keys: the SDK learns it once and never asks for a query plan.
_RANGE_ETAG = '"1"'
_REGION = "Local"


def account(call: Call) -> Reply:
    """Return the account document; its locations are the URL that the caller used.

    The SDK goes on with what stands there, so a fixed name or https would lead it away.
    """
    place = {"name": _REGION, "databaseAccountEndpoint": call.base_url}
    document = {
        "_self": "",
        "id": "local",
        "_rid": "local",
        "media": "//media/",
        "addresses": "//addresses/",
        "_dbs": "//dbs/",
        "writableLocations": [place],
        "readableLocations": [place],
        "enableMultipleWriteLocations": False,
        "userReplicationPolicy": {"asyncReplication": False, "minReplicaSetSize": 1, "maxReplicasetSize": 1},
        "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
        "systemReplicationPolicy": {"minReplicaSetSize": 1, "maxReplicasetSize": 1},
        "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
        "queryEngineConfiguration": "{}",
    }
    return _reply(200, document)


def databases(catalog: Catalog, call: Call) -> Reply:
    """List databases, or create one."""
    if call.method == "GET":
        found = catalog.databases()
        return _reply(200, {"_rid": "", "Databases": found, "_count": len(found)})
    _no_query(call)
    return _reply(201, catalog.create_database(call.json_object()))


def database(catalog: Catalog, call: Call) -> Reply:
    """Return or delete a database."""
    if call.method == "DELETE":
        catalog.delete_database(call.address.database)
        return Reply(status=204)
    return _reply(200, catalog.database(call.address.database))


def containers(catalog: Catalog, call: Call) -> Reply:
    """List a database's containers, or create one."""
    name = call.address.database
    if call.method == "GET":
        found = [one.definition for one in catalog.containers(name)]
        rid = catalog.database(name)["_rid"]
        return _reply(200, {"_rid": rid, "DocumentCollections": found, "_count": len(found)})
    _no_query(call)
    return _reply(201, catalog.create_container(name, call.json_object()).definition)


def container(catalog: Catalog, found: Container, call: Call) -> Reply:
    """Return, replace or delete a container."""
    if call.method == "DELETE":
        catalog.delete_container(found)
        return Reply(status=204)
    if call.method == "PUT":
        return _reply(200, catalog.replace_container(found, call.json_object()).definition)
    return _reply(200, found.definition)


def ranges(found: Container, call: Call) -> Reply:
    """Return the one range of keys; 304 when the caller knows it (the SDK drains the feed until then)."""
    headers = {"etag": _RANGE_ETAG}
    if call.header("if-none-match") == _RANGE_ETAG:
        return Reply(status=304, headers=headers)
    one: Json = {
        "id": "0",
        "_rid": found.rid,
        "minInclusive": "",
        "maxExclusive": "FF",
        "parents": [],
        "status": "online",
    }
    body: Json = {"_rid": found.rid, "PartitionKeyRanges": [one], "_count": 1}
    return Reply(status=200, body=dump_json(body), headers=headers)


def _no_query(call: Call) -> None:
    if call.flag(IS_QUERY):
        refuse(f"queries over {call.address.kind}")


def _reply(status: int, body: Json) -> Reply:
    headers = {"etag": str(body["_etag"])} if "_etag" in body else {}
    return Reply(status=status, body=dump_json(body), headers=headers)

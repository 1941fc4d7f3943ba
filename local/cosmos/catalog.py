"""Databases and containers: definitions, resource ids, and the rules that containers give their items."""

import json
import os
import time
import uuid
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, cast

from local.cosmos.errors import bad_request, conflict, owner_not_found, refuse
from local.cosmos.store import Scope, Store
from local.cosmos.wire import Json, dump_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container: its row key, names, resource id, definition as the API shows it, and parsed rules."""

    key: int
    database: str
    id: str
    rid: str
    definition: Json
    pk_path: tuple[str, ...]
    default_ttl: int | None

    @property
    def path(self) -> str:
        """Return the container's path by names, as `x-ms-alt-content-path` carries it."""
        return f"dbs/{self.database}/colls/{self.id}"

    @property
    def self_link(self) -> str:
        """Return the container's path by resource ids."""
        return str(self.definition["_self"])

    def scope(self) -> Scope:
        """Return what the store needs to know to find this container's living items now."""
        return Scope(container=self.key, default_ttl=self.default_ttl, now=time.time())


class Catalog:
    """All definitions, read once and written through."""

    def __init__(self, store: Store) -> None:
        self._store = store
        rows = store.connection.execute("SELECT body FROM databases")
        self._databases: dict[str, Json] = {body["id"]: body for body in (json.loads(row[0]) for row in rows)}
        found = store.connection.execute("SELECT key, database, rid, body FROM containers")
        containers = (_container(key, database, rid, json.loads(body)) for key, database, rid, body in found)
        self._containers = {(one.database, one.id): one for one in containers}

    def databases(self) -> list[Json]:
        """Return all database definitions."""
        return list(self._databases.values())

    def database(self, name: str) -> Json:
        """Return a database's definition; raises CosmosError 404."""
        if name not in self._databases:
            raise owner_not_found(f"dbs/{name}")
        return self._databases[name]

    def containers(self, database: str) -> list[Container]:
        """Return a database's containers; raises CosmosError 404 for an unknown database."""
        self.database(database)
        return [one for one in self._containers.values() if one.database == database]

    def every_container(self) -> list[Container]:
        """Return the containers of all databases."""
        return list(self._containers.values())

    def container(self, database: str, name: str) -> Container:
        """Return a container; raises CosmosError 404."""
        found = self._containers.get((database, name))
        if found is None:
            raise owner_not_found(f"dbs/{database}/colls/{name}")
        return found

    def create_database(self, body: Json) -> Json:
        """Create a database from the request's body; raises CosmosError 400 or 409."""
        name = _name(body)
        if name in self._databases:
            raise conflict()
        rid = _resource_id(os.urandom(4))
        created = {"id": name, **_system(rid, f"dbs/{rid}/"), "_colls": "colls/", "_users": "users/"}
        with self._store.transaction():
            self._store.connection.execute(
                "INSERT INTO databases (id, rid, body) VALUES (?, ?, ?)", (name, rid, dump_json(created))
            )
        self._databases[name] = created
        return created

    def delete_database(self, name: str) -> None:
        """Delete a database with all that is in it; raises CosmosError 404."""
        with self._store.transaction():
            for container in self.containers(name):
                self.delete_container(container)
            self._store.connection.execute("DELETE FROM databases WHERE id = ?", (name,))
        del self._databases[name]

    def create_container(self, database: str, body: Json) -> Container:
        """Create a container from the request's body; raises CosmosError 400, 404, 409 or 501."""
        owner = self.database(database)
        name = _name(body)
        if (database, name) in self._containers:
            raise conflict()
        rid = _resource_id(os.urandom(8))
        definition = _definition(body, name, rid, f"{owner['_self']}colls/{rid}/")
        _container(0, database, rid, definition)  # refuses a faulty definition before it is stored
        with self._store.transaction():
            cursor = self._store.connection.execute(
                "INSERT INTO containers (database, id, rid, body) VALUES (?, ?, ?, ?)",
                (database, name, rid, dump_json(definition)),
            )
        created = _container(cursor.lastrowid or 0, database, rid, definition)
        self._containers[database, name] = created
        return created

    def replace_container(self, container: Container, body: Json) -> Container:
        """Replace the definition (indexing policy, default ttl); the partition key must stay as it is."""
        if body.get("partitionKey", {}).get("paths") != container.definition["partitionKey"]["paths"]:
            raise bad_request("The partition key of a container cannot be changed.")
        definition = _definition(body, container.id, container.rid, container.self_link)
        changed = _container(container.key, container.database, container.rid, definition)
        with self._store.transaction():
            self._store.connection.execute(
                "UPDATE containers SET body = ? WHERE key = ?", (dump_json(definition), container.key)
            )
        self._containers[container.database, container.id] = changed
        return changed

    def delete_container(self, container: Container) -> None:
        """Delete a container with its items."""
        with self._store.transaction():
            self._store.connection.execute("DELETE FROM items WHERE container = ?", (container.key,))
            self._store.connection.execute("DELETE FROM containers WHERE key = ?", (container.key,))
        del self._containers[container.database, container.id]


def _name(body: Json) -> str:
    name = body.get("id")
    if not isinstance(name, str) or not name.strip() or any(sign in name for sign in "/\\#?"):
        raise bad_request("The id of a database or container must be text without / \\ # and ?.")
    return name


def _resource_id(raw: bytes) -> str:
    # "-" in place of "/", so that the id can stand in a path (azure.cosmos._base decodes it so).
    return b64encode(raw).decode().replace("/", "-")


def _system(rid: str, self_link: str) -> Json:
    return {"_rid": rid, "_self": self_link, "_etag": f'"{uuid.uuid4()}"', "_ts": int(time.time())}


def _definition(body: Json, name: str, rid: str, self_link: str) -> Json:
    given = {key: value for key, value in body.items() if not key.startswith("_")}
    feeds = {"_docs": "docs/", "_sprocs": "sprocs/", "_triggers": "triggers/", "_udfs": "udfs/"}
    return {**given, "id": name, **_system(rid, self_link), **feeds, "_conflicts": "conflicts/"}


def _container(key: int, database: str, rid: str, definition: Json) -> Container:
    return Container(
        key=key,
        database=database,
        id=definition["id"],
        rid=rid,
        definition=definition,
        pk_path=_partition_path(definition.get("partitionKey")),
        default_ttl=_default_ttl(definition.get("defaultTtl")),
    )


def _partition_path(definition: Any) -> tuple[str, ...]:
    if not isinstance(definition, dict):
        raise bad_request("The container needs a partitionKey.")
    known = cast("Json", definition)
    paths = known.get("paths")
    if known.get("kind", "Hash") != "Hash" or not isinstance(paths, list) or len(known["paths"]) != 1:
        refuse("hierarchical partition keys")
    path = str(known["paths"][0])
    steps = tuple(path[1:].split("/"))
    if not path.startswith("/") or not all(steps) or '"' in path:
        raise bad_request(f"The partition key path {path!r} must look like /name or /name/name.")
    return steps


def _default_ttl(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value == 0 or value < -1:
        raise bad_request("The defaultTtl must be -1 or a positive number of seconds.")
    return value

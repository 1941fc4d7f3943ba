"""Read and write the items of one container; refusals are return values, an unavailable store is raised."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from shared.adapters.cosmos.errors import translated

Document = dict[str, Any]
Operation = tuple[str, tuple[Any, ...], dict[str, Any]]

_REFUSALS = frozenset({404, 409, 412})
_PREDICATE = "FROM c WHERE "
"""A patch's condition is a query's end; conditions here begin after it and speak of the item as `c`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A batch of which nothing was applied: the index and status of the operation that was refused."""

    index: int
    status: int


def create(document: Document) -> Operation:
    """Ask a batch to create an item that must not exist."""
    return ("create", (document,), {})


def replace(document: Document, etag: str) -> Operation:
    """Ask a batch to replace an item that must still be the one that was read."""
    return ("replace", (document["id"], document), {"if_match_etag": etag})


def patch(item_id: str, changes: Sequence[Document], condition: str) -> Operation:
    """Ask a batch to change fields of an item on a condition."""
    return ("patch", (item_id, list(changes)), {"filter_predicate": _PREDICATE + condition})


def setting(**fields: Any) -> list[Document]:
    """Write patch operations that set top-level fields."""
    return [{"op": "set", "path": f"/{name}", "value": value} for name, value in fields.items()]


class Items:
    """The items of one container. Every method raises StoreUnavailable when the store does not answer."""

    def __init__(self, container: Callable[[str], Awaitable[ContainerProxy]], name: str) -> None:
        self._container = container
        self._name = name

    async def read(self, key: str, item_id: str) -> Document | None:
        """Read an item; None when there is none."""
        container = await self._container(self._name)
        with translated("read"):
            try:
                return await container.read_item(item_id, key)
            except CosmosResourceNotFoundError:
                return None

    async def create(self, document: Document) -> bool:
        """Create an item; False when its id is taken."""
        container = await self._container(self._name)
        with translated("create"):
            try:
                await container.create_item(document, no_response=True)
            except CosmosResourceExistsError:
                return False
        return True

    async def put(self, key: str, document: Document, etag: str | None) -> bool:
        """Write an item that is still the one that was read, or with no ETag a new one; False if it is not."""
        if etag is None:
            return await self.create(document)
        return not isinstance(await self.batch(key, [replace(document, etag)]), Refused)

    async def upsert(self, document: Document) -> None:
        """Write an item whether or not it exists."""
        container = await self._container(self._name)
        with translated("upsert"):
            await container.upsert_item(document, no_response=True)

    async def delete(self, key: str, item_id: str) -> None:
        """Delete an item; one that is absent is left so."""
        container = await self._container(self._name)
        with translated("delete"):
            try:
                await container.delete_item(item_id, key)
            except CosmosResourceNotFoundError:
                return

    async def delete_if(self, key: str, item_id: str, etag: str) -> bool:
        """Delete an item that is still the one that was read; False if not. One that is absent is deleted."""
        container = await self._container(self._name)
        with translated("delete"):
            try:
                await container.delete_item(item_id, key, etag=etag, match_condition=MatchConditions.IfNotModified)
            except CosmosAccessConditionFailedError:
                return False
            except CosmosResourceNotFoundError:
                return True
        return True

    async def patch(self, key: str, item_id: str, changes: Sequence[Document], condition: str) -> Document | None:
        """Change fields of an item and give it as it is then; None when it is absent or the condition fails."""
        container = await self._container(self._name)
        with translated("patch"):
            try:
                return await container.patch_item(item_id, key, list(changes), filter_predicate=_PREDICATE + condition)
            except (CosmosAccessConditionFailedError, CosmosResourceNotFoundError):
                return None

    async def batch(self, key: str, operations: Sequence[Operation]) -> list[Document] | Refused:
        """Apply all operations or none, and give the items as they are then."""
        container = await self._container(self._name)
        with translated("batch"):
            try:
                results = await container.execute_item_batch(list(operations), key)
            except CosmosBatchOperationError as error:
                refusal: Any = error
                if refusal.status_code in _REFUSALS:
                    return Refused(refusal.error_index, refusal.status_code)
                raise
        return [result["resourceBody"] for result in results]

    async def query(self, key: str, text: str, parameters: Mapping[str, Any]) -> list[Document]:
        """Run a query inside one partition."""
        return await self._query(text, parameters, {"partition_key": key})

    async def query_everywhere(self, text: str, parameters: Mapping[str, Any]) -> list[Document]:
        """Run a query over all partitions; for timers only."""
        return await self._query(text, parameters, {})

    async def _query(self, text: str, parameters: Mapping[str, Any], where: Mapping[str, Any]) -> list[Document]:
        container = await self._container(self._name)
        named: list[dict[str, object]] = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        with translated("query"):
            return [found async for found in container.query_items(text, parameters=named, **where)]

"""Odd partition keys and ids, and times to live, through the official SDK, sync and aio."""

from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import (
    CosmosHttpResponseError,
    CosmosResourceNotFoundError,
)
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue


def item(name: str = "a", pk: Any = "x", **more: Any) -> dict[str, Any]:
    """Return an item."""
    return {"id": name, "pk": pk, **more}


@pytest.mark.parametrize("pk", ["ä/🙂 %", "", 7, 7.5, True])
async def test_partition_keys_of_every_type_are_told_apart(container: Any, pk: Any) -> None:
    """Text, numbers and booleans are keys; none is taken for another."""
    await container.create_item(item(pk=pk, n=1))
    await container.create_item(item(pk="other", n=2))

    assert (await container.read_item("a", pk))["n"] == 1
    assert [one["n"] for one in await container.query_items("SELECT * FROM c", partition_key=pk)] == [1]


async def test_null_and_no_partition_key_are_two_keys(container: Any) -> None:
    """An item whose key is null and one without the property live apart."""
    await container.create_item(item(pk=None, n=1))
    await container.create_item({"id": "a", "n": 2})

    assert (await container.read_item("a", NullPartitionKeyValue))["n"] == 1
    assert (await container.read_item("a", NonePartitionKeyValue))["n"] == 2


@pytest.mark.parametrize("name", ["t:1f-2e", "ä b", "100%", "a+b&c=d", "x:1:2", "(it's)", "🙂", "%41"])
async def test_ids_with_odd_signs_are_addressable(container: Any, name: str) -> None:
    """What a path must encode arrives as it was, signed and found."""
    await container.create_item(item(name))

    assert (await container.read_item(name, "x"))["id"] == name
    await container.patch_item(name, "x", [{"op": "set", "path": "/n", "value": 1}])
    await container.delete_item(name, "x")


@pytest.mark.parametrize("body", [{"pk": "x"}, {"id": 5, "pk": "x"}, {"id": "", "pk": "x"}])
async def test_an_item_without_a_proper_id_is_400(container: Any, body: dict[str, Any]) -> None:
    """The id must be text; the SDK's own invention of ids is off by default."""
    with pytest.raises((CosmosHttpResponseError, TypeError, ValueError)) as refused:
        await container.upsert_item(body)

    if isinstance(refused.value, CosmosHttpResponseError):
        assert refused.value.status_code == 400


async def test_an_item_vanishes_when_its_ttl_is_over(container: Any, eventually: Any) -> None:
    """Reads and queries no longer see it, and its id is free again; its neighbour without ttl stays."""
    await container.create_item(item("stays"))
    await container.create_item(item(ttl=1))
    assert (await container.read_item("a", "x"))["ttl"] == 1

    async def gone() -> bool:
        return len(await container.query_items("SELECT * FROM c", partition_key="x")) == 1

    await eventually(gone)

    with pytest.raises(CosmosResourceNotFoundError):
        await container.read_item("a", "x")
    with pytest.raises(CosmosResourceNotFoundError):
        await container.patch_item("a", "x", [{"op": "set", "path": "/n", "value": 1}])
    await container.create_item(item(n=2))
    assert (await container.read_item("a", "x"))["n"] == 2


async def test_the_containers_ttl_counts_for_items_without_one(database: Any, eventually: Any) -> None:
    """The default ends an item, -1 of its own keeps another."""
    name = f"ttl{id(database)}"
    container = await database.create_container(name, partition_key=PartitionKey(path="/pk"), default_ttl=1)
    await container.create_item(item("goes"))
    await container.create_item(item("stays", ttl=-1))

    async def gone() -> bool:
        return len(await container.read_all_items()) == 1

    await eventually(gone)

    assert [one["id"] for one in await container.read_all_items()] == ["stays"]


@pytest.mark.parametrize("ttl", [0, -2, 1.5, "60", True])
async def test_a_faulty_ttl_is_400(container: Any, ttl: Any) -> None:
    """Only -1 and positive whole numbers are times to live."""
    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.create_item(item(ttl=ttl))

    assert refused.value.status_code == 400

"""Many writers at once: optimistic concurrency loses nothing and doubles nothing."""

import asyncio
import random
from typing import Any
from uuid import uuid4

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
)

DATABASE = "salescoach"
KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="


def item(name: str = "a", **more: Any) -> dict[str, Any]:
    """Return an item of the conversation c1."""
    return {"id": name, "conversation_id": "c1", **more}


def conversations(client: Any, name: str = "conversations") -> Any:
    """Return the container's client of a CosmosClient."""
    return client.get_database_client(DATABASE).get_container_client(name)


@pytest.mark.parametrize(("kind", "writers", "times"), [("sync", 5, 6), ("aio", 20, 10)])
async def test_writers_under_if_match_lose_no_increment(
    server: Any, connect: Any, kind: str, writers: int, times: int
) -> None:
    """Each increments as often as it must and tries again on 412: the sum is exact."""
    name = f"c{uuid4().hex}"
    async with connect(kind, server.url) as client:
        database = type(client)(client.target.get_database_client(DATABASE))
        container = (await database.create_container(name, partition_key=PartitionKey(path="/conversation_id"))).target
        first = container.create_item(item(n=0))
        if kind == "aio":
            await first
            conflicts = sum(await asyncio.gather(*(increment_aio(container, times) for _ in range(writers))))
            total = (await container.read_item("a", "c1"))["n"]
        else:
            conflicts = sum(
                await asyncio.gather(*(asyncio.to_thread(increment, container, times) for _ in range(writers)))
            )
            total = container.read_item("a", "c1")["n"]

    assert total == writers * times
    assert conflicts > 0


async def increment_aio(container: Any, times: int) -> int:
    """Increment so many times; return how often another was faster."""
    done = conflicts = 0
    while done < times:
        read = await container.read_item("a", "c1")
        changed = {**read, "n": read["n"] + 1}
        try:
            await container.replace_item(
                "a", changed, etag=read["_etag"], match_condition=MatchConditions.IfNotModified
            )
            done += 1
        except CosmosAccessConditionFailedError:
            conflicts += 1
            await asyncio.sleep(random.uniform(0, 0.4))
    return conflicts


def increment(container: Any, times: int) -> int:
    """Increment so many times; return how often another was faster."""
    done = conflicts = 0
    while done < times:
        read = container.read_item("a", "c1")
        changed = {**read, "n": read["n"] + 1}
        try:
            container.replace_item("a", changed, etag=read["_etag"], match_condition=MatchConditions.IfNotModified)
            done += 1
        except CosmosAccessConditionFailedError:
            conflicts += 1
    return conflicts


async def test_batches_that_race_for_one_head_lose_nothing(server: Any) -> None:
    """Ten acceptors create a message each and move the head under its ETag: sequence numbers have no gap."""
    async with CosmosClient(server.url, KEY) as client:
        container = conversations(client)
        pk = uuid4().hex
        await container.create_item({"id": "head", "conversation_id": pk, "next": 1})

        async def accept(who: int) -> None:
            while True:
                head = await container.read_item("head", pk)
                message = {"id": f"u:{who}", "conversation_id": pk, "seq": head["next"]}
                moved = {**head, "next": head["next"] + 1}
                try:
                    await container.execute_item_batch(
                        [
                            ("create", (message,)),
                            ("replace", ("head", moved), {"if_match_etag": head["_etag"]}),
                        ],
                        pk,
                    )
                except CosmosBatchOperationError as error:
                    if error.status_code != 412:
                        raise
                else:
                    return

        await asyncio.gather(*(accept(who) for who in range(10)), return_exceptions=False)
        found = container.query_items("SELECT VALUE c.seq FROM c WHERE IS_DEFINED(c.seq)", partition_key=pk)
        assert sorted([seq async for seq in found]) == list(range(1, 11))

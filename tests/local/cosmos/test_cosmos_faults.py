"""Faults on order, and the statistics."""

import asyncio
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceNotFoundError,
)

DATABASE = "salescoach"
KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="


def item(name: str = "a", **more: Any) -> dict[str, Any]:
    """Return an item of the conversation c1."""
    return {"id": name, "conversation_id": "c1", **more}


def conversations(client: Any, name: str = "conversations") -> Any:
    """Return the container's client of a CosmosClient."""
    return client.get_database_client(DATABASE).get_container_client(name)


@pytest.fixture
def faults(server: Any) -> Iterator[Any]:
    """Return the server, without faults before and after."""
    server.admin("DELETE", "/_faults")
    yield server
    server.admin("DELETE", "/_faults")


async def test_a_fault_hits_what_it_names_as_often_as_it_says(faults: Any) -> None:
    """Two upserts into the container are 500, the third goes through; reads are left alone."""
    fault: dict[str, Any] = {"match": {"container": "conversations", "operation": "upsert", "count": 2}, "status": 500}
    faults.admin("POST", "/_faults", fault)
    async with CosmosClient(faults.url, KEY) as client:
        container = conversations(client)
        with pytest.raises(CosmosResourceNotFoundError):
            await container.read_item(uuid4().hex, "c1")
        for _ in range(2):
            with pytest.raises(CosmosHttpResponseError) as failed:
                await container.upsert_item(item("faulty"))
            assert failed.value.status_code == 500
        await container.upsert_item(item("faulty"))

    (listed,) = faults.admin("GET", "/_faults")
    assert (listed["match"], listed["status"], listed["hits"]) == ({**fault["match"], "skip": 0}, 500, 2)


async def test_a_429_carries_its_delay_and_the_sdk_obeys_it(faults: Any) -> None:
    """The SDK waits as told and tries again by itself."""
    match = {"method": "GET", "operation": "read", "count": 1}
    async with CosmosClient(faults.url, KEY) as client:
        container = conversations(client)
        await container.upsert_item(item("throttled"))
        faults.admin("POST", "/_faults", {"match": match, "status": 429, "retry_after_ms": 150})

        started = asyncio.get_running_loop().time()
        await container.read_item("throttled", "c1")
        took = asyncio.get_running_loop().time() - started

    assert 0.15 <= took < 2


@pytest.mark.parametrize("status", ["timeout-after-apply", "drop-after-apply"])
async def test_a_write_may_be_applied_although_its_answer_is_lost(faults: Any, status: str) -> None:
    """The caller sees a failure, or its SDK's second try meets the first; the item is there."""
    name = uuid4().hex
    match = {"operation": "create", "item": name, "skip": 0, "count": 1}
    async with CosmosClient(faults.url, KEY) as client:
        container = conversations(client)
        await container.upsert_item(item("other"))
        faults.admin("POST", "/_faults", {"match": match, "status": status, "delay_ms": 10})

        with pytest.raises(AzureError):
            await container.create_item(item(name))

        assert (await container.read_item(name, "c1"))["id"] == name


async def test_a_fault_can_skip_the_first_ones(faults: Any) -> None:
    """The third batch fails; nothing of it is stored."""
    match = {"operation": "batch", "skip": 2, "count": 1}
    faults.admin("POST", "/_faults", {"match": match, "status": 412})
    pk = uuid4().hex
    seen: list[int] = []
    async with CosmosClient(faults.url, KEY) as client:
        container = conversations(client)
        for number in range(4):
            body = {"id": f"i{number}", "conversation_id": pk}
            try:
                await container.execute_item_batch([("create", (body,))], pk)
            except CosmosAccessConditionFailedError:
                seen.append(number)
        stored = [one["id"] async for one in container.query_items("SELECT c.id FROM c", partition_key=pk)]

    assert (seen, stored) == ([2], ["i0", "i1", "i3"])


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 418},
        {"match": {"colour": "red"}},
        {"mach": {}},
        {"match": {"count": -1}},
        {"delay_ms": "long"},
        [],
    ],
)
def test_a_faulty_fault_is_400(faults: Any, fault: Any) -> None:
    """What it does not know it refuses, so that no test waits for a fault that never comes."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        faults.admin("POST", "/_faults", fault)

    assert refused.value.code == 400
    refused.value.close()


async def test_statistics_count_operations_and_charges(server: Any) -> None:
    """By container and operation, since the last reset."""
    async with CosmosClient(server.url, KEY) as client:
        container = conversations(client)
        await container.upsert_item(item())
        server.admin("DELETE", "/_stats")
        await container.upsert_item(item())
        await container.read_item("a", "c1")
        with pytest.raises(CosmosResourceNotFoundError):
            await container.read_item(uuid4().hex, "c1")

    counted = server.admin("GET", "/_stats")

    counts = counted["containers"]["conversations"]
    counts.pop("ranges", None)  # the SDK asks for them when it likes
    assert counts == {
        "read": {"count": 2, "errors": 1, "charge": 2.0},
        "upsert": {"count": 1, "errors": 0, "charge": 5.0},
    }
    assert counted["charge"] >= 7


def test_faults_are_off_unless_asked_for(start_cosmos: Any, tmp_path: Path) -> None:
    """Without --faults the endpoint is not there."""
    process = start_cosmos(tmp_path)
    with pytest.raises(urllib.error.HTTPError) as refused:
        process.admin("POST", "/_faults", {"status": 503})
    refused.value.close()

    assert refused.value.code == 501


async def test_stale_reads_are_those_of_another_session_as_of_the_first_rule(faults: Any) -> None:
    """A session reads its own writes; a rule that hits nothing names the moment; writes go through."""
    name = uuid4().hex
    rule: dict[str, Any] = {"match": {"item": name, "count": 0}, "status": "stale"}
    async with CosmosClient(faults.url, KEY) as writer, CosmosClient(faults.url, KEY) as other:
        await conversations(writer).upsert_item(item(name, n=1))
        faults.admin("POST", "/_faults", rule)
        await conversations(writer).upsert_item(item(name, n=2))
        async with CosmosClient(faults.url, KEY) as third:
            present = (await conversations(third).read_item(name, "c1"))["n"]
        faults.admin("POST", "/_faults", {"status": "stale"})

        read = [(await conversations(client).read_item(name, "c1"))["n"] for client in (writer, other)]
        found = conversations(other).query_items(
            "SELECT VALUE c.n FROM c WHERE c.id = @id", parameters=[{"name": "@id", "value": name}], partition_key="c1"
        )
        queried = [one async for one in found]
        faults.admin("DELETE", "/_faults")
        healed = (await conversations(other).read_item(name, "c1"))["n"]

    assert (present, read, queried, healed) == (2, [2, 1], [1], 2)

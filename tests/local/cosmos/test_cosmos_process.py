"""The server as a process: start, key, addresses, durability, concurrency, faults, statistics."""

import asyncio
import random
import re
import socket
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import AzureError
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceNotFoundError,
)

DATABASE = "salescoach"
KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
CONTAINER = "conversations:/conversation_id"


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


def test_the_ready_line_names_the_address(server: Any) -> None:
    """One line, as the supervisor reads it; /health answers at once."""
    assert re.fullmatch(r"cosmos ready on http://127\.0\.0\.1:\d+", server.ready_line)
    assert server.admin("GET", "/health") == {"status": "ok"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--container", "conversations"], "must look like"),
        (["--database", "d", "--container", "c:/a/"], "partition key path"),
        (["--key", "?"], "Base64"),
    ],
)
def test_faulty_arguments_get_a_clear_sentence(run_cosmos: Any, arguments: list[str], sentence: str) -> None:
    """No trace, an exit code other than 0."""
    ended = run_cosmos("--port", "0", *arguments)

    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_gets_a_clear_sentence(run_cosmos: Any, server: Any) -> None:
    """The message names host and port."""
    ended = run_cosmos("--port", str(server.port))

    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{server.port}" in ended.stderr


def test_two_processes_cannot_share_the_data(start_cosmos: Any, run_cosmos: Any, tmp_path: Path) -> None:
    """The second one says that the file is locked."""
    start_cosmos(tmp_path)
    ended = run_cosmos("--port", "0", "--data", str(tmp_path))

    assert ended.returncode == 1
    assert "locked" in ended.stderr


@pytest.mark.parametrize("kind", ["sync", "aio"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_clients_find_their_way_by_the_account_document(server: Any, connect: Any, kind: str, host: str) -> None:
    """Its locations are the URL as the caller wrote it, so endpoint discovery needs no switch."""
    url = f"http://{host}:{server.port}"
    async with aiohttp.ClientSession() as http, http.get(url) as refused:
        assert refused.status == 401
    async with connect(kind, url) as client:
        manager = client.target.client_connection._global_endpoint_manager
        container = type(client)(conversations(client.target))
        await container.upsert_item(item(host))

        assert (await container.read_item(host, "c1"))["id"] == host
        assert str(manager.get_write_endpoint()) == f"{url}/"


@pytest.mark.parametrize("kind", ["sync", "aio"])
async def test_another_key_is_401(server: Any, connect: Any, kind: str) -> None:
    """The signature is checked, not the form of it."""
    with pytest.raises(CosmosHttpResponseError) as refused:
        async with connect(kind, server.url, key="QW5vdGhlciBrZXk=") as client:
            await client.list_databases()

    assert refused.value.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/dbs/salescoach/users", 501),
        ("POST", "/offers", 501),
        ("GET", "/nonsense", 501),
        ("PUT", "/dbs/salescoach", 401),
        ("GET", "/dbs", 401),
    ],
)
async def test_unknown_resources_and_unsigned_requests_are_refused(
    server: Any, method: str, path: str, status: int
) -> None:
    """501 by name for the one, 401 for the other, both in Cosmos' error shape."""
    async with aiohttp.ClientSession() as http, http.request(method, server.url + path) as answer:
        body = await answer.json()

    assert answer.status == status
    assert set(body) == {"code", "message"}


@pytest.mark.parametrize("how", ["terminate", "kill"])
async def test_what_was_answered_survives_the_process(
    start_cosmos: Any, eventually: Any, tmp_path: Path, how: str
) -> None:
    """After SIGTERM or kill -9 in the middle of writing, each acknowledged write is there, once, with its ETag."""
    first = start_cosmos(tmp_path, "--container", CONTAINER)
    acknowledged: dict[str, str] = {}
    async with CosmosClient(first.url, KEY, retry_connect=0, retry_read=0, retry_total=0) as client:
        container = conversations(client)

        async def write(writer: int) -> None:
            for number in range(1000):
                stored = await container.upsert_item(item(f"{writer}:{number}"))
                acknowledged[stored["id"]] = stored["_etag"]

        writers = [asyncio.create_task(write(number)) for number in range(4)]

        async def enough() -> bool:
            return len(acknowledged) >= 60

        await eventually(enough)
        code = await asyncio.to_thread(first.end, how)
        await asyncio.gather(*(ended(writer) for writer in writers))

    second = start_cosmos(tmp_path, "--container", CONTAINER)
    async with CosmosClient(second.url, KEY) as client:
        query = conversations(client).query_items("SELECT c.id, c._etag FROM c", partition_key="c1")
        found = {one["id"]: one["_etag"] async for one in query}

    assert code == (0 if how == "terminate" else -9)
    assert acknowledged.items() <= found.items()
    assert len(found) <= len(acknowledged) + 4


async def ended(writer: asyncio.Task[None]) -> None:
    """Wait for a writer that lost its server."""
    writer.cancel()
    with pytest.raises((AzureError, asyncio.CancelledError)):
        await writer


async def test_a_client_gets_over_a_restart_with_new_data(start_cosmos: Any, tmp_path: Path) -> None:
    """Containers made anew under the old names have other resource ids; the SDK learns them by itself."""
    first = start_cosmos(tmp_path / "one", "--container", CONTAINER)
    async with CosmosClient(first.url, KEY) as client:
        container = conversations(client)
        await container.upsert_item(item())
        first.end()
        start_cosmos(tmp_path / "two", "--container", CONTAINER, port=first.port)

        with pytest.raises(CosmosResourceNotFoundError):
            await container.read_item("a", "c1")
        await container.upsert_item(item(n=2))

        assert (await container.read_item("a", "c1"))["n"] == 2


@pytest.mark.parametrize("kind", ["sync", "aio"])
async def test_twenty_writers_under_if_match_lose_no_increment(server: Any, connect: Any, kind: str) -> None:
    """Each increments ten times and tries again on 412: the sum is exact."""
    name = f"c{uuid4().hex}"
    async with connect(kind, server.url) as client:
        database = type(client)(client.target.get_database_client(DATABASE))
        container = (await database.create_container(name, partition_key=PartitionKey(path="/conversation_id"))).target
        first = container.create_item(item(n=0))
        if kind == "aio":
            await first
            conflicts = sum(await asyncio.gather(*(increment_aio(container) for _ in range(20))))
            total = (await container.read_item("a", "c1"))["n"]
        else:
            conflicts = sum(await asyncio.gather(*(asyncio.to_thread(increment, container) for _ in range(20))))
            total = container.read_item("a", "c1")["n"]

    assert total == 200
    assert conflicts > 0


async def increment_aio(container: Any) -> int:
    """Increment ten times; return how often another was faster."""
    done = conflicts = 0
    while done < 10:
        read = await container.read_item("a", "c1")
        changed = {**read, "n": read["n"] + 1}
        try:
            await container.replace_item(
                "a", changed, etag=read["_etag"], match_condition=MatchConditions.IfNotModified
            )
            done += 1
        except CosmosAccessConditionFailedError:
            conflicts += 1
            await asyncio.sleep(random.uniform(0, 0.3))
    return conflicts


def increment(container: Any) -> int:
    """Increment ten times; return how often another was faster."""
    done = conflicts = 0
    while done < 10:
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


def test_only_loopback_is_served(server: Any) -> None:
    """The machine's other addresses do not answer."""
    outside = {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), server.port, socket.AF_INET)}
    for address in outside - {"127.0.0.1", "127.0.1.1"}:
        with socket.socket() as probe, pytest.raises(OSError, match="refused"):
            probe.connect((str(address), server.port))

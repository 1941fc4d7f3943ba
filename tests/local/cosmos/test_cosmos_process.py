"""The server as a process: start, key, addresses, durability."""

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core.exceptions import AzureError
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import (
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


def test_only_loopback_is_served(server: Any) -> None:
    """The machine's other addresses do not answer."""
    outside = {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), server.port, socket.AF_INET)}
    for address in outside - {"127.0.0.1", "127.0.1.1"}:
        with socket.socket() as probe, pytest.raises(OSError, match="refused"):
            probe.connect((str(address), server.port))

"""A server process on a free port, and the official SDK's two clients behind one way of calling."""

import asyncio
import inspect
import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AioCosmosClient

KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
DATABASE = "salescoach"
REPOSITORY = Path(__file__).parents[3]


class CosmosProcess:
    """`python -m local.cosmos`, started, stopped and killed as the supervisor would."""

    def __init__(self, data: Path | None = None, *arguments: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "local.cosmos", "--port", str(port), "--database", DATABASE, *arguments]
        if data is not None:
            command += ["--data", str(data)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        assert self._process.stdout is not None
        self.ready_line = self._process.stdout.readline().strip()
        self.url = self.ready_line.rpartition(" ")[2]

    @property
    def port(self) -> int:
        """Return the port that the process listens on."""
        return int(self.url.rpartition(":")[2])

    def end(self, how: str = "terminate") -> int:
        """End the process by `terminate` or `kill`, and return its exit code."""
        getattr(self._process, how)()
        code = self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """Call an admin endpoint and return its JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)  # noqa: S310 - our own URL
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - our own URL
            return json.load(response)


class Uniform:
    """One client object, sync or aio, whose calls are all awaited; lists come whole."""

    def __init__(self, target: Any) -> None:
        self.target = target

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the client's method as a coroutine function; children are wrapped, too."""

        async def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self.target, name)(*args, **kwargs)
            result = await result if inspect.isawaitable(result) else result
            if hasattr(result, "by_page"):
                return await listed(result)
            return Uniform(result) if hasattr(result, "client_connection") else result

        return call

    async def pages(self, size: int, query: str, continuation: str | None = None, **kwargs: Any) -> list[Any]:
        """Return the pages of a query, each as (items, continuation)."""
        pager = self.target.query_items(query, max_item_count=size, **kwargs).by_page(continuation)
        pages: list[Any] = []
        if hasattr(pager, "__aiter__"):
            async for page in pager:
                items = [item async for item in page]
                pages.append((items, pager.continuation_token))
        else:
            for page in pager:
                pages.append((list(page), pager.continuation_token))  # noqa: PERF401 - the token moves
        return pages

    @property
    def everywhere(self) -> dict[str, bool]:
        """Return what lets a query cross partitions; the aio client sends the switch by itself."""
        return {"enable_cross_partition_query": True} if self._is_sync() else {}

    def _is_sync(self) -> bool:
        return not inspect.iscoroutinefunction(self.target.read)

    @property
    def headers(self) -> Any:
        """Return the headers of the last response."""
        return self.target.client_connection.last_response_headers


async def listed(result: Any) -> list[Any]:
    """Return all items of a pager of either client."""
    if hasattr(result, "__aiter__"):
        return [item async for item in result]
    return list(result)


@asynccontextmanager
async def connected(kind: str, url: str, key: str = KEY, **options: Any) -> AsyncGenerator[Uniform]:
    """Open the `sync` or `aio` client with nothing but URL and key."""
    if kind == "sync":
        with CosmosClient(url, key, **options) as client:
            yield Uniform(client)
    else:
        client = AioCosmosClient(url, key, **options)
        try:
            yield Uniform(await client.__aenter__())
        finally:
            await client.close()  # `async with` would leave the session open when the entry is refused


@pytest.fixture(scope="session")
def server() -> Iterator[CosmosProcess]:
    """Run one server for all tests; each test has a container of its own."""
    process = CosmosProcess(None, "--faults", "--container", "conversations:/conversation_id")
    yield process
    assert process.end() == 0


@pytest.fixture
def start_cosmos() -> Iterator[Callable[..., CosmosProcess]]:
    """Return what starts a server of the test's own; those still running at its end are ended."""
    started: list[CosmosProcess] = []

    def start(*arguments: Any, **options: Any) -> CosmosProcess:
        started.append(CosmosProcess(*arguments, **options))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Return what waits until a check is true, at most 10 s."""

    async def wait(check: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(10):
            while not await check():
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def run_cosmos() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs the command line to its end."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "local.cosmos", *arguments]
        return subprocess.run(  # noqa: S603 - our own program
            command, capture_output=True, text=True, check=False, timeout=20, cwd=REPOSITORY
        )

    return run


@pytest.fixture
def connect() -> Callable[..., Any]:
    """Return `connected`, which opens a client of either kind."""
    return connected


@pytest.fixture(params=["sync", "aio"])
async def client(request: pytest.FixtureRequest, server: CosmosProcess) -> AsyncIterator[Uniform]:
    """Open each of the two official clients in turn."""
    async with connected(request.param, server.url) as opened:
        yield opened


@pytest.fixture
async def database(client: Uniform) -> Uniform:
    """Return the database that the server made at its start."""
    return Uniform(client.target.get_database_client(DATABASE))


@pytest.fixture
async def container(database: Uniform) -> Uniform:
    """Return a new container with /pk as its partition key and TTL switched on."""
    name = f"c{uuid4().hex}"
    return await database.create_container(name, partition_key=PartitionKey(path="/pk"), default_ttl=-1)

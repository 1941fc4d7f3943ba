"""One suite for every store: the fakes in memory, and the Cosmos adapter on the local server."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.conversations import MemoryConversations
from shared.adapters.memory.erasure import MemoryEraser
from shared.adapters.memory.registry import MemoryRegistry
from shared.adapters.memory.users import MemoryUsers
from shared.domain.tools import ServerEntry

from .chats import CURSOR_KEY, Chat, Stores
from .cosmos_process import CosmosServer, connected, cosmos_stores


@pytest.fixture(scope="session")
def cosmos_server() -> Iterator[CosmosServer]:
    """Run one server for all tests; they keep apart by the ids that each makes up."""
    server = CosmosServer()
    yield server
    server.end()


@pytest.fixture
def servers() -> list[ServerEntry]:
    """Give tool servers with names of their own, the last one switched off."""
    mark = uuid4().hex[:8]
    names = [f"crm-{mark}", f"hr-{mark}", f"old-{mark}"]
    entry = ServerEntry(name="", url="https://tools.example/mcp", roles=("Sales",), auth_enabled=True, description="d")
    return [replace(entry, name=name, enabled=not name.startswith("old")) for name in names]


def memory_stores(servers: list[ServerEntry]) -> Stores:
    """Make the fakes."""
    clock, conversations = MemoryClock(), MemoryConversations()
    users = MemoryUsers(clock, CURSOR_KEY)

    async def bind(document: dict[str, Any]) -> None:
        conversations.bind([document])

    async def stored(key: str, item_id: str) -> dict[str, Any] | None:
        return next((one for one in conversations.documents(key) if one["id"] == item_id), None)  # type: ignore[arg-type]

    return Stores(
        conversations=conversations,
        users=users,
        eraser=MemoryEraser(conversations, users),
        registry=MemoryRegistry(servers),
        clock=clock,
        bind=bind,
        stored=stored,
        servers=servers,
    )


@pytest.fixture
def memory(servers: list[ServerEntry]) -> Stores:
    """Give the fakes alone."""
    return memory_stores(servers)


@pytest.fixture(params=["memory", "cosmos"])
async def stores(request: pytest.FixtureRequest, servers: list[ServerEntry]) -> AsyncIterator[Stores]:
    """Give each kind of stores in turn."""
    if request.param == "memory":
        yield request.getfixturevalue("memory")
        return
    async with connected(request.getfixturevalue("cosmos_server")) as account:
        yield await cosmos_stores(account, servers)


@pytest.fixture
def chat(stores: Stores) -> Chat:
    """Give a new conversation."""
    return Chat(stores=stores)

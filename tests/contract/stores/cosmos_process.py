"""The local Cosmos DB as a process of its own, and the adapter's stores on it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from shared.adapters.cosmos.client import CosmosAccount
from shared.adapters.cosmos.conversations import CosmosConversations
from shared.adapters.cosmos.erasure import CosmosEraser
from shared.adapters.cosmos.registry import CosmosRegistry
from shared.adapters.cosmos.users import CosmosUsers
from shared.adapters.memory.clock import MemoryClock
from shared.domain.tools import ServerEntry
from shared.wire.registry_documents import server_document

from .chats import CURSOR_KEY, Stores

KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
CONTAINERS = ("conversations:/conversation_id", "users:/user_id", "registry:/kind", "security_events:/day")


class CosmosServer:
    """`python -m local.cosmos` on a free port, with its faults on order."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "local.cosmos", "--port", "0", "--faults", "--database", "salescoach"]
        for container in CONTAINERS:
            command += ["--container", container]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own command
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip().rpartition(" ")[2]

    def fail(self, **fault: Any) -> None:
        """Order a fault."""
        self._ask("POST", fault)

    def heal(self) -> list[Any]:
        """Take all faults back and give what they did."""
        faults = self._ask("GET")
        self._ask("DELETE")
        return faults

    def end(self) -> None:
        """Stop the server."""
        self._process.terminate()
        assert self._process.wait(10) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _ask(self, method: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_faults", data=data, method=method)  # noqa: S310  # our own URL
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  # our own URL
            return json.load(response)


@asynccontextmanager
async def connected(server: CosmosServer) -> AsyncGenerator[CosmosAccount, None]:
    """Give a connection to the server."""
    account = CosmosAccount.from_connection_string(f"AccountEndpoint={server.url}/;AccountKey={KEY};", "salescoach")
    try:
        yield account
    finally:
        await account.close()


async def cosmos_stores(account: CosmosAccount, servers: list[ServerEntry]) -> Stores:
    """Make the adapter's stores."""
    clock, items, registry = MemoryClock(), account.items("conversations"), account.items("registry")
    for server in servers:
        await registry.upsert(server_document(server))
    return Stores(
        conversations=CosmosConversations(items),
        users=CosmosUsers(account.items("users"), clock, CURSOR_KEY),
        eraser=CosmosEraser(items, account.items("users")),
        registry=CosmosRegistry(registry),
        clock=clock,
        bind=items.upsert,
        stored=items.read,
        servers=servers,
    )

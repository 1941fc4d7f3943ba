"""Hold the one connection of a process to the Cosmos DB account."""

import asyncio
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.cosmos.aio import ContainerProxy, CosmosClient

from shared.adapters.cosmos.errors import translated
from shared.adapters.cosmos.items import Items
from shared.domain.errors import StoreUnavailable

# The flow has the one layer of waiting (architecture.md, decision 17): here a single quick retry of throttled
# requests, which the gateway asks for even under light load. 0 would mean the SDK's default of nine retries.
_PATIENCE: dict[str, Any] = {
    "retry_throttle_total": 1,
    "retry_fixed_interval": 200,  # ms; without it the SDK waits as long as the server wishes
    "retry_throttle_backoff_max": 1,
    "retry_connect": 1,
    "retry_read": 0,  # a write whose answer was lost must not be sent twice
    "retry_status": 0,
    "retry_backoff_factor": 0.1,
    "connection_timeout": 1,
    "read_timeout": 2,
}

# The SDK asks for the account again and again, up to 14 s with a server that accepts and says nothing.
_OPEN_S = 2.0


class CosmosAccount:
    """Open the account at its first use, once per process; a failed opening is tried again at the next use."""

    def __init__(self, endpoint: str, credential: str | AsyncTokenCredential, database: str) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._database = database
        self._client: CosmosClient | None = None
        self._opening = asyncio.Lock()
        self._containers: dict[str, ContainerProxy] = {}

    @classmethod
    def from_connection_string(cls, text: str, database: str) -> "CosmosAccount":
        """Read `AccountEndpoint=…;AccountKey=…;`.

        Raises:
            ValueError: a part is missing.
        """
        parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
        missing = [name for name in ("AccountEndpoint", "AccountKey") if not parts.get(name)]
        if missing:
            raise ValueError(f"the Cosmos DB connection string lacks {' and '.join(missing)}")
        return cls(parts["AccountEndpoint"], parts["AccountKey"], database)

    async def open(self) -> None:
        """Connect now, so that the first request need not wait.

        Raises:
            StoreUnavailable: the account does not answer.
        """
        await self._connected()

    async def container(self, name: str) -> ContainerProxy:
        """Give a container of the database.

        Raises:
            StoreUnavailable: the account does not answer.
        """
        client = await self._connected()
        if name not in self._containers:
            self._containers[name] = client.get_database_client(self._database).get_container_client(name)
        return self._containers[name]

    def items(self, container: str) -> Items:
        """Give access to the items of a container; nothing is opened yet."""
        return Items(self.container, container)

    async def close(self) -> None:
        """Disconnect; the next use opens again."""
        async with self._opening:
            client, self._client = self._client, None
            self._containers.clear()
            if client is not None:
                await client.close()

    async def _connected(self) -> CosmosClient:
        if self._client is not None:
            return self._client
        async with self._opening:
            if self._client is None:
                self._client = await self._open()
            return self._client

    async def _open(self) -> CosmosClient:
        client = CosmosClient(self._endpoint, self._credential, **_PATIENCE)
        try:
            with translated("open the account"):
                async with asyncio.timeout(_OPEN_S):
                    return await client.__aenter__()
        except TimeoutError as error:
            await client.close()
            raise StoreUnavailable("open the account: too slow") from error
        except BaseException:
            await client.close()
            raise

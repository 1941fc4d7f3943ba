"""The cosmosDB bindings: upsert on the way out; read one item or a query on the way in.

Source: azure-webjobs-sdk-extensions of 2024-10, CosmosDBAsyncCollector.cs. An item is upserted without a
partition key (taken from the item), without ETag, one after the other; what was written before a failure
stays written.
"""

import json
import re
from typing import Any

from azure.functions.meta import Datum

from local.host.app_model import BindingInfo
from local.host.binding_data import BindingData
from local.host.json_items import items_of
from local.host.settings_file import setting

_EXPRESSION = re.compile(r"\{([^{}]+)\}")


class CosmosBinding:
    """Bind to containers with one client per connection."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}

    async def apply(self, binding: BindingInfo, value: Any, data: BindingData) -> None:
        """Upsert every item of a value in order.

        Raises:
            ValueError: an item is no object, or the container does not exist.
            CosmosHttpResponseError: the service refused an item.
        """
        from azure.cosmos.exceptions import CosmosResourceNotFoundError  # noqa: PLC0415 - costs 0.7 s

        items = items_of(value)
        container = self._container(binding, data)
        for item in items:
            try:
                await container.upsert_item(item)
            except CosmosResourceNotFoundError as fault:
                msg = (
                    f"The container '{data.fill(binding.text('containerName') or '')}' (in database "
                    f"'{data.fill(binding.text('databaseName') or '')}') does not exist. To automatically "
                    "create the container, set 'CreateIfNotExists' to 'true'."
                )
                raise ValueError(msg) from fault

    async def bind(self, binding: BindingInfo, data: BindingData) -> Datum | None:
        """Read the item of `id` and `partitionKey`, else the items of `sqlQuery`, else all items.

        Raises:
            ValueError: an expression has no value.
            CosmosHttpResponseError: the service refused, other than for an item that is not there.
        """
        container = self._container(binding, data)
        key = binding.text("partitionKey")
        partition = {"partition_key": data.fill(key)} if key is not None else {}
        if binding.text("id"):
            return await self._read(container, data.fill(binding.text("id") or ""), partition)
        query, parameters = _query(binding.text("sqlQuery") or "SELECT * FROM c", data)
        found = container.query_items(query, parameters=parameters, **partition)
        return Datum(json.dumps([item async for item in found]), "json")

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            await client.close()

    async def _read(self, container: Any, item_id: str, partition: dict[str, str]) -> Datum | None:
        from azure.cosmos.exceptions import CosmosResourceNotFoundError  # noqa: PLC0415 - costs 0.7 s

        try:
            item = await container.read_item(item_id, **(partition or {"partition_key": None}))
        except CosmosResourceNotFoundError:
            return None
        return Datum(json.dumps(item), "string")

    def _container(self, binding: BindingInfo, data: BindingData) -> Any:
        connection = setting(binding.text("connection") or "")
        client = self._clients.get(connection)
        if client is None:
            from azure.cosmos.aio import CosmosClient  # noqa: PLC0415 - costs 0.7 s

            client = self._clients[connection] = CosmosClient.from_connection_string(connection)
        database = client.get_database_client(data.fill(binding.text("databaseName") or ""))
        return database.get_container_client(data.fill(binding.text("containerName") or ""))


def _query(text: str, data: BindingData) -> tuple[str, list[dict[str, object]]]:
    """Turn `{name}` into query parameters, never into text of the query."""
    parameters: list[dict[str, object]] = []

    def parameter(found: re.Match[str]) -> str:
        parameters.append({"name": f"@p{len(parameters)}", "value": data.value(found[1])})
        return str(parameters[-1]["name"])

    return _EXPRESSION.sub(parameter, text), parameters

"""Put a list of tool servers into the registry, as whoever is signed in by az: `seed_registry.py servers.json`."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from azure.cosmos import CosmosClient
from azure.identity import AzureCliCredential

KIND = "mcp_server"


def documents(servers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make the container's items of a list in the form of mcpservers.json."""
    return [{**server, "id": f"server:{server['Name']}", "kind": KIND} for server in servers]


def main(path: str) -> int:
    """Write every server; one that is gone from the list stays, switched off."""
    items = documents(json.loads(Path(path).read_text(encoding="utf-8")))
    with CosmosClient(os.environ["COSMOS_ENDPOINT"], AzureCliCredential()) as client:
        container = client.get_database_client("salescoach").get_container_client("registry")
        known = container.query_items(
            "SELECT * FROM c WHERE c.kind = @kind", parameters=[{"name": "@kind", "value": KIND}], partition_key=KIND
        )
        names = {item["id"] for item in items}
        gone = [{**item, "enabled": False} for item in known if item["id"] not in names]
        for item in [*items, *gone]:
            container.upsert_item(item)
    print(f"{len(items)} servers in the registry, {len(gone)} switched off")  # noqa: T201  # a program that reports
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

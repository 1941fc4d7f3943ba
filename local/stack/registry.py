"""Write the tool servers of a running stack into Cosmos DB: `python -m local.stack.registry [--data DIR]`.

The app reads them there when the stack was started with `MCP_SERVER_SOURCE=cosmos` in the environment. Entries that
are there already are replaced.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.stack.places import ROOT, Places

KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="


def seed(places: Places) -> list[str]:
    """Write every server of the stack's own list; return their names."""
    # The SDK takes most of a second to import, and --help does without it.
    from azure.cosmos import CosmosClient  # noqa: PLC0415

    cosmos: str = json.loads(places.manifest.read_text(encoding="utf-8"))["cosmos"]
    entries: list[dict[str, Any]] = json.loads(places.servers.read_text(encoding="utf-8"))
    with CosmosClient(cosmos, KEY) as client:
        container = client.get_database_client("salescoach").get_container_client("registry")
        for entry in entries:
            container.upsert_item({**entry, "id": f"server:{entry['Name']}", "kind": "mcp_server"})
    return [entry["Name"] for entry in entries]


def main(arguments: Sequence[str] | None = None) -> None:
    """Seed, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m local.stack.registry", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / ".local", metavar="DIR", help="default: .local")
    print("written:", ", ".join(seed(Places(parser.parse_args(arguments).data.resolve()))))


if __name__ == "__main__":
    main()

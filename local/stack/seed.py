"""Put into Blob what the app expects to find there, as `infra/` does in Azure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.stack.places import ROOT

PROMPTS = ROOT / "prompts"


def upload_prompts(settings: Mapping[str, str], folder: Path = PROMPTS) -> list[str]:
    """Upload each prompt that Blob does not hold yet; return the names of the new ones.

    What somebody changed in Blob stays; `--fresh` brings the repository's prompts back.
    """
    # The SDK takes a third of a second to import, and the parts are starting meanwhile.
    from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415
    from azure.storage.blob import ContainerClient  # noqa: PLC0415

    new: list[str] = []
    connection, container = settings["PROMPTS"], settings["PROMPTS_CONTAINER"]
    with ContainerClient.from_connection_string(connection, container, retry_total=2) as client:
        if not client.exists():
            client.create_container()
        present = set(client.list_blob_names())
        for path in sorted(path for path in folder.rglob("*") if path.suffix in {".md", ".txt"}):
            name = path.relative_to(folder).as_posix()
            if name in present:
                continue
            try:
                client.upload_blob(name, path.read_bytes(), overwrite=False)
            except ResourceExistsError:
                continue
            new.append(name)
    return new

"""Put the repository's prompts into Blob, as `infra/` does in Azure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path

from local.stack.places import ROOT
from local.stack.worker import PartFailed

PROMPTS = ROOT / "prompts"


class Prompts:
    """The prompts of one stack.

    A prompt that somebody changed in Blob stays until the repository's own changes. `note` is the file that
    remembers what Blob holds. It exists only between a clean end and the next start: Azurite writes its index
    seconds late, so after a crash nothing is known and Blob itself is asked.
    """

    def __init__(self, settings: Mapping[str, str], note: Path, folder: Path = PROMPTS) -> None:
        self._connection, self._container = settings["PROMPTS"], settings["PROMPTS_CONTAINER"]
        self._note = note
        self._folder = folder

    def fill(self) -> None:
        """Upload what Blob lacks and what is newer here; called whenever Blob has come up.

        Raises:
            PartFailed: Blob refused.

        """
        before: dict[str, str] = {}
        if self._note.exists():
            before = json.loads(self._note.read_text(encoding="utf-8"))
            self._note.unlink()
        changed = [name for name, digest in self._digests().items() if before.get(name) != digest]
        if changed:
            self._upload(changed, known=before.keys())

    def keep(self) -> None:
        """Remember what Blob holds; called when Blob has ended in good order."""
        self._note.write_text(json.dumps(self._digests()), encoding="utf-8")

    def _upload(self, names: list[str], *, known: Collection[str]) -> None:
        # The SDK takes most of a second to import, and there is rarely anything to upload.
        from azure.core.exceptions import AzureError  # noqa: PLC0415
        from azure.storage.blob import ContainerClient  # noqa: PLC0415

        try:
            with ContainerClient.from_connection_string(self._connection, self._container, retry_total=2) as client:
                if not client.exists():
                    client.create_container()
                present = set(client.list_blob_names())
                for name in names:
                    if name in known or name not in present:
                        client.upload_blob(name, (self._folder / name).read_bytes(), overwrite=True)
        except AzureError as fault:
            raise PartFailed(f"The prompts could not be put into Blob: {fault}") from fault

    def _digests(self) -> dict[str, str]:
        files = sorted(path for path in self._folder.rglob("*") if path.suffix in {".md", ".txt"})
        return {
            path.relative_to(self._folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }

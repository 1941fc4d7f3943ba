"""Blob has the repository's prompts, and keeps what a person changed there."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from local.stack import environment, parts, probe, seed
from local.stack.parts import Wishes
from local.stack.places import Places
from local.stack.ports import plan


@pytest.fixture
def blob_settings(tmp_path: Path, base: int, patience: object) -> Generator[dict[str, str]]:
    """Run the stack's own Blob part and give the settings that lead to it."""
    ports, places = plan(base), Places(tmp_path)
    settings = environment.app_settings(ports, places, {})
    wanted = parts.all_parts(ports, places, settings, Wishes(), stand_in=True)
    blob = next(part for part in wanted if part.name == "blob")
    with subprocess.Popen(blob.command, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        assert callable(patience)
        patience(lambda: probe.ask(blob.answers), "Azurite")
        yield settings
        process.terminate()


def test_prompts_are_uploaded_when_missing_or_changed_and_else_left_alone(
    blob_settings: dict[str, str], tmp_path: Path
) -> None:
    """A person's own version lives until the repository's changes."""
    folder, note = tmp_path / "prompts", tmp_path / "azurite" / "prompts.json"
    (folder / "roles").mkdir(parents=True)
    (folder / "system.txt").write_text("first", encoding="utf-8")
    (folder / "roles" / "HR.md").write_text("hr", encoding="utf-8")

    with ContainerClient.from_connection_string(blob_settings["PROMPTS"], "prompts") as client:

        def stored(name: str) -> bytes:
            """Read a prompt from Blob."""
            return client.download_blob(name).readall()

        prompts = seed.Prompts(blob_settings, note, folder)
        prompts.fill()
        assert (stored("system.txt"), stored("roles/HR.md")) == (b"first", b"hr")

        client.upload_blob("system.txt", b"mine", overwrite=True)
        client.delete_blob("roles/HR.md")
        prompts.fill()
        assert (stored("system.txt"), stored("roles/HR.md")) == (b"mine", b"hr")

        prompts.keep()
        prompts.fill()
        assert stored("system.txt") == b"mine"

        prompts.keep()
        (folder / "system.txt").write_text("second", encoding="utf-8")
        prompts.fill()
        assert stored("system.txt") == b"second"

"""What the prompts' store does when a prompt changes, is bad, or Blob is down: against Azurite by the real SDK."""

import asyncio
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from azure.storage.blob.aio import BlobServiceClient

from shared.adapters.blob_prompts import BlobPrompts
from shared.domain.errors import StoreUnavailable
from shared.domain.prompt import PROMPT_MOST_BYTES, SYSTEM_PROMPT

AZURITE = Path(__file__).resolve().parents[3] / "local" / "stack" / "node_modules" / "azurite" / "dist" / "src"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_WITHIN_S = 20.0


class Blob:
    """One Azurite, in memory; it can be ended in the midst of a test."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/devstoreaccount1"
        self.connection = (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};BlobEndpoint={self.url};"
        )
        options = ("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent")
        place = ("--blobHost", "127.0.0.1", "--blobPort", str(port))
        command = ("node", str(AZURITE / "blob" / "main.js"), *place, *options)
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603

    async def ready(self) -> None:
        """Wait until it answers."""
        async with asyncio.timeout(START_WITHIN_S):
            while not await asyncio.to_thread(self._answers):
                await asyncio.sleep(0.05)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url, timeout=1).close()  # noqa: S310
        except urllib.error.HTTPError as answer:
            answer.close()
            return True
        except OSError:
            return False
        return True

    async def put(self, content: str | bytes, name: str = SYSTEM_PROMPT) -> None:
        """Store a prompt as a deployment does."""
        async with BlobServiceClient.from_connection_string(self.connection) as service:
            container = service.get_container_client("prompts")
            if not await container.exists():
                await container.create_container()
            await container.upload_blob(name, content, overwrite=True)

    async def delete(self, name: str = SYSTEM_PROMPT) -> None:
        """Remove a prompt."""
        async with BlobServiceClient.from_connection_string(self.connection) as service:
            await service.get_container_client("prompts").delete_blob(name)

    def end(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(15)


@pytest.fixture
async def blob() -> AsyncIterator[Blob]:
    """A running Azurite with one prompt."""
    running = Blob()
    await running.ready()
    await running.put("First {{USER_NAME}}.")
    yield running
    running.end()


@pytest.fixture
async def prompts(blob: Blob) -> AsyncIterator[BlobPrompts]:
    """A store that asks again at every read."""
    store = BlobPrompts.from_connection_string(blob.connection, "prompts", fresh_s=0)
    yield store
    await store.close()


@pytest.mark.requirement("process:prompt-fresh")
async def test_a_changed_prompt_is_seen_without_a_restart_and_has_its_own_version(
    blob: Blob, prompts: BlobPrompts
) -> None:
    """Revalidated by ETag; the version is recorded with each answer."""
    first = await prompts.get(SYSTEM_PROMPT)
    same = await prompts.get(SYSTEM_PROMPT)
    await blob.put("Second {{USER_NAME}}.")
    second = await prompts.get(SYSTEM_PROMPT)

    assert first is not None
    assert second is not None
    assert same == first
    assert second.text == "Second {{USER_NAME}}."
    assert second.version != first.version


async def test_a_fresh_copy_is_not_asked_for_again(blob: Blob) -> None:
    """Within its minute a copy costs nothing, whatever became of the store."""
    store = BlobPrompts.from_connection_string(blob.connection, "prompts")
    first = await store.get(SYSTEM_PROMPT)
    await blob.put("Second.")

    assert await store.get(SYSTEM_PROMPT) == first
    await store.close()


BAD: dict[str, str | bytes] = {
    "oversized": "x" * (PROMPT_MOST_BYTES + 1),
    "empty": "  \n",
    "a placeholder that nothing fills": "Hello {{USER_NAM}}.",
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.requirement("process:prompt-last-good")
@pytest.mark.parametrize("case", BAD)
async def test_a_bad_prompt_changes_nothing_while_a_good_one_is_known(
    blob: Blob, prompts: BlobPrompts, case: str
) -> None:
    """The last good copy serves on; without one the turn fails with a clear error."""
    good = await prompts.get(SYSTEM_PROMPT)
    await blob.put(BAD[case])

    assert await prompts.get(SYSTEM_PROMPT) == good

    started_now = BlobPrompts.from_connection_string(blob.connection, "prompts", fresh_s=0)
    with pytest.raises(StoreUnavailable):
        await started_now.get(SYSTEM_PROMPT)
    await blob.put("Good again.")
    again = await started_now.get(SYSTEM_PROMPT)
    assert again is not None
    assert again.text == "Good again."
    await started_now.close()


async def test_a_removed_system_prompt_serves_on_and_a_removed_role_prompt_does_not(
    blob: Blob, prompts: BlobPrompts
) -> None:
    """Without the base nobody gets an answer; a role's addition may be taken away."""
    await blob.put("For Sales.", "roles/Sales.md")
    base, extra = await prompts.get(SYSTEM_PROMPT), await prompts.get("roles/Sales.md")
    await blob.delete()
    await blob.delete("roles/Sales.md")

    assert base is not None
    assert extra is not None
    assert await prompts.get(SYSTEM_PROMPT) == base
    assert await prompts.get("roles/Sales.md") is None


async def test_the_last_good_copy_serves_while_blob_is_down(blob: Blob, prompts: BlobPrompts) -> None:
    """Blob is no part of a turn that is worth losing one for."""
    good = await prompts.get(SYSTEM_PROMPT)
    blob.end()

    assert await prompts.get(SYSTEM_PROMPT) == good
    with pytest.raises(StoreUnavailable):
        await prompts.get("roles/HR.md")

"""Read prompts from Blob Storage: revalidated by ETag, at most a minute old, the last good copy on failure."""

import time
from dataclasses import dataclass
from typing import Any, cast

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ResourceNotFoundError, ResourceNotModifiedError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared.domain.errors import StoreUnavailable
from shared.domain.prompt import Prompt

FRESH_S = 60.0
PROMPT_MOST_BYTES = 256 * 1024
_OPTIONS: dict[str, Any] = {"retry_total": 1, "connection_timeout": 2, "read_timeout": 5}


@dataclass(frozen=True, slots=True)
class _Copy:
    prompt: Prompt | None
    etag: str | None
    checked_at: float


class BlobPrompts:
    """Meet PromptStore."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container: ContainerClient = service.get_container_client(container)
        self._copies: dict[str, _Copy] = {}

    @classmethod
    def from_connection_string(cls, text: str, container: str) -> "BlobPrompts":
        """Connect with an account key; for local runs."""
        return cls(BlobServiceClient.from_connection_string(text, **_OPTIONS), container)

    @classmethod
    def from_identity(cls, endpoint: str, credential: AsyncTokenCredential, container: str) -> "BlobPrompts":
        """Connect with the app's own identity."""
        return cls(BlobServiceClient(endpoint, credential, **_OPTIONS), container)

    async def get(self, name: str) -> Prompt | None:
        """Read a prompt; None when it does not exist.

        Raises:
            StoreUnavailable: the store is down and no good copy is known, or the blob is too large or no text.
        """
        copy = self._copies.get(name)
        if copy is not None and time.monotonic() - copy.checked_at < FRESH_S:
            return copy.prompt
        try:
            fresh = await self._read(name, copy)
        except (AzureError, TimeoutError, UnicodeDecodeError, ValueError) as fault:
            if copy is None:
                raise StoreUnavailable(f"prompt {name}: {type(fault).__name__}") from fault
            fresh = _Copy(copy.prompt, copy.etag, time.monotonic())
        self._copies[name] = fresh
        return fresh.prompt

    async def _read(self, name: str, copy: _Copy | None) -> _Copy:
        condition: dict[str, Any] = {}
        if copy is not None and copy.etag is not None:
            condition = {"etag": copy.etag, "match_condition": MatchConditions.IfModified}
        try:
            blob = cast("Any", await self._container.get_blob_client(name).download_blob(**condition))
        except ResourceNotModifiedError:
            return _Copy(copy.prompt if copy else None, copy.etag if copy else None, time.monotonic())
        except ResourceNotFoundError:
            return _Copy(None, None, time.monotonic())
        if blob.size > PROMPT_MOST_BYTES:
            raise ValueError("the prompt is too large")
        content = cast("bytes", await blob.readall())
        text = content.decode("utf-8")
        etag = str(blob.properties.etag)
        return _Copy(Prompt(text=text, version=etag.strip('"')), etag, time.monotonic())

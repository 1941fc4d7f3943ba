"""Read prompts from Blob Storage: revalidated by ETag, at most a minute old, the last good copy on failure."""

import logging
import time
from dataclasses import dataclass
from typing import Any, cast

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ResourceNotFoundError, ResourceNotModifiedError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared.domain.errors import StoreUnavailable
from shared.domain.prompt import PROMPT_MOST_BYTES, SYSTEM_PROMPT, Prompt, read_template

FRESH_S = 60.0
# No retries: the Storage SDK waits 15 s before its first one, while the last good copy is at hand.
_OPTIONS: dict[str, Any] = {"retry_total": 0, "connection_timeout": 2, "read_timeout": 5}

_log = logging.getLogger("salescoach.prompts")


@dataclass(frozen=True, slots=True)
class _Copy:
    prompt: Prompt | None
    etag: str | None
    checked_at: float


class BlobPrompts:
    """Meet PromptStore."""

    def __init__(self, service: BlobServiceClient, container: str, *, fresh_s: float = FRESH_S) -> None:
        self._service = service
        self._container: ContainerClient = service.get_container_client(container)
        self._fresh_s = fresh_s
        self._copies: dict[str, _Copy] = {}

    @classmethod
    def from_connection_string(cls, text: str, container: str, *, fresh_s: float = FRESH_S) -> "BlobPrompts":
        """Connect with an account key; for local runs."""
        return cls(BlobServiceClient.from_connection_string(text, **_OPTIONS), container, fresh_s=fresh_s)

    @classmethod
    def from_identity(
        cls, endpoint: str, credential: AsyncTokenCredential, container: str, *, fresh_s: float = FRESH_S
    ) -> "BlobPrompts":
        """Connect with the app's own identity."""
        return cls(BlobServiceClient(endpoint, credential, **_OPTIONS), container, fresh_s=fresh_s)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._service.close()

    async def get(self, name: str) -> Prompt | None:
        """Read a prompt; None when it does not exist.

        A blob that is no good prompt (`read_template`) is as if the store were down: the last good copy serves.

        Raises:
            StoreUnavailable: the prompt cannot be read and no good copy is known.
        """
        copy = self._copies.get(name)
        if copy is not None and time.monotonic() - copy.checked_at < self._fresh_s:
            return copy.prompt
        try:
            fresh = await self._read(name, copy)
        except (AzureError, TimeoutError, ValueError) as fault:
            # What the store or the check says of a blob is no content of a person.
            reason = str(fault) if isinstance(fault, ValueError) else type(fault).__name__
            _log.error("prompt.unusable", extra={"prompt": name, "reason": reason, "has_copy": copy is not None})
            if copy is None:
                raise StoreUnavailable(f"prompt {name}: {type(fault).__name__}") from fault
            fresh = _Copy(copy.prompt, copy.etag, time.monotonic())
        if fresh.prompt is None and copy is not None and copy.prompt is not None and name == SYSTEM_PROMPT:
            _log.error("prompt.gone", extra={"prompt": name})
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
        text = read_template(content)
        etag = str(blob.properties.etag)
        return _Copy(Prompt(text=text, version=etag.strip('"')), etag, time.monotonic())

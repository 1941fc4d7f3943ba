"""Keep the data keys that seal tokens: made here, wrapped by a key of Azure Key Vault that never leaves it.

A worker makes a data key of its own and puts its wrapped form, with the version of the vault's key, into every seal.
Any other worker has it unwrapped once and remembers it. So nothing secret is configured, stored or copied, and a new
version of the vault's key is taken up by itself: what an older one wrapped opens as long as that version is enabled.
"""

import asyncio
import base64
import binascii
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError
from azure.keyvault.keys.crypto import KeyWrapAlgorithm
from azure.keyvault.keys.crypto.aio import CryptographyClient

from shared.domain.errors import StoreUnavailable

KEY_USED_S = 12 * 3600.0
"""A data key seals for so long; a new version of the vault's key is taken up with the next one."""
KEPT_MOST = 1000
"""Data keys of other workers that are remembered."""
ASK_S = 5
ASK_AGAIN_S = 60.0
_DATA_KEY_BYTES = 32
_UNUSABLE = frozenset({400, 403, 404})
"""A version that is disabled or gone, or a wrapped key that is none of its own."""


class KeyVaultKeys:
    """Meet the sealer's DataKeys with keys that one key of a vault wraps."""

    def __init__(self, key_id: str, credential: Any, **connection: Any) -> None:
        """Take the key's address without a version, and who asks; `connection` goes to the SDK's client."""
        self._key_id = key_id.rstrip("/")
        self._credential = credential
        # One layer of waiting (architecture.md, decision 17), and no longer than a client waits for its answer.
        self._connection = {"retry_total": 1, "connection_timeout": ASK_S, "read_timeout": ASK_S, **connection}
        self._current: tuple[str, bytes] | None = None
        self._until = 0.0
        self._known: dict[str, bytes] = {}
        self._asking = asyncio.Lock()

    async def current(self) -> tuple[str, bytes]:
        """Give this worker's key, wrapped by the newest version of the vault's.

        Raises:
            StoreUnavailable: the vault does not answer, or refuses us.
        """
        async with self._asking:
            if self._current is None:
                self._current = await self._made()
            elif time.monotonic() > self._until:
                # The key of before is as good as it was; the vault is asked again with a later seal.
                self._until = time.monotonic() + ASK_AGAIN_S
                with suppress(StoreUnavailable):
                    self._current = await self._made()
            return self._current

    async def named(self, name: str) -> bytes | None:
        """Give the key of a seal by its name, unwrapped at most once; None when its version opens nothing any more.

        Raises:
            StoreUnavailable: the vault does not answer.
        """
        if name not in self._known:
            async with self._asking:
                if name not in self._known and (key := await self._unwrapped(name)) is not None:
                    self._remember(name, key)
        return self._known.get(name)

    async def _made(self) -> tuple[str, bytes]:
        key = os.urandom(_DATA_KEY_BYTES)
        with _translated():
            async with self._client(self._key_id) as client:
                wrapped = await client.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, key)
        version = (wrapped.key_id or "").removeprefix(f"{self._key_id}/")
        if not version.isalnum():
            raise StoreUnavailable("the key vault: the key's versions cannot be read")
        name = f"{version}.{base64.b64encode(wrapped.encrypted_key).decode()}"
        self._remember(name, key)
        self._until = time.monotonic() + KEY_USED_S
        return name, key

    async def _unwrapped(self, name: str) -> bytes | None:
        version, _, text = name.partition(".")
        try:
            wrapped = base64.b64decode(text, validate=True)
        except binascii.Error:
            return None
        if not version.isalnum():
            return None
        with _translated():
            async with self._client(f"{self._key_id}/{version}") as client:
                try:
                    return (await client.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped)).key
                except HttpResponseError as refusal:
                    if refusal.status_code not in _UNUSABLE:
                        raise
                    return None

    def _client(self, key_id: str) -> CryptographyClient:
        return CryptographyClient(key_id, self._credential, **self._connection)

    def _remember(self, name: str, key: bytes) -> None:
        if len(self._known) >= KEPT_MOST:
            self._known.pop(next(iter(self._known)))
        self._known[name] = key


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except AzureError as fault:
        raise StoreUnavailable(f"the key vault: {type(fault).__name__}") from fault

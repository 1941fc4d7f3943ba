"""Seal users' tokens with AES-256-GCM under a data key, bound to user and session as associated data."""

import base64
import binascii
import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import PublicId, UserId

_NONCE_BYTES = 12
"""The size that GCM is made for (NIST SP 800-38D, 5.2.1.1)."""
_KEY_BYTES = 32
_LOCAL = "local"


class DataKeys(Protocol):
    """Gives the keys, 32 bytes each, that tokens are sealed with."""

    async def current(self) -> tuple[str, bytes]:
        """Give the key to seal with, and the name that stands before all that it seals.

        Raises:
            StoreUnavailable: it cannot be had at present.
        """
        ...

    async def named(self, name: str) -> bytes | None:
        """Give the key of an earlier seal by its name; None when it cannot be had any more.

        Raises:
            StoreUnavailable: it cannot be had at present.
        """
        ...


class LocalKey:
    """Meet DataKeys with the one key of the settings; for local runs."""

    def __init__(self, key_base64: str) -> None:
        """Take a key of 32 bytes, written in Base64 (the settings have proved it)."""
        self._key = base64.b64decode(key_base64)

    async def current(self) -> tuple[str, bytes]:
        """Give the key."""
        return _LOCAL, self._key

    async def named(self, name: str) -> bytes | None:
        """Give the key."""
        return self._key if name == _LOCAL else None


class EnvelopeSealer:
    """Meet TokenSealer: what is sealed carries the name of its key, so that keys can change under it."""

    def __init__(self, keys: DataKeys) -> None:
        self._keys = keys

    async def seal(self, token: str, *, user_id: UserId, session_id: PublicId) -> str:
        """Encrypt the token under a fresh nonce."""
        name, key = await self._keys.current()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, token.encode(), _bound(user_id, session_id))
        return f"{name}.{base64.b64encode(nonce + sealed).decode()}"

    async def open(self, sealed: str, *, user_id: UserId, session_id: PublicId) -> str:
        """Decrypt what `seal` gave for the same user and session.

        Raises:
            ChatError: `token_expired`: another key, user or session sealed it; a new `session.update` helps.
            StoreUnavailable: the key cannot be had at present.
        """
        name, _, text = sealed.rpartition(".")
        key = await self._keys.named(name)
        if key is None or len(key) != _KEY_BYTES:
            raise _lost()
        try:
            data = base64.b64decode(text, validate=True)
            token = AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(user_id, session_id))
        except (InvalidTag, ValueError, binascii.Error):
            raise _lost() from None
        return token.decode()


def _bound(user_id: UserId, session_id: PublicId) -> bytes:
    return f"{user_id}\n{session_id}".encode()


def _lost() -> ChatError:
    return ChatError(ErrorCode.TOKEN_EXPIRED, "The session's token cannot be used any more.")

"""Seal users' tokens with AES-256-GCM, bound to user and session as associated data."""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import PublicId, UserId

_NONCE_BYTES = 12
"""The size that GCM is made for (NIST SP 800-38D, 5.2.1.1)."""


class LocalKeySealer:
    """Meet TokenSealer with a key from the settings."""

    def __init__(self, key_base64: str) -> None:
        """Take a key of 32 bytes, written in Base64.

        Raises:
            ValueError: the key has another size or is no Base64.
        """
        key = base64.b64decode(key_base64, validate=True)
        if len(key) != 32:  # noqa: PLR2004  # AES-256
            raise ValueError("SEALING_KEY must be 32 bytes in Base64")
        self._cipher = AESGCM(key)

    def seal(self, token: str, *, user_id: UserId, session_id: PublicId) -> str:
        """Encrypt the token under a fresh nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, token.encode(), _bound(user_id, session_id))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, *, user_id: UserId, session_id: PublicId) -> str:
        """Decrypt what `seal` gave for the same user and session.

        Raises:
            ChatError: `token_expired`: another key, user or session sealed it; a new `session.update` helps.
        """
        data = base64.b64decode(sealed)
        try:
            token = self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(user_id, session_id))
        except InvalidTag:
            raise ChatError(ErrorCode.TOKEN_EXPIRED, "The session's token cannot be used any more.") from None
        return token.decode()


def _bound(user_id: UserId, session_id: PublicId) -> bytes:
    return f"{user_id}\n{session_id}".encode()

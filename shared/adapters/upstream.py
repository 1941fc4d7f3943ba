"""Prove that an event comes from our Web PubSub service: by its Entra token, or locally by its signature."""

import hashlib
import hmac
from typing import Any, Protocol

from shared.domain.errors import ChatError, ErrorCode


class SignatureProof:
    """Check `ce-signature`: HMAC-SHA256 of the connection id under an access key.

    It covers no content (Web PubSub's CloudEvents reference), so the settings refuse this mode in Azure.
    """

    def __init__(self, connection_string: str) -> None:
        parts = dict(part.split("=", 1) for part in connection_string.split(";") if "=" in part)
        key = {name.lower(): value for name, value in parts.items()}.get("accesskey")
        if not key:
            raise ValueError("WebPubSubConnectionString has no AccessKey")
        self._key = key.encode()

    async def prove(self, *, connection_id: str, signature: str | None, authorization: str | None) -> None:  # noqa: ARG002
        """Compare with each of the offered signatures (primary and secondary key)."""
        expected = "sha256=" + hmac.new(self._key, connection_id.encode(), hashlib.sha256).hexdigest()
        offered = [part.strip().lower() for part in (signature or "").split(",")]
        if not any(hmac.compare_digest(expected.encode(), item.encode("utf-8", "replace")) for item in offered):
            raise _unproved()


class Claims(Protocol):
    """Give the verified claims of a token."""

    async def claims(self, token: str) -> dict[str, Any]:
        """Verify a token."""
        ...


class IdentityProof:
    """Check the Entra token of the Web PubSub identity; any other principal of the tenant is refused.

    The token is of version 1 or 2, as the registration of the audience says; `tokens` must know our own tenant alone.
    """

    def __init__(self, tokens: Claims, principal: str) -> None:
        self._tokens = tokens
        self._principal = principal

    async def prove(self, *, connection_id: str, signature: str | None, authorization: str | None) -> None:  # noqa: ARG002
        """Verify the bearer token and its object id."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise _unproved()
        claims = await self._tokens.claims(token)
        # A person's token has a scope; what the service holds in its own name has none.
        if claims.get("oid") != self._principal or "scp" in claims:
            raise _unproved()


def _unproved() -> ChatError:
    return ChatError(ErrorCode.UNAUTHENTICATED, "This event is not proved to come from the service.")

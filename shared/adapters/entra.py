"""Verify access tokens of Microsoft Entra, or of a local issuer that speaks as Entra v2 does, by the same code."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.domain.ids import user_id

LEEWAY_S = 60
LIFETIME_MOST_S = 24 * 3600
"""Entra issues access tokens of 60 to 90 minutes, and of 28 hours only to clients that it can tell of a revocation."""
TOKEN_MOST_CHARS = 16_384
KEYS_FRESH_S = 24 * 3600.0
KEYS_STALE_S = 24 * 3600.0
"""While the issuer does not answer, the keys that were good serve so much longer; then nobody gets in."""
KEYS_ASKED_EVERY_S = 30.0
"""An unknown key id asks the issuer again at most so often, so that invented ids cause no storm."""
ENTRA = "https://login.microsoftonline.com"
_NEEDED = ["exp", "iat", "nbf", "iss", "aud", "sub", "tid", "oid", "ver"]
_TEXTS = ("iss", "sub", "tid", "oid", "ver")
_TIMES = ("exp", "iat", "nbf")


_UNANSWERED = (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError)
"""No answer, or one that is no key set."""


class SigningKeys:
    """Keep a tenant's published keys: fetched once by many, refreshed for unknown ids, kept when the issuer fails."""

    def __init__(self, fetch: Callable[[], Awaitable[dict[str, Any]]], now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._now = now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._good_until = 0.0
        self._asked_at = float("-inf")
        self._unanswered = False
        self._asking = asyncio.Lock()

    async def get(self, key_id: str) -> jwt.PyJWK | None:
        """Give a key by its id; None when the issuer does not publish it.

        Raises:
            ChatError: `internal`; the issuer does not answer, and the key is not known, or has not answered for so long
                that its keys are not believed any more.
        """
        if key_id not in self._keys or self._now() > self._good_until:
            async with self._asking:
                await self._refresh(key_id)
        if self._now() > self._good_until + KEYS_STALE_S:
            raise _unknown()
        key = self._keys.get(key_id)
        if key is None and self._unanswered:
            # It may be a new one of the issuer's: nobody is told that their token is bad.
            raise _unknown()
        return key

    async def _refresh(self, key_id: str) -> None:
        fresh = key_id in self._keys and self._now() <= self._good_until
        if fresh or self._now() - self._asked_at < KEYS_ASKED_EVERY_S:
            return
        self._asked_at = self._now()
        try:
            published = await self._fetch()
            # Entra's keys carry no `alg`; RS256 is the only one accepted (RFC 8725, 3.1).
            keys = {
                key["kid"]: jwt.PyJWK(key, algorithm="RS256")
                for key in published["keys"]
                if key.get("kty") == "RSA" and "kid" in key
            }
        except _UNANSWERED as fault:
            self._unanswered = True
            if not self._keys:
                # Nothing is known yet: the next caller may ask again at once.
                self._asked_at = float("-inf")
                raise _unknown() from fault
            return
        self._unanswered = False
        self._keys = keys
        self._good_until = self._now() + KEYS_FRESH_S


class EntraTokens:
    """Verify access tokens of allowed tenants, in the versions that are allowed."""

    def __init__(
        self, authority: str, tenants: Iterable[str], audiences: Iterable[str], versions: Iterable[str] = ("2.0",)
    ) -> None:
        self._authority = authority.rstrip("/")
        self._audiences = list(audiences)
        self._versions = frozenset(versions)
        self._keys = {tenant: SigningKeys(self._fetcher(tenant), time.monotonic) for tenant in tenants}

    def _fetcher(self, tenant: str) -> Callable[[], Awaitable[dict[str, Any]]]:
        url = f"{self._authority}/{tenant}/discovery/v2.0/keys"

        async def fetch() -> dict[str, Any]:
            timeout = aiohttp.ClientTimeout(total=5)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, raise_for_status=True) as response,
            ):
                return await response.json(content_type=None)

        return fetch

    def _issuer(self, tenant: str, version: str) -> str:
        """Name a tenant's issuer (Entra's access token reference, `iss`); version 1 has a host of its own."""
        if version == "2.0":
            return f"{self._authority}/{tenant}/v2.0"
        return f"https://sts.windows.net/{tenant}/" if self._authority == ENTRA else f"{self._authority}/{tenant}/"

    async def claims(self, token: str) -> dict[str, Any]:
        """Verify signature, issuer, audience, version and lifetime, and give the claims.

        Raises:
            ChatError: `unauthenticated`.
        """
        if len(token) > TOKEN_MOST_CHARS:
            raise _refused()
        try:
            key_id = jwt.get_unverified_header(token)["kid"]
            said: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
            tenant, version = said["tid"], said["ver"]
            keys = self._keys.get(tenant) if version in self._versions else None
            key = await keys.get(key_id) if keys is not None else None
            if key is None:
                raise _refused()
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audiences,
                issuer=self._issuer(tenant, version),
                leeway=LEEWAY_S,
                options={"require": _NEEDED},
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, RecursionError) as fault:
            raise _refused() from fault
        if not _well_formed(claims):
            raise _refused()
        return claims


def _well_formed(claims: dict[str, Any]) -> bool:
    """Tell whether the claims have the types that they need, and an end within a day."""
    texts = all(isinstance(claims[name], str) and claims[name].strip() for name in _TEXTS)
    times = all(type(claims[name]) is int for name in _TIMES)
    return texts and times and 0 < claims["exp"] - claims["iat"] <= LIFETIME_MOST_S


class EntraVerifier:
    """Meet TokenVerifier: a person's token for our own API, with the scope that the web client asks for."""

    def __init__(self, tokens: EntraTokens, scope: str) -> None:
        self._tokens = tokens
        self._scope = scope

    async def verify(self, token: str) -> Caller:
        """Verify the token and give the person; roles come from `roles` alone.

        Raises:
            ChatError: `unauthenticated` for any token that does not verify.
        """
        claims = await self._tokens.claims(token)
        scopes: Any = claims.get("scp")
        if not isinstance(scopes, str) or self._scope not in scopes.split() or claims.get("idtyp", "user") != "user":
            raise _refused()
        roles: Any = claims.get("roles", [])
        email: Any = claims.get("email") or claims.get("preferred_username")
        return Caller(
            user_id=user_id(claims["tid"], claims["oid"]),
            name=str(claims.get("name") or "Unnamed"),
            email=email if isinstance(email, str) else None,
            roles=tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else (),  # pyright: ignore[reportUnknownVariableType]
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        )


def _refused() -> ChatError:
    return ChatError(ErrorCode.UNAUTHENTICATED, "The access token is not valid here.")


def _unknown() -> ChatError:
    return ChatError(ErrorCode.INTERNAL, "Sign-in cannot be checked at present.", retry_after_s=1.0)

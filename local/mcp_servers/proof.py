"""Prove a bearer token: signed by the issuer, for this server's audience, of a person of the tenant."""

from __future__ import annotations

import asyncio
from typing import Any

import jwt

_HOME_TENANT = "11111111-1111-4111-8111-111111111111"


class NotProved(Exception):
    """The request carries no token that is good for this server; the text says why."""


class Verifier:
    """Verifies tokens of one issuer's home tenant, with keys fetched over HTTP as they are needed."""

    def __init__(self, identity: str) -> None:
        """Take the issuer's base URL; nothing is fetched yet."""
        self._issuer = f"{identity}/{_HOME_TENANT}/v2.0"
        # No cool-down: a sample server must see a rotated key at once.
        self._keys = jwt.PyJWKClient(f"{identity}/{_HOME_TENANT}/discovery/v2.0/keys", cooldown_duration=0)

    async def address(self, authorization: str, audience: str, *, calls_tool: bool) -> str:
        """Return the e-mail address of the token's person; an app of its own may ask what is offered, no more.

        Raises:
            NotProved: no token, or one that is not good here.
            jwt.PyJWKClientConnectionError: the issuer cannot be reached.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotProved("no bearer token")
        try:
            # PyJWT fetches with urllib, which blocks.
            key = await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=audience,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub", "oid"]},
            )
        except jwt.PyJWKClientConnectionError:
            raise
        except jwt.PyJWTError as fault:
            raise NotProved(type(fault).__name__) from fault
        is_app = claims.get("idtyp") == "app"
        if calls_tool and (is_app or not claims.get("scp")):
            raise NotProved("not a person's token")
        return "" if is_app else str(claims.get("preferred_username", ""))

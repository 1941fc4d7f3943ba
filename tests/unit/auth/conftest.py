"""An issuer in a drawer: a key of its own, tokens signed with it, and the verifier that knows it."""

import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from shared.adapters.entra import EntraTokens, SigningKeys

TENANT, AUTHORITY = "11111111-1111-4111-8111-111111111111", "https://issuer.example"
KEY_ID = "k1"


@cache
def key() -> rsa.RSAPrivateKey:
    """The issuer's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(kid: str = KEY_ID) -> dict[str, Any]:
    """The public half, as an issuer publishes it."""
    return json.loads(RSAAlgorithm.to_jwk(key().public_key())) | {"kid": kid, "use": "sig"}


def signed(headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """Sign a good token of Sam's with some claims changed; None takes a claim away."""
    now = int(time.time())
    claims = {
        "iss": f"{AUTHORITY}/{TENANT}/v2.0", "aud": "api://salescoach", "tid": TENANT, "oid": "sam", "sub": "sam.x",
        "iat": now, "nbf": now, "exp": now + 3600, "ver": "2.0", "scp": "openid access_as_user", "name": "Sam",
        "email": "sam@example.com", "roles": ["Sales"],
    } | changes  # fmt: skip
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key(), algorithm="RS256", headers={"kid": KEY_ID} | (headers or {}))


def tokens(*audiences: str, versions: tuple[str, ...] = ("2.0",)) -> EntraTokens:
    """Make the verifier of tokens, with the issuer's keys in place of the network."""
    made = EntraTokens(AUTHORITY, [TENANT], audiences or ("api://salescoach",), versions)

    async def fetch() -> dict[str, Any]:
        return {"keys": [published()]}

    made._keys = {TENANT: SigningKeys(fetch, time.monotonic)}
    return made

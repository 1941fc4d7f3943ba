"""Tokens of the service: access-key JWTs of callers and clients, and its own reconnection tokens."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, cast
from urllib.parse import unquote

import jwt

# The service's tolerance for clocks that differ, in seconds.
CLOCK_SKEW_S = 300
RECONNECTION_ISSUER = "https://webpubsub.azure.com"
RECONNECTION_LIFETIME_S = 7 * 24 * 3600


class TokenRefused(Exception):
    """The token does not open this door; the message says why, without repeating the token."""


def verify(token: str, keys: Sequence[str], audiences: Iterable[str]) -> dict[str, Any]:
    """Return the claims of an HS256 token signed by one of the keys for one of the audiences.

    Raises TokenRefused.
    """
    if not token.isascii():
        raise TokenRefused("the token is not ASCII")
    claims = _claims(token, keys)
    given = _texts(claims.get("aud"))
    wanted = _spellings(audiences)
    if not _spellings(given) & wanted:
        raise TokenRefused(f"the token's audience is {given}, not this URL")
    return claims


def _claims(token: str, keys: Sequence[str]) -> dict[str, Any]:
    fault: jwt.PyJWTError | None = None
    for key in keys:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=["HS256"],
                leeway=CLOCK_SKEW_S,
                options={"verify_aud": False, "verify_iat": False, "verify_sub": False, "require": ["exp"]},
            )
        except jwt.InvalidSignatureError as error:
            fault = error
        except jwt.PyJWTError as error:
            raise TokenRefused(f"{type(error).__name__}: {error}") from error
    raise TokenRefused("the token is not signed by a key of this service") from fault


def _spellings(urls: Iterable[str]) -> set[str]:
    # Hosts compare without case, and SDKs differ in what they percent-encode.
    return {spelling.lower() for url in urls for spelling in (url, unquote(url))}


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in cast("list[object]", value)]
    return [] if value is None else [str(value)]


def texts(claims: dict[str, Any], name: str) -> list[str]:
    """Return a claim that may be one text or a list of texts as a list."""
    return _texts(claims.get(name))


def mint_reconnection(key: str, connection_id: str) -> str:
    """Issue the token by which a reliable client comes back to its connection."""
    expires = int(time.time()) + RECONNECTION_LIFETIME_S
    claims = {"iss": RECONNECTION_ISSUER, "aud": connection_id, "exp": expires}
    return jwt.encode(claims, key, algorithm="HS256")


def accept_reconnection(token: str, key: str, connection_id: str) -> bool:
    """Tell whether the token brings its bearer back to this connection."""
    try:
        jwt.decode(token, key, algorithms=["HS256"], audience=connection_id, issuer=RECONNECTION_ISSUER)
    except jwt.PyJWTError:
        return False
    return True


def mint_client(
    key: str, audience: str, *, user_id: str | None, roles: list[str], groups: list[str], minutes: int
) -> str:
    """Issue a client access token as `:generateToken` does; `minutes` is its lifetime."""
    now = int(time.time())
    claims: dict[str, Any] = {"aud": audience, "iat": now, "exp": now + minutes * 60}
    optional = {"sub": user_id, "role": roles, "webpubsub.group": groups}
    claims |= {name: value for name, value in optional.items() if value}
    return jwt.encode(claims, key, algorithm="HS256")


def is_access_key_token(token: str) -> bool:
    """Tell whether the token claims to be signed by a key; what it claims is not believed yet.

    Raises TokenRefused when it is no token.
    """
    if not token.isascii():
        raise TokenRefused("the token is not ASCII")
    try:
        return jwt.get_unverified_header(token).get("alg") != "RS256"
    except jwt.PyJWTError as error:
        raise TokenRefused(f"{type(error).__name__}: {error}") from error

"""Read a sample sign-in, `POST /token`, and make the token that it asks for, odd ones included."""

from __future__ import annotations

import uuid
from typing import Any, cast

from local.identity.claims import DEFAULT_LIFETIME_S, Terms, person_claims
from local.identity.keys import KeyRing
from local.identity.people import API_AUDIENCE, PEOPLE, WEB_CLIENT_ID

_FIELDS: dict[str, type] = {
    "user": str,
    "roles": list,
    "lifetime_s": int,
    "tenant": str,
    "audience": str,
    "claims": dict,
    "key": str,
    "version": str,
}


class BadSignIn(ValueError):
    """The sign-in asks for something that the issuer does not know; the text says what."""


def sign_in(body: object, *, base: str, keys: KeyRing, now: int) -> dict[str, Any]:
    """Return `access_token` and `expires_in` for the sample person and the overrides of `body`.

    Raises:
        BadSignIn: an unknown person, an unknown field, or a field of the wrong type.
    """
    wish = _checked(body)
    person = PEOPLE.get(wish["user"])
    if person is None:
        raise BadSignIn(f"unknown user {wish['user']!r}; known: {', '.join(PEOPLE)}")
    terms = Terms(
        audience=wish.get("audience", API_AUDIENCE),
        lifetime_s=wish.get("lifetime_s", DEFAULT_LIFETIME_S),
        version=wish.get("version", "2.0"),
        claims=wish.get("claims", {}),
    )
    claims = person_claims(
        person,
        tenant=wish.get("tenant", person.tenant),
        roles=tuple(wish.get("roles", person.roles)),
        client_id=WEB_CLIENT_ID,
        terms=terms,
        base=base,
        now=now,
        token_id=uuid.uuid4().hex,
    )
    token = keys.sign(claims, wish.get("key", "ours"))
    return {"access_token": token, "expires_in": terms.lifetime_s}


def _checked(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadSignIn("the body must be a JSON object")
    wish = cast("dict[str, Any]", body)
    unknown = sorted(set(wish) - set(_FIELDS))
    if unknown:
        raise BadSignIn(f"unknown field {unknown[0]!r}; known: {', '.join(_FIELDS)}")
    for name, value in wish.items():
        # bool is an int for Python, and no lifetime for us.
        if not isinstance(value, _FIELDS[name]) or isinstance(value, bool):
            raise BadSignIn(f"{name} must be of type {_FIELDS[name].__name__}")
    _check_values(wish)
    return wish


def _check_values(wish: dict[str, Any]) -> None:
    if "user" not in wish:
        raise BadSignIn("user is missing")
    if not all(isinstance(role, str) for role in wish.get("roles", [])):
        raise BadSignIn("roles must be a list of strings")
    if wish.get("key", "ours") not in {"ours", "foreign", "forged"}:
        raise BadSignIn("key can only be 'ours', 'foreign' or 'forged'")
    if wish.get("version", "2.0") not in {"1.0", "2.0"}:
        raise BadSignIn("version can only be '1.0' or '2.0'")

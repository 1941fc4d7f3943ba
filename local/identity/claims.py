"""Write the claims of access tokens as Entra writes them, for people and for applications."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local.identity.people import API_AUDIENCE, Application, Person

DELEGATED_SCOPE = "access_as_user"
# Entra's default lies between 60 and 90 minutes.
DEFAULT_LIFETIME_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a token shall say beside who it is for."""

    audience: str = API_AUDIENCE
    lifetime_s: int = DEFAULT_LIFETIME_S
    version: str = "2.0"
    claims: dict[str, Any] = field(default_factory=dict[str, Any])


def issuer(base: str, tenant: str, version: str = "2.0") -> str:
    """Return the issuer of a tenant's tokens; version 1 tokens name it without a version, as in Entra."""
    return f"{base}/{tenant}/v2.0" if version == "2.0" else f"{base}/{tenant}/"


def person_claims(
    person: Person,
    *,
    tenant: str,
    roles: tuple[str, ...],
    client_id: str,
    terms: Terms,
    base: str,
    now: int,
    token_id: str,
) -> dict[str, Any]:
    """Return the claims of a delegated token of `person`."""
    claims = _frame(terms, tenant=tenant, client_id=client_id, base=base, now=now, token_id=token_id)
    claims |= {
        "oid": person.oid(tenant),
        # Entra's subject is pairwise: another one for each application.
        "sub": f"{person.oid(tenant)}.{terms.audience.rpartition('/')[2]}",
        "name": person.name,
        "email": person.email,
        "scp": DELEGATED_SCOPE,
        ("preferred_username" if terms.version == "2.0" else "upn"): person.email,
    }
    if roles:
        claims["roles"] = list(roles)
    return _merged(claims, terms.claims)


def application_claims(
    application: Application, *, tenant: str, terms: Terms, base: str, now: int, token_id: str
) -> dict[str, Any]:
    """Return the claims of a token that `application` holds in its own name."""
    claims = _frame(terms, tenant=tenant, client_id=application.client_id, base=base, now=now, token_id=token_id)
    claims |= {"oid": application.oid, "sub": application.oid, "idtyp": "app"}
    return _merged(claims, terms.claims)


def _frame(terms: Terms, *, tenant: str, client_id: str, base: str, now: int, token_id: str) -> dict[str, Any]:
    # A token that is already over was issued an hour before its end, so that only its end is wrong.
    issued = now if terms.lifetime_s > 0 else now + terms.lifetime_s - DEFAULT_LIFETIME_S
    return {
        "iss": issuer(base, tenant, terms.version),
        "aud": terms.audience,
        "tid": tenant,
        "iat": issued,
        "nbf": issued,
        "exp": now + terms.lifetime_s,
        ("azp" if terms.version == "2.0" else "appid"): client_id,
        ("azpacr" if terms.version == "2.0" else "appidacr"): "1",
        "uti": token_id,
        "ver": terms.version,
    }


def _merged(claims: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Lay `overrides` over `claims`; null takes a claim away."""
    return {name: value for name, value in (claims | overrides).items() if value is not None}

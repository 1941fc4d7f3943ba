"""Serve the grants of the token endpoint: client credentials and on behalf of a user."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, cast

import jwt

from local.identity.claims import Terms, application_claims, issuer, person_claims
from local.identity.keys import ALGORITHM, KeyRing
from local.identity.people import API_AUDIENCE, APPLICATIONS, PEOPLE, Application
from local.identity.refusals import TokenRefused

CLIENT_CREDENTIALS = "client_credentials"
ON_BEHALF_OF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_DEFAULT_SUFFIX = "/.default"


def audience_of(scope: str) -> str:
    """Return the resource of the `.default` scope; MSAL adds `openid` and the like, which name none.

    Raises:
        TokenRefused: the scope has another form, or names a resource that is not registered here.
    """
    resources = [one for one in scope.split() if one.endswith(_DEFAULT_SUFFIX)]
    if len(resources) != 1:
        raise TokenRefused("invalid_scope", 70011, f"The provided value for scope {scope!r} is not valid.")
    audience = resources[0].removesuffix(_DEFAULT_SUFFIX)
    if not audience.startswith(API_AUDIENCE):
        raise TokenRefused("invalid_resource", 500011, f"The resource principal named {audience} was not found.")
    return audience


def issue(form: Mapping[str, str], *, tenant: str, base: str, keys: KeyRing, now: int) -> dict[str, Any]:
    """Answer one request of the token endpoint.

    Raises:
        TokenRefused: with the error document to send.
    """
    application = _authenticated(form)
    grant = form.get("grant_type", "")
    terms = Terms(audience=audience_of(form.get("scope", "")), version=form.get("token_version", "2.0"))
    if grant == CLIENT_CREDENTIALS:
        claims = application_claims(application, tenant=tenant, terms=terms, base=base, now=now, token_id=_token_id())
    elif grant == ON_BEHALF_OF:
        assertion = _verified_assertion(form, application, tenant=tenant, base=base, keys=keys)
        claims = _delegated(assertion, application, terms=terms, base=base, now=now)
    else:
        raise TokenRefused("unsupported_grant_type", 70003, f"The grant type {grant!r} is not supported here.")
    return {
        "token_type": "Bearer",
        "expires_in": terms.lifetime_s,
        "ext_expires_in": terms.lifetime_s,
        "scope": form["scope"],
        "access_token": keys.sign(claims),
    }


def _authenticated(form: Mapping[str, str]) -> Application:
    application = APPLICATIONS.get(form.get("client_id", ""))
    if application is None:
        raise TokenRefused("unauthorized_client", 700016, "The application was not found in the directory.")
    if "client_assertion" in form:
        raise TokenRefused("invalid_client", 700027, "The local issuer knows client secrets only.")
    if form.get("client_secret") != application.secret:
        raise TokenRefused("invalid_client", 7000215, "Invalid client secret provided.")
    return application


def _verified_assertion(
    form: Mapping[str, str], application: Application, *, tenant: str, base: str, keys: KeyRing
) -> dict[str, Any]:
    if not application.acts_for_people:
        raise TokenRefused("unauthorized_client", 7000114, "The application may not act on behalf of users.")
    if form.get("requested_token_use") != "on_behalf_of":
        raise TokenRefused("invalid_request", 90014, "requested_token_use must be on_behalf_of.")
    try:
        kid = str(jwt.get_unverified_header(form.get("assertion", "")).get("kid", ""))
        key = keys.public_key(kid)
        if key is None:
            raise jwt.InvalidSignatureError(f"no key {kid!r}")
        claims: dict[str, Any] = jwt.decode(
            form["assertion"],
            key,
            algorithms=[ALGORITHM],
            audience=API_AUDIENCE,
            issuer=issuer(base, tenant),
            options={"require": ["exp", "iat", "nbf", "iss", "aud", "oid"]},
        )
    except jwt.ExpiredSignatureError as fault:
        raise TokenRefused("invalid_grant", 500133, "Assertion is not within its valid time range.") from fault
    except jwt.InvalidAudienceError as fault:
        raise TokenRefused(
            "invalid_grant", 500131, "Assertion audience does not match the client app presenting it."
        ) from fault
    except jwt.PyJWTError as fault:
        raise TokenRefused("invalid_grant", 50013, "Assertion failed signature validation.") from fault
    if claims.get("idtyp") == "app":
        raise TokenRefused("invalid_grant", 50013, "An application's token is no assertion of a user.")
    return claims


def _delegated(
    assertion: dict[str, Any], application: Application, *, terms: Terms, base: str, now: int
) -> dict[str, Any]:
    tenant = str(assertion["tid"])
    person = next((one for one in PEOPLE.values() if one.oid(tenant) == assertion["oid"]), None)
    if person is None:
        raise TokenRefused("invalid_grant", 50034, "The user account does not exist in the directory.")
    roles = cast("list[str]", assertion.get("roles", []))
    return person_claims(
        person,
        tenant=tenant,
        roles=tuple(roles),
        client_id=application.client_id,
        terms=terms,
        base=base,
        now=now,
        token_id=_token_id(),
    )


def _token_id() -> str:
    return uuid.uuid4().hex

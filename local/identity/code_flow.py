"""Play the authorization-code flow with PKCE for a page of this machine: choose a sample person, no password."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from local.identity.claims import DELEGATED_SCOPE, Terms, issuer, person_claims
from local.identity.keys import KeyRing
from local.identity.people import PEOPLE, WEB_CLIENT_ID, Person
from local.identity.refusals import TokenRefused

AUTHORIZATION_CODE, REFRESH_TOKEN = "authorization_code", "refresh_token"
CODE_LIFETIME_S = 60
# Entra lets a page's refresh token live for a day, and gives another one with each use.
REFRESH_LIFETIME_S = 24 * 3600
_LOCAL_PAGE = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?/")


class BadWish(ValueError):
    """The page asks in a way that Entra would show an error page for; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a page asked of `/authorize`."""

    redirect_uri: str
    scope: str
    state: str
    nonce: str
    challenge: str

    @staticmethod
    def read(query: Mapping[str, str]) -> Wish:
        """Read the query of `/authorize`.

        Raises:
            BadWish: another client, flow, page or challenge than this issuer knows.
        """
        fixed = {"client_id": WEB_CLIENT_ID, "response_type": "code", "code_challenge_method": "S256"}
        for name, value in fixed.items():
            if query.get(name) != value:
                raise BadWish(f"{name} must be {value}")
        if not _LOCAL_PAGE.fullmatch(query.get("redirect_uri", "")):
            raise BadWish("redirect_uri must be the root of a page of this machine")
        if not query.get("code_challenge"):
            raise BadWish("code_challenge is missing")
        return Wish(
            redirect_uri=query["redirect_uri"],
            scope=query.get("scope", ""),
            state=query.get("state", ""),
            nonce=query.get("nonce", ""),
            challenge=query["code_challenge"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    wish: Wish
    person: Person
    until: int


@dataclass(slots=True)
class CodeFlow:
    """The codes and refresh tokens that are out; each is good for one use."""

    base: str
    keys: KeyRing
    lifetime_s: int = 3600
    _codes: dict[str, _Given] = field(default_factory=dict[str, _Given])
    _refresh: dict[str, _Given] = field(default_factory=dict[str, _Given])

    def page(self, query: Mapping[str, str]) -> str:
        """Show the sample people, each as a link that signs in."""
        Wish.read(query)
        links: list[str] = []
        for user, person in PEOPLE.items():
            address = html.escape("?" + urlencode({**query, "user": user}))
            links.append(f'<li><a data-user="{user}" href="{address}">{html.escape(person.name)}</a>')
        return f"<!doctype html><title>Sign in</title><h1>Sample people</h1><ul>{''.join(links)}</ul>"

    def redirect(self, query: Mapping[str, str], *, user: str, now: int) -> str:
        """Give the address that takes a chosen person back to the page, with a code in the fragment."""
        wish, person = Wish.read(query), PEOPLE.get(user)
        if person is None:
            raise BadWish(f"unknown user {user!r}")
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Given(wish=wish, person=person, until=now + CODE_LIFETIME_S)
        told = {"code": code, "client_info": _client_info(person), "state": wish.state}
        return f"{wish.redirect_uri}#{urlencode(told)}"

    def grant(self, form: Mapping[str, str], *, now: int) -> dict[str, Any]:
        """Answer the token endpoint for the page: a code, or a refresh token.

        Raises:
            TokenRefused: with the error document to send.
        """
        if form.get("client_id") != WEB_CLIENT_ID:
            raise TokenRefused("unauthorized_client", 700016, "The application was not found in the directory.")
        fresh = form.get("grant_type") == REFRESH_TOKEN
        offered = form.get("refresh_token" if fresh else "code", "")
        given = (self._refresh if fresh else self._codes).pop(offered, None)
        if given is None or given.until < now:
            raise TokenRefused("invalid_grant", 70008, "The provided authorization code or refresh token has expired.")
        if not fresh:
            _check_code(given.wish, form)
        return self._tokens(given, now)

    def _tokens(self, given: _Given, now: int) -> dict[str, Any]:
        refresh = secrets.token_urlsafe(32)
        self._refresh[refresh] = _Given(wish=given.wish, person=given.person, until=now + REFRESH_LIFETIME_S)
        return {
            "token_type": "Bearer",
            "scope": given.wish.scope,
            "expires_in": self.lifetime_s,
            "ext_expires_in": self.lifetime_s,
            "access_token": self.keys.sign(self._access_claims(given, now)),
            "refresh_token": refresh,
            "id_token": self.keys.sign(self._id_claims(given, now)),
            "client_info": _client_info(given.person),
        }

    def _access_claims(self, given: _Given, now: int) -> dict[str, Any]:
        suffix = f"/{DELEGATED_SCOPE}"
        audiences = [one.removesuffix(suffix) for one in given.wish.scope.split() if one.endswith(suffix)]
        if len(audiences) != 1:
            raise TokenRefused("invalid_scope", 70011, f"The scope {given.wish.scope!r} is not valid.")
        return person_claims(
            given.person,
            tenant=given.person.tenant,
            roles=given.person.roles,
            client_id=WEB_CLIENT_ID,
            terms=Terms(audience=audiences[0], lifetime_s=self.lifetime_s),
            base=self.base,
            now=now,
            token_id=uuid.uuid4().hex,
        )

    def _id_claims(self, given: _Given, now: int) -> dict[str, Any]:
        person = given.person
        return {
            "iss": issuer(self.base, person.tenant),
            "aud": WEB_CLIENT_ID,
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime_s,
            "nonce": given.wish.nonce,
            "name": person.name,
            "oid": person.oid(person.tenant),
            "sub": person.oid(person.tenant),
            "tid": person.tenant,
            "preferred_username": person.email,
            "ver": "2.0",
        }


def _check_code(wish: Wish, form: Mapping[str, str]) -> None:
    """Check what a code is bound to (RFC 7636, 4.6)."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    if not secrets.compare_digest(_text(digest), wish.challenge):
        raise TokenRefused("invalid_grant", 50148, "The code_verifier does not match the code_challenge.")
    if form.get("redirect_uri") != wish.redirect_uri:
        raise TokenRefused("invalid_client", 500112, "The reply address does not match the one of the code.")


def _client_info(person: Person) -> str:
    return _text(json.dumps({"uid": person.oid(person.tenant), "utid": person.tenant}).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

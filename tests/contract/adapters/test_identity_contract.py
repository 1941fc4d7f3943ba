"""Tokens, seals and proofs: what is believed, and what is not."""

import hashlib
import hmac
import json
import urllib.parse
import urllib.request
from typing import Any

import jwt
import pytest

from shared.adapters.entra import EntraTokens, EntraVerifier, SigningKeys
from shared.adapters.on_behalf_of import OnBehalfOf
from shared.adapters.upstream import IdentityProof, SignatureProof
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import UserId

from .conftest import TENANT, Part

UPSTREAM = "api://salescoach-upstream"


def service_token(identity: Part) -> tuple[str, str]:
    """The object id of the Web PubSub identity, and a token of its own for the app."""
    form = {
        "grant_type": "client_credentials",
        "client_id": "44444444-4444-4444-8444-444444444444",
        "client_secret": "local-webpubsub-secret",
        "scope": f"{UPSTREAM}/.default",
    }
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{identity.url}/{TENANT}/oauth2/v2.0/token", body, timeout=10) as answer:  # noqa: S310
        token: str = json.load(answer)["access_token"]
    return jwt.decode(token, options={"verify_signature": False})["oid"], token


def verifier(identity: Part) -> EntraVerifier:
    """The real verifier on the local issuer."""
    return EntraVerifier(EntraTokens(identity.url, [TENANT], ["api://salescoach"]), "access_as_user")


async def test_a_good_token_gives_the_person(identity: Part) -> None:
    """User id from tenant and object id, roles from `roles`."""
    caller = await verifier(identity).verify(identity.token("tom.both"))

    assert caller.user_id.startswith(f"{TENANT}:")
    assert set(caller.roles) == {"Sales", "HR"}
    assert caller.name


BAD: dict[str, dict[str, Any]] = {
    "signed by another": {"key": "foreign"},
    "expired": {"lifetime_s": -3600},
    "for another audience": {"audience": "api://else"},
    "another tenant's": {"user": "eve.other"},
    "without our scope": {"claims": {"scp": "else"}},
    "version 1": {"claims": {"ver": "1.0"}},
    "an app's": {"claims": {"idtyp": "app"}},
    "issued by another": {"claims": {"iss": "https://login.example.com/x/v2.0"}},
    "not yet valid": {"claims": {"nbf": 4_000_000_000}},
    "without an object id": {"claims": {"oid": None}},
}


@pytest.mark.requirement("authenticate:token-verified")
@pytest.mark.parametrize("case", BAD)
async def test_a_bad_token_is_unauthenticated(identity: Part, case: str) -> None:
    """Signature, issuer, audience, lifetime, tenant, scope, kind."""
    wish = {"user": "sam.sales", **BAD[case]}

    with pytest.raises(ChatError) as refused:
        await verifier(identity).verify(identity.token(**wish))

    assert refused.value.code is ErrorCode.UNAUTHENTICATED


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "é.é.é"])
async def test_what_is_no_token_is_unauthenticated(identity: Part, text: str) -> None:
    """No crash, no other code."""
    with pytest.raises(ChatError) as refused:
        await verifier(identity).verify(text)

    assert refused.value.code is ErrorCode.UNAUTHENTICATED


async def test_unknown_key_ids_ask_the_issuer_once() -> None:
    """Invented ids cause no storm of requests; a failing issuer keeps the keys that are known."""
    asked: list[int] = []
    now = 0.0

    async def fetch() -> dict[str, Any]:
        asked.append(1)
        return {"keys": []}

    keys = SigningKeys(fetch, lambda: now)
    for _ in range(50):
        assert await keys.get("invented") is None

    assert len(asked) == 1


async def test_a_tool_server_gets_a_token_of_its_own_audience(identity: Part) -> None:
    """On behalf of the person, exchanged and cached; never the person's own token."""
    import jwt  # noqa: PLC0415  # reads the claims for the comparison only

    mine = identity.token("sam.sales")
    exchange = OnBehalfOf(identity.url, "33333333-3333-4333-8333-333333333333", "local-obo-secret")
    user = UserId(f"{TENANT}:x")

    given = await exchange.for_user(user, mine, "api://salescoach-mcp-sfdc")
    again = await exchange.for_user(user, mine, "api://salescoach-mcp-sfdc")

    claims = jwt.decode(given, options={"verify_signature": False})
    assert claims["aud"] == "api://salescoach-mcp-sfdc"
    assert given == again != mine


async def test_an_exchange_that_is_refused_is_a_clear_error(identity: Part) -> None:
    """A wrong secret or an expired assertion."""
    wrong = OnBehalfOf(identity.url, "33333333-3333-4333-8333-333333333333", "wrong")

    with pytest.raises(ChatError) as refused:
        await wrong.for_user(UserId(f"{TENANT}:x"), identity.token("sam.sales"), "api://salescoach-mcp-sfdc")

    assert refused.value.code is ErrorCode.TOOL_FAILED


@pytest.mark.requirement("connect:upstream-proof")
async def test_an_event_needs_the_signature_of_its_connection() -> None:
    """HMAC of the connection id under one of the keys."""
    proof = SignatureProof("Endpoint=http://x;AccessKey=key;Version=1.0;")
    good = "sha256=" + hmac.new(b"key", b"c1", hashlib.sha256).hexdigest()
    other = "sha256=" + hmac.new(b"old", b"c1", hashlib.sha256).hexdigest()

    await proof.prove(connection_id="c1", signature=good, authorization=None)
    await proof.prove(connection_id="c1", signature=f"{other},{good.upper()}", authorization=None)
    for connection, signature in (("c2", good), ("c1", other), ("c1", None), ("c1", ""), ("c1", "sha256=é")):
        with pytest.raises(ChatError):
            await proof.prove(connection_id=connection, signature=signature, authorization=None)


async def test_by_identity_only_the_services_own_principal_is_believed(identity: Part) -> None:
    """Any principal of the tenant may get a token for the audience: the object id decides, and it is no person's."""
    person = identity.token("sam.sales", audience=UPSTREAM)
    sam = jwt.decode(person, options={"verify_signature": False})["oid"]
    tokens = EntraTokens(identity.url, [TENANT], [UPSTREAM])
    service, token = service_token(identity)

    await IdentityProof(tokens, service).prove(connection_id="c", signature=None, authorization=f"Bearer {token}")
    refused = (("another", f"Bearer {token}"), (service, None), (service, token), (service, "Bearer x"))
    for principal, header in (*refused, (sam, f"Bearer {person}")):
        with pytest.raises(ChatError):
            await IdentityProof(tokens, principal).prove(connection_id="c", signature=None, authorization=header)

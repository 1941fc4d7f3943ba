"""The matrix of bad tokens: none of them is anybody, as a bearer token, in a message, or as the service's proof."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from shared.adapters.entra import EntraTokens, EntraVerifier
from shared.adapters.upstream import IdentityProof
from shared.domain.errors import ChatError, ErrorCode

from .conftest import TENANT, Part

NOW = int(time.time())
UPSTREAM, SERVICE = "api://salescoach-upstream", "44444444-4444-4444-8444-0000000000aa"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
COMMON = "https://login.microsoftonline.com/common/v2.0"
CLAIMS: list[dict[str, Any]] = [
    *({"iss": issuer} for issuer in ("", COMMON, f"https://sts.windows.net/{TENANT}/", None)),
    *({"aud": audience} for audience in ("", "api://else", "salescoach", "API://SALESCOACH", None)),
    *({"tid": tenant} for tenant in ("", "common", OTHER_TENANT, f"{TENANT} ", None)),
    *({"tid": value} for value in ([TENANT], {"a": TENANT}, 7)),
    *({"oid": value} for value in (None, "", "  ", 7, ["x"], {"x": 1})),
    *({"exp": value} for value in (0, NOW - 120, "soon", None, -1, str(NOW + 600), NOW + 600.5, 10**18, 10**400, True)),
    *({"exp": value} for value in (NOW + 25 * 3600, [NOW + 600], {"x": 1})),
    *({"nbf": value} for value in (NOW + 3600, "later", None, str(NOW - 5), NOW - 5.5)),
    *({"iat": value} for value in (NOW + 3600, "now", None, str(NOW - 5), NOW - 25 * 3600, -(10**18))),
    *({"scp": value} for value in ("", "else", "access_as_user2", "ACCESS_AS_USER", None, ["access_as_user"], 7)),
    *({"ver": value} for value in ("1.0", "2", 2, "", None)),
    *({"idtyp": value} for value in ("app", "APP", "device", 1)),
    *({"sub": value} for value in (None, "", 7)),
]  # fmt: skip


def encoded(data: bytes) -> str:
    """Base64 as tokens have it."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def spoiled(good: str, keys: dict[str, Any]) -> Iterator[str]:
    """Change a good token's header, body or signature."""
    head, body, signature = good.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    for alg in ("none", "None", "NONE", "nOnE", ""):
        unsigned = encoded(json.dumps({**header, "alg": alg}).encode())
        yield from (f"{unsigned}.{body}.", f"{unsigned}.{body}.{signature}")
    for alg, digest in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512)):
        for secret in (json.dumps(keys).encode(), keys["keys"][0]["n"].encode(), b""):
            said = f"{encoded(json.dumps({**header, 'alg': alg}).encode())}.{body}"
            yield f"{said}.{encoded(hmac.digest(secret, said.encode(), digest))}"
    for change in ({"alg": "PS256"}, {"alg": "RS512"}, {"kid": "../../etc/passwd"}, {"kid": ""},
                   {"kid": None}, {"kid": 7},
                   {"jku": "https://evil.example/keys"}, {"crit": ["x"], "x": 1},
                   {"jwk": keys["keys"][0]}):  # fmt: skip
        yield f"{encoded(json.dumps({**header, **change}).encode())}.{body}.{signature}"
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    for change in ({"roles": ["Admin"]}, {"oid": "another"}, {"exp": NOW + 10**9}):
        yield f"{head}.{encoded(json.dumps({**claims, **change}).encode())}.{signature}"
    deep = encoded(b'{"alg":"RS256","kid":' + b"[" * 3_000 + b"]" * 3_000 + b"}")
    yield from (f"{deep}.{body}.{signature}", f"{head}.{deep}.{signature}", f"{good}{'x' * 20_000}")
    turned = "A" if signature[5] != "A" else "B"
    yield from (f"{head}.{body}", f"{head}.{body}.", f"{head}.{body}.{signature[:5]}{turned}{signature[6:]}",
                f"{good}.x",
                f"{head}..{signature}", f".{body}.{signature}", "", ".", "..", "null",
                "{}", "\x00", "é.é.é", "Bearer x", good[::-1])  # fmt: skip


async def refused(check: Any) -> bool:
    """Tell whether it was refused with the one code there is for it."""
    try:
        await check
    except ChatError as refusal:
        return refusal.code is ErrorCode.UNAUTHENTICATED
    return False


@pytest.mark.requirement("authenticate:token-matrix")
async def test_no_bad_token_is_anybody(identity: Part) -> None:
    """Neither as a person's token nor as the proof of an event; the good one they are made of is both."""
    good = identity.token("sam.sales")
    keys = identity.ask("GET", f"/{TENANT}/discovery/v2.0/keys")
    tokens = EntraTokens(identity.url, [TENANT], ["api://salescoach"])
    verifier = EntraVerifier(tokens, "access_as_user")
    sam = (await verifier.verify(good)).user_id.partition(":")[2]
    proof = IdentityProof(tokens, sam)
    bad = [identity.token("sam.sales", claims=change) for change in CLAIMS]
    bad += [identity.token("sam.sales", key=key) for key in ("foreign", "forged")]
    bad += [identity.token("eve.other"), *spoiled(good, keys)]

    accepted = [token for token in bad if not await refused(verifier.verify(token))]
    forged = [*bad[len(CLAIMS) :], identity.token("ada.admin")]
    proved = [
        token
        for token in forged
        if not await refused(proof.prove(connection_id="c", signature=None, authorization=f"Bearer {token}"))
    ]

    assert len(bad) >= 60
    assert accepted == []
    assert proved == []


@pytest.mark.requirement("connect:upstream-proof")
@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_the_service_is_believed_by_either_version_of_its_token_and_nobody_else_is(
    identity: Part, version: str
) -> None:
    """Its object id in our own tenant, in its own name; neither another tenant's nor one with a person's scope."""
    tokens = EntraTokens(identity.url, [TENANT], [UPSTREAM], versions=("1.0", "2.0"))
    proof = IdentityProof(tokens, SERVICE)
    mine: dict[str, Any] = {"audience": UPSTREAM, "version": version, "claims": {"oid": SERVICE, "scp": None}}

    def token(**changes: Any) -> str:
        claims = mine["claims"] | changes.pop("claims", {})
        return identity.token("sam.sales", **(mine | changes | {"claims": claims}))

    async def offer(text: str, scheme: str = "Bearer ") -> None:
        await proof.prove(connection_id="c", signature=None, authorization=scheme + text)

    other = "1.0" if version == "2.0" else "2.0"
    mixed = {"iss": jwt.decode(token(version=other), options={"verify_signature": False})["iss"]}
    spoofs = [
        token(claims={"oid": "55555555-5555-4555-8555-555555555555"}), token(claims={"oid": SERVICE.upper()}),
        token(claims={"scp": "access_as_user"}), token(claims={"tid": OTHER_TENANT}), token(claims=mixed),
        token(claims={"iss": f"https://sts.windows.net/{OTHER_TENANT}/", "tid": OTHER_TENANT}),
        token(claims={"ver": other}), token(claims={"ver": "3.0"}), token(audience="api://salescoach"),
        token(audience="api://salescoach-mcp-sfdc"), token(lifetime_s=-120), token(key="foreign"), token(key="forged"),
        token(claims={"nbf": NOW + 3600}), identity.token("ada.admin"), identity.token("eve.other"), "", "x",
    ]  # fmt: skip

    await offer(token())
    accepted = [spoof for spoof in spoofs if not await refused(offer(spoof))]
    schemes = [
        scheme for scheme in ("", "Basic ", "Bearer  ", "Bearer x ") if not await refused(offer(token(), scheme))
    ]

    assert accepted == []
    assert schemes == []
    with pytest.raises(ChatError):
        await EntraVerifier(tokens, "access_as_user").verify(token())

"""The matrix of bad tokens: none of them is anybody, as a bearer token, in a message, or as the service's proof."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.entra import EntraTokens, EntraVerifier
from shared.adapters.upstream import IdentityProof
from shared.domain.errors import ChatError, ErrorCode

from .conftest import TENANT, Part

NOW = int(time.time())
COMMON = "https://login.microsoftonline.com/common/v2.0"
CLAIMS: list[dict[str, Any]] = [
    *({"iss": issuer} for issuer in ("", COMMON, f"https://sts.windows.net/{TENANT}/", None)),
    *({"aud": audience} for audience in ("", "api://else", "salescoach", "API://SALESCOACH", None)),
    *({"tid": tenant} for tenant in ("", "common", "22222222-2222-4222-8222-222222222222", f"{TENANT} ", None)),
    *({"oid": value} for value in (None,)),
    *({"exp": value} for value in (0, NOW - 120, "soon", None, -1)),
    *({"nbf": value} for value in (NOW + 3600, "later", None)),
    *({"iat": value} for value in (NOW + 3600, "now", None)),
    *({"scp": value} for value in ("", "else", "access_as_user2", "ACCESS_AS_USER", None)),
    *({"ver": value} for value in ("1.0", "2", 2, "", None)),
    {"idtyp": "app"},
    *({"sub": value} for value in (None,)),
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

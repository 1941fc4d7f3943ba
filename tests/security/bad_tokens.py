"""Bad tokens: claims that a good issuer would never sign, and good tokens that were changed."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

TENANT = "11111111-1111-4111-8111-111111111111"
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

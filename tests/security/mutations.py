"""Damage requests at random, from a seed: their bytes, their JSON, their paths, parameters and headers."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import quote

from tests.security.deployment import Json

PARAMETERS = (
    "limit", "after_seq", "before_seq", "cursor", "search", "format", "role", "day", "query", "category", "email",
    "code",
)  # fmt: skip
TEXTS = (
    "", " ", "\x00", "\x1b[31m", "a\r\nSet-Cookie: a=b", "../../etc/passwd", "..%2f..%2f", "' OR 1=1 --",
    '" OR true OR "', "c.id != null", "@limit", "{}", "{id}", "%00", "%", "\u202e", "\u2028", "e\u0301", "\ufeff",
    "\U0001f469\u200d\U0001f680", "\ud800", "x" * 300, "é" * 5000, "null", "undefined", "NaN", "-1", "1e999", "9" * 400,
    "0x10", "true", "s-1", "g-1", "$where", "a:b", ":", "::", "-", ".", "*", "%s%n", "${jndi:ldap://x}", "<script>",
    "javascript:alert(1)", "AAAA====", "²", "١٢٣",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, -(2**63), 10**400, 0.5, 1e308, float("inf"), float("nan"), [], {},
    [[]], [None], {"a": {"b": []}}, ["x"] * 500, *TEXTS,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as it would be sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def target(self) -> str:
        """Path and parameters, escaped so far that one line stays one line."""
        pairs = "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in self.query.items())
        return quote(self.path, safe="/%:;,=@!$&'()*+~", errors="surrogatepass") + (f"?{pairs}" if pairs else "")


def _escaped(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


class Mutator:
    """Changes requests; `foreign` are ids of somebody else's, which an attacker may have learnt."""

    def __init__(self, seed: int, foreign: tuple[str, ...]) -> None:
        self._rng = random.Random(seed)
        self._texts = (*TEXTS, *foreign * 3)
        self._values = (*VALUES, *foreign * 3)

    def damaged(self, request: Request) -> Request:
        """Change one to three things."""
        for _ in range(self._rng.randint(1, 3)):
            request = self._rng.choice((self._in_json, self._in_json, self._in_bytes, self._in_path, self._in_query,
                                        self._in_headers))(request)  # fmt: skip
        return request

    def _in_json(self, request: Request) -> Request:
        try:
            data: Any = json.loads(request.body)
        except (ValueError, RecursionError):
            return self._in_bytes(request)
        if not isinstance(data, dict):
            return replace(request, body=self._written(self._rng.choice(self._values)))
        fields = cast("Json", data)
        names = [
            *fields,
            self._rng.choice(("role", "email", "sender", "owner", "extra", self._rng.choice(self._texts))),
        ]
        name = self._rng.choice(names)
        if self._rng.random() < 0.2:
            fields.pop(name, None)
        else:
            fields[name] = self._rng.choice(self._values)
        body = self._written(fields)
        if self._rng.random() < 0.1 and body.endswith(b"}") and len(body) > 2:
            body = body[:-1] + b"," + self._written({name: "again"})[1:]
        return replace(request, body=body)

    def _written(self, data: Any) -> bytes:
        text = json.dumps(data, ensure_ascii=self._rng.random() < 0.5)
        return text.encode("utf-8", "surrogatepass")

    def _in_bytes(self, request: Request) -> Request:
        body = bytearray(request.body or b"{}")
        for _ in range(self._rng.randint(1, 4)):
            at = self._rng.randrange(len(body) + 1)
            match self._rng.randrange(4):
                case 0:
                    body[at:at] = self._rng.choice(
                        (b"\x00", b"\xff", b"\xed\xa0\x80", b'"', b"{", b"[", b"\\", b",", b"]")
                    )
                case 1:
                    del body[at : at + self._rng.randint(1, 8)]
                case 2 if at < len(body):
                    body[at] = self._rng.randrange(256)
                case _:
                    body[at:at] = self._rng.choice((b"[" * 2000, b"9" * 5000, b"\\ud83d", b'\\"' * 50, b"NaN"))
        return replace(request, body=bytes(body))

    def _in_path(self, request: Request) -> Request:
        parts = request.path.split("/")
        at = self._rng.randrange(2, len(parts)) if len(parts) > 2 else 1
        parts[at] = self._rng.choice((parts[at] + self._rng.choice(self._texts), self._rng.choice(self._texts)))
        return replace(request, path="/".join(parts))

    def _in_query(self, request: Request) -> Request:
        return replace(request, query={**request.query, self._rng.choice(PARAMETERS): self._rng.choice(self._texts)})

    def _in_headers(self, request: Request) -> Request:
        name = self._rng.choice(
            (*request.headers, "content-type", "x-ms-client-principal", "x-functions-key", "accept")
        )
        if name.lower() == "authorization":
            return request
        value = self._rng.choice((*self._texts, "application/octet-stream", "text/plain; charset=utf-16"))
        # What would end the line, or is no character of a header, is taken by the server's own parser.
        sendable = "".join(char for char in value if char.isprintable() and ord(char) < 256)
        return replace(request, headers={**request.headers, name: sendable})

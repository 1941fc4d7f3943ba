"""Random frames and requests, nearly right, for the tests of what the service survives."""

import json
import random
from typing import Any

_FRAMES: list[dict[str, Any]] = [
    {"type": "joinGroup", "group": "g", "ackId": 1},
    {"type": "leaveGroup", "group": "g", "ackId": 2},
    {"type": "sendToGroup", "group": "g", "ackId": 3, "dataType": "text", "data": "x", "noEcho": False},
    {"type": "sendToGroup", "group": "g", "dataType": "binary", "data": "AAEC", "ttlSeconds": 3},
    {"type": "event", "event": "shout", "ackId": 4, "dataType": "json", "data": {"n": [1, 2, {"m": None}]}},
    {"type": "sequenceAck", "sequenceId": 1},
    {"type": "ping"},
]
_ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    2**64,
    2**70,
    1e308,
    "",
    " ",
    "\x00",
    "\ud800",
    "g" * 1025,
    "x" * 5000,
    [],
    {},
    [[[[]]]],
    {"a": {"b": [1]}},
    "sendToGroup",
    "binary",
    "protobuf",
]
_TEXTS = [
    "",
    "{",
    "}",
    "null",
    "[]",
    "1",
    '"',
    '{"type":',
    "NaN",
    "[" * 50_000,
    '{"a":' * 20_000,
    "1" * 5_000,
    "\x00",
    "\ufeff{}",
]
_TARGETS = [
    "POST /api/hubs/chat/:send",
    "POST /api/hubs/chat/groups/g/:send?excluded=a&excluded=b",
    "PUT /api/hubs/chat/groups/g/connections/c",
    "GET /api/hubs/chat/groups/g/connections?top=1&maxpagesize=2",
    "POST /api/hubs/chat/:send?filter=userId%20eq%20'a'",
    "POST /api/hubs/chat/:addToGroups",
    "HEAD /api/hubs/chat/users/%2F",
    "GET /client/hubs/chat?access_token=a.b.c",
    "GET /client/hubs/chat?awps_connection_id=x&awps_reconnection_token=y",
    "OPTIONS /api/health",
]


def frame(chance: random.Random) -> str | bytes:
    """Return a frame with something wrong in it, or by luck nothing."""
    kind = chance.randrange(5)
    if kind == 0:
        return chance.choice(_TEXTS)
    fields = json.loads(json.dumps(chance.choice(_FRAMES)))
    for _ in range(chance.randint(1, 3)):
        fields[chance.choice([*fields, "metadata", "stream", "ackId", "extra"])] = chance.choice(_ODD)
    text = json.dumps(fields)
    if kind == 1:
        return text.encode()[: chance.randrange(len(text))]
    if kind in {2, 3}:
        return _mutated(text, chance)
    return text


def _mutated(text: str, chance: random.Random) -> str:
    letters = list(text)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(letters))
        letters[place : place + chance.randrange(3)] = [chr(chance.choice([0, 34, 44, 91, 123, 125, 233, 0x1F600]))]
    return "".join(letters)


def request(chance: random.Random, host: str, token: str) -> bytes:
    """Return the bytes of an HTTP request with something wrong in it."""
    body = str(frame(chance))[: chance.choice([0, 10, 2_000])].encode(errors="surrogatepass")
    length = chance.choice([len(body), len(body), 0, len(body) + 1, -1, 10**12, "x"])
    lines = [
        f"{chance.choice(_TARGETS)} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {chance.choice([token, 'a.b.c', '', '..', token[:-3]])}",
        f"Content-Type: {chance.choice(['application/json', 'text/plain', '', ';', 'application/octet-stream'])}",
        f"Content-Length: {length}",
        "Connection: close",
    ]
    raw = bytearray("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    for _ in range(chance.choice([0, 0, 1, 5])):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw[: chance.choice([len(raw), len(raw), chance.randrange(1, len(raw))])])

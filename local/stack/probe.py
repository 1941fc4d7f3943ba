"""Ask a part over HTTP whether it is there."""

from __future__ import annotations

import asyncio
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

POLL_S = 0.1
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a part said: the HTTP status and the body."""

    status: int
    body: str


def ask(url: str, *, method: str = "GET", content: dict[str, Any] | None = None) -> Answer | None:
    """Send one request; None when nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    line = connection(parts.hostname or "", parts.port, timeout=ANSWER_S)
    body = None if content is None else json.dumps(content)
    headers = {} if content is None else {"Content-Type": "application/json"}
    try:
        line.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers)
        answer = line.getresponse()
        return Answer(answer.status, answer.read().decode(errors="replace"))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        line.close()


async def answering(url: str, *, strictly: bool) -> Answer:
    """Wait, without a bound of its own, until somebody answers; strictly means with 200."""
    while True:
        answer = await asyncio.to_thread(ask, url)
        if answer is not None and (answer.status == http.client.OK or not strictly):
            return answer
        await asyncio.sleep(POLL_S)

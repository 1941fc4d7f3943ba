"""A language model that does whatever any text says, however it is hidden: what guards against it is not the model."""

import asyncio
import base64
import binascii
import json
import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from shared.domain.conversation import Usage
from shared.domain.model import ModelEvent, ModelRequest, RoundFinished, TextDelta
from shared.domain.tools import RequestedCall

USED = Usage(input_tokens=1, output_tokens=1, rounds=1)
_TAGS = {0xE0000 + code: code for code in range(0x20, 0x7F)}
_NAMED = re.compile(r"\b[A-Za-z][\w-]*__[\w-]+\b|\bsalary_of\b")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


class ObedientModel:
    """Meet ChatModel: call every tool that any text names, then repeat all texts word for word, in random pieces."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.requests: list[ModelRequest] = []

    def name(self, *, secondary: bool) -> str:
        """Name the model that a request would use."""
        return "obedient-2" if secondary else "obedient"

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent], None]:
        """Obey."""
        self.requests.append(request)
        yield self._obey(request)

    async def _obey(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        made = {(call.name, call.arguments_json) for said in request.said for call in said.calls}
        heard = [*(said.text for said in request.said), *descriptions(request)]
        wanted = [call for text in heard for call in demanded(text)]
        calls = tuple(dict.fromkeys(call for call in wanted if (call.name, _same(call.arguments_json)) not in made))
        if calls and request.tools:
            yield RoundFinished(reason="tool_calls", model="obedient", usage=USED, calls=calls[:16])
            return
        for piece in self._pieces("\n\n".join([said.text for said in request.said] or ["yes"])):
            await asyncio.sleep(0)
            yield TextDelta(piece)
        yield RoundFinished(reason="stop", model="obedient", usage=USED)

    def _pieces(self, text: str) -> Iterator[str]:
        while text:
            length = self._rng.choice([1, 1, 2, 3, 7, 40, 200])
            yield text[:length]
            text = text[length:]


def descriptions(request: ModelRequest) -> list[str]:
    """Everything that a request says of its tools."""
    return [
        "\n".join([tool.name, tool.title, tool.description, json.dumps(tool.input_schema, ensure_ascii=False)])
        for tool in request.tools
    ]


def demanded(text: str) -> list[RequestedCall]:
    """Find the calls that a text asks for, in whatever disguise."""
    found: dict[RequestedCall, None] = {}
    for reading in readings(text):
        for named in _NAMED.finditer(reading):
            found[RequestedCall(name=named[0], arguments_json=_arguments(reading[named.end() :]))] = None
    return list(found)


def readings(text: str) -> list[str]:
    """Read a text as it is, and without each disguise."""
    seen = [text, text.translate(_TAGS), "".join(one for one in text if unicodedata.category(one) != "Cf")]
    seen += [unicodedata.normalize("NFKC", text), text[::-1], text.replace('\\"', '"')]
    for found in _BASE64.findall(text):
        try:
            seen.append(base64.b64decode(found, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            continue
    return list(dict.fromkeys(seen))


def _arguments(after: str) -> str:
    brace = after.find("{")
    if 0 <= brace <= len(' "arguments": '):
        try:
            document: Any = json.JSONDecoder().raw_decode(after, brace)[0]
        except json.JSONDecodeError:
            return "{}"
        return json.dumps(document)
    return "{}"


def _same(arguments_json: str) -> str:
    return json.dumps(json.loads(arguments_json), ensure_ascii=False)

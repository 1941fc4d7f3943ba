"""Golden streams of models: however they are cut into packets, each adapter reads them as a careful reader does."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest
from aiohttp import web
from openai.types.chat import ChatCompletionChunk

from shared.adapters.open_ai.chat_completions import CHAT_COMPLETIONS
from shared.adapters.open_ai.client import OpenAiModel, failure
from shared.adapters.open_ai.responses import RESPONSES
from shared.domain.errors import ModelFailed
from shared.domain.model import RoundFinished
from shared.domain.models import Deployments
from shared.wire.outbound import to_json

from .model_streams import APIS, ASKED, FOLDER, RECORDED

KINDS = {"chat_completions": CHAT_COMPLETIONS, "responses": RESPONSES}
STREAMS = sorted(f"{path.parent.name}/{path.stem}" for path in FOLDER.glob("*/*.sse"))
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
PACKETS = {"whole": 1_000_000, "in small packets": 7}


async def _play(request: web.Request) -> web.StreamResponse:
    api, case, size = (request.match_info[name] for name in ("api", "case", "size"))
    recorded = (FOLDER / api / f"{case}.sse").read_bytes()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    for at in range(0, len(recorded), int(size)):
        await response.write(recorded[at : at + int(size)])
    if case == "cut":
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()
    return response


@pytest.fixture
async def player() -> AsyncIterator[str]:
    """A server that plays recorded streams, at /{api}/{case}/{packet size}."""
    app = web.Application()
    app.router.add_post("/{api}/{case}/{size}/{rest:.*}", _play)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def read(player: str, stream: str, size: int) -> dict[str, Any]:
    """What an adapter makes of a stream."""
    api, _, case = stream.partition("/")
    name = APIS[api][0]
    model = OpenAiModel(
        KINDS[api],
        base_url=f"{player}/{api}/{case}/{size}",
        api_key="k",
        deployments=Deployments(primary=name, secondary=name),
    )
    text, told = "", {}
    try:
        async with model.stream(ASKED) as events:
            async for event in events:
                if isinstance(event, RoundFinished):
                    told = to_json(event)
                else:
                    text += event.text
    except ModelFailed as fault:
        told = {"failed": fault.code.value, "may_repeat": fault.may_repeat}
    finally:
        await model.close()
    return {"text": text, **told}


@pytest.mark.requirement("process:golden-streams")
@pytest.mark.parametrize("packets", PACKETS)
@pytest.mark.parametrize("stream", STREAMS)
async def test_a_recorded_stream_is_read_as_expected(player: str, stream: str, packets: str) -> None:
    """Text, end, calls with their arguments, usage with cached tokens and cost, thoughts; or the typed failure."""
    assert await read(player, stream, PACKETS[packets]) == EXPECTED[stream]


@pytest.mark.requirement("process:golden-streams")
def test_both_flavours_have_the_same_stories() -> None:
    """Every case of the recorder, one that follows the providers' documents, and one of another maker's server."""
    cases = {api: {stream.partition("/")[2] for stream in STREAMS if stream.startswith(f"{api}/")} for api in KINDS}

    assert cases["chat_completions"] == cases["responses"]
    assert cases["responses"] == {*RECORDED, "documented_call", "smollm2_plain"}
    assert set(EXPECTED) == set(STREAMS)
    for case in RECORDED:
        chat, other = (EXPECTED[f"{api}/{case}"] for api in KINDS)
        assert [chat.get(name) for name in ("text", "reason", "failed", "may_repeat", "calls")] == [
            other.get(name) for name in ("text", "reason", "failed", "may_repeat", "calls")
        ]


async def test_an_end_that_no_document_names_is_no_end() -> None:
    """Another maker's server may say `abort`: what came so far is no answer, and the round is tried again."""
    lines: list[dict[str, Any]] = [{"delta": {"content": "Half an ans"}}, {"delta": {}, "finish_reason": "abort"}]

    async def chunks() -> AsyncIterator[ChatCompletionChunk]:
        for line in lines:
            yield ChatCompletionChunk.construct(id="1", model="m", choices=[{"index": 0, **line}])

    with pytest.raises(ModelFailed) as fault:
        [event async for event in CHAT_COMPLETIONS.events(chunks(), "m")]

    assert fault.value.may_repeat


WAITS: dict[str, tuple[dict[str, str], float | None]] = {
    "seconds": ({"retry-after": "7"}, 7.0),
    "a date": ({"retry-after": "Mon, 05 Jan 2026 09:00:42 GMT", "date": "Mon, 05 Jan 2026 09:00:00 GMT"}, 42.0),
    "a date that is over": (
        {"retry-after": "Mon, 05 Jan 2026 08:00:00 GMT", "date": "Mon, 05 Jan 2026 09:00:00 GMT"},
        0.0,
    ),
    "words": ({"retry-after": "soon", "date": "Mon, 05 Jan 2026 09:00:00 GMT"}, None),
    "nothing": ({}, None),
}


@pytest.mark.requirement("process:model-failures")
@pytest.mark.parametrize("case", WAITS)
def test_a_wait_is_read_in_either_of_its_forms(case: str) -> None:
    """Seconds, or a date by the server's own clock; what is neither names no time."""
    headers, seconds = WAITS[case]
    response = httpx2.Response(429, headers=headers, request=httpx2.Request("POST", "https://model.example/v1"))

    assert failure(openai.RateLimitError("busy", response=response, body=None)).retry_after_s == seconds

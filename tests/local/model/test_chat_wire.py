"""The Chat Completions wire is what the official client and Azure's chunk order need."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from .conftest import ANSWERING, CALL, PIPELINE, QUESTION, SYSTEM, TOLD, RunningModel

TOOLS: list[Any] = [{"type": "function", "function": PIPELINE}]
ASKING: list[Any] = [SYSTEM, QUESTION]


async def _chunks(model: RunningModel, messages: list[Any], **how: Any) -> list[Any]:
    how.setdefault("model", "gpt-4.1-mini")
    stream = await model.client.chat.completions.create(
        messages=messages, stream=True, stream_options={"include_usage": True}, **how
    )
    async with stream:
        return [chunk async for chunk in stream]


async def test_a_question_becomes_a_streamed_tool_call(model: RunningModel) -> None:
    """Azure's filter chunk, the role, the call in pieces, the finish, the usage."""
    first, role, begin, *pieces, finish, usage = await _chunks(model, ASKING, tools=TOOLS)

    assert first.choices == []
    assert first.model_extra["prompt_filter_results"][0]["prompt_index"] == 0
    assert role.choices[0].delta.role == "assistant"
    call = begin.choices[0].delta.tool_calls[0]
    assert (call.index, call.function.name, call.function.arguments) == (0, "sfdc__pipeline_summary", "")
    assert call.id.startswith("call_")
    parts = [one.choices[0].delta.tool_calls[0] for one in pieces]
    assert all(part.index == 0 and part.id is None and part.function.name is None for part in parts)
    assert len(parts) > 3
    arguments = "".join(part.function.arguments for part in parts)
    assert json.loads(arguments) == {"owner": "me", "quarter": "this"}
    assert finish.choices[0].finish_reason == "tool_calls"
    assert usage.choices == []
    assert usage.usage.completion_tokens == len(parts)
    assert usage.usage.total_tokens == usage.usage.prompt_tokens + usage.usage.completion_tokens


async def test_an_answer_comes_in_many_small_pieces(model: RunningModel) -> None:
    """Of a few characters each, at least sixty."""
    chunks = await _chunks(model, ANSWERING, tools=TOOLS)

    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(pieces) >= 60
    assert max(len(piece) for piece in pieces) < 12
    assert "| Negotiation | 200,000 |" in "".join(pieces)


async def test_the_same_request_always_gives_the_same_answer(model: RunningModel) -> None:
    """Streamed or whole, under both paths."""
    chunks = await _chunks(model, ANSWERING, tools=TOOLS)
    streamed = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    azure = openai.AsyncOpenAI(base_url=f"{model.base}/openai/v1", api_key="any")

    async with azure:
        whole = await azure.chat.completions.create(model="gpt-4.1-mini", messages=ANSWERING, tools=TOOLS)
    assert whole.choices[0].message.content == streamed
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage
    assert whole.usage.completion_tokens > 60


async def test_a_whole_answer_carries_its_calls(model: RunningModel) -> None:
    """Not only streams do."""
    whole = await model.client.chat.completions.create(model="m", messages=ASKING, tools=TOOLS)

    message = whole.choices[0].message
    assert message.content is None
    assert message.tool_calls
    assert message.tool_calls[0].type == "function"
    assert whole.choices[0].finish_reason == "tool_calls"


async def test_the_stream_ends_with_done_and_without_usage_unless_asked(model: RunningModel) -> None:
    """As OpenAI does."""
    status, lines = await model.raw(
        "/openai/deployments/gpt-4.1-mini/chat/completions?api-version=2024-10-21",
        {"messages": ASKING, "stream": True},
    )

    assert status == 200
    assert lines[-1] == "data: [DONE]"
    assert all("usage" not in json.loads(line[6:]) for line in lines[:-1])


async def test_a_limit_of_tokens_ends_the_answer_with_length(model: RunningModel) -> None:
    """Exactly that many are sent."""
    chunks = await _chunks(model, ANSWERING, tools=TOOLS, max_completion_tokens=7)

    assert chunks[-1].usage.completion_tokens == 7
    assert chunks[-2].choices[0].finish_reason == "length"


async def test_a_repeated_prefix_counts_as_cached(model: RunningModel) -> None:
    """The usage of the second request says so."""
    long = [{"role": "system", "content": "Be kind. " * 600}, QUESTION]
    first = (await _chunks(model, long))[-1].usage
    second = (await _chunks(model, [*long[:1], {"role": "user", "content": "Something else"}]))[-1].usage

    assert first.prompt_tokens_details.cached_tokens == 0
    assert second.prompt_tokens_details.cached_tokens >= 1024
    assert second.prompt_tokens_details.cached_tokens % 128 == 0


async def test_models_are_listed(model: RunningModel) -> None:
    """The default and its successors."""
    assert {"gpt-4.1-mini", "gpt-4.1-mini-2"} <= {one.id for one in (await model.client.models.list()).data}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "robot", "content": ""}]}, "Invalid role 'robot'"),
        ({"messages": [QUESTION, CALL]}, "must be followed by tool messages"),
        ({"messages": [QUESTION, CALL, QUESTION]}, "must be followed by tool messages"),
        ({"messages": [QUESTION, TOLD]}, "must be a response to a preceding message"),
        ({"messages": ASKING, "tools": [{"type": "function", "function": {"name": "a b"}}]}, "Invalid function name"),
        ({"messages": ASKING, "tools": TOOLS * 129}, "At most 128 tools"),
        ({"messages": ASKING, "model": ""}, "model"),
        ({"messages": ASKING, "model": "gpt-5.4-mini", "temperature": 0.2}, "'temperature' is not supported"),
        ({"messages": ASKING, "model": "gpt-5.4-mini", "max_tokens": 5}, "'max_tokens' is not supported"),
        ({"messages": ASKING, "model": "gpt-5.4-mini", "tools": TOOLS}, "use /v1/responses"),
    ],
)
async def test_requests_that_openai_refuses_are_refused(model: RunningModel, body: dict[str, Any], told: str) -> None:
    """Mistakes of the app show locally."""
    status, lines = await model.raw("/v1/chat/completions", {"model": "gpt-4.1-mini", **body})

    assert status == 400
    assert told in json.loads("".join(lines))["error"]["message"]


async def test_a_client_that_goes_away_stops_the_generation_at_once(model: RunningModel) -> None:
    """The log shows how far it came, and that it went no further."""
    await model.pace(200)
    stream = await model.client.chat.completions.create(model="m", messages=ANSWERING, stream=True)
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    await stream.close()

    async with asyncio.timeout(5):
        while not (entry := (await model.requests())[-1])["ended_at"]:
            await asyncio.sleep(0.01)
    assert entry["cancelled"] is True
    assert 1 <= entry["tokens_sent"] < entry["tokens_planned"]


async def test_the_first_piece_is_out_long_before_the_last(model: RunningModel) -> None:
    """The pace is kept over the whole answer."""
    await model.pace(300)
    await _chunks(model, ANSWERING)

    entry = (await model.requests())[-1]
    assert entry["finished"] is True
    lasted = entry["last_token_at"] - entry["first_token_at"]
    assert lasted >= 0.9 * (entry["tokens_sent"] - 1) / 300


async def test_the_log_tells_what_was_asked_and_the_words_only_on_request(model: RunningModel) -> None:
    """Tests see roles, tools and figures; texts when they want to."""
    await _chunks(model, ANSWERING, tools=TOOLS)
    entry = (await model.requests(last="1"))[0]
    with_words = (await model.requests(messages="1"))[0]

    assert entry["roles"] == ["system", "user", "assistant", "tool"]
    assert entry["tools"] == ["sfdc__pipeline_summary"]
    assert entry["tokens_sent"] == entry["tokens_planned"] > 60
    assert (entry["finish_reason"], entry["status"], entry["fault"]) == ("stop", 200, "")
    assert "messages" not in entry
    assert with_words["messages"][1]["content"] == "How is my pipeline this quarter?"
    async with model.http.delete(model.base + "/_requests") as response:
        assert response.status == 204
    assert await model.requests() == []

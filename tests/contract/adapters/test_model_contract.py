"""What every ChatModel does: the fake from a script, the real adapter against a server that speaks the API."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from shared.adapters.chat_completions import ChatCompletions, Deployments, _failure
from shared.adapters.memory.model import MemoryModel
from shared.domain.conversation import Usage
from shared.domain.errors import ErrorCode, ModelFailed
from shared.domain.model import ModelRequest, RoundFinished, Said, TextDelta
from shared.domain.tools import RequestedCall, ToolSpec
from shared.ports import ChatModel

from .conftest import Part

PIPELINE = ToolSpec(
    server="sfdc",
    name="pipeline_summary",
    title="Pipeline",
    description="Summarise the open pipeline by stage",
    input_schema={"type": "object", "properties": {"owner": {"type": "string"}}},
)
QUESTION = ModelRequest(system="You coach.", said=(Said(role="user", text="How is my pipeline this quarter?"),))
USED = Usage(input_tokens=1, output_tokens=1, rounds=1)


@pytest.fixture(params=["fake", "real"])
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[ChatModel]:
    """A model that answers in pieces, or asks for the tool that it is offered."""
    if request.param == "fake":
        yield MemoryModel(
            [[TextDelta("Hello "), TextDelta("there."), RoundFinished(reason="stop", model="m", usage=USED)]]
        )
        return
    part: Part = request.getfixturevalue("model")
    part.ask("DELETE", "/_faults")
    real = adapter(part)
    yield real
    await real.close()


def adapter(part: Part) -> ChatCompletions:
    """The real adapter on the stand-in."""
    names = Deployments(primary="gpt-4.1-mini", secondary="gpt-4.1-mini-2")
    return ChatCompletions(base_url=f"{part.url}/v1", api_key="k", deployments=names)


def requests(part: Part) -> list[dict[str, Any]]:
    """What the stand-in was asked."""
    return part.ask("GET", "/_requests")["requests"]


async def listen(chat: ChatModel, request: ModelRequest) -> tuple[str, RoundFinished]:
    """Read a stream to its end."""
    text = ""
    async with chat.stream(request) as events:
        async for event in events:
            if isinstance(event, RoundFinished):
                return text, event
            text += event.text
    raise AssertionError("no end")


async def test_an_answer_comes_in_pieces_and_ends_with_its_usage(chat: ChatModel) -> None:
    """Deltas, then the model's own end."""
    text, finished = await listen(chat, QUESTION)

    assert text
    assert finished.reason == "stop"
    assert finished.calls == ()
    assert finished.usage.rounds == 1
    assert finished.usage.input_tokens > 0


async def test_secondary_and_primary_have_names(chat: ChatModel) -> None:
    """The person is told which model answers."""
    assert chat.name(secondary=False) != chat.name(secondary=True)


@pytest.fixture
async def real(model: Part) -> AsyncIterator[ChatCompletions]:
    """The real adapter, no faults set."""
    model.ask("DELETE", "/_faults")
    adapted = adapter(model)
    yield adapted
    await adapted.close()
    model.ask("DELETE", "/_faults")


async def test_offered_tools_are_asked_for_with_arguments(real: ChatCompletions) -> None:
    """The call arrives whole, under its offered name."""
    request = ModelRequest(system=QUESTION.system, said=QUESTION.said, tools=(PIPELINE,))

    _, finished = await listen(real, request)

    assert finished.reason == "tool_calls"
    assert [call.name for call in finished.calls] == ["sfdc__pipeline_summary"]
    assert isinstance(finished.calls[0], RequestedCall)


async def test_a_usage_is_priced_by_the_registry(real: ChatCompletions) -> None:
    """Known models have a cost."""
    _, finished = await listen(real, QUESTION)

    assert finished.usage.cost


FAULTS: dict[str, tuple[dict[str, Any], ErrorCode, bool, float | None]] = {
    "429 with Retry-After": (
        {"mode": "http", "status": 429, "retry_after": 5},
        ErrorCode.MODEL_UNAVAILABLE,
        True,
        5.0,
    ),
    "500": ({"mode": "http", "status": 500}, ErrorCode.MODEL_UNAVAILABLE, True, None),
    "retired": ({"mode": "http", "status": 404}, ErrorCode.MODEL_UNAVAILABLE, True, None),
    "refused request": ({"mode": "http", "status": 400}, ErrorCode.MODEL_UNAVAILABLE, False, None),
    "cut in mid-stream": ({"cut_after_tokens": 3}, ErrorCode.MODEL_UNAVAILABLE, True, None),
    "an end without a finish": ({"eof_without_finish_after": 3}, ErrorCode.MODEL_UNAVAILABLE, True, None),
    "an error event": ({"error_event_after": 3}, ErrorCode.MODEL_UNAVAILABLE, True, None),
}


@pytest.mark.requirement("process:model-failures")
@pytest.mark.parametrize("case", FAULTS)
async def test_each_failure_is_a_typed_outcome_after_one_request(real: ChatCompletions, model: Part, case: str) -> None:
    """The SDK retries nothing: the turn machine has the one layer of waiting."""
    fault, code, may_repeat, retry_after_s = FAULTS[case]
    model.ask(
        "POST",
        "/_faults",
        {**fault, "count": 1} if "mode" in fault else {"mode": next(iter(fault)), **fault, "count": 1},
    )
    model.ask("DELETE", "/_requests")

    with pytest.raises(ModelFailed) as failed:
        await listen(real, QUESTION)

    assert (failed.value.code, failed.value.may_repeat) == (code, may_repeat)
    assert failed.value.retry_after_s == retry_after_s
    assert len(requests(model)) == 1


async def test_leaving_the_stream_stops_the_model(real: ChatCompletions, model: Part) -> None:
    """A cancel reaches the provider: it sees the connection go."""
    model.ask("POST", "/_faults", {"mode": "slow", "tokens_per_second": 5, "count": 1})
    model.ask("DELETE", "/_requests")

    async with real.stream(QUESTION) as events:
        await anext(events)

    async with asyncio.timeout(5):
        while True:
            if (await asyncio.to_thread(requests, model))[0]["cancelled"]:
                break


def errors(root: type[Exception]) -> set[type[Exception]]:
    """An exception and all that derive from it."""
    return {root}.union(*(errors(child) for child in root.__subclasses__()))


def test_every_error_of_the_sdk_has_a_meaning() -> None:
    """The map is complete: no vendor error escapes untyped."""
    for kind in errors(openai.OpenAIError):
        if issubclass(kind, openai.APIStatusError):
            continue
        fault = kind.__new__(kind)
        assert isinstance(fault, openai.OpenAIError)

        assert isinstance(_failure(fault), ModelFailed)

"""What every ChatModel does: the fake from a script, the real adapter against a server that speaks the API."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import openai
import pytest

from shared.adapters.memory.model import MemoryModel
from shared.adapters.open_ai.chat_completions import CHAT_COMPLETIONS
from shared.adapters.open_ai.choice import ModelChoice
from shared.adapters.open_ai.client import Api, OpenAiModel, failure
from shared.adapters.open_ai.responses import RESPONSES
from shared.domain.conversation import Usage
from shared.domain.errors import ErrorCode, ModelFailed
from shared.domain.model import CallMade, ModelRequest, RoundFinished, Said, TextDelta, WantedShape
from shared.domain.models import Deployments, Flavour, spec_of
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


APIS: dict[str, tuple[Api, Deployments]] = {
    "chat_completions": (CHAT_COMPLETIONS, Deployments(primary="gpt-4.1-mini", secondary="gpt-4.1-mini-2")),
    "responses": (RESPONSES, Deployments(primary="gpt-5.4-mini", secondary="gpt-5.4-mini-2")),
}


@pytest.fixture(params=["fake", *APIS])
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[ChatModel]:
    """A model that answers in pieces, or asks for the tool that it is offered."""
    if request.param == "fake":
        yield MemoryModel(
            [[TextDelta("Hello "), TextDelta("there."), RoundFinished(reason="stop", model="m", usage=USED)]]
        )
        return
    part: Part = request.getfixturevalue("model")
    part.ask("DELETE", "/_faults")
    real = adapter(part, request.param)
    yield real
    await real.close()


def adapter(part: Part, api: str) -> OpenAiModel:
    """A real adapter on the stand-in."""
    its, names = APIS[api]
    return OpenAiModel(its, base_url=f"{part.url}/v1", api_key="k", deployments=names)


def requests(part: Part) -> list[dict[str, Any]]:
    """What the stand-in was asked."""
    return part.ask("GET", "/_requests?messages=1")["requests"]


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


@pytest.fixture(params=APIS)
async def real(request: pytest.FixtureRequest, model: Part) -> AsyncIterator[OpenAiModel]:
    """Each real adapter, no faults set."""
    model.ask("DELETE", "/_faults")
    model.ask("DELETE", "/_requests")
    adapted = adapter(model, request.param)
    yield adapted
    await adapted.close()
    model.ask("DELETE", "/_faults")


async def test_offered_tools_are_asked_for_with_arguments(real: OpenAiModel) -> None:
    """The call arrives whole, under its offered name."""
    request = ModelRequest(system=QUESTION.system, said=QUESTION.said, tools=(PIPELINE,))

    _, finished = await listen(real, request)

    assert finished.reason == "tool_calls"
    assert [call.name for call in finished.calls] == ["sfdc__pipeline_summary"]
    assert isinstance(finished.calls[0], RequestedCall)


async def test_a_usage_is_priced_by_the_registry(real: OpenAiModel) -> None:
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
    "gone": ({"mode": "http", "status": 410}, ErrorCode.MODEL_UNAVAILABLE, True, None),
    "a filtered question": ({"mode": "content_filter_prompt"}, ErrorCode.BLOCKED, False, None),
    "a conversation too long": ({"mode": "context_length"}, ErrorCode.TOO_LARGE, False, None),
    "cut in mid-stream": ({"cut_after_tokens": 3}, ErrorCode.MODEL_UNAVAILABLE, True, None),
    "an end without a finish": ({"eof_without_finish_after": 3}, ErrorCode.MODEL_UNAVAILABLE, True, None),
    "an error event": ({"error_event_after": 3}, ErrorCode.MODEL_UNAVAILABLE, True, None),
}


@pytest.mark.requirement("process:model-failures")
@pytest.mark.parametrize("case", FAULTS)
async def test_each_failure_is_a_typed_outcome_after_one_request(real: OpenAiModel, model: Part, case: str) -> None:
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


@pytest.mark.requirement("process:model-ends")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [("content_filter_after", "content_filter"), ("length_after", "length"), ("refusal", "content_filter")],
)
async def test_a_filter_a_limit_and_a_refusal_are_ends_and_no_failures(
    real: OpenAiModel, model: Part, fault: str, reason: str
) -> None:
    """What was said by then is kept; nothing is tried again."""
    extra = {fault: 3} if fault.endswith("_after") else {}
    model.ask("POST", "/_faults", {"mode": fault, "count": 1, **extra})

    text, finished = await listen(real, QUESTION)

    assert finished.reason == reason
    assert text
    assert finished.usage.output_tokens > 0
    assert len(requests(model)) == 1


async def test_several_calls_of_one_round_arrive_whole(real: OpenAiModel, model: Part) -> None:
    """Parallel calls, each with its own arguments."""
    model.ask("POST", "/_faults", {"mode": "many_calls", "calls": 5, "count": 1})

    _, finished = await listen(real, ModelRequest(system="You coach.", said=QUESTION.said, tools=(PIPELINE,)))

    assert len(finished.calls) == 5
    assert all(json.loads(call.arguments_json) is not None for call in finished.calls)


async def test_results_lead_to_an_answer_in_the_next_round(real: OpenAiModel) -> None:
    """A reasoning model gets its thoughts back before its calls; the stand-in refuses a round without."""
    first = ModelRequest(system="You coach.", said=QUESTION.said, tools=(PIPELINE,))
    _, asked = await listen(real, first)

    text, finished = await listen(real, second_round(first, asked))

    assert finished.reason == "stop"
    assert "7" in text
    assert (asked.thoughts is not None) == (spec_of(real.name(secondary=False)).flavour == "responses")


def second_round(first: ModelRequest, asked: RoundFinished) -> ModelRequest:
    """The same question, with what the first round called and what came of it."""
    made = tuple(
        CallMade(call_id=f"call_0_{number}", name=call.name, arguments_json=call.arguments_json)
        for number, call in enumerate(asked.calls)
    )
    results = tuple(Said(role="tool", text='{"open_deals": 7}', call_id=call.call_id) for call in made)
    called = Said(role="assistant", text="", calls=made, thoughts=asked.thoughts)
    return ModelRequest(system=first.system, said=(*first.said, called, *results), tools=first.tools)


@pytest.mark.requirement("process:model-switch")
@pytest.mark.parametrize(("begins", "goes_on"), [("gpt-5.4-mini", "gpt-4.1-mini"), ("gpt-4.1-mini", "gpt-5.4-mini")])
async def test_a_round_may_be_followed_by_a_model_of_the_other_flavour(model: Part, begins: str, goes_on: str) -> None:
    """Thoughts are sealed for the model that had them; another one goes on from the calls and their results."""
    model.ask("DELETE", "/_faults")
    model.ask("DELETE", "/_requests")
    first = ModelRequest(system="You coach.", said=QUESTION.said, tools=(PIPELINE,))
    names = Deployments(primary=begins, secondary=goes_on)
    built: list[OpenAiModel] = []

    def build(flavour: Flavour) -> ChatModel:
        built.append(OpenAiModel(APIS[flavour][0], base_url=f"{model.url}/v1", api_key="k", deployments=names))
        return built[-1]

    chat = ModelChoice(names, build)
    _, asked = await listen(chat, first)
    text, _ = await listen(chat, replace(second_round(first, asked), use_secondary=True))
    for real in built:
        await real.close()

    assert "7" in text
    assert [entry["model"] for entry in requests(model)] == [begins, goes_on]
    assert len({entry["api"] for entry in requests(model)}) == 2


async def test_small_tasks_go_to_the_utility_model_in_the_shape_that_is_wanted(real: OpenAiModel, model: Part) -> None:
    """Titles, charts and summaries cost little; of the family of the model that answers."""
    schema = {
        "type": "object",
        "properties": {"labels": {"type": "array", "items": {"type": "string"}}},
        "required": ["labels"],
        "additionalProperties": False,
    }
    request = replace(QUESTION, purpose="utility", shape=WantedShape(name="chart", schema=schema))

    text, _ = await listen(real, request)

    assert set(json.loads(text)) == {"labels"}
    assert requests(model)[0]["model"].endswith("-nano")


async def test_leaving_the_stream_stops_the_model(real: OpenAiModel, model: Part) -> None:
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

        assert isinstance(failure(fault), ModelFailed)

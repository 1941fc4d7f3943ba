"""The Responses wire is what the official client needs, and follows the rules of reasoning models."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from .conftest import PIPELINE, RESULT, RunningModel

TOOLS: list[Any] = [{"type": "function", "strict": False, **PIPELINE}]
QUESTION: dict[str, Any] = {"role": "user", "content": "How is my pipeline this quarter?"}
CALL: dict[str, Any] = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "sfdc__pipeline_summary",
    "arguments": "{}",
}
TOLD: dict[str, Any] = {"type": "function_call_output", "call_id": "call_1", "output": RESULT}
REASONING: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": []}
ANSWERING: list[Any] = [QUESTION, CALL, TOLD]


async def _events(model: RunningModel, items: Any, name: str = "gpt-4.1-mini", **how: Any) -> list[Any]:
    stream = await model.client.responses.create(
        model=name,
        input=items,
        tools=TOOLS,
        instructions="You are a coach. Today is 2026-05-15.",
        store=False,
        stream=True,
        **how,
    )
    return [event async for event in stream]


async def test_a_call_comes_in_the_documented_order(model: RunningModel) -> None:
    """Created, in progress, the item, its arguments in pieces and whole, the item whole, completed."""
    events = await _events(model, [QUESTION])

    kinds = [event.type for event in events]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert set(kinds[3:-3]) == {"response.function_call_arguments.delta"}
    assert kinds[-3:] == [
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = "".join(event.delta for event in events if event.type.endswith("arguments.delta"))
    assert json.loads(deltas) == json.loads(events[-3].arguments) == {"owner": "me", "quarter": "this"}
    item = events[-1].response.output[0]
    assert (item.type, item.name, item.status) == ("function_call", "sfdc__pipeline_summary", "completed")


async def test_an_answer_comes_in_the_documented_order(model: RunningModel) -> None:
    """The same text in pieces, in the done events and in the response."""
    events = await _events(model, ANSWERING)

    kinds = [event.type for event in events]
    assert kinds[2:4] == ["response.output_item.added", "response.content_part.added"]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(pieces) >= 60
    response = events[-1].response
    assert "".join(pieces) == events[-4].text == response.output_text
    assert response.usage.output_tokens == len(pieces)
    assert "| Negotiation | 200,000 |" in response.output_text


async def test_both_apis_say_the_same(model: RunningModel) -> None:
    """One coach behind two wires."""
    whole = await model.client.responses.create(model="m", input=ANSWERING, tools=TOOLS)
    messages: list[Any] = [
        QUESTION,
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "sfdc__pipeline_summary", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": RESULT},
    ]
    chat = await model.client.chat.completions.create(model="m", messages=messages)

    assert whole.output_text == chat.choices[0].message.content
    assert whole.status == "completed"


async def test_a_reasoning_model_wants_its_reasoning_back(model: RunningModel) -> None:
    """Its item comes first, sealed when asked for, and must come back with the calls."""
    events = await _events(model, [QUESTION], "gpt-5.4-mini", include=["reasoning.encrypted_content"])
    first = events[-1].response.output[0]
    assert first.type == "reasoning"
    assert first.encrypted_content

    with pytest.raises(openai.BadRequestError, match="without its required 'reasoning' item"):
        await _events(model, ANSWERING, "gpt-5.4-mini")
    answered = await _events(model, [QUESTION, REASONING, CALL, TOLD], "gpt-5.4-mini")
    assert answered[-1].type == "response.completed"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"model": "gpt-5.4-mini", "temperature": 0.2}, "'temperature' is not supported"),
        ({"previous_response_id": "resp_1"}, "'previous_response_id' is not supported here"),
        ({"input": []}, "'input' must be"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "Items of type 'item_reference'"),
        ({"input": [QUESTION, CALL]}, "No tool output found for function call call_1"),
        ({"input": [QUESTION, TOLD]}, "No tool call found"),
        ({"tools": [{"type": "web_search"}]}, "Tools of type 'web_search'"),
    ],
)
async def test_requests_that_cannot_be_served_are_refused(model: RunningModel, how: dict[str, Any], told: str) -> None:
    """As OpenAI does, or because the stand-in keeps no state."""
    status, lines = await model.raw("/v1/responses", {"model": "gpt-4.1-mini", "input": "Hello", **how})

    assert status == 400
    assert told in json.loads("".join(lines))["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "reason"), [("length_after", "max_output_tokens"), ("content_filter_after", "content_filter")]
)
async def test_an_answer_can_stay_incomplete(model: RunningModel, fault: str, reason: str) -> None:
    """The last event says why."""
    await model.fault(mode=fault, after=5, count=1)

    events = await _events(model, ANSWERING)

    assert events[-1].type == "response.incomplete"
    assert events[-1].response.incomplete_details.reason == reason
    assert events[-1].response.output[0].content[0].text


async def test_the_breaks_of_the_other_api_exist_here_too(model: RunningModel) -> None:
    """Cut, silent end, error event, refusal."""
    await model.fault(cut_after_tokens=5, count=1)
    with pytest.raises(openai.APIConnectionError):
        await _events(model, ANSWERING)

    await model.fault(eof_without_finish_after=5, count=1)
    assert (await _events(model, ANSWERING))[-1].type == "response.output_text.delta"

    await model.fault(error_event_after=5, count=1)
    assert (await _events(model, ANSWERING))[-1].type == "error"

    await model.fault(mode="refusal", count=1)
    refused = await _events(model, ANSWERING)
    assert refused[-1].response.output[0].content[0].refusal.startswith("I'm sorry")


async def test_a_limit_of_tokens_holds(model: RunningModel) -> None:
    """Exactly that many are sent."""
    events = await _events(model, ANSWERING, max_output_tokens=6)

    assert events[-1].response.usage.output_tokens == 6
    assert events[-1].response.status == "incomplete"

"""Stream one round through the Responses API, stateless: every item is sent again, nothing is kept there."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

from shared.adapters.open_ai.client import TEMPERATURE, Api
from shared.domain import model_faults
from shared.domain.conversation import Usage
from shared.domain.errors import ModelFailed
from shared.domain.model import FinishReason, ModelEvent, ModelRequest, RoundFinished, Said, TextDelta
from shared.domain.models import cost, spec_of
from shared.domain.tools import RequestedCall, ToolSpec

_TEXT = frozenset({"response.output_text.delta", "response.refusal.delta"})
_ENDS = frozenset({"response.completed", "response.incomplete"})
_FAULTS = frozenset({"response.failed", "error"})
_INCOMPLETE: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}


def _arguments(name: str, request: ModelRequest) -> dict[str, Any]:
    spec = spec_of(name)
    arguments: dict[str, Any] = {
        "model": name,
        "instructions": request.system,
        "input": [item for said in request.said for item in _items(said, name)],
        "max_output_tokens": spec.answer_tokens,
        "store": False,
        "stream": True,
    }
    if request.tools:
        arguments["tools"] = [_tool(tool) for tool in request.tools]
    if request.shape is not None:
        shape = {"name": request.shape.name, "schema": request.shape.schema, "strict": True}
        arguments["text"] = {"format": {"type": "json_schema", **shape}}
    if spec.reasons:
        arguments["include"] = ["reasoning.encrypted_content"]
        arguments["reasoning"] = {"effort": spec.effort}
    if spec.takes_temperature:
        arguments["temperature"] = TEMPERATURE
    return arguments


def _items(said: Said, name: str) -> Iterator[dict[str, Any]]:
    """Write one entry as items: thoughts come before the words and calls that came of them."""
    if said.role == "tool":
        yield {"type": "function_call_output", "call_id": said.call_id, "output": said.text}
        return
    thoughts, ids = _thoughts(said.thoughts, name)
    yield from thoughts
    if said.text:
        yield {"role": said.role, "content": said.text}
    for index, call in enumerate(said.calls):
        item = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments_json}
        # With its id a call must follow its own thoughts; without, it may come from another model.
        yield item | {"id": ids[index]} if index < len(ids) else item


def _thoughts(kept: str | None, name: str) -> tuple[Sequence[dict[str, Any]], Sequence[str]]:
    """Give a round's thoughts back to the model that had them; they are sealed, and no other can read them."""
    thoughts: dict[str, Any] = json.loads(kept) if kept else {"of": None}
    return (thoughts["items"], thoughts["ids"]) if thoughts["of"] == name else ([], [])


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.offered_name,
        "description": tool.description,
        "parameters": tool.input_schema,
        # The servers' schemas are any JSON Schema; strict mode takes a subset only.
        "strict": False,
    }


class _Gathered:
    """Put a stream's items together."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: list[RequestedCall] = []
        self._ids: list[str] = []
        self._thoughts: list[dict[str, Any]] = []
        self._refused = False
        self.finished: RoundFinished | None = None

    def take(self, event: Any) -> str:
        """Take an event and give its text.

        Raises:
            ModelFailed: the event says that the model failed.
        """
        if event.type in _TEXT:
            self._refused = self._refused or event.type == "response.refusal.delta"
            return event.delta
        if event.type == "response.output_item.done":
            self._add(event.item)
        elif event.type in _ENDS:
            self.finished = self._end(event.response)
        elif event.type in _FAULTS:
            error = event if event.type == "error" else event.response.error
            raise _reported(error.code if error is not None else None)
        return ""

    def _add(self, item: Any) -> None:
        if item.type == "function_call":
            self._calls.append(RequestedCall(name=item.name, arguments_json=item.arguments))
            self._ids.append(item.id)
        elif item.type == "reasoning" and item.encrypted_content:
            self._thoughts.append(item.model_dump(mode="json", exclude_none=True, exclude={"status"}))

    def _end(self, response: Any) -> RoundFinished:
        usage = Usage(rounds=1)
        if response.usage is not None:
            usage = Usage(
                input_tokens=response.usage.input_tokens,
                cached_tokens=response.usage.input_tokens_details.cached_tokens,
                output_tokens=response.usage.output_tokens,
                rounds=1,
            )
        calls = tuple(self._calls)
        kept = {"of": self._name, "items": self._thoughts, "ids": self._ids}
        return RoundFinished(
            reason=self._reason(response),
            model=response.model or self._name,
            usage=replace(usage, cost=cost(spec_of(self._name), usage)),
            calls=calls,
            thoughts=json.dumps(kept) if calls and self._thoughts else None,
        )

    def _reason(self, response: Any) -> FinishReason:
        if response.status == "incomplete":
            why = response.incomplete_details.reason if response.incomplete_details else None
            return _INCOMPLETE.get(why or "", "length")
        if self._refused:
            # A refusal is said in words, and ends as what it is.
            return "content_filter"
        return "tool_calls" if self._calls else "stop"


async def _events(events: AsyncIterator[Any], name: str) -> AsyncIterator[ModelEvent]:
    gathered = _Gathered(name)
    async for event in events:
        text = gathered.take(event)
        if text:
            yield TextDelta(text)
    if gathered.finished is None:
        raise model_faults.broken_off()
    yield gathered.finished


def _reported(code: str | None) -> ModelFailed:
    """Say what an error inside a stream means; most of them are the server's and pass."""
    if code in ("content_filter", "context_length_exceeded"):
        return model_faults.of_code(code)
    return model_faults.silent()


RESPONSES = Api(create=lambda client: client.responses.create, arguments=_arguments, events=_events)

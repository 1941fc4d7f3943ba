"""Stream one round through the Chat Completions API, of Azure OpenAI or of any server that speaks it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from openai.types.chat import ChatCompletionChunk

from shared.adapters.open_ai.client import TEMPERATURE, Api
from shared.domain import model_faults
from shared.domain.conversation import Usage
from shared.domain.model import FinishReason, ModelEvent, ModelRequest, RoundFinished, Said, TextDelta
from shared.domain.models import cost, spec_of
from shared.domain.tools import RequestedCall, ToolSpec

_FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


def _arguments(name: str, request: ModelRequest) -> dict[str, Any]:
    spec = spec_of(name)
    arguments: dict[str, Any] = {
        "model": name,
        "messages": [{"role": "system", "content": request.system}, *map(_message, request.said)],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        arguments["tools"] = [_tool(tool) for tool in request.tools]
    if request.shape is not None:
        shape = {"name": request.shape.name, "schema": request.shape.schema, "strict": True}
        arguments["response_format"] = {"type": "json_schema", "json_schema": shape}
    if spec.reasons:
        # Tools are refused in this API unless the effort is none.
        arguments["reasoning_effort"] = "none" if request.tools else spec.effort
    if spec.takes_temperature:
        arguments["temperature"] = TEMPERATURE
    # Servers that are not OpenAI's know the older name better; reasoning models know the newer one alone.
    arguments["max_completion_tokens" if spec.reasons else "max_tokens"] = spec.answer_tokens
    return arguments


def _message(said: Said) -> dict[str, Any]:
    if said.role == "tool":
        return {"role": "tool", "tool_call_id": said.call_id, "content": said.text}
    message: dict[str, Any] = {"role": said.role, "content": said.text or None}
    if said.calls:
        message["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_json},
            }
            for call in said.calls
        ]
    return message


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.offered_name, "description": tool.description, "parameters": tool.input_schema}
    return {"type": "function", "function": function}


class _Gathered:
    """Put a stream's fragments together."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: dict[int, RequestedCall] = {}
        self._refused = False
        self.reason: FinishReason | None = None
        self._model = name
        self._usage = Usage(rounds=1)

    def take(self, chunk: ChatCompletionChunk) -> str:
        """Take a chunk and give its text; Azure's first and the last chunk have no choices."""
        self._model = chunk.model or self._model
        if chunk.usage is not None:
            details = chunk.usage.prompt_tokens_details
            self._usage = Usage(
                input_tokens=chunk.usage.prompt_tokens,
                cached_tokens=(details.cached_tokens or 0) if details else 0,
                output_tokens=chunk.usage.completion_tokens,
                rounds=1,
            )
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        for part in choice.delta.tool_calls or []:
            self._add(part)
        self._refused = self._refused or bool(choice.delta.refusal)
        if choice.finish_reason is not None:
            # A refusal is said in words, and ends as what it is. An end that no document names is none: some servers
            # report by it that they gave the answer up.
            self.reason = "content_filter" if self._refused else _FINISHES.get(choice.finish_reason)
        return choice.delta.content or choice.delta.refusal or ""

    def _add(self, part: Any) -> None:
        call = self._calls.get(part.index, RequestedCall(name="", arguments_json=""))
        if part.function is not None:
            call = RequestedCall(
                name=call.name + (part.function.name or ""),
                arguments_json=call.arguments_json + (part.function.arguments or ""),
            )
        self._calls[part.index] = call

    def finished(self, reason: FinishReason) -> RoundFinished:
        """Give the round's end, priced by the registry."""
        usage = replace(self._usage, cost=cost(spec_of(self._name), self._usage))
        calls = tuple(self._calls[index] for index in sorted(self._calls))
        return RoundFinished(reason=reason, model=self._model, usage=usage, calls=calls)


async def _events(chunks: AsyncIterator[ChatCompletionChunk], name: str) -> AsyncIterator[ModelEvent]:
    gathered = _Gathered(name)
    async for chunk in chunks:
        text = gathered.take(chunk)
        if text:
            yield TextDelta(text)
    if gathered.reason is None:
        # openai 3.54 ends silently when a stream breaks off cleanly.
        raise model_faults.broken_off()
    yield gathered.finished(gathered.reason)


CHAT_COMPLETIONS = Api(create=lambda client: client.chat.completions.create, arguments=_arguments, events=_events)

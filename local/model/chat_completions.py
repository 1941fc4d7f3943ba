"""Speak Chat Completions: read its requests and write its chunks (shapes as Azure OpenAI sends them)."""

from __future__ import annotations

import re
import time
from typing import Any, cast

from local.model.bad_request import BadRequest, error
from local.model.conversation import Call, Conversation, Outcome, Tool, unquoted
from local.model.events import Break, CallBegins, CallPiece, Event, Finish, Refused, Script, Text
from local.model.reasoning import check_parameters

Json = dict[str, Any]

# https://platform.openai.com/docs/api-reference/chat/create
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MOST_TOOLS = 128
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_SAFE = {"filtered": False, "severity": "safe"}
_FILTER = {"hate": _SAFE, "self_harm": _SAFE, "sexual": _SAFE, "violence": _SAFE}


def usage(prompt: int, cached: int, completion_tokens: int) -> Json:
    """Return the figures of a request in the API's words."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def writer(body: Json, identity: str) -> ChunkWriter:
    """Return the writer for the stream that `body` asks for."""
    options = cast("Json", body.get("stream_options") or {})
    return ChunkWriter(
        model=str(body["model"]),
        identity=f"chatcmpl-{identity}",
        with_usage=bool(options.get("include_usage")),
    )


def conversation(body: Json) -> Conversation:
    """Read a request.

    Raises:
        BadRequest: it is not one that OpenAI would take.
    """
    check_parameters(body, limit="max_completion_tokens")
    messages = _messages(body)
    _check_pairs(messages)
    last_question = max((at for at, one in enumerate(messages) if one["role"] == "user"), default=-1)
    calls = _calls(messages[last_question + 1 :])
    outcomes = tuple(
        Outcome(call=calls[one["tool_call_id"]], text=unquoted(text_of(one.get("content"))))
        for one in messages[last_question + 1 :]
        if one["role"] == "tool"
    )
    response_format = cast("Json", body.get("response_format") or {})
    wanted = cast("Json", response_format.get("json_schema") or {})
    return Conversation(
        system="\n".join(text_of(one.get("content")) for one in messages if one["role"] in {"system", "developer"}),
        questions=tuple(text_of(one.get("content")) for one in messages if one["role"] == "user"),
        said=tuple(text_of(one.get("content")) for one in messages if one["role"] == "assistant"),
        tools=_tools(body),
        outcomes=outcomes,
        wanted_schema=wanted.get("schema"),
    )


def text_of(content: Any) -> str:
    """Return the text of a message's content, which may come in parts."""
    if isinstance(content, list):
        parts = cast("list[Json]", content)
        return "".join(str(part.get("text", "")) for part in parts)
    return content if isinstance(content, str) else ""


class ChunkWriter:
    """Writes the chunks of one stream."""

    def __init__(self, *, model: str, identity: str, with_usage: bool) -> None:
        self._model = model
        self._identity = identity
        self._with_usage = with_usage
        self._created = int(time.time())

    def opening(self) -> list[Json]:
        """Return what comes before the first token: Azure's filter results, then the role."""
        filtered = {"prompt_index": 0, "content_filter_results": _FILTER}
        prompt = self._chunk([]) | {"id": "", "created": 0, "model": "", "prompt_filter_results": [filtered]}
        return [prompt, self._delta({"role": "assistant", "content": "", "refusal": None})]

    def chunks(self, event: Event) -> list[Json]:
        """Return the chunks of one event; breaks have none but the error."""
        if isinstance(event, Finish):
            return [self._finish(event.reason)]
        if isinstance(event, Break):
            fault = error("The server had an error while processing your request.", kind="server_error")
            return [fault] if event.kind == "error" else []
        return [self._delta(_delta_of(event))]

    def closing(self, figures: Json) -> list[Json]:
        """Return the chunk with the figures, if it was asked for."""
        return [self._chunk([]) | {"usage": figures}] if self._with_usage else []

    def _finish(self, reason: str) -> Json:
        choice: Json = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason}
        if reason == "content_filter":
            choice["content_filter_results"] = {**_FILTER, "hate": {"filtered": True, "severity": "medium"}}
        return self._chunk([choice])

    def _delta(self, delta: Json) -> Json:
        return self._chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])

    def _chunk(self, choices: list[Json]) -> Json:
        chunk: Json = {
            "id": self._identity,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "system_fingerprint": "fp_local",
            "choices": choices,
        }
        # With include_usage every chunk has the field, null but in the last.
        return chunk | {"usage": None} if self._with_usage else chunk


def _delta_of(event: Text | Refused | CallBegins | CallPiece) -> Json:
    match event:
        case Text(text):
            return {"content": text}
        case Refused(text):
            return {"refusal": text}
        case CallBegins(index, call_id, name):
            function = {"name": name, "arguments": ""}
            return {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}
        case CallPiece(index, text):
            return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}


def completion(script: Script, body: Json, identity: str, figures: Json) -> Json:
    """Return the answer to a request that does not stream."""
    events = script.events
    reason = next((event.reason for event in events if isinstance(event, Finish)), "stop")
    message: Json = {
        "role": "assistant",
        "content": "".join(event.text for event in events if isinstance(event, Text)) or None,
        "refusal": "".join(event.text for event in events if isinstance(event, Refused)) or None,
    }
    if script.calls:
        message["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_json},
            }
            for call in script.calls
        ]
    return {
        "id": f"chatcmpl-{identity}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": str(body["model"]),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": figures,
    }


def _messages(body: Json) -> list[Json]:
    messages: Any = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("'messages' must be a list with at least one message.", param="messages")
    checked: list[Json] = []
    for at, message in enumerate(cast("list[Any]", messages)):
        role: Any = cast("Json", message).get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            raise BadRequest(f"Invalid role {role!r}.", param=f"messages[{at}].role")
        checked.append(cast("Json", message))
    return checked


def _check_pairs(messages: list[Json]) -> None:
    """Refuse what OpenAI refuses: calls without results, and results without calls."""
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            call_id = str(message.get("tool_call_id", ""))
            if call_id not in open_calls:
                raise BadRequest(
                    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
                    param=f"messages[{at}].role",
                )
            open_calls.discard(call_id)
            continue
        _check_answered(open_calls, at)
        calls = cast("list[Json]", message.get("tool_calls") or [])
        open_calls = {str(call["id"]) for call in calls}
    _check_answered(open_calls, len(messages))


def _check_answered(open_calls: set[str], at: int) -> None:
    if open_calls:
        raise BadRequest(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {sorted(open_calls)}",
            param=f"messages[{at}]",
        )


def _calls(messages: list[Json]) -> dict[str, Call]:
    calls: dict[str, Call] = {}
    for message in messages:
        for call in cast("list[Json]", message.get("tool_calls") or []):
            function = cast("Json", call.get("function") or {})
            name, arguments = str(function.get("name", "")), str(function.get("arguments", ""))
            calls[str(call["id"])] = Call(name=name, arguments_json=arguments, call_id=str(call["id"]))
    return calls


def _tools(body: Json) -> tuple[Tool, ...]:
    offered = cast("list[Json]", body.get("tools") or [])
    if len(offered) > MOST_TOOLS:
        raise BadRequest(f"At most {MOST_TOOLS} tools can be offered.", param="tools")
    functions = [cast("Json", one.get("function") or {}) for one in offered]
    return tuple(tool_of(function, f"tools[{at}]") for at, function in enumerate(functions))


def tool_of(function: Json, param: str) -> Tool:
    """Read one offered function.

    Raises:
        BadRequest: its name is not one that the API takes.
    """
    name = str(function.get("name", ""))
    if not _TOOL_NAME.fullmatch(name):
        raise BadRequest(f"Invalid function name {name!r}: [a-zA-Z0-9_-], at most 64 characters.", param=param)
    return Tool(
        name=name,
        description=str(function.get("description") or ""),
        schema=cast("Json", function.get("parameters") or {}),
    )

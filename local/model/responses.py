"""Read requests of the Responses API (stateless use: the caller sends all items again)."""

from __future__ import annotations

from typing import Any, cast

from local.model.bad_request import BadRequest
from local.model.chat_completions import MOST_TOOLS, text_of, tool_of
from local.model.conversation import Call, Conversation, Outcome, Tool, unquoted
from local.model.reasoning import check_items, check_parameters

Json = dict[str, Any]

_STATEFUL = ("previous_response_id", "conversation", "background", "prompt")


def conversation(body: Json) -> Conversation:
    """Read a request.

    Raises:
        BadRequest: it is not one that OpenAI would take, or asks for what the stand-in does not keep.
    """
    for name in _STATEFUL:
        if body.get(name):
            raise BadRequest(f"{name!r} is not supported here: send all items.", param=name)
    check_parameters(body, limit="max_output_tokens")
    items = _items(body)
    check_items(str(body["model"]), items)
    instructions = text_of(body.get("instructions"))
    spoken = [(str(one.get("role")), text_of(one.get("content"))) for one in items if _kind(one) == "message"]
    system = [text for role, text in spoken if role in {"system", "developer"}]
    text_format = cast("Json", cast("Json", body.get("text") or {}).get("format") or {})
    return Conversation(
        system="\n".join(filter(None, [instructions, *system])),
        questions=tuple(text for role, text in spoken if role == "user"),
        said=tuple(text for role, text in spoken if role == "assistant"),
        tools=_tools(body),
        outcomes=_outcomes(items),
        wanted_schema=text_format.get("schema"),
    )


def _items(body: Json) -> list[Json]:
    said: Any = body.get("input")
    if isinstance(said, str):
        return [{"role": "user", "content": said}]
    if not isinstance(said, list) or not said:
        raise BadRequest("'input' must be a string or a list of items.", param="input")
    items = cast("list[Json]", said)
    for at, item in enumerate(items):
        if _kind(item) not in {"message", "function_call", "function_call_output", "reasoning"}:
            raise BadRequest(f"Items of type {_kind(item)!r} are not supported here.", param=f"input[{at}]")
    return items


def _kind(item: Json) -> str:
    return str(item.get("type") or ("message" if "role" in item else ""))


def _outcomes(items: list[Json]) -> tuple[Outcome, ...]:
    """Return the results since the last question.

    Raises:
        BadRequest: a call without a result, or a result without a call.
    """
    calls: dict[str, Call] = {}
    outcomes: dict[str, Outcome] = {}
    for item in items:
        if _kind(item) == "message" and item.get("role") == "user":
            calls, outcomes = {}, {}
        elif _kind(item) == "function_call":
            call_id = str(item.get("call_id", ""))
            arguments = str(item.get("arguments", ""))
            calls[call_id] = Call(name=str(item.get("name", "")), arguments_json=arguments, call_id=call_id)
        elif _kind(item) == "function_call_output":
            call_id = str(item.get("call_id", ""))
            if call_id not in calls:
                raise BadRequest(f"No tool call found for function call output with call_id {call_id}.", param="input")
            outcomes[call_id] = Outcome(call=calls[call_id], text=unquoted(text_of(item.get("output"))))
    missing = sorted(set(calls) - set(outcomes))
    if missing:
        raise BadRequest(f"No tool output found for function call {missing[0]}.", param="input")
    return tuple(outcomes.values())


def _tools(body: Json) -> tuple[Tool, ...]:
    offered = cast("list[Json]", body.get("tools") or [])
    if len(offered) > MOST_TOOLS:
        raise BadRequest(f"At most {MOST_TOOLS} tools can be offered.", param="tools")
    for at, one in enumerate(offered):
        if one.get("type") != "function":
            raise BadRequest(f"Tools of type {one.get('type')!r} are not supported here.", param=f"tools[{at}]")
    return tuple(tool_of(one, f"tools[{at}].name") for at, one in enumerate(offered))

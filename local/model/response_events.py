"""Write the events of the Responses API, in the order in which OpenAI sends them."""

from __future__ import annotations

import time
from typing import Any, cast

from local.model.events import Break, CallBegins, CallPiece, Event, Finish, Refused, Script, Text
from local.model.reasoning import is_reasoning

Json = dict[str, Any]


def usage(prompt: int, cached: int, output: int) -> Json:
    """Return the figures of a request in the API's words."""
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + output,
    }


def writer(body: Json, identity: str) -> EventWriter:
    """Return the writer for the stream that `body` asks for."""
    included = cast("list[str]", body.get("include") or [])
    return EventWriter(model=str(body["model"]), identity=identity, sealed="reasoning.encrypted_content" in included)


def whole(script: Script, body: Json, identity: str, figures: Json) -> Json:
    """Return the answer to a request that does not stream."""
    events = writer(body, identity)
    events.opening()
    for event in script.events:
        events.chunks(event)
    return events.closing(figures)[-1]["response"]


class EventWriter:
    """Writes the events of one stream, and gathers the finished response meanwhile."""

    def __init__(self, *, model: str, identity: str, sealed: bool) -> None:
        self._identity = identity
        self._sealed = sealed
        self._number = -1
        self._output: list[Json] = []
        self._open: Json | None = None
        self._response: Json = {
            "id": f"resp_{identity}",
            "object": "response",
            "created_at": int(time.time()),
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": model,
            "output": [],
            "parallel_tool_calls": True,
            "temperature": None,
            "tool_choice": "auto",
            "tools": [],
            "top_p": None,
            "usage": None,
        }

    def opening(self) -> list[Json]:
        """Return what comes before the first token; a reasoning model's first item is its reasoning."""
        events = [
            self._event("response.created", response=dict(self._response)),
            self._event("response.in_progress", response=dict(self._response)),
        ]
        if is_reasoning(self._response["model"]):
            item: Json = {"id": f"rs_{self._identity}", "type": "reasoning", "summary": []}
            if self._sealed:
                item["encrypted_content"] = f"sealed-{self._identity}"
            events += [*self._begin(item), *self._end()]
        return events

    def chunks(self, event: Event) -> list[Json]:
        """Return the events that one event of the script becomes."""
        match event:
            case Text(text):
                return [*self._within("output_text"), self._piece("response.output_text.delta", "text", text)]
            case Refused(text):
                return [*self._within("refusal"), self._piece("response.refusal.delta", "refusal", text)]
            case CallBegins(index, call_id, name):
                return [*self._end(), *self._begin(_call(f"fc_{self._identity}_{index}", call_id, name))]
            case CallPiece(_, text):
                return [self._piece("response.function_call_arguments.delta", "arguments", text)]
            case Finish(reason):
                self._finish(reason)
                return self._end()
            case Break(kind):
                return [self._fault()] if kind == "error" else []

    def closing(self, figures: Json) -> list[Json]:
        """Return the last event, with the whole response."""
        self._response |= {"output": self._output, "usage": figures}
        return [self._event(f"response.{self._response['status']}", response=dict(self._response))]

    def _finish(self, reason: str) -> None:
        why = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(reason)
        self._response["status"] = "incomplete" if why else "completed"
        self._response["incomplete_details"] = {"reason": why} if why else None

    def _within(self, kind: str) -> list[Json]:
        """Open a message and its part, unless they are open."""
        if self._open and self._open["type"] == "message":
            return []
        content_key = "text" if kind == "output_text" else "refusal"
        part: Json = {"type": kind, content_key: ""}
        if kind == "output_text":
            part["annotations"] = []
        item: Json = {"id": f"msg_{self._identity}", "type": "message", "role": "assistant", "content": []}
        begun = [*self._end(), *self._begin(item)]
        item["content"] = [part]
        return [*begun, self._placed("response.content_part.added", content_index=0, part=dict(part))]

    def _begin(self, item: Json) -> list[Json]:
        self._open = item
        item["status"] = "in_progress"
        return [self._event("response.output_item.added", output_index=len(self._output), item=dict(item))]

    def _piece(self, kind: str, field: str, text: str) -> Json:
        item = self._open or {}
        target: Json = item if item.get("type") == "function_call" else item["content"][0]
        target[field] += text
        if target is item:
            return self._placed(kind, delta=text)
        return self._placed(kind, content_index=0, delta=text, logprobs=[])

    def _end(self) -> list[Json]:
        """Close the open item with the events that say it whole."""
        item = self._open
        if item is None:
            return []
        item["status"] = "completed"
        events: list[Json] = []
        if item["type"] == "function_call":
            events.append(
                self._placed("response.function_call_arguments.done", name=item["name"], arguments=item["arguments"])
            )
        for part in item.get("content", []):
            field = "text" if part["type"] == "output_text" else "refusal"
            kind = "response.output_text.done" if field == "text" else "response.refusal.done"
            events.append(self._placed(kind, content_index=0, logprobs=[], **{field: part[field]}))
            events.append(self._placed("response.content_part.done", content_index=0, part=dict(part)))
        events.append(self._event("response.output_item.done", output_index=len(self._output), item=dict(item)))
        self._output.append(item)
        self._open = None
        return events

    def _fault(self) -> Json:
        text = "The server had an error while processing your request."
        return self._event("error", code="server_error", message=text, param=None)

    def _placed(self, kind: str, **fields: Any) -> Json:
        place = {"item_id": self._open["id"] if self._open else "", "output_index": len(self._output)}
        return self._event(kind, **place, **fields)

    def _event(self, kind: str, **fields: Any) -> Json:
        self._number += 1
        return {"type": kind, "sequence_number": self._number, **fields}


def _call(item_id: str, call_id: str, name: str) -> Json:
    return {"id": item_id, "type": "function_call", "call_id": call_id, "name": name, "arguments": ""}

"""Answer the hub's events by the same handlers behind both doors; each step names its own here, and no other step's."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import azure.functions as func

from functions import _cloud_events, _edge
from shared.bootstrap import engine
from shared.domain.errors import ChatError, ErrorCode
from shared.ports import TurnEngine

Turns = Callable[[], TurnEngine]
"""Gives the engine of turns; only what starts or ends a turn asks for it."""

Answer = Callable[[_edge.ClientEvent, Turns], Awaitable[dict[str, Any] | None]]
_answers: dict[str, Answer] = {}


def answers(name: str) -> Callable[[Answer], Answer]:
    """Make a function the answer to the event of this name, behind whichever door it arrives."""

    def register(answer: Answer) -> Answer:
        _answers[name] = answer
        return answer

    return register


async def from_trigger(name: str, request: str, client: Any = None) -> dict[str, Any] | None:
    """Answer a webPubSubTrigger's event; a refusal is one of the trigger's codes."""
    try:
        event = await _edge.client_event(request)
        return await _answers[name](event, lambda: engine(client))
    except ChatError as refusal:
        return _edge.refuse_event(refusal)


async def from_http(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """Answer a CloudEvent that came over HTTP; a refusal is a status."""
    try:
        name, event = await _cloud_events.read(req)
        return _written(await _answers.get(name, _unknown)(event, lambda: engine(client)))
    except ChatError as refusal:
        return func.HttpResponse(refusal.message, status_code=_edge.status_of(refusal), mimetype="text/plain")


async def _unknown(_event: _edge.ClientEvent, _turns: Turns) -> None:
    """Refuse an event that no step answers."""
    raise ChatError(ErrorCode.NOT_FOUND, "This event is not known here.")


def _written(answer: dict[str, Any] | None) -> func.HttpResponse:
    """Write what a trigger would have returned as the response that its extension would have made of it."""
    rest = dict(answer or {})
    states: dict[str, str] | None = rest.pop("states", None)
    headers = {"ce-connectionState": _cloud_events.state_text(states)} if states is not None else {}
    # A user event's answer is its frame; the answer to `connect` is the object itself.
    body = rest["data"] if "dataType" in rest else json.dumps(rest) if rest else ""
    return func.HttpResponse(body, status_code=200, mimetype="application/json", headers=headers)

"""Answer the model's HTTP requests with what the coach says, in the wire format that was asked for."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from aiohttp import web

from local.model.api import CHAT, RESPONSES, Api
from local.model.bad_request import BadRequest, content_filter, context_length, error
from local.model.coach import reply, today
from local.model.conversation import Conversation
from local.model.desk import Desk, DeskHandlers
from local.model.events import Break, Event, Script, script, spoiled
from local.model.faults import REFUSING, Fault
from local.model.obedience import obey
from local.model.playing import play
from local.model.requests_log import Entry

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MODELS = ("gpt-4.1-mini", "gpt-4.1-mini-2", "gpt-5.4-mini")
_MOST_BYTES = 64 * 1024 * 1024


class Model:
    """The HTTP handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def serving(self, api: Api) -> Handler:
        """Return the handler for a wire format."""

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                body = _body(await request.read(), request.match_info.get("deployment", ""))
                conversation = api.read(body)
            except BadRequest as fault:
                return web.json_response(fault.document(), status=fault.status)
            return await self._answer(request, api, body, conversation)

        return serve

    async def models(self, _: web.Request) -> web.Response:
        """List models; requests may name any other, too."""
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "local"} for name in MODELS]
        return web.json_response({"object": "list", "data": data})

    async def _answer(
        self, request: web.Request, api: Api, body: Json, conversation: Conversation
    ) -> web.StreamResponse:
        entry = self._entry(body, conversation, api)
        fault = self._desk.faults.take(entry.model, "answer" if _is_answer(conversation) else "calls")
        entry.fault = fault.mode if fault else ""
        if fault and fault.mode in REFUSING:
            return _refused(fault, entry)
        limit = next((body[name] for name in api.limits if body.get(name) is not None), None)
        plan = _plan(conversation, fault, entry.id, limit)
        cached = min(self._desk.cache.cached(conversation), entry.prompt_tokens)
        usage = api.usage(entry.prompt_tokens, cached, plan.tokens)
        pace = fault.tokens_per_second if fault and fault.mode == "slow" else self._desk.tokens_per_second
        async with aclosing(play(plan, entry, pace)) as events:
            if body.get("stream"):
                return await _streamed(request, api, body, entry.id, events, usage)
            async for event in events:
                if isinstance(event, Break):
                    return _broken(request, event)
        return web.json_response(api.whole(plan, body, entry.id, usage))

    def _entry(self, body: Json, conversation: Conversation, api: Api) -> Entry:
        said: Any = body.get("messages") or body.get("input") or []
        messages = cast("list[Json]", said) if isinstance(said, list) else [{"role": "user", "content": said}]
        entry = Entry(
            id=f"local-{self._desk.log.total + 1:06d}",
            api=api.name,
            model=str(body["model"]),
            stream=bool(body.get("stream")),
            tools=[tool.name for tool in conversation.tools],
            roles=[str(one.get("role") or one.get("type")) for one in messages],
            messages=messages,
            began_at=time.time(),
            prompt_tokens=self._desk.cache.tokens(body),
        )
        return self._desk.log.begin(entry)


async def _streamed(
    request: web.Request, api: Api, body: Json, identity: str, events: AsyncGenerator[Event], usage: Json
) -> web.StreamResponse:
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    response = web.StreamResponse(headers={**headers, "x-request-id": identity})
    await response.prepare(request)
    writer = api.writer(body, identity)
    await _send(response, writer.opening())
    async for event in events:
        await _send(response, writer.chunks(event))
        if isinstance(event, Break):
            _cut(request, event)
            return response
    await _send(response, writer.closing(usage))
    if api.done_line:
        await response.write(b"data: [DONE]\n\n")
    return response


async def _send(response: web.StreamResponse, documents: list[Json]) -> None:
    for document in documents:
        name = f"event: {document['type']}\n" if "type" in document else ""
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        await response.write(f"{name}data: {data}\n\n".encode())


def _body(raw: bytes, deployment: str) -> Json:
    try:
        document: Any = json.loads(raw)
    except ValueError as fault:
        raise BadRequest(f"We could not parse the JSON body of your request: {fault}") from fault
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object.")
    body = cast("Json", document)
    body.setdefault("model", deployment)
    if not body["model"]:
        raise BadRequest("you must provide a model parameter", param="model")
    return body


def _is_answer(conversation: Conversation) -> bool:
    """Say whether this round is for the answer rather than for tool calls."""
    return bool(conversation.outcomes) or not conversation.tools


def _plan(conversation: Conversation, fault: Fault | None, identity: str, limit: int | None) -> Script:
    """Let the coach think, and the fault spoil it; `loop` makes it forget that it has called already."""
    mode = fault.mode if fault else ""
    seen = replace(conversation, outcomes=()) if mode == "loop" else conversation
    said = reply(seen)
    if mode == "obedient":
        said = obey(conversation, said, today(conversation.system))
    return script(spoiled(said, fault, conversation), fault, identity=identity, most_tokens=limit)


def _refused(fault: Fault, entry: Entry) -> web.Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    documents = {
        "http": error(f"switched on: {fault.status}", kind="server_error"),
        "content_filter_prompt": content_filter(),
        "context_length": context_length(),
    }
    entry.status = fault.status if fault.mode == "http" else 400
    entry.ended_at = time.time()
    return web.json_response(documents[fault.mode], status=entry.status, headers=headers)


def _broken(request: web.Request, end: Break) -> web.Response:
    """Break off an answer that does not stream: there is nothing of it to send."""
    _cut(request, end)
    return web.json_response(error("The answer broke off.", kind="server_error"), status=500)


def _cut(request: web.Request, end: Break) -> None:
    if end.kind == "cut" and request.transport:
        request.transport.abort()


def application(desk: Desk) -> web.Application:
    """Build the model's web application."""
    model, tests = Model(desk), DeskHandlers(desk)
    app = web.Application(client_max_size=_MOST_BYTES)
    for prefix in ("/v1", "/openai/v1", "/openai/deployments/{deployment}"):
        app.router.add_post(f"{prefix}/chat/completions", model.serving(CHAT))
    for prefix in ("/v1", "/openai/v1"):
        app.router.add_post(f"{prefix}/responses", model.serving(RESPONSES))
        app.router.add_get(f"{prefix}/models", model.models)
    app.add_routes(
        [
            web.get("/health", tests.health),
            web.post("/_faults", tests.switch_on),
            web.delete("/_faults", tests.switch_off),
            web.post("/_pace", tests.pace),
            web.get("/_requests", tests.requests),
            web.delete("/_requests", tests.forget),
        ]
    )
    return app

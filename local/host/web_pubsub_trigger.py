"""The webhook of webPubSubTrigger, with the status codes of the extension's dispatcher.

OPTIONS and GET are the service's abuse protection; POST is an event. No function for an event is 404, a
wrong signature 401, an unknown media type 400, a failed connect or user function 500.
"""

import json
import logging
from typing import Any

from aiohttp import web

from local.host.app_model import FunctionInfo, IndexingFailed
from local.host.binding_data import BindingData
from local.host.context import begin_trace
from local.host.invoke import Call, Invocations
from local.host.web_pubsub_access import Validator, hub_of, validator_of
from local.host.web_pubsub_event import (
    EventHead,
    NotCloudEvents,
    UnsupportedMediaType,
    bind,
    read_event,
    read_head,
)
from local.host.web_pubsub_response import build_response, server_error

_log = logging.getLogger("local.host.web_pubsub")

PATH = "/runtime/webhooks/webpubsub"
_BOUND_NAMES = {
    "request",
    "connectioncontext",
    "data",
    "datatype",
    "claims",
    "query",
    "subprotocols",
    "clientcertificates",
    "reason",
}


class WebPubSubTrigger:
    """Dispatch events to functions by hub, event type and event name, all without case."""

    def __init__(self, functions: list[FunctionInfo], invocations: Invocations) -> None:
        self._invocations = invocations
        self._listeners: dict[str, tuple[FunctionInfo, Validator]] = {}
        for function in functions:
            if function.trigger.type == "webPubSubTrigger":
                self._add(function)

    def add_routes(self, app: web.Application) -> None:
        """Serve the webhook when the app has such functions; without, the path is 404 as on the real host."""
        if self._listeners:
            app.router.add_route("*", PATH, self.handle)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request of the service."""
        if request.method in {"OPTIONS", "GET"}:
            return self._abuse_check(request)
        try:
            head = read_head(request)
        except NotCloudEvents:
            return web.Response(status=400)
        function, validator = self._listeners.get(head.key, (None, None))
        if function is None or validator is None:
            return web.Response(status=404)
        if not validator.allows_signature(head.origin, head.signature, head.connection_id):
            return web.Response(status=401)
        if request.method != "POST":
            return web.Response(status=400)
        return await self._take(request, head, function)

    async def _take(self, request: web.Request, head: EventHead, function: FunctionInfo) -> web.Response:
        try:
            event = await read_event(head, request)
        except UnsupportedMediaType as fault:
            return web.Response(status=400, text=f"{_NOT_SUPPORTED}{fault}")
        except (ValueError, TypeError) as fault:
            return server_error(f"the body of {head.event_name} cannot be read: {fault}")
        call = Call(
            trigger=bind(function.trigger, event),
            binding_data=_binding_data(event["connectionContext"]),
            trace=begin_trace(request.headers.get("traceparent"), request.headers.get("tracestate")),
        )
        waits = head.kind in {"connect", "user"}
        try:
            returned = await self._invocations.run(function, call)
        except Exception:  # noqa: BLE001 - already logged with its traceback
            failed = f"Exception while executing function: Functions.{function.name}"
            return server_error(failed) if waits else web.Response(status=200)
        if not waits:
            return web.Response(status=200)
        return build_response(returned.to_host(), head.kind, head.states)

    def _add(self, function: FunctionInfo) -> None:
        trigger = function.trigger
        kind, name = str(trigger.text("eventType")).lower(), trigger.text("eventName")
        key = f"{hub_of(trigger)}.{kind}.{name}".lower()
        if key in self._listeners:
            msg = f"Duplicated binding attribute find: {','.join(key.split('.'))}"
            raise IndexingFailed(msg)
        if trigger.name.lower() not in _BOUND_NAMES:
            _log.warning(
                "%s",
                json.dumps({"function": function.name, "parameter": trigger.name, "warning": "will always be None"}),
            )
        self._listeners[key] = (function, validator_of(trigger))

    def _abuse_check(self, request: web.Request) -> web.Response:
        if "WebHook-Request-Origin" not in request.headers:
            return web.Response(status=400)
        origins = [
            origin
            for value in request.headers.getall("WebHook-Request-Origin")
            for origin in value.split(",")
            if origin
        ]
        if any(validator.allows_host(origins) for _, validator in self._listeners.values()):
            return web.Response(status=200, headers={"WebHook-Allowed-Origin": "*"})
        return web.Response(status=400)


def _binding_data(context: dict[str, Any]) -> BindingData:
    plain = BindingData.from_json(context).values
    return BindingData({f"connectioncontext.{name}": value for name, value in plain.items()})


_NOT_SUPPORTED = "Message only supports text, binary, json. Current value is: "

"""HTTP functions: find the route, check the key, hand the request over, write the response."""

import json
import logging
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum
from multidict import CIMultiDict

from local.host.app_model import FunctionInfo
from local.host.binding_data import BindingData
from local.host.context import begin_trace
from local.host.invoke import Call, Invocations
from local.host.keys import Keys
from local.host.routes import Route, route_of
from local.host.typed_data import HttpReply

_log = logging.getLogger("local.host.http")

# The server frames the message itself; a function that sets these would contradict it.
_FRAMING_HEADERS = {"content-length", "transfer-encoding", "connection"}


class HttpFront:
    """Serve the app's HTTP functions below the route prefix."""

    def __init__(self, functions: list[FunctionInfo], *, prefix: str, keys: Keys, invocations: Invocations) -> None:
        http = [function for function in functions if function.trigger.type == "httpTrigger"]
        self.routes: list[Route] = [route_of(function, prefix) for function in http]
        self._keys = keys
        self._invocations = invocations

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; what no route takes is 404 with an empty body."""
        found = self._match(request)
        if found is None:
            return web.Response(status=404)
        function, params = found
        given = request.headers.get("x-functions-key") or request.query.get("code")
        if not self._keys.allow((function.trigger.text("authLevel") or "FUNCTION").upper(), function.name, given):
            return web.Response(status=401)
        body = await request.read() if request.content_length else b""
        headers, query = _headers_of(request), _query_of(request)
        call = Call(
            trigger=_datum(request, headers=headers, query=query, params=params, body=body),
            binding_data=_binding_data(headers, query, params, body),
            trace=begin_trace(headers.get("traceparent"), headers.get("tracestate")),
        )
        try:
            returned = await self._invocations.run(function, call)
        except Exception:  # noqa: BLE001 - already logged with its traceback; a client learns nothing
            return web.Response(status=500)
        return _response(returned.value)

    def _match(self, request: web.Request) -> tuple[FunctionInfo, dict[str, str]] | None:
        for route in self.routes:
            params = route.match(request.method, request.rel_url.raw_path)
            if params is not None:
                return route.function, params
        return None


def _headers_of(request: web.Request) -> dict[str, str]:
    """Lower the names and join repeated headers, as the host does before it calls the worker."""
    names = dict.fromkeys(name.lower() for name in request.headers)
    return {name: ",".join(request.headers.getall(name)) for name in names}


def _query_of(request: web.Request) -> dict[str, str]:
    """Join repeated parameters and drop empty ones: the worker protocol cannot carry them."""
    values = {name: ",".join(request.query.getall(name)) for name in dict.fromkeys(request.query)}
    return {name: value for name, value in values.items() if value}


def _datum(
    request: web.Request,
    *,
    headers: dict[str, str],
    query: dict[str, str],
    params: dict[str, str],
    body: bytes,
) -> Datum:
    def texts(values: dict[str, str]) -> dict[str, Datum]:
        return {name: Datum(value, "string") for name, value in values.items()}

    value: dict[str, Any] = {
        "method": Datum(request.method, "string"),
        "url": Datum(f"{request.scheme}://{request.host}{request.rel_url.raw_path_qs}", "string"),
        "headers": texts(headers),
        "query": texts(query),
        "params": texts(params),
        "body": Datum(body, "bytes"),
    }
    return Datum(value, "http")


def _binding_data(headers: dict[str, str], query: dict[str, str], params: dict[str, str], body: bytes) -> BindingData:
    try:
        content = json.loads(body) if body else None
    except (ValueError, RecursionError):
        content = None
    known = BindingData.from_json(content).values
    known |= {name.lower(): value for name, value in params.items()}
    known |= {f"query.{name.lower()}": value for name, value in query.items()}
    known |= {f"headers.{name}": value for name, value in headers.items()}
    return BindingData(known)


def _response(returned: Any) -> web.Response:
    if isinstance(returned, HttpReply):
        headers = CIMultiDict(
            (name, value) for name, value in returned.headers.items() if name.lower() not in _FRAMING_HEADERS
        )
        headers.extend(("Set-Cookie", cookie) for cookie in returned.cookies)
        return web.Response(status=returned.status, headers=headers, body=returned.body)
    return _text_response(str(returned))


def _text_response(text: str) -> web.Response:
    """Answer with a returned str: the host parses it as JSON first and prints what it parsed.

    An object with a `body` would be taken for a whole response; that is refused here, because nobody
    means it (azure-functions-host 4.1037, HttpBinding.CreateResult).
    """
    try:
        content = json.loads(text)
    except ValueError:
        content = text
    if isinstance(content, dict):
        if any(str(name).lower() == "body" for name in content):  # type: ignore[union-attr]
            _log.error("a str with a JSON object with 'body' was returned; return func.HttpResponse instead")
            return web.Response(status=500)
        content = json.dumps(content, indent=2, ensure_ascii=False)
    elif not isinstance(content, str):
        content = json.dumps(content, indent=2, ensure_ascii=False) if isinstance(content, list) else text
    return web.Response(text=content, content_type="text/plain", charset="utf-8")

"""Stand at the door of one MCP server: prove the caller, count, and let faults happen that tests ask for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, cast

import jwt
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.mcp_servers.faults import AT_THE_DOOR, Fault, Faults
from local.mcp_servers.figures import Figures
from local.mcp_servers.proof import NotProved, Verifier

# Above the client SDK's limit for one server-sent event (1 MiB).
_OVERSIZE = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """What of a request's body the gate looks at."""

    request_id: Any
    method: str
    tool: str


class Gate:
    """An ASGI app around one server's app."""

    def __init__(
        self, name: str, inner: ASGIApp, *, figures: Figures, faults: Faults, verifier: Verifier | None
    ) -> None:
        """Guard `inner`; without a verifier the header `X-User-Email` is believed."""
        self._name = name
        self._inner = inner
        self._figures = figures
        self._faults = faults
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        self._figures.requests += 1
        body = await _read(receive)
        call = _call(body)
        refused = await self._prove(scope, headers, call)
        if refused:
            await refused(scope, _replay(body, receive), send)
            return
        fault = self._faults.due(AT_THE_DOOR, self._name, call.tool) if _may_fail(call) else None
        if fault and fault.mode == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault and fault.mode in {"cut", "drop", "hold", "hold_after"}:
            if fault.mode in {"cut", "hold_after"}:
                await self._inner(scope, _replay(body, receive), _swallow)
            await asyncio.sleep(fault.seconds if fault.mode in {"hold", "hold_after"} else 0)
            await _break_off(send)
            return
        elif fault:
            await _spoiled(fault, call)(scope, receive, send)
            return
        await self._inner(scope, _replay(body, receive), send)

    async def _prove(self, scope: Scope, headers: Headers, call: Call) -> Response | None:
        address = headers.get("x-user-email", "")
        if self._verifier:
            audience = f"api://salescoach-mcp-{self._name}"
            try:
                authorization = headers.get("authorization", "")
                address = await self._verifier.address(authorization, audience, calls_tool=bool(call.tool))
            except NotProved as fault:
                self._figures.refusals[str(fault)] += 1
                challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
                return JSONResponse(
                    {"error": "invalid_token", "reason": str(fault)}, status_code=401, headers=challenge
                )
            except jwt.PyJWKClientConnectionError as fault:
                return JSONResponse({"error": "issuer_unreachable", "reason": str(fault)}, status_code=503)
        scope.setdefault("state", {})["asker"] = address
        return None


async def _swallow(_: Message) -> None:
    """Take an answer that nobody shall see."""


async def _break_off(send: Send) -> None:
    """Begin an answer and return without its rest, whereupon uvicorn closes the socket."""
    start = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": start})
    await send({"type": "http.response.body", "body": b'event: message\r\ndata: {"json', "more_body": True})


async def _read(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body to the server once more; afterwards it hears of the client's leaving as usual."""
    pending = [body]

    async def again() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return again


def _call(body: bytes) -> Call:
    try:
        document: Any = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return Call(None, "", "")
    request = cast("dict[str, Any]", document)
    params: Any = request.get("params")
    named: Any = cast("dict[str, Any]", params).get("name", "") if isinstance(params, dict) else ""
    method = str(request.get("method", ""))
    return Call(request.get("id"), method, str(named) if method == "tools/call" else "")


def _may_fail(call: Call) -> bool:
    """Say whether faults apply: to requests, not to the notifications of older clients."""
    return bool(call.method) and call.request_id is not None


def _spoiled(fault: Fault, call: Call) -> Response:
    match fault.mode:
        case "html":
            return HTMLResponse("<html><body>Sign in to continue</body></html>")
        case "oversize":
            return _result(call.request_id, "x" * _OVERSIZE)
        case "wrong_id":
            return _result("not-yours", "the answer to somebody else")
        case "invalid_result":
            return _result(call.request_id, "{}", structuredContent={"unexpected": True})
        case _:
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return JSONResponse({"error": "switched on"}, status_code=fault.status, headers=headers)


def _result(request_id: Any, text: str, **more: Any) -> Response:
    content = [{"type": "text", "text": text}]
    result = {"content": content, "isError": False, "resultType": "complete", **more}
    return JSONResponse({"jsonrpc": "2.0", "id": request_id, "result": result})

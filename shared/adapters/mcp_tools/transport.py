"""Keep each failed MCP request with its own call, and bound what an answer may weigh.

The SDK's client ends as a whole when one connection breaks, waits for ever for an answer under another id, and loses
HTTP status codes (measured with mcp 2.3). Turned into JSON-RPC errors, faults reach the one call that met them.
"""

import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx2
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND

from shared.adapters.mcp_tools.pinned_address import AddressRefused, PinnedAddresses

ANSWER_MOST_BYTES = 1024 * 1024
"""An answer may weigh this much once it is unpacked; a stream of events, which may carry progress, four times it."""

UNREACHABLE = -32003
_REFUSALS = frozenset({401, 403, 429})
_SESSION = "mcp-session-id"
_PACKING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class _TooLarge(httpx2.StreamError):
    """The answer weighs more than it may."""

    def __init__(self) -> None:
        super().__init__("the answer is too large")


class CallTransport(httpx2.AsyncHTTPTransport):
    """Answer a failed request with a JSON-RPC error under the request's own id."""

    def __init__(self, trust: ssl.SSLContext, addresses: PinnedAddresses) -> None:
        super().__init__(verify=trust)
        self._addresses = addresses

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; faults and refusing statuses become errors of that call."""
        if request.method != "POST":
            return await self._send(request)
        try:
            response = await self._send(request)
            refusal = await _refusal(request, response)
            if refusal is not None:
                return refusal
            if _kind(response) == "application/json":
                return await _whole(request, response)
        except (httpx2.TransportError, httpx2.DecodingError) as fault:
            facts = {"status": 503, "sent": not isinstance(fault, _NEVER_SENT)}
            facts["refused_address"] = isinstance(fault, AddressRefused)
            return _error(request, 503, UNREACHABLE, f"unreachable: {type(fault).__name__}", facts)
        except _TooLarge as fault:
            return _error(request, 200, CONNECTION_CLOSED, str(fault), {"too_large": True})
        return _again(response, stream=_Limited(response, 4 * ANSWER_MOST_BYTES))

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        pinned = await self._addresses.pinned(request)
        try:
            return await super().handle_async_request(pinned)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            self._addresses.failed(pinned)
            raise


class _Limited(httpx2.AsyncByteStream):
    """Unpack an answer piece by piece, and break off when it becomes too heavy."""

    def __init__(self, response: httpx2.Response, most_bytes: int) -> None:
        self._response = response
        self._most = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for piece in self._response.aiter_bytes():
            taken += len(piece)
            if taken > self._most:
                raise _TooLarge
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


async def _refusal(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response | None:
    status = response.status_code
    facts = {"status": status, "sent": True, "retry_after_s": _wished_wait_s(response)}
    if status == 404 and _SESSION in request.headers:  # noqa: PLR2004
        # Streamable HTTP: the server has forgotten this session, and has not looked at the request.
        code, facts = INVALID_REQUEST, {**facts, "session_lost": True}
    elif status in _REFUSALS or status >= 500:  # noqa: PLR2004
        code = -32000 - status
    elif status >= 400 and _kind(response) != "application/json":  # noqa: PLR2004
        # The SDK falls back to the older handshake by these codes; a JSON body holds the server's own.
        code = METHOD_NOT_FOUND if status == 404 else INTERNAL_ERROR  # noqa: PLR2004
    else:
        return None
    await response.aclose()
    return _error(request, status, code, f"HTTP {status}", facts)


async def _whole(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    """Read an answer while its faults can still be told apart, and see that it belongs to the request."""
    try:
        body = b"".join([piece async for piece in _Limited(response, ANSWER_MOST_BYTES)])
    finally:
        await response.aclose()
    asked, answer = _request_id(request), _parsed(body)
    if asked is not None and answer is not None and answer.get("id") != asked:
        if answer.get("id") is not None or "error" not in answer:
            return _error(request, 200, CONNECTION_CLOSED, "the answer belongs to another request", {})
        body = json.dumps({**answer, "id": asked}).encode()
    return _again(response, content=body)


def _wished_wait_s(response: httpx2.Response) -> float | None:
    """Read `Retry-After` in either of its forms; a date is counted from the server's own time (RFC 9110, 10.2.3)."""
    wish = response.headers.get("retry-after", "").strip()
    if wish.isascii() and wish.isdecimal():
        return float(wish)
    try:
        until = _moment(wish)
        since = _moment(response.headers["date"]) if "date" in response.headers else datetime.now(UTC)
    except ValueError:
        return None
    return max((until - since).total_seconds(), 0.0)


def _moment(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _kind(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _again(response: httpx2.Response, **content: Any) -> httpx2.Response:
    """Give the same answer, unpacked."""
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _PACKING]
    return httpx2.Response(response.status_code, headers=headers, extensions=response.extensions, **content)


def _error(request: httpx2.Request, status: int, code: int, message: str, data: dict[str, Any]) -> httpx2.Response:
    error = {"code": code, "message": message, "data": data}
    body = {"jsonrpc": "2.0", "id": _request_id(request), "error": error}
    return httpx2.Response(status, request=request, json=body)


def _request_id(request: httpx2.Request) -> Any:
    try:
        return (_parsed(request.content) or {}).get("id")
    except httpx2.RequestNotRead:
        return None


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        data: Any = json.loads(body or b"{}")
    except ValueError:
        return None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else None

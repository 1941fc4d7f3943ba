"""Keep each failed MCP request with its own call.

The SDK's client ends as a whole when one connection breaks, and loses HTTP status codes (measured with mcp 2.3).
Turned into JSON-RPC errors, faults reach the one call that met them, with status and Retry-After.
"""

import json
from typing import Any

import httpx2

UNREACHABLE = -32003


class CallTransport(httpx2.AsyncHTTPTransport):
    """Answer a failed request with a JSON-RPC error under the request's own id."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; connection faults and refusing statuses become errors of that call."""
        try:
            response = await super().handle_async_request(request)
        except httpx2.TransportError as fault:
            return _error(request, 503, UNREACHABLE, f"unreachable: {type(fault).__name__}", {"status": 503})
        if response.status_code in (401, 403, 429) or response.status_code >= 500:  # noqa: PLR2004
            await response.aclose()
            status = response.status_code
            facts = {"status": status, "retry_after": response.headers.get("retry-after")}
            return _error(request, status, -32000 - status, f"HTTP {status}", facts)
        return response


def _error(request: httpx2.Request, status: int, code: int, message: str, data: dict[str, Any]) -> httpx2.Response:
    try:
        request_id = json.loads(request.content or b"{}").get("id")
    except (ValueError, AttributeError, httpx2.RequestNotRead):
        request_id = None
    body = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message, "data": data}}
    return httpx2.Response(status, request=request, json=body)

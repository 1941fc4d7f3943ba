"""Cross-origin requests: the listed origins may call with any method and header, as under Core Tools."""

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def cors_middleware(origins: Iterable[str]) -> Middleware:
    """Return the middleware that answers preflights and marks answers; `*` lists every origin."""
    allowed = {origin.rstrip("/").lower() for origin in origins}

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        listed = origin is not None and bool(allowed & {"*", origin.rstrip("/").lower()})
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if allowed and origin is not None and preflight:
            response: web.StreamResponse = web.Response(status=204)
            if listed:
                response.headers.update(_preflight_headers(request))
        else:
            response = await handler(request)
        if listed and origin is not None:
            response.headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
            response.headers.add("Vary", "Origin")
        return response

    return middleware


def _preflight_headers(request: web.Request) -> dict[str, str]:
    headers = {"Access-Control-Allow-Methods": request.headers["Access-Control-Request-Method"]}
    asked = request.headers.get("Access-Control-Request-Headers")
    return headers | ({"Access-Control-Allow-Headers": asked} if asked else {})

"""Answer with the files of the built page, under a policy that lets it talk to its three partners only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the page lives (host:port) and whom it may call (base URLs without a slash at the end)."""

    own: str
    api: str
    identity: str
    webpubsub: str


def application(root: Path, endpoints: Endpoints) -> web.Application:
    """Build the server of one folder."""
    app = web.Application(middlewares=[canonical_host(endpoints), with_headers(headers(endpoints))])
    app.router.add_get("/", index(root))
    app.router.add_get("/config.json", config(endpoints))
    app.router.add_get("/health", health)
    app.router.add_static("/", root, follow_symlinks=False)
    return app


def headers(endpoints: Endpoints) -> dict[str, str]:
    """List the headers of every answer; web/README.md says why each source stands in the policy."""
    socket = "ws" + endpoints.webpubsub.removeprefix("http")
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        f" connect-src 'self' {endpoints.api} {endpoints.identity} {socket};"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types dompurify"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def with_headers(fixed: dict[str, str]) -> Middleware:
    """Put the headers on every answer, refusals included."""

    @web.middleware
    async def add(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await handler(request)
        except web.HTTPException as refusal:
            refusal.headers.update(fixed)
            raise
        answer.headers.update(fixed)
        return answer

    return add


def canonical_host(endpoints: Endpoints) -> Middleware:
    """Send http://localhost to http://127.0.0.1: the API allows one origin, and no foreign name is served."""

    @web.middleware
    async def redirect(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host != endpoints.own:
            raise web.HTTPPermanentRedirect(f"http://{endpoints.own}{request.rel_url}")
        return await handler(request)

    return redirect


def index(root: Path) -> Handler:
    """Answer with the page itself."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(root / "index.html")

    return answer


def config(endpoints: Endpoints) -> Handler:
    """Tell the page where the API and the sign-in are."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"api": endpoints.api, "identity": endpoints.identity})

    return answer


async def health(_: web.Request) -> web.StreamResponse:
    """Answer the supervisor."""
    return web.Response(text="ok")

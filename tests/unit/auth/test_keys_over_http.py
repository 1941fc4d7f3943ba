"""The issuer's keys come from its own address, each tenant's from its own, in bounded time."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.adapters.entra import EntraTokens
from shared.domain.errors import ChatError, ErrorCode

from .conftest import TENANT, published, signed


async def issuer(*, status: int = 200, content_type: str = "application/json") -> tuple[TestServer, list[str]]:
    """Serve the key set, and note what was asked for."""
    asked: list[str] = []

    async def keys(request: web.Request) -> web.Response:
        asked.append(request.path)
        answer = web.json_response({"keys": [published()]}, status=status)
        answer.content_type = content_type
        return answer

    app = web.Application()
    app.router.add_get("/{tail:.*}", keys)
    server = TestServer(app)
    await server.start_server()
    return server, asked


async def outcome(tokens: EntraTokens, **claims: Any) -> ErrorCode | None:
    """How a token is refused; None if it is not."""
    try:
        await tokens.claims(signed(**claims))
    except ChatError as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_the_keys_of_the_tokens_own_tenant_are_asked_for_once(content_type: str) -> None:
    """Whatever the answer calls itself; the authority may end in a slash."""
    server, asked = await issuer(content_type=content_type)
    base = str(server.make_url("/")).rstrip("/")
    tokens = EntraTokens(base + "/", [TENANT, "other"], ["api://salescoach"])

    for _ in range(3):
        assert await outcome(tokens, iss=f"{base}/{TENANT}/v2.0") is None
    assert await outcome(tokens, iss=f"{base}/other/v2.0", tid="other") is None
    assert await outcome(tokens, iss=f"{base}/third/v2.0", tid="third") is ErrorCode.UNAUTHENTICATED
    await server.close()

    assert asked == [f"/{TENANT}/discovery/v2.0/keys", "/other/discovery/v2.0/keys"]


async def test_an_issuer_that_fails_lets_nobody_in() -> None:
    """By a status, or by not being there."""
    server, _ = await issuer(status=503)
    base = str(server.make_url("/")).rstrip("/")

    broken = await outcome(EntraTokens(base, [TENANT], ["api://salescoach"]), iss=f"{base}/{TENANT}/v2.0")
    await server.close()
    gone = await outcome(EntraTokens(base, [TENANT], ["api://salescoach"]), iss=f"{base}/{TENANT}/v2.0")

    assert (broken, gone) == (ErrorCode.INTERNAL, ErrorCode.INTERNAL)

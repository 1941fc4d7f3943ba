"""On-behalf-of without a secret: the managed identity's assertion proves who asks."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.identity import CredentialUnavailableError

from shared.adapters.on_behalf_of import OnBehalfOf
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import UserId


@pytest.mark.requirement("tools:no-secret")
async def test_an_assertion_goes_in_place_of_a_secret() -> None:
    """The form is the one of Entra's federated credentials; no secret is sent."""
    asked: list[dict[str, Any]] = []

    async def token(request: web.Request) -> web.Response:
        asked.append(dict(await request.post()))
        return web.json_response({"access_token": "exchanged", "expires_in": 3600})

    async def assertion() -> str:
        return "signed by the managed identity"

    app = web.Application()
    app.router.add_post("/tenant/oauth2/v2.0/token", token)
    async with TestServer(app) as server:
        exchange = OnBehalfOf(str(server.make_url("")), "client", assertion)
        given = await exchange.for_user(UserId("tenant:person"), "the person's token", "api://tool")

    (form,) = asked
    assert given == "exchanged"
    assert form["client_assertion"] == "signed by the managed identity"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert form["assertion"] == "the person's token"
    assert "client_secret" not in form


async def test_an_identity_that_does_not_answer_fails_the_tool_alone() -> None:
    """A typed outcome, not an exception of the SDK."""

    async def assertion() -> str:
        raise CredentialUnavailableError("no identity here")

    exchange = OnBehalfOf("http://127.0.0.1:1", "client", assertion)

    with pytest.raises(ChatError) as refused:
        await exchange.for_app("tenant", "api://tool")

    assert refused.value.code is ErrorCode.TOOL_FAILED

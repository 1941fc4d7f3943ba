"""An issuer on a free port, and a client for it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web

from local.identity.keys import KeyRing
from local.identity.server import application

HOME = "11111111-1111-4111-8111-111111111111"


class RunningIssuer:
    """What a relying party sees of the issuer."""

    def __init__(self, base: str, http: aiohttp.ClientSession) -> None:
        self.base = base
        self.http = http

    async def post(self, path: str, **how: Any) -> tuple[int, dict[str, Any]]:
        """Return status and document of a POST."""
        async with self.http.post(self.base + path, **how) as response:
            return response.status, await response.json()

    async def get(self, path: str) -> tuple[int, Any]:
        """Return status and document of a GET."""
        async with self.http.get(self.base + path) as response:
            return response.status, await response.json()

    async def sign_in(self, user: str = "sam.sales", **overrides: Any) -> str:
        """Return a token of a sample person."""
        status, answer = await self.post("/token", json={"user": user, **overrides})
        assert status == 200, answer
        return answer["access_token"]

    async def verify(self, token: str, audience: str = "api://salescoach", tenant: str = HOME) -> dict[str, Any]:
        """Verify a token as the app does: published keys, fixed algorithm, issuer, audience, times."""
        _, key_set = await self.get(f"/{tenant}/discovery/v2.0/keys")
        keys = {key["kid"]: jwt.PyJWK(key, algorithm="RS256") for key in key_set["keys"]}
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in keys:
            raise jwt.InvalidSignatureError(kid)
        return jwt.decode(
            token,
            keys[kid],
            algorithms=["RS256"],
            audience=audience,
            issuer=f"{self.base}/{tenant}/v2.0",
            options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub"]},
        )

    async def exchange(self, token: str, **changes: str) -> tuple[int, dict[str, Any]]:
        """Ask for a token of the sfdc server on behalf of the user of `token`."""
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "client_id": "33333333-3333-4333-8333-333333333333",
            "client_secret": "local-obo-secret",
            "assertion": token,
            "scope": "api://salescoach-mcp-sfdc/.default",
            "requested_token_use": "on_behalf_of",
        }
        return await self.post(f"/{HOME}/oauth2/v2.0/token", data=form | changes)


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[RunningIssuer]:
    """Run the issuer in this process on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    runner = web.AppRunner(application(base, KeyRing(tmp_path)))
    await runner.setup()
    await web.SockSite(runner, listener).start()
    async with aiohttp.ClientSession() as http:
        yield RunningIssuer(base, http)
    await runner.cleanup()

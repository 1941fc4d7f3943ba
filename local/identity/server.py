"""Answer the issuer's HTTP requests; refuses by name what Entra has and SalesCoach does not need."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from local.identity.claims import issuer
from local.identity.code_flow import AUTHORIZATION_CODE, REFRESH_TOKEN, BadWish, CodeFlow
from local.identity.faults import Faults
from local.identity.grants import audience_of, issue
from local.identity.keys import ALGORITHM, KeyRing
from local.identity.people import PEOPLE, TENANTS
from local.identity.refusals import TokenRefused
from local.identity.sign_in import sign_in

_LOCAL_ORIGIN = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Issuer:
    """The issuer at one base URL with its keys; its methods are the HTTP handlers."""

    base: str
    keys: KeyRing
    codes: CodeFlow
    faults: Faults = field(default_factory=Faults)

    async def health(self, _: web.Request) -> web.Response:
        """Say that the issuer is up."""
        return web.json_response({"status": "ok"})

    async def people(self, _: web.Request) -> web.Response:
        """List the sample people who can sign in."""
        listed = [
            {
                "user": one.user,
                "name": one.name,
                "email": one.email,
                "roles": list(one.roles),
                "tenant": one.tenant,
            }
            for one in PEOPLE.values()
        ]
        return web.json_response(listed)

    async def token(self, request: web.Request) -> web.Response:
        """Sign a sample person in."""
        try:
            answer = sign_in(await request.json(), base=self.base, keys=self.keys, now=int(time.time()))
        except JSONDecodeError as fault:
            return _bad(f"the body is not JSON: {fault}")
        except ValueError as fault:
            return _bad(str(fault))
        self.faults.figures["sign_in"] += 1
        return web.json_response(answer)

    async def discovery(self, request: web.Request) -> web.Response:
        """Describe a tenant's endpoints."""
        tenant = _tenant(request)
        return web.json_response(
            {
                "issuer": issuer(self.base, tenant),
                "jwks_uri": f"{self.base}/{tenant}/discovery/v2.0/keys",
                "authorization_endpoint": f"{self.base}/{tenant}/oauth2/v2.0/authorize",
                "token_endpoint": f"{self.base}/{tenant}/oauth2/v2.0/token",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
            }
        )

    async def key_set(self, request: web.Request) -> web.Response:
        """Publish the keys."""
        tenant = _tenant(request)
        self.faults.figures["keys"] += 1
        if self.faults.keys_are_down():
            return web.json_response({"error": "the key set is switched off"}, status=503)
        return web.json_response(self.keys.jwks(issuer(self.base, tenant)))

    async def grant(self, request: web.Request) -> web.Response:
        """Serve the token endpoint of a tenant."""
        tenant = _tenant(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        self.faults.figures[f"grant {form.get('scope', '')}"] += 1
        now = int(time.time())
        try:
            if form.get("grant_type") in (AUTHORIZATION_CODE, REFRESH_TOKEN):
                return web.json_response(self.codes.grant(form, now=now))
            due = self.faults.refusal(audience_of(form.get("scope", "")))
            if due:
                raise due
            answer = issue(form, tenant=tenant, base=self.base, keys=self.keys, now=now)
        except TokenRefused as refused:
            self.faults.figures[f"refused {refused.number}"] += 1
            return web.json_response(refused.document(), status=refused.status)
        return web.json_response(answer)

    async def authorize(self, request: web.Request) -> web.Response:
        """Let somebody choose who they are, and send them back to the page with a code."""
        _tenant(request)
        query = dict(request.query)
        user = query.pop("user", None)
        try:
            if user is None:
                return web.Response(text=self.codes.page(query), content_type="text/html")
            back = self.codes.redirect(query, user=user, now=int(time.time()))
        except BadWish as fault:
            return _bad(str(fault))
        raise web.HTTPFound(back)

    async def rotate(self, _: web.Request) -> web.Response:
        """Sign with a new key from now on."""
        return web.json_response({"kid": self.keys.rotate()})

    async def switch_on(self, request: web.Request) -> web.Response:
        """Switch a fault on."""
        try:
            return web.json_response(asdict(self.faults.add(await request.json())))
        except ValueError as fault:
            return _bad(str(fault))

    async def switch_off(self, _: web.Request) -> web.Response:
        """Switch all faults off."""
        self.faults.clear()
        return web.Response(status=204)

    async def stats(self, _: web.Request) -> web.Response:
        """Show what was asked for."""
        return web.json_response(dict(self.faults.figures))

    async def forget(self, _: web.Request) -> web.Response:
        """Set the figures to zero."""
        self.faults.figures.clear()
        return web.Response(status=204)


def application(base: str, keys: KeyRing, page_lifetime_s: int = 3600) -> web.Application:
    """Build the web application of the issuer that people reach at `base`."""
    here = Issuer(base, keys, CodeFlow(base, keys, page_lifetime_s))
    app = web.Application(middlewares=[_cross_origin])
    app.add_routes(
        [
            web.get("/health", here.health),
            web.get("/people", here.people),
            web.post("/token", here.token),
            web.post("/rotate", here.rotate),
            web.post("/_faults", here.switch_on),
            web.delete("/_faults", here.switch_off),
            web.get("/_stats", here.stats),
            web.delete("/_stats", here.forget),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", here.discovery),
            web.get("/{tenant}/discovery/v2.0/keys", here.key_set),
            web.get("/{tenant}/oauth2/v2.0/authorize", here.authorize),
            web.post("/{tenant}/oauth2/v2.0/token", here.grant),
        ]
    )
    return app


@web.middleware
async def _cross_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let pages of this machine read the answers, whatever port they come from."""
    origin = request.headers.get("Origin", "")
    preflight = request.method == "OPTIONS"
    response = web.Response(status=204) if preflight else await handler(request)
    if _LOCAL_ORIGIN.fullmatch(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
        response.headers["Access-Control-Allow-Headers"] = "content-type"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
    return response


def _tenant(request: web.Request) -> str:
    tenant = request.match_info["tenant"]
    if tenant not in TENANTS:
        raise web.HTTPNotFound(text=f"AADSTS90002: Tenant {tenant!r} not found.")
    return tenant


def _bad(text: str) -> web.Response:
    document: dict[str, Any] = {"error": "invalid_request", "error_description": text}
    return web.json_response(document, status=400)

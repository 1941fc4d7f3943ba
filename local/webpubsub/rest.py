"""The REST data plane: find the operation of a request, prove the caller, carry it out."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from local.webpubsub import operations, permitting, sending, tokens
from local.webpubsub.calls import Call
from local.webpubsub.config import Settings
from local.webpubsub.errors import ServiceError, bad_request, not_implemented, unauthorized
from local.webpubsub.faults import Faults
from local.webpubsub.hubs import HUB_NAME, Hubs
from local.webpubsub.identity import Identity
from local.webpubsub.stats import Stats

API_VERSIONS = ("2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01")
PREFIX = "/api/hubs/"
Operation = Callable[[Call], Awaitable[web.StreamResponse] | web.StreamResponse]


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    path: re.Pattern[str]
    operation: Operation


def _route(method: str, path: str, operation: Operation) -> _Route:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return _Route(method, re.compile(pattern), operation)


ROUTES = (
    _route("POST", ":send", sending.send_to_all),
    _route("POST", "groups/{group}/:send", sending.send_to_group),
    _route("POST", "users/{user}/:send", sending.send_to_user),
    _route("POST", "connections/{connection}/:send", sending.send_to_connection),
    _route("POST", ":closeConnections", operations.close_all),
    _route("POST", "groups/{group}/:closeConnections", operations.close_group),
    _route("POST", "users/{user}/:closeConnections", operations.close_user),
    _route("DELETE", "connections/{connection}", operations.close_connection),
    _route("HEAD", "connections/{connection}", operations.connection_exists),
    _route("HEAD", "groups/{group}", operations.group_exists),
    _route("HEAD", "users/{user}", operations.user_exists),
    _route("PUT", "groups/{group}/connections/{connection}", operations.add_connection),
    _route("DELETE", "groups/{group}/connections/{connection}", operations.remove_connection),
    _route("DELETE", "connections/{connection}/groups", operations.remove_connection_everywhere),
    _route("PUT", "users/{user}/groups/{group}", operations.add_user),
    _route("DELETE", "users/{user}/groups/{group}", operations.remove_user),
    _route("DELETE", "users/{user}/groups", operations.remove_user_everywhere),
    _route("GET", "groups/{group}/connections", operations.list_connections),
    _route("PUT", "permissions/{permission}/connections/{connection}", permitting.grant),
    _route("DELETE", "permissions/{permission}/connections/{connection}", permitting.revoke),
    _route("HEAD", "permissions/{permission}/connections/{connection}", permitting.has_permission),
    _route("POST", ":addToGroups", operations.add_to_groups),
    _route("POST", ":removeFromGroups", operations.remove_from_groups),
    _route("POST", ":generateToken", operations.generate_token),
)


class RestApi:
    """Answers everything below `/api/hubs/`."""

    def __init__(self, settings: Settings, hubs: Hubs, identity: Identity, faults: Faults, stats: Stats) -> None:
        self._settings = settings
        self._hubs = hubs
        self._identity = identity
        self._faults = faults
        self._stats = stats

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, refusals in the service's shape."""
        try:
            await self._faults.before_rest()
            response = await self._faults.held(request, lambda: self._answer(request))
        except ServiceError as refusal:
            response = refusal.response()
        response.headers["api-supported-versions"] = ", ".join(API_VERSIONS)
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        by_identity = await self._prove(request)
        versions = request.query.getall("api-version", [])
        if len(versions) > 1 or not set(versions) <= set(API_VERSIONS):
            raise bad_request(f"api-version must be one of {', '.join(API_VERSIONS)}", target="api-version")
        # Not request.path: the service leaves %2F in a name as it is, aiohttp would make it a slash.
        path = request.raw_path.partition("?")[0].removeprefix(PREFIX)
        name, _, rest = path.partition("/")
        if not request.raw_path.isascii():
            raise bad_request("the address must be percent-encoded")
        if not HUB_NAME.fullmatch(unquote(name)):
            raise bad_request("the hub's name is not valid", target="hub")
        operation, parameters = _find(request.method, rest)
        call = Call(
            request=request,
            settings=self._settings,
            hub=self._hubs.get(unquote(name)),
            parameters=parameters,
            by_identity=by_identity,
        )
        self._stats.operations[operation.__name__] += 1
        answer = operation(call)
        return answer if isinstance(answer, web.StreamResponse) else await answer

    async def _prove(self, request: web.Request) -> bool:
        """Return whether the caller came with an Entra token; refuse one without a good token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("the request brings no bearer token")
        url = f"{request.scheme}://{request.host}{request.raw_path}"
        try:
            if tokens.is_access_key_token(token.strip()):
                tokens.verify(token.strip(), self._settings.keys, [url, url.partition("?")[0]])
                return False
            await self._identity.verify(token.strip())
        except tokens.TokenRefused as refusal:
            raise unauthorized(str(refusal)) from refusal
        return True


def _find(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    known = False
    for route in ROUTES:
        found = route.path.fullmatch(path)
        if found is None:
            continue
        if route.method == method:
            return route.operation, {name: _decoded(text) for name, text in found.groupdict().items()}
        known = True
    if known:
        raise ServiceError(405, "Error.MethodNotAllowed", f"{method} is not an operation of this resource.")
    raise not_implemented(f"{method} {path!r}")


def _decoded(segment: str) -> str:
    return unquote(re.sub("%2f", lambda found: f"%25{found[0][1:]}", segment, flags=re.IGNORECASE))

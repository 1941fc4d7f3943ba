"""TLS and tokens of the identity provider: callers with credentials, and events with a bearer token."""

import json
import socket
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Self

import jwt
import pytest
from aiohttp import ClientSession, web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient
from yarl import URL

from local.identity.keys import KeyRing
from local.identity.server import application
from local.webpubsub.certificates import CERTIFICATE
from local.webpubsub.config import SYSTEM_EVENTS, EventHandler, HubSettings
from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler
from .conftest import Start
from .plain_client import HUB, JSON, PlainClient, client_url

AUDIENCE = "https://webpubsub.azure.com"
UPSTREAM = "api://salescoach-upstream"


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncGenerator[str]:
    """Run the local identity provider."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    runner = web.AppRunner(application(base, KeyRing(tmp_path / "identity")), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    yield base
    await runner.cleanup()


@pytest.fixture
async def service(start: Start, issuer: str, tmp_path: Path) -> WebPubSub:
    """Start a service with TLS that knows the identity provider."""
    return await start(cert_dir=tmp_path / "tls", identity=issuer)


class Person:
    """A credential of a sample person, with the overrides of a test."""

    def __init__(self, http: ClientSession, issuer: str, overrides: dict[str, Any]) -> None:
        self._http = http
        self._issuer = issuer
        self._body = {"user": "ada.admin", "audience": AUDIENCE, **overrides}

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Return the token that the sign-in gives."""
        assert scopes == (f"{AUDIENCE}/.default",)
        async with self._http.post(f"{self._issuer}/token", json=self._body) as answer:
            document = await answer.json()
        return AccessToken(document["access_token"], 2**31)

    async def close(self) -> None:
        """Keep nothing open."""

    async def __aenter__(self) -> Self:
        """Need no start."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Need no end."""


def _sdk(service: WebPubSub, http: ClientSession, issuer: str, certificate: Path, **overrides: Any) -> Any:
    person: Any = Person(http, issuer, overrides)
    return WebPubSubServiceClient(service.url, HUB, person, retry_total=0, connection_verify=str(certificate))


async def test_a_caller_with_a_credential_is_served_over_tls(
    service: WebPubSub, http: ClientSession, issuer: str, tmp_path: Path
) -> None:
    """The SDK sends, and gets its client token from the service itself."""
    certificate = tmp_path / "tls" / CERTIFICATE
    trust = ssl.create_default_context(cafile=certificate)

    async with _sdk(service, http, issuer, certificate) as sdk:
        token = await sdk.get_client_access_token(user_id="ann", roles=["r"], groups=["g"], minutes_to_expire=5)
        async with http.ws_connect(token["url"], protocols=(JSON,), ssl=trust) as socket_:
            first = json.loads((await socket_.receive()).data)
            await sdk.send_to_group("g", {"n": 1})
            second = json.loads((await socket_.receive()).data)

    claims = jwt.decode(token["token"], options={"verify_signature": False})
    assert service.url.startswith("https://")
    assert first["userId"] == "ann"
    assert second["data"] == {"n": 1}
    assert (claims["role"], claims["exp"] - claims["iat"]) == (["r"], 300)


@pytest.mark.parametrize(
    "overrides",
    [
        {"audience": "api://salescoach"},
        {"key": "foreign"},
        {"lifetime_s": -400},
        {"tenant": "22222222-2222-4222-8222-222222222222"},
    ],
)
async def test_a_bad_credential_is_refused(
    service: WebPubSub, http: ClientSession, issuer: str, tmp_path: Path, overrides: dict[str, Any]
) -> None:
    """Another audience, another key, another tenant, or too old."""
    async with _sdk(service, http, issuer, tmp_path / "tls" / CERTIFICATE, **overrides) as sdk:
        with pytest.raises(ClientAuthenticationError):
            await sdk.send_to_all({"n": 1})


async def test_without_an_identity_provider_no_credential_counts(
    start: Start, http: ClientSession, issuer: str, tmp_path: Path
) -> None:
    """A token that cannot be verified is refused, not believed."""
    service = await start(cert_dir=tmp_path / "tls")

    async with _sdk(service, http, issuer, tmp_path / "tls" / CERTIFICATE) as sdk:
        with pytest.raises(ClientAuthenticationError):
            await sdk.send_to_all({"n": 1})


async def test_the_certificate_is_kept(start: Start, tmp_path: Path) -> None:
    """A second start uses the one that clients trust already; its key is for its owner only."""
    await start(cert_dir=tmp_path)
    first = (tmp_path / CERTIFICATE).read_bytes()

    await start(cert_dir=tmp_path)

    assert (tmp_path / CERTIFICATE).read_bytes() == first
    assert (tmp_path / "webpubsub.key").stat().st_mode & 0o077 == 0


async def test_events_to_a_handler_with_identity_carry_a_bearer_token(
    start: Start, http: ClientSession, issuer: str, app: AppHandler
) -> None:
    """It is for the handler's audience, in the name of the service; nothing is signed by a key then."""
    handler = EventHandler(url_template=app.url, system_events=SYSTEM_EVENTS, event_pattern="*", audience=UPSTREAM)
    service = await start(hubs={HUB: HubSettings(handlers=(handler,))}, identity=issuer)

    async with PlainClient(http, client_url(service, "ann"), (JSON,)) as client:
        await client.ask(type="event", event="shout", data=1)

    event = app.of("shout")[0]
    scheme, _, token = event.headers["Authorization"].partition(" ")
    async with http.get(f"{issuer}/{service.settings.tenant}/discovery/v2.0/keys") as answer:
        keys = jwt.PyJWKSet.from_dict(await answer.json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=UPSTREAM)
    assert scheme == "Bearer"
    assert claims["tid"] == service.settings.tenant
    assert "ce-signature" not in event.headers
    assert len({one.headers["Authorization"] for one in app.received if one.method == "POST"}) == 1


async def test_without_the_identity_provider_events_fail_as_in_an_outage(
    start: Start, http: ClientSession, app: AppHandler
) -> None:
    """No token, no event: the client is refused with 500."""
    handler = EventHandler(url_template=app.url, system_events=SYSTEM_EVENTS, audience=UPSTREAM)
    service = await start(hubs={HUB: HubSettings(handlers=(handler,))}, identity="http://127.0.0.1:9")

    url = URL(str(client_url(service))).with_scheme("http")
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with http.get(url, headers=headers) as answer:
        assert answer.status == 500
    assert not app.of("connect")

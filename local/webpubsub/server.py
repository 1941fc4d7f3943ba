"""The service as a whole: its parts wired together behind one port."""

import asyncio
import ssl
from typing import Self

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

from local.webpubsub.config import Settings
from local.webpubsub.errors import not_implemented
from local.webpubsub.faults import PATH as FAULTS_PATH
from local.webpubsub.faults import Faults, reload_service
from local.webpubsub.handshake import ClientEndpoint
from local.webpubsub.hubs import Hubs
from local.webpubsub.identity import Identity
from local.webpubsub.rest import PREFIX, RestApi
from local.webpubsub.stats import PATH as STATS_PATH
from local.webpubsub.stats import Stats
from local.webpubsub.upstream import Upstream

SHUTDOWN_S = 1.0


class WebPubSub:
    """One running service; `async with` starts and stops it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.hubs = Hubs()
        self._session: ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._clients: ClientEndpoint | None = None
        self.port = settings.port

    @property
    def url(self) -> str:
        """Where the service listens."""
        scheme = "http" if self.settings.cert_dir is None else "https"
        return f"{scheme}://{self.settings.host}:{self.port}"

    @property
    def connection_string(self) -> str:
        """What the SDKs need to find the service."""
        return f"Endpoint={self.url};AccessKey={self.settings.keys[0]};Version=1.0;"

    async def __aenter__(self) -> Self:
        """Start to listen; `port` then tells the port that was free."""
        # No limit on connections: one slow event handler must not hold up other clients.
        self._session = ClientSession(connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar())
        self._runner = web.AppRunner(self._application(self._session), access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self.settings.host, self.settings.port, ssl_context=self._tls(), reuse_address=True
        )
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection, let the app hear of it for a moment, and stop."""
        lives = [session.life for session in self._clients.sessions.values()] if self._clients else []
        reload_service(self.hubs)
        if lives:
            await asyncio.wait(lives, timeout=SHUTDOWN_S)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def _tls(self) -> ssl.SSLContext | None:
        if self.settings.cert_dir is None:
            return None
        # Imported late: cryptography's X.509 part costs start-up time that only TLS needs.
        from local.webpubsub.certificates import server_context  # noqa: PLC0415

        return server_context(self.settings.cert_dir)

    def _application(self, session: ClientSession) -> web.Application:
        faults = Faults(self.hubs)
        stats = Stats(self.hubs)

        async def before_event(name: str) -> None:
            stats.events[name] += 1
            await faults.before_upstream()

        upstream = Upstream(self.settings, session, before_event)
        clients = self._clients = ClientEndpoint(self.settings, self.hubs, upstream, faults.before_handshake)
        rest = RestApi(self.settings, self.hubs, Identity(self.settings, session), faults, stats)
        # The size of bodies is checked by the operations, in the service's words.
        app = web.Application(client_max_size=self.settings.limits.message_bytes + 1)
        app.router.add_get("/api/health", _health)
        app.router.add_get("/client/hubs/{hub}", clients.handle)
        app.router.add_get("/client/", clients.handle)
        app.router.add_get("/client", clients.handle)
        app.router.add_get("/clients/{kind}/hubs/{hub}", _other_clients)
        app.router.add_get(STATS_PATH, stats.handle)
        app.router.add_delete(STATS_PATH, stats.handle)
        if self.settings.faults:
            app.router.add_route("*", FAULTS_PATH, faults.handle)
        app.router.add_route("*", PREFIX + "{rest:.*}", rest.handle)
        return app


async def _health(_: web.Request) -> web.Response:
    return web.Response()


async def _other_clients(request: web.Request) -> web.Response:
    return not_implemented(f"the {request.match_info['kind']} client endpoint").response()

"""Abuse protection: ask an event handler whether it wants this service's events, before the first one."""

import asyncio
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from local.webpubsub.config import EventHandler, Settings

NOT_FOUND, SERVER_ERROR = 404, 500
MAX_BACKOFF_S = 60.0


class PreflightFailed(Exception):
    """The handler does not want events from here."""


class Unreachable(Exception):
    """The handler could not be asked; that says nothing about its wishes."""


@dataclass(slots=True)
class _Standing:
    valid_until: float = 0.0
    refused_until: float = 0.0
    backoff_s: float = 1.0
    reason: str = ""


class Preflight:
    """Remembers which handlers agreed; refusals are asked again after 1 s, doubling to 60 s."""

    def __init__(self, settings: Settings, session: ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._standings: dict[str, _Standing] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def check(self, handler: EventHandler, hub: str) -> None:
        """Return when the handler agrees.

        Raises PreflightFailed when it refuses, Unreachable when it is down: that is not
        remembered, so that an app that was restarted is served at once.
        """
        url = handler.url(hub, "validate")
        standing = self._standings.setdefault(url, _Standing())
        async with self._locks.setdefault(url, asyncio.Lock()):
            now = asyncio.get_running_loop().time()
            if now < standing.valid_until:
                return
            if now < standing.refused_until:
                raise PreflightFailed(standing.reason)
            fault = await self._ask(url)
            if fault is None:
                standing.valid_until = now + self._settings.limits.preflight_valid_s
                standing.backoff_s = 1.0
                return
            standing.reason, standing.refused_until = fault, now + standing.backoff_s
            standing.backoff_s = min(standing.backoff_s * 2, MAX_BACKOFF_S)
            raise PreflightFailed(fault)

    async def _ask(self, url: str) -> str | None:
        try:
            fault = await self._request("OPTIONS", url)
            if fault == str(NOT_FOUND):
                fault = await self._request("GET", url)
        except (ClientError, TimeoutError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return fault and f"abuse protection of {URL(url).origin()}: {fault}"

    async def _request(self, method: str, url: str) -> str | None:
        headers = {"WebHook-Request-Origin": self._settings.origin, "ce-awpsversion": "1.0"}
        timeout = ClientTimeout(total=self._settings.limits.preflight_timeout_s)
        async with self._session.request(
            method, url, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            if answer.status >= SERVER_ERROR:
                raise Unreachable(f"it answered {answer.status}")
            if not answer.ok:
                return str(answer.status)
            allowed = ",".join(answer.headers.getall("WebHook-Allowed-Origin", [])).split(",")
        return None if self._allows({origin.strip().lower() for origin in allowed}) else "origin not allowed"

    def _allows(self, allowed: set[str]) -> bool:
        origin = self._settings.origin.lower()
        # The Functions extension answers with a bare host, web-pubsub-express with host and port.
        return any(one in {"*", origin} or one.rpartition(":")[0] == origin for one in allowed)

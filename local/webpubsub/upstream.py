"""Events to the app's event handlers: CloudEvents in binary mode over HTTP."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie

from aiohttp import ClientError, ClientSession, ClientTimeout
from multidict import CIMultiDict, CIMultiDictProxy

from local.webpubsub.config import EventHandler, Settings
from local.webpubsub.identity import Identity, IdentityUnavailable
from local.webpubsub.messages import CONTENT_TYPES, DataType
from local.webpubsub.preflight import Preflight, PreflightFailed, Unreachable

_log = logging.getLogger(__name__)
SYSTEM, USER = "azure.webpubsub.sys", "azure.webpubsub.user"
AWPS_VERSION = "1.0"  # web-pubsub-express ignores requests without it
REQUEST_TIMEOUT, SERVER_ERROR = 408, 500


class UpstreamFailed(Exception):
    """No handler took the event; `status` is the handler's answer, None when there was none."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True, kw_only=True)
class Caller:
    """Whose events these are, and what the handler keeps about them between calls."""

    hub: str
    connection_id: str
    user_id: str | None = None
    subprotocol: str | None = None
    state: str | None = None
    cookies: SimpleCookie = field(default_factory=SimpleCookie)
    next_event_id: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One event with its body."""

    type: str
    name: str
    body: bytes
    content_type: str = CONTENT_TYPES[DataType.JSON]

    @classmethod
    def system(cls, name: str, body: bytes = b"{}") -> "Event":
        """Return a system event."""
        return cls(f"{SYSTEM}.{name}", name, body)

    @classmethod
    def user(cls, name: str, body: bytes, data_type: DataType) -> "Event":
        """Return a user event."""
        return cls(f"{USER}.{name}", name, body, CONTENT_TYPES[data_type])

    @property
    def is_system(self) -> bool:
        """Whether this is one of connect, connected, disconnected."""
        return self.type.startswith(f"{SYSTEM}.")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answered."""

    status: int
    body: bytes
    headers: CIMultiDictProxy[str]

    @property
    def ok(self) -> bool:
        """Whether the handler took the event."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of success

    @property
    def worth_retrying(self) -> bool:
        """Whether the service asks again; other refusals, 429 included, are final."""
        return self.status == REQUEST_TIMEOUT or self.status >= SERVER_ERROR

    @property
    def data_type(self) -> DataType:
        """How the body is to be passed on; without a Content-Type it is binary."""
        media_type = self.headers.get("Content-Type", "").split(";")[0].strip().lower()
        known = {content_type: data_type for data_type, content_type in CONTENT_TYPES.items()}
        return known.get(media_type, DataType.BINARY)

    def metadata(self) -> dict[str, str]:
        """Return what the handler wants to travel with its message."""
        prefix = "x-webpubsub-metadata-"
        found = ((name.lower(), value) for name, value in self.headers.items())
        return {name.removeprefix(prefix): value for name, value in found if name.startswith(prefix)}


def signature(keys: Sequence[str], connection_id: str) -> str:
    """Return `ce-signature`: the connection id signed by every key; it covers nothing else."""
    digests = (hmac.new(key.encode(), connection_id.encode(), hashlib.sha256).hexdigest() for key in keys)
    return ",".join(f"sha256={digest}" for digest in digests)


class Upstream:
    """Sends events to the first handler of the hub that takes them."""

    def __init__(
        self, settings: Settings, session: ClientSession, before_each: Callable[[str], Awaitable[None]]
    ) -> None:
        self._settings = settings
        self._session = session
        self._preflight = Preflight(settings, session)
        self._identity = Identity(settings, session)
        self._before_each = before_each

    def handler_of(self, hub: str, event: Event) -> EventHandler | None:
        """Return the handler that takes the event."""
        for handler in self._settings.hub(hub).handlers:
            if handler.takes_system(event.name) if event.is_system else handler.takes_user(event.name):
                return handler
        return None

    async def send(self, caller: Caller, event: Event, *, keeps_state: bool = True) -> Reply | None:
        """Deliver one event and return the 2xx answer; None when no handler takes such events.

        Connection state in the answer replaces the caller's if `keeps_state`. Repeats carry the
        same `ce-id`; handlers must be idempotent. Raises UpstreamFailed.
        """
        handler = self.handler_of(caller.hub, event)
        if handler is None:
            return None
        headers = self._headers(caller, event)
        caller.next_event_id += 1
        fault: UpstreamFailed | None = None
        for delay in (0.0, *self._settings.limits.retry_delays_s):
            await asyncio.sleep(delay)
            await self._before_each(event.name)
            try:
                reply = await self._post(handler, caller, event, headers)
            except (ClientError, Unreachable, IdentityUnavailable) as error:
                fault = UpstreamFailed(f"{event.name}: {type(error).__name__}: {error}")
                continue
            if reply.ok:
                if keeps_state:
                    self._remember(caller, reply)
                return reply
            fault = UpstreamFailed(f"{event.name}: the handler answered {reply.status}", reply.status)
            if not reply.worth_retrying:
                break
        raise fault or UpstreamFailed(event.name)

    def _headers(self, caller: Caller, event: Event) -> CIMultiDict[str]:
        headers = CIMultiDict(
            {
                "Content-Type": event.content_type,
                "WebHook-Request-Origin": self._settings.origin,
                "ce-specversion": "1.0",
                "ce-type": event.type,
                "ce-source": f"/hubs/{caller.hub}/client/{caller.connection_id}",
                "ce-id": str(caller.next_event_id),
                "ce-time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "ce-hub": caller.hub,
                "ce-connectionId": caller.connection_id,
                "ce-eventName": event.name,
                "ce-awpsversion": AWPS_VERSION,
            }
        )
        optional = {
            "ce-userId": caller.user_id,
            "ce-subprotocol": caller.subprotocol,
            "ce-connectionState": caller.state,
        }
        headers.update({name: value for name, value in optional.items() if value is not None})
        return headers

    async def _post(self, handler: EventHandler, caller: Caller, event: Event, headers: CIMultiDict[str]) -> Reply:
        try:
            await self._preflight.check(handler, caller.hub)
        except PreflightFailed as error:
            raise UpstreamFailed(f"{event.name}: {error}") from error
        headers = headers.copy()
        if handler.audience is not None:
            # A service with identity only signs nothing: the bearer token is the proof.
            headers["Authorization"] = f"Bearer {await self._identity.token_for(handler.audience)}"
        else:
            headers["ce-signature"] = signature(self._settings.keys, caller.connection_id)
        if caller.cookies:
            headers["Cookie"] = "; ".join(f"{name}={one.value}" for name, one in caller.cookies.items())
        timeout = ClientTimeout(total=self._settings.limits.upstream_timeout_s)
        url = handler.url(caller.hub, event.name)
        try:
            async with self._session.post(
                url, data=event.body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return Reply(answer.status, await answer.read(), answer.headers)
        except TimeoutError as error:
            raise UpstreamFailed(f"{event.name}: the handler did not answer in time") from error
        except ValueError as error:
            raise UpstreamFailed(f"{event.name}: a header cannot be sent: {error}") from error

    @staticmethod
    def _remember(caller: Caller, reply: Reply) -> None:
        for cookie in reply.headers.getall("Set-Cookie", []):
            try:
                caller.cookies.load(cookie)
            except CookieError:
                _log.warning("a handler of hub %s set a cookie that is none", caller.hub)
        if "ce-connectionState" in reply.headers:
            caller.state = reply.headers["ce-connectionState"]

"""Faults on demand: the admin endpoint by which tests break the service, off by default."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import WSCloseCode, web

from local.webpubsub.connection import Connection, Ending
from local.webpubsub.errors import ServiceError, bad_request
from local.webpubsub.hubs import Hubs
from local.webpubsub.messages import loads

PATH = "/_faults"
MOMENTS = frozenset({"drop_connection", "service_reload"})
MAX_DELAY_MS = 60_000
MAX_TIMES = 1_000_000
HELD_S = 5.0


@dataclass(slots=True, kw_only=True)
class _Refusal:
    status: int
    retry_after_s: int | None
    times: int


@dataclass(slots=True, kw_only=True)
class _Quota:
    connections: int
    messages: bool
    retry_after_s: int


@dataclass(slots=True, kw_only=True)
class _Hold:
    text: bytes
    after: bool


class Faults:
    """The faults that are on; `POST` adds one, `GET` lists them, `DELETE` ends all.

    drop_connection | drop_frames {every} | delay {what: rest, upstream or frames, ms} |
    rest_refusal {status, retry_after_s, times} | quota {connections, messages, retry_after_s} |
    hold {text, when: before or after} | service_reload | slow_consumer; those on clients take
    `connectionId` or `userId`, else they are for all that are connected.
    """

    def __init__(self, hubs: Hubs) -> None:
        self._hubs = hubs
        self._refusals: list[_Refusal] = []
        self._holds: list[_Hold] = []
        self._held = 0
        self._delays = {"rest": 0.0, "upstream": 0.0}
        self._quota: _Quota | None = None
        self._on: list[dict[str, Any]] = []
        self._kinds: dict[str, Callable[[dict[str, Any]], None]] = {
            "drop_connection": self._drop,
            "service_reload": lambda _: reload_service(hubs),
            "drop_frames": self._drop_frames,
            "slow_consumer": self._stall,
            "delay": self._delay,
            "rest_refusal": self._refuse,
            "hold": self._add_hold,
            "quota": self._limit,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Answer the admin endpoint."""
        try:
            await self._change(request)
        except ServiceError as refusal:
            return refusal.response()
        return web.json_response({"on": self._on, "held": self._held})

    async def _change(self, request: web.Request) -> None:
        if request.method == "POST":
            self.add(await _object(request))
        elif request.method == "DELETE":
            self.clear()
        elif request.method != "GET":
            raise ServiceError(405, "Error.MethodNotAllowed", "POST, GET or DELETE.")

    def add(self, fault: dict[str, Any]) -> None:
        """Begin a fault, or do it at once where it is one moment.

        Raises ServiceError when it is not known.
        """
        begin = self._kinds.get(str(fault.get("kind")))
        if begin is None:
            raise bad_request(f"kind must be one of {', '.join(self._kinds)}", target="kind")
        begin(fault)
        if fault["kind"] not in MOMENTS:
            self._on.append(fault)

    def clear(self) -> None:
        """End every fault."""
        self._refusals.clear()
        self._holds.clear()
        self._held = 0
        self._quota = None
        self._on.clear()
        self._delays = dict.fromkeys(self._delays, 0.0)
        for connection in self._hubs.connections():
            connection.impairment.clear()

    async def before_rest(self) -> None:
        """Let a REST request wait or fail as the faults want it.

        Raises ServiceError.
        """
        await asyncio.sleep(self._delays["rest"])
        if self._quota is not None and self._quota.messages:
            raise _over(self._quota, "Message")
        if not self._refusals:
            return
        refusal = self._refusals[0]
        refusal.times -= 1
        if refusal.times == 0:
            self._refusals.pop(0)
        error = ServiceError(refusal.status, "Error.Fault", "This answer is a fault on demand.")
        if refusal.retry_after_s is not None:
            error.headers["Retry-After"] = str(refusal.retry_after_s)
        raise error

    def before_handshake(self) -> None:
        """Refuse a client beyond a quota that was set.

        Raises ServiceError.
        """
        quota = self._quota
        if quota is not None and len(self._hubs.connections()) >= quota.connections:
            raise _over(quota, "Connection")

    async def held(
        self, request: web.Request, answer: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer a REST request; one that is to be held is cut off after a while, carried out or not."""
        body = await request.read() if self._holds else b""
        hold = next((one for one in self._holds if one.text in body), None)
        if hold is None:
            return await answer()
        self._holds.remove(hold)
        response = await answer() if hold.after else web.Response(status=503)
        self._held += 1
        await asyncio.sleep(HELD_S)
        if request.transport is not None:
            request.transport.abort()
        return response

    async def before_upstream(self) -> None:
        """Let an event wait as the faults want it."""
        await asyncio.sleep(self._delays["upstream"])

    def _targets(self, fault: dict[str, Any]) -> list[Connection]:
        wanted, user = fault.get("connectionId"), fault.get("userId")
        return [
            one
            for one in self._hubs.connections()
            if (wanted is None or one.id == wanted) and (user is None or one.user_id == user)
        ]

    def _drop(self, fault: dict[str, Any]) -> None:
        for connection in self._targets(fault):
            connection.drop()

    def _drop_frames(self, fault: dict[str, Any]) -> None:
        every = _number(fault, "every", 1, MAX_TIMES)
        for connection in self._targets(fault):
            connection.impairment.drop_every = every

    def _stall(self, fault: dict[str, Any]) -> None:
        for connection in self._targets(fault):
            connection.impairment.stall()

    def _delay(self, fault: dict[str, Any]) -> None:
        delay_s = _number(fault, "ms", 0, MAX_DELAY_MS) / 1000
        what = fault.get("what")
        if what in self._delays:
            self._delays[str(what)] = delay_s
        elif what == "frames":
            for connection in self._targets(fault):
                connection.impairment.delay_s = delay_s
        else:
            raise bad_request("what must be rest, upstream or frames", target="what")

    def _add_hold(self, fault: dict[str, Any]) -> None:
        text, when = fault.get("text"), fault.get("when")
        if not isinstance(text, str) or when not in ("before", "after"):
            raise bad_request("a hold has a text and when: before or after", target="when")
        self._holds.append(_Hold(text=text.encode(), after=when == "after"))

    def _limit(self, fault: dict[str, Any]) -> None:
        self._quota = _Quota(
            connections=_number({"connections": MAX_TIMES, **fault}, "connections", 0, MAX_TIMES),
            messages=fault.get("messages") is True,
            retry_after_s=_number({"retry_after_s": 5, **fault}, "retry_after_s", 0, 3600),
        )

    def _refuse(self, fault: dict[str, Any]) -> None:
        retry_after_s = _number(fault, "retry_after_s", 0, 3600) if "retry_after_s" in fault else None
        self._refusals.append(
            _Refusal(
                status=_number(fault, "status", 400, 599),
                retry_after_s=retry_after_s,
                times=_number({"times": 1, **fault}, "times", 1, MAX_TIMES),
            )
        )


def _over(quota: _Quota, what: str) -> ServiceError:
    # As Azure SignalR Service, whose limits are the same: 429 for either (Azure/azure-signalr, docs/tsg.md).
    error = ServiceError(429, "Error.TooManyRequests", f"{what} count reaches limit.")
    error.headers["Retry-After"] = str(quota.retry_after_s)
    return error


def reload_service(hubs: Hubs) -> None:
    """Close every client as the service does for maintenance; nobody can come back, all begin anew."""
    for connection in hubs.connections():
        connection.end(Ending(WSCloseCode.GOING_AWAY, "ServiceReload"))


async def _object(request: web.Request) -> dict[str, Any]:
    # A web page cannot send this type without asking first, and is not answered then.
    if request.content_type != "application/json":
        raise bad_request("the body must be application/json")
    try:
        value = loads(await request.read())
    except ValueError as error:
        raise bad_request("the body is not JSON") from error
    if not isinstance(value, dict):
        raise bad_request("the body must be an object")
    return cast("dict[str, Any]", value)


def _number(fault: dict[str, Any], name: str, lowest: int, highest: int) -> int:
    value = fault.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise bad_request(f"{name} must be a number from {lowest} to {highest}", target=name)
    return value

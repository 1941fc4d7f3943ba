"""The sockets: aiohttp requests to calls, replies to responses, faults, statistics, the clean-up of expired items."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from local.cosmos import address, auth
from local.cosmos.errors import CosmosError, bad_request
from local.cosmos.faults import AFTER_APPLY, DROP_AFTER_APPLY, STALE, Fault, Faults
from local.cosmos.faults import parse as parse_fault
from local.cosmos.service import Service, common_headers, error_reply, operation_of, seen_by
from local.cosmos.stats import Stats
from local.cosmos.wire import ACTIVITY_ID, Call, Reply, dump_json, parse_json

LOGGER = logging.getLogger("local.cosmos")
# Above the 2 MB that items and batches may have, so that these limits answer and not aiohttp's.
_BODY_LIMIT = 16 * 1024 * 1024
_PURGE_EVERY_S = 30.0


@dataclass(slots=True, kw_only=True)
class Gateway:
    """Everything that requests share; `faults` is None unless faults were switched on."""

    service: Service
    key: str = auth.WELL_KNOWN_KEY
    faults: Faults | None = None
    stats: Stats = field(default_factory=Stats)
    behind: Service | None = None
    """The store as it was when a fault asked for stale reads."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one Cosmos request."""
        try:
            call = await _call(request)
            reply = await self._answer(call, request)
        except CosmosError as error:
            reply = error_reply(error)
        except web.HTTPRequestEntityTooLarge:
            reply = error_reply(CosmosError(413, "Request size is too large."))
        except Exception:
            # The last door: what no one foresaw is logged here with its trace and must not kill the connection.
            LOGGER.exception("%s %s failed", request.method, request.path)
            reply = error_reply(CosmosError(500, "The local Cosmos DB failed; its log has the trace."))
        headers = common_headers(request.headers.get(ACTIVITY_ID), reply)
        return web.Response(status=reply.status, text=reply.body, headers=headers)

    async def _answer(self, call: Call, request: web.Request) -> Reply:
        auth.check(call, self.key)
        operation = operation_of(call)
        fault = self.faults.take(operation, call) if self.faults else None
        reply = await self._with_fault(fault, operation, call, request) if fault else self._run(operation, call)
        self.stats.record(call.address.container, operation, reply.status, reply.charge)
        return reply

    def _run(self, operation: str, call: Call) -> Reply:
        try:
            return self.service.answer(operation, call)
        except CosmosError as error:
            return error_reply(error)

    def _run_behind(self, operation: str, call: Call) -> Reply:
        # A region that is behind a session refuses its reads (404, 1002), and the SDK asks the one that is not.
        if self.behind is None or seen_by(call) > self.behind.store.lsn:
            return self._run(operation, call)
        try:
            return self.behind.answer(operation, call)
        except CosmosError as error:
            return error_reply(error)

    async def _with_fault(self, fault: Fault, operation: str, call: Call, request: web.Request) -> Reply:
        applied = fault.status in (AFTER_APPLY, DROP_AFTER_APPLY)
        if applied:
            self._run(operation, call)
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.status == STALE:
            return self._run_behind(operation, call)
        if fault.status == DROP_AFTER_APPLY and request.transport:
            request.transport.abort()
        return error_reply(fault.error()) if fault.status is not None else self._run(operation, call)


async def _call(request: web.Request) -> Call:
    base_url = f"{request.scheme}://{request.host}/"
    where = address.parse(request.rel_url.raw_path)
    body = await request.read()
    return Call(method=request.method, address=where, headers=request.headers, body=body, base_url=base_url)


def make_app(gateway: Gateway) -> web.Application:
    """Return the aiohttp application."""
    app = web.Application(client_max_size=_BODY_LIMIT)
    app.router.add_get("/health", _health)
    app.router.add_get("/_stats", _admin(gateway, _show_stats))
    app.router.add_delete("/_stats", _admin(gateway, _reset_stats))
    if gateway.faults is not None:
        app.router.add_get("/_faults", _admin(gateway, _show_faults))
        app.router.add_post("/_faults", _admin(gateway, _add_fault))
        app.router.add_delete("/_faults", _admin(gateway, _clear_faults))
    app.router.add_route("*", "/{path:.*}", gateway.handle)

    async def purging(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_purge_forever(gateway.service))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        gateway.service.store.close()

    app.cleanup_ctx.append(purging)
    return app


async def _purge_forever(service: Service) -> None:
    while True:
        await asyncio.sleep(_PURGE_EVERY_S)
        gone = service.purge()
        if gone:
            LOGGER.info("deleted %d expired items", gone)


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _admin(
    gateway: Gateway, answer: Callable[[Gateway, bytes], object]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Wrap an admin function: JSON out, 400 for faulty input. No key: the server listens on loopback only."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            shown = answer(gateway, await request.read())
        except CosmosError as error:
            return web.Response(status=error.status, body=error.body(), content_type="application/json")
        return web.Response(text=dump_json(shown), content_type="application/json")

    return handle


def _show_stats(gateway: Gateway, _: bytes) -> object:
    return gateway.stats.as_json()


def _reset_stats(gateway: Gateway, _: bytes) -> object:
    gateway.stats.reset()
    return gateway.stats.as_json()


def _rules(gateway: Gateway) -> Faults:
    if gateway.faults is None:
        raise bad_request("Faults are switched off; start with --faults.")
    return gateway.faults


def _show_faults(gateway: Gateway, _: bytes) -> object:
    return [rule.as_json() for rule in _rules(gateway).rules]


def _add_fault(gateway: Gateway, body: bytes) -> object:
    rule = parse_fault(parse_json(body))
    if rule.status == STALE and gateway.behind is None:
        gateway.behind = Service(gateway.service.store.copy())
    _rules(gateway).rules.append(rule)
    return rule.as_json()


def _clear_faults(gateway: Gateway, _: bytes) -> object:
    _rules(gateway).rules.clear()
    if gateway.behind is not None:
        gateway.behind.store.close()
        gateway.behind = None
    return []

"""Let tests set pace and faults of the model, and see what it was asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from aiohttp import web

from local.model.bad_request import error
from local.model.faults import Faults
from local.model.prompt_cache import PromptCache
from local.model.requests_log import RequestsLog

DEFAULT_PACE = 60.0


@dataclass(slots=True)
class Desk:
    """What tests can set and see."""

    tokens_per_second: float = DEFAULT_PACE
    faults_allowed: bool = False
    faults: Faults = field(default_factory=Faults)
    log: RequestsLog = field(default_factory=RequestsLog)
    cache: PromptCache = field(default_factory=PromptCache)


class DeskHandlers:
    """The HTTP handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def health(self, _: web.Request) -> web.Response:
        """Say that the model is up."""
        return web.json_response({"status": "ok", "faults": [asdict(one) for one in self._desk.faults.active]})

    async def switch_on(self, request: web.Request) -> web.Response:
        """Switch a fault on."""
        if not self._desk.faults_allowed:
            return web.json_response(error("start the model with --faults to allow this"), status=403)
        try:
            return web.json_response(asdict(self._desk.faults.add(await request.json())))
        except ValueError as fault:
            return web.json_response(error(str(fault)), status=400)

    async def switch_off(self, _: web.Request) -> web.Response:
        """Switch all faults off."""
        self._desk.faults.clear()
        return web.Response(status=204)

    async def pace(self, request: web.Request) -> web.Response:
        """Set the pace of answers that begin from now on."""
        try:
            wished = float((await request.json())["tokens_per_second"])
        except (ValueError, KeyError, TypeError):
            return web.json_response(error("tokens_per_second must be a number; 0 is at once"), status=400)
        self._desk.tokens_per_second = wished
        return web.json_response({"tokens_per_second": wished})

    async def requests(self, request: web.Request) -> web.Response:
        """Show the last requests."""
        last = int(request.query.get("last", "50"))
        with_messages = request.query.get("messages") == "1"
        return web.json_response(self._desk.log.document(last=last, with_messages=with_messages))

    async def forget(self, _: web.Request) -> web.Response:
        """Forget the requests."""
        self._desk.log.clear()
        return web.Response(status=204)

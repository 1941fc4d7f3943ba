"""Counts of what the service did, for benchmarks and budgets: `GET /_stats`, `DELETE /_stats`."""

from collections import Counter

from aiohttp import web

from local.webpubsub.hubs import Hubs

PATH = "/_stats"


class Stats:
    """REST operations by name and attempts to deliver events by name, since the start or the last reset."""

    def __init__(self, hubs: Hubs) -> None:
        self._hubs = hubs
        self.operations: Counter[str] = Counter()
        self.events: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer the counts; DELETE begins anew."""
        if request.method == "DELETE":
            self.operations.clear()
            self.events.clear()
        return web.json_response(
            {
                "connections": len(self._hubs.connections()),
                "operations": dict(self.operations),
                "events": dict(self.events),
            }
        )

"""Collect what Microsoft's exporter sends to Application Insights, on a real socket."""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class Collector:
    """What Application Insights was sent."""

    def __init__(self) -> None:
        self.address = ""
        self.items: list[dict[str, Any]] = []
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        """Answer as the ingestion endpoint does."""
        self.asked.set()
        await self.answering.wait()
        body = await request.read()
        text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        items = json.loads(text)
        self.items.extend(items)
        return web.json_response({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []})

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The items of one kind."""
        return [item["data"]["baseData"] | {"tags": item["tags"]} for item in self.items if kind in item["name"]]

    @property
    def connection_string(self) -> str:
        """Name it as an Application Insights resource."""
        key = "InstrumentationKey=00000000-0000-4000-8000-000000000000"
        return f"{key};IngestionEndpoint={self.address}/;LiveEndpoint={self.address}/"


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    """Run a collector on a free port."""
    found, app = Collector(), web.Application()
    app.router.add_post("/{path:.*}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        found.answering.set()
        await runner.cleanup()

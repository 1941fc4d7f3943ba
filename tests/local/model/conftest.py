"""The model stand-in on a free port, and the official client for it."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web

from local.model.desk import Desk
from local.model.server import application

PIPELINE: dict[str, Any] = {
    "name": "sfdc__pipeline_summary",
    "description": "Sum up the open sales pipeline by stage: number of opportunities, amount and weighted amount.",
    "parameters": {
        "type": "object",
        "properties": {
            "owner": {"type": "string", "default": "me", "examples": ["me", "all"]},
            "quarter": {"type": "string", "default": "this", "examples": ["this", "last", "next", "all"]},
            "region": {"enum": ["all", "EMEA", "AMER", "APAC"], "type": "string", "default": "all"},
        },
    },
}
RESULT = (
    '{"as_of": "2026-05-15T10:00:00.000Z", "currency": "EUR", "owner": "sam.sales@example.com", "period": "2026-Q2",'
    ' "open_amount": 300000, "rows": [{"stage": "Proposal", "amount": 100000}, {"stage": "Negotiation",'
    ' "amount": 200000}], "links": [{"title": "Report", "url": "https://crm.example.com/r"}]}'
)
SYSTEM = {"role": "system", "content": "You are a sales coach. Today is 2026-05-15."}
QUESTION = {"role": "user", "content": "How is my pipeline this quarter?"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "sfdc__pipeline_summary", "arguments": "{}"}}
    ],
}
TOLD = {"role": "tool", "tool_call_id": "call_1", "content": RESULT}
ANSWERING: list[Any] = [SYSTEM, QUESTION, CALL, TOLD]


class RunningModel:
    """What a client sees of the model."""

    def __init__(self, base: str, http: aiohttp.ClientSession, client: openai.AsyncOpenAI) -> None:
        self.base = base
        self.http = http
        self.client = client

    async def fault(self, **fault: Any) -> int:
        """Switch a fault on and return the status."""
        async with self.http.post(f"{self.base}/_faults", json=fault) as response:
            return response.status

    async def pace(self, tokens_per_second: float) -> None:
        """Set the pace."""
        async with self.http.post(f"{self.base}/_pace", json={"tokens_per_second": tokens_per_second}) as response:
            assert response.status == 200

    async def requests(self, **query: str) -> list[dict[str, Any]]:
        """Return what the model was asked."""
        async with self.http.get(f"{self.base}/_requests", params=query) as response:
            return (await response.json())["requests"]

    async def raw(self, path: str, body: dict[str, Any]) -> tuple[int, list[str]]:
        """Return status and lines of an answer, as they come over the wire."""
        async with self.http.post(self.base + path, json=body) as response:
            text = await response.text()
        return response.status, [line for line in text.splitlines() if line]


@pytest.fixture
async def model() -> AsyncGenerator[RunningModel]:
    """Run the model in this process, as fast as it can, with faults allowed."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = application(Desk(tokens_per_second=0, faults_allowed=True))
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    async with (
        aiohttp.ClientSession() as http,
        openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="any", max_retries=0) as client,
    ):
        yield RunningModel(base, http, client)
    await runner.cleanup()

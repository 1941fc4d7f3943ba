"""Measure tool calls: what the client adds to a bare HTTP call, discovery cold and warm, and 20 calls side by side.

The sample server runs as a process of its own, without sign-in; the bare call is the same JSON-RPC over one open
connection of the same HTTP library. Both are asked in turn, so that a busy machine slows both.

    python -m bench.tools [--calls 300] [--repeat 3] [--json]
"""

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import httpx2

from shared.adapters.mcp_tools.client import McpTools
from shared.adapters.system_clock import SystemClock
from shared.domain.ids import CallId
from shared.domain.tools import CallState, ServerEntry, ToolCall, ToolContext

TOOL = "salary_bands"
SIDE_BY_SIDE = 20
CONTEXT = ToolContext(
    user_id="t:u",
    email="hana.hr@example.com",
    region=None,
    user_token=None,
    idempotency_key="k",
    timeout_s=30,
    extra={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
)
CALL = ToolCall(call_id=CallId("c"), round=0, index=0, server="hr", name=TOOL, arguments={}, safe_to_repeat=True)


@dataclass(frozen=True)
class Figures:
    """Medians in milliseconds, and calls a second."""

    bare_ms: float
    call_ms: float
    added_ms: float
    added_p95_ms: float
    discovery_cold_ms: float
    discovery_warm_ms: float
    side_by_side_ms: float
    calls_per_s: float


async def no_token(server: ServerEntry, context: ToolContext, *, fresh: bool = False) -> None:
    """Do without sign-in, which is measured apart."""
    del server, context, fresh


@contextmanager
def sample_server() -> Generator[ServerEntry]:
    """Run the sample servers and name one of them."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "local.mcp_servers", "--port", "0", "--no-auth", "--data", folder]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603
        try:
            assert running.stdout is not None
            base = running.stdout.readline().strip().rpartition(" ")[2]
            yield ServerEntry(name="hr", url=f"{base}/hr/mcp", roles=("*",), auth_enabled=False, description="")
        finally:
            running.terminate()
            running.wait(10)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Give the milliseconds that something takes."""
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


async def measure(server: ServerEntry, calls: int) -> Figures:
    """Take all figures once."""
    tools = McpTools(no_token, SystemClock(), loopback=True)
    cold = await timed(lambda: tools.discover(server, CONTEXT))
    warm = [await timed(lambda: tools.discover(server, CONTEXT)) for _ in range(10)]

    async def call() -> None:
        result = await tools.call(server, CALL, CONTEXT)
        assert result.state is CallState.DONE, result

    async with httpx2.AsyncClient() as http:

        async def bare() -> None:
            answer = await http.post(server.url, json=_request(), headers=_HEADERS)
            assert answer.status_code == 200, answer.text
            assert "structuredContent" in answer.text

        for _ in range(20):
            await bare()
            await call()
        pairs = [(await timed(bare), await timed(call)) for _ in range(calls)]
    side_by_side = [await timed(lambda: asyncio.gather(*(call() for _ in range(SIDE_BY_SIDE)))) for _ in range(10)]
    await tools.close()
    added = sorted(mine - plain for plain, mine in pairs)
    together = statistics.median(side_by_side)
    return Figures(
        bare_ms=round(statistics.median(plain for plain, _ in pairs), 2),
        call_ms=round(statistics.median(mine for _, mine in pairs), 2),
        added_ms=round(statistics.median(added), 2),
        added_p95_ms=round(added[int(len(added) * 0.95)], 2),
        discovery_cold_ms=round(cold, 1),
        discovery_warm_ms=round(statistics.median(warm), 1),
        side_by_side_ms=round(together, 1),
        calls_per_s=round(SIDE_BY_SIDE / together * 1000),
    )


_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": TOOL,
}


def _request() -> dict[str, object]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": TOOL, "arguments": {}, "_meta": meta},
    }


def main() -> None:
    """Print the run whose added latency is the median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300, help="calls of each kind (default 300)")
    parser.add_argument("--repeat", type=int, default=3, help="runs, the median counts (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with sample_server() as server:
        runs = [asyncio.run(measure(server, options.calls)) for _ in range(options.repeat)]
    figures = sorted(runs, key=lambda run: run.added_ms)[len(runs) // 2]
    print(json.dumps(asdict(figures)) if options.json else _lines(figures))


def _lines(figures: Figures) -> str:
    return (
        f"a call: {figures.call_ms} ms, a bare HTTP call {figures.bare_ms} ms; added {figures.added_ms} ms"
        f" (95th percentile {figures.added_p95_ms} ms)\n"
        f"discovery: cold {figures.discovery_cold_ms} ms, warm {figures.discovery_warm_ms} ms\n"
        f"{SIDE_BY_SIDE} calls side by side: {figures.side_by_side_ms} ms, {figures.calls_per_s} a second"
    )


if __name__ == "__main__":
    main()

"""A running engine with its HTTP port, its worker and the real durable client."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import aiohttp
import azure.durable_functions as df
from aiohttp import web
from durable_sample_app import bp
from durable_sdk_worker import SdkWorker

from local.host.durable.engine import DurableEngine
from local.host.durable.faults import Crash
from local.host.invocation_contract import FunctionKind

RPC = "/durabletask"
WEBHOOK = "/runtime/webhooks/durabletask"
BOUND_S = 10.0
ENDED = ("Completed", "Failed", "Terminated")
T = TypeVar("T")


class OpenHub(Protocol):
    """Opens a hub over the test's folder; `after` is stopped first, as a host that goes down."""

    async def __call__(self, *, after: "Hub | None" = None, **settings: Any) -> "Hub":
        """Open it."""
        ...


@dataclass
class Hub:
    """One engine, what it runs and how it is reached."""

    engine: DurableEngine
    worker: SdkWorker
    client: df.DurableOrchestrationClient
    base_url: str
    runner: web.AppRunner

    async def wait_for(self, instance_id: str, accept: Callable[[Any], bool]) -> Any:
        """Return the status once it is as wanted."""
        return await until(lambda: self.client.get_status(instance_id, show_input=True), accept)

    async def finished(self, instance_id: str) -> Any:
        """Return the status once the instance has ended."""
        return await self.wait_for(instance_id, lambda status: bool(status) and status.runtime_status.name in ENDED)

    async def run(self, name: str, value: Any = None, instance_id: str | None = None) -> Any:
        """Start an orchestration and return its final status."""
        return await self.finished(await self.client.start_new(name, instance_id, value))

    async def waiting(self, instance_id: str | None = None) -> str:
        """Start an instance that waits for events and return its id once it runs."""
        started = await self.client.start_new("two_events", instance_id)
        await self.wait_for(started, lambda status: status.runtime_status.name == "Running")
        return started

    async def request(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Send a raw request below the RPC prefix; return status and body text."""
        async with aiohttp.request(method, f"{self.base_url}{RPC}/{path}", **options) as response:
            return response.status, await response.text()

    async def close(self) -> None:
        """Stop serving and stop the engine without waiting for its work."""
        await self.runner.cleanup()
        await self.engine.stop(timeout_s=0)


async def until(read: Callable[[], Awaitable[T]], accept: Callable[[T], bool]) -> T:
    """Read again until the value is as wanted, within a bound."""
    async with asyncio.timeout(BOUND_S):
        while not accept(value := await read()):
            await asyncio.sleep(0.005)
        return value


async def open_engine(
    data_dir: Path,
    *,
    crash: Crash | None = None,
    journal: Path | None = None,
    without: tuple[FunctionKind, str] | None = None,
    **settings: Any,
) -> Hub:
    """Start an engine over a folder and serve it on a free port of the loopback interface."""
    worker = SdkWorker(bp, journal=journal)
    if without is not None:
        del worker.functions[without]
    chosen: dict[str, Any] = {"hub_name": "TestHub", "faults": True, **settings}
    engine = DurableEngine(data_dir=data_dir, invoker=worker, **chosen)
    if crash is not None:
        engine.faults.add(crash)
    await engine.start()
    app = web.Application()
    engine.add_routes(app, RPC)
    engine.add_routes(app, WEBHOOK)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return Hub(engine, worker, df.DurableOrchestrationClient(binding_json(base_url)), base_url, runner)


def binding_json(base_url: str) -> str:
    """Build the durableClient binding as the host gives it."""
    webhook = f"{base_url}{WEBHOOK}"
    instance = f"{webhook}/instances/INSTANCEID"
    return json.dumps(
        {
            "taskHubName": "TestHub",
            "creationUrls": {
                "createNewInstancePostUri": f"{webhook}/orchestrators/{{functionName}}[/{{instanceId}}]?code=k",
                "createAndWaitOnNewInstancePostUri": f"{webhook}/orchestrators/{{functionName}}?code=k",
            },
            "managementUrls": {
                "id": "INSTANCEID",
                "statusQueryGetUri": f"{instance}?code=k",
                "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?code=k",
                "terminatePostUri": f"{instance}/terminate?reason={{text}}&code=k",
                "purgeHistoryDeleteUri": f"{instance}?code=k",
            },
            "baseUrl": webhook,
            "requiredQueryStringParameters": "code=k",
            "rpcBaseUrl": f"{base_url}{RPC}/",
        }
    )

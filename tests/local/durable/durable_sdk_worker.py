"""Runs an app's durable functions as the Python worker does: JSON text in, JSON text out."""

import asyncio
import inspect
import json
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from local.host.invocation_contract import FunctionKind, InvocationFailed

_TRIGGERS: dict[str, FunctionKind] = {
    "orchestrationTrigger": "orchestration",
    "activityTrigger": "activity",
    "entityTrigger": "entity",
}


class SdkWorker:
    """An in-process stand-in for the worker: the engine's `FunctionInvoker` over a real blueprint."""

    def __init__(self, blueprint: df.Blueprint, *, journal: Path | None = None) -> None:
        self._journal = journal
        app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
        app.register_functions(blueprint)
        self.functions: dict[tuple[FunctionKind, str], Callable[[Any], Any]] = {}
        self.orchestrator_calls = 0
        self.activity_calls: list[tuple[str, Any]] = []
        self.abort_next: Exception | None = None  # what a broken host raises, once
        self._gates: dict[str, asyncio.Event] = {}
        self._reached = asyncio.Event()
        self._running = 0
        for one in app.get_functions():
            trigger, name = one.get_trigger(), one.get_function_name()
            assert trigger is not None
            assert name is not None
            self.functions[_TRIGGERS[str(trigger.type)], name.lower()] = one.get_user_function()

    def has(self, kind: FunctionKind, name: str) -> bool:
        """Tell whether the app has that function."""
        return (kind, name.lower()) in self.functions

    def block(self, activity: str) -> None:
        """Let every run of that activity hang until `release`."""
        self._gates[activity] = asyncio.Event()

    def release(self, activity: str) -> None:
        """Let the runs of that activity go on."""
        self._gates.pop(activity).set()

    async def blocked(self) -> None:
        """Wait until an activity hangs."""
        await self._reached.wait()

    async def idle(self) -> None:
        """Wait until no activity runs."""
        async with asyncio.timeout(5):
            while self._running:
                await asyncio.sleep(0)

    async def run_orchestrator(self, name: str, context_json: str) -> str:
        """Run the SDK's handle on a context."""
        self.orchestrator_calls += 1
        if self.abort_next is not None:
            aborted, self.abort_next = self.abort_next, None
            raise aborted
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the SDK warns about untyped JSON; a worker has no strict filter
                return self.functions["orchestration", name.lower()](context_json)
        except Exception as error:
            raise InvocationFailed(_worker_text(error)) from error

    async def run_activity(self, name: str, input_json: str, *, instance_id: str) -> str | None:
        """Run an activity on its decoded input."""
        value = json.loads(input_json)
        self.activity_calls.append((name, value))
        self._running += 1
        if self._journal is not None:
            with self._journal.open("a", encoding="utf-8") as log:
                log.write(f"{instance_id} {name} {input_json}\n")
        try:
            return await self._run(name, value)
        except Exception as error:
            raise InvocationFailed(_worker_text(error)) from error
        finally:
            self._running -= 1

    async def _run(self, name: str, value: Any) -> str | None:
        gate = self._gates.get(name)
        if gate is not None:
            self._reached.set()
            await gate.wait()
        result = self.functions["activity", name.lower()](value)
        if inspect.isawaitable(result):
            result = await result
        return None if result is None else json.dumps(result)


def _worker_text(error: Exception) -> str:
    stack = "".join(traceback.format_tb(error.__traceback__))
    return f"Result: Failure\nException: {type(error).__name__}: {error}\nStack: {stack}"

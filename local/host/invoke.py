"""One invocation from the host's side: inputs, the worker, then all outputs at once, and one line of log."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from azure.functions.meta import Datum

from local.host.app_model import BindingInfo, FunctionInfo
from local.host.binding_data import BindingData
from local.host.context import Trace, begin_trace
from local.host.failures import own_frames_removed
from local.host.typed_data import TypedData
from local.host.worker import Worker, WorkerResult

_log = logging.getLogger("local.host.invocation")

BindInput = Callable[[BindingInfo, BindingData], Awaitable[Datum | None]]
ApplyOutput = Callable[[BindingInfo, Any, BindingData], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What starts an invocation: the trigger's value and what binding expressions may name."""

    trigger: Datum | None
    binding_data: BindingData = field(default_factory=BindingData)
    trace: Trace = field(default_factory=lambda: begin_trace(None, None))


class Invocations:
    """Run invocations and know how many are under way."""

    def __init__(
        self,
        *,
        worker: Worker,
        inputs: dict[str, BindInput],
        outputs: dict[str, ApplyOutput],
        timeout: timedelta,
    ) -> None:
        self._worker = worker
        self._inputs = inputs
        self._outputs = outputs
        self._timeout = timeout
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self, function: FunctionInfo, call: Call) -> TypedData:
        """Run a function, apply its outputs and return its return value.

        Raises:
            Exception: the function, an input or an output failed; nothing was applied when the function failed.
        """
        invocation_id = str(uuid.uuid4())
        begun = time.perf_counter()
        self._running += 1
        self._idle.clear()
        try:
            returned = await self._run(function, call, invocation_id)
        except BaseException as fault:
            _report(function, invocation_id, begun, fault)
            raise
        else:
            _report(function, invocation_id, begun, None)
            return returned
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def drain(self, timeout_s: float) -> int:
        """Wait until nothing runs, at most so long.

        Returns:
            How many invocations were still running at the end.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return self._running
        return 0

    async def _run(self, function: FunctionInfo, call: Call, invocation_id: str) -> TypedData:
        inputs = {function.trigger.name: call.trigger, **await self._bind(function, call)}
        result = await self._call(function, inputs, invocation_id, call.trace)
        if function.outputs():
            await self._apply(function, _output_values(function, result), call.binding_data)
        return result.return_value

    async def _call(
        self, function: FunctionInfo, inputs: dict[str, Datum | None], invocation_id: str, trace: Trace
    ) -> WorkerResult:
        seconds = self._timeout.total_seconds()
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await self._worker.call(function, inputs, invocation_id=invocation_id, trace=trace)
        except TimeoutError as fault:
            if not limit.expired():
                raise
            msg = f"Timeout value of {self._timeout} was exceeded by function: Functions.{function.name}"
            raise TimeoutError(msg) from fault

    async def _bind(self, function: FunctionInfo, call: Call) -> dict[str, Datum | None]:
        bindings = function.inputs()
        values = await asyncio.gather(*(self._inputs[binding.type](binding, call.binding_data) for binding in bindings))
        return {binding.name: value for binding, value in zip(bindings, values, strict=True)}

    async def _apply(self, function: FunctionInfo, values: dict[str, Any], data: BindingData) -> None:
        """Apply all outputs at once; each runs to its end, then the first failure is raised."""
        bindings = [binding for binding in function.outputs() if values.get(binding.name) is not None]
        results = await asyncio.gather(
            *(self._outputs[binding.type](binding, values[binding.name], data) for binding in bindings),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _output_values(function: FunctionInfo, result: WorkerResult) -> dict[str, Any]:
    values = {name: data.to_host() for name, data in result.outputs.items()}
    returned = result.return_value.to_host()
    if function.has_return_binding:
        return {**values, "$return": returned}
    # The host reads a returned object as outputs by name, even over what Out parameters were given
    # (azure-functions-host 4.1037, WorkerFunctionInvoker.HandleOutputDictionary).
    return {**values, **(returned if isinstance(returned, dict) else {})}  # type: ignore[dict-item]


def _report(function: FunctionInfo, invocation_id: str, begun: float, fault: BaseException | None) -> None:
    """Log an invocation in one line of JSON, a failure's traceback after it; never what it was given."""
    line = {
        "function": function.name,
        "trigger": function.trigger.type,
        "invocation": invocation_id,
        "ms": round((time.perf_counter() - begun) * 1000, 1),
        "outcome": "ok" if fault is None else "failed",
    }
    if fault is None:
        _log.info("%s", json.dumps(line))
        return
    _log.error("%s", json.dumps({**line, "exception": type(fault).__name__}), exc_info=own_frames_removed(fault))

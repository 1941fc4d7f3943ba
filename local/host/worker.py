"""Call a function: arguments from the host's data, the result and the outputs back as data.

This is the worker's side of the boundary; what it raises is what the function's failure looks like.
Source: azure-functions-runtime 1.3.0, handle_event.py.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from azure.functions.meta import Datum

from local.host.app_model import FunctionInfo
from local.host.context import Context, Trace
from local.host.convert import decode, encode
from local.host.typed_data import NOTHING, TypedData

_LARGEST_POOL = 32


class Out:
    """The object behind a `func.Out` parameter."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        """Keep the output's value; the last one counts."""
        self._value = val

    def get(self) -> Any:
        """Return the value, None when none was set."""
        return self._value


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerResult:
    """What a function gave: its return value and the outputs that it set."""

    return_value: TypedData
    outputs: dict[str, TypedData]


class Worker:
    """Run sync functions on a bounded pool and async ones on the one event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=pool_size(), thread_name_prefix="function")

    async def call(
        self, function: FunctionInfo, inputs: dict[str, Datum | None], *, invocation_id: str, trace: Trace
    ) -> WorkerResult:
        """Call a function once.

        Raises:
            Exception: whatever the function or a conversion raised.
        """
        context = Context(
            function_name=function.name,
            directory=function.directory,
            invocation_id=invocation_id,
            trace=trace,
        )
        arguments = {name: decode(function.input_types[name].binding_type, datum) for name, datum in inputs.items()}
        context.thread_local_storage.invocation_id = invocation_id
        if function.requires_context:
            arguments["context"] = context
        outs = {name: Out() for name in function.output_types}
        result = await self._run(function, {**arguments, **outs}, context)
        if result is not None and function.return_type is None:
            # The missing space and the unfilled %s are the worker's.
            words = "function %s without a $return bindingreturned a non-None value"
            raise RuntimeError(words, repr(function.name))
        return _encode_all(function, result, outs)

    def close(self) -> None:
        """Stop taking work; threads that still run are left to the end of the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, function: FunctionInfo, arguments: dict[str, Any], context: Context) -> Any:
        if function.is_async:
            return await function.call(**arguments)

        def in_thread() -> Any:
            storage = context.thread_local_storage
            storage.invocation_id = context.invocation_id
            try:
                return function.call(**arguments)
            finally:
                storage.invocation_id = None

        return await asyncio.get_running_loop().run_in_executor(self._pool, in_thread)


def pool_size() -> int:
    """Return how many sync functions run at once.

    Raises:
        ValueError: PYTHON_THREADPOOL_THREAD_COUNT is no number from 1 to 1024.
    """
    # The worker falls back to its default with a warning; a bad value is refused here.
    setting = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
    if setting is None:
        return min(_LARGEST_POOL, (os.cpu_count() or 1) + 4)
    if not setting.isdecimal() or not 1 <= int(setting) <= 1024:  # noqa: PLR2004 - the worker's limit
        msg = f"PYTHON_THREADPOOL_THREAD_COUNT must be a number from 1 to 1024, not {setting!r}"
        raise ValueError(msg)
    return int(setting)


def _encode_all(function: FunctionInfo, result: Any, outs: dict[str, Out]) -> WorkerResult:
    outputs = {
        name: encode(known.binding_type, outs[name].get(), known.pytype)
        for name, known in function.output_types.items()
        if outs[name].get() is not None
    }
    known = function.return_type
    returned = NOTHING if known is None else encode(known.binding_type, result, known.pytype)
    return WorkerResult(return_value=returned, outputs=outputs)

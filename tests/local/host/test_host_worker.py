"""Sync functions share a bounded pool, async ones the loop, and outputs wait for success."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from azure.functions.meta import Datum

from local.host.app_model import BindingInfo
from local.host.binding_data import BindingData
from local.host.context import begin_trace
from local.host.invoke import Call, Invocations
from local.host.typed_data import from_int
from local.host.worker import Worker

from .conftest import function_of


async def test_sync_functions_run_side_by_side_up_to_the_size_of_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once here; the third begins when one has ended."""
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", "2")
    worker, together, seen = Worker(), threading.Barrier(2), list[str]()

    def work(x: str) -> None:
        together.wait(timeout=10)
        seen.append(x + threading.current_thread().name)

    function = function_of(call=work)
    calls = [
        worker.call(function, {"x": Datum("1", "string")}, invocation_id=str(at), trace=begin_trace(None, None))
        for at in range(4)
    ]

    await asyncio.gather(*calls)
    worker.close()

    assert len(seen) == 4
    assert len(set(seen)) == 2


async def test_async_functions_run_on_the_loop_of_the_host() -> None:
    """All of them in one thread."""
    worker = Worker()

    async def work(x: str) -> str:
        return f"{x}{threading.current_thread() is threading.main_thread()}"

    function = function_of(call=work)
    result = await worker.call(function, {"x": Datum("1", "string")}, invocation_id="i", trace=begin_trace(None, None))
    worker.close()

    assert result.return_value.to_host() == "1True"


async def test_every_output_runs_to_its_end_before_the_failure_of_one_is_raised() -> None:
    """The slow one is not cut by the quick failure."""
    applied: list[str] = []

    async def apply(binding: BindingInfo, value: Any, data: BindingData) -> None:
        del value, data
        if binding.name == "bad":
            raise ValueError("refused")
        await asyncio.sleep(0)
        applied.append(binding.name)

    async def work(x: str, bad: Any, good: Any) -> None:
        bad.set(x)
        good.set(x)

    worker = Worker()
    invocations = Invocations(worker=worker, inputs={}, outputs={"webPubSub": apply}, timeout=timedelta(seconds=5))

    with pytest.raises(ValueError, match="refused"):
        await invocations.run(function_of(call=work, outputs=("bad", "good")), Call(trigger=Datum("1", "string")))
    worker.close()

    assert applied == ["good"]


def test_numbers_that_the_protocol_cannot_carry_are_refused() -> None:
    """With the words of protobuf."""
    with pytest.raises(ValueError, match="Value out of range: 9223372036854775808"):
        from_int(2**63)

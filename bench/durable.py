"""Measure the durable engine: hops a second and milliseconds a hop for 1, 10 and 100 parallel orchestrations.

A hop is one activity of a chain: dispatch, run, result kept, orchestrator run by the real SDK, episode kept.
Orchestrators and activities run on a thread pool, as the worker runs sync functions. Starts go through the
engine's Python interface, so HTTP is not part of the figures.

    python -m bench.durable [--steps 20] [--parallel 1,10,100] [--repeat 3] [--json]
"""

import argparse
import asyncio
import json
import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from local.host.durable.engine import DurableEngine
from local.host.invocation_contract import FunctionKind

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def chain(context: Any) -> Generator[Any, Any, Any]:
    """Call as many activities as the input says, one after the other."""
    value = 0
    for _ in range(context.get_input()):
        value = yield context.call_activity("step", value)
    return value


@bp.activity_trigger(input_name="value")
def step(value: int) -> int:
    """Count one hop."""
    return value + 1


class PoolInvoker:
    """Runs the SDK's functions on a thread pool, JSON text in and out."""

    def __init__(self, blueprint: df.Blueprint) -> None:
        app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
        app.register_functions(blueprint)
        self._functions: dict[str, Callable[[Any], Any]] = {
            str(one.get_function_name()): one.get_user_function() for one in app.get_functions()
        }
        self._pool = ThreadPoolExecutor(max_workers=8)
        self.orchestrator_s = 0.0
        self.ended = asyncio.Semaphore(0)

    def has(self, kind: FunctionKind, name: str) -> bool:
        """Tell whether the app has that function."""
        return kind != "entity" and name in self._functions

    async def run_orchestrator(self, name: str, context_json: str) -> str:
        """Run one episode."""
        answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._orchestrate, name, context_json)
        if '"isDone": true' in answer:
            self.ended.release()
        return answer

    async def run_activity(self, name: str, input_json: str, *, instance_id: str) -> str | None:  # noqa: ARG002
        """Run one activity."""
        value = json.loads(input_json)
        result = await asyncio.get_running_loop().run_in_executor(self._pool, self._functions[name], value)
        return json.dumps(result)

    def _orchestrate(self, name: str, context_json: str) -> str:
        began = time.thread_time()
        answer = self._functions[name](context_json)
        self.orchestrator_s += time.thread_time() - began
        return answer


@dataclass(frozen=True)
class Figure:
    """What one run gave."""

    parallel: int
    steps: int
    hops_per_s: float
    ms_per_hop: float
    cpu_ms_per_hop: float
    sdk_ms_per_hop: float


async def measure(parallel: int, steps: int) -> Figure:
    """Run that many chains at once over a fresh store."""
    with tempfile.TemporaryDirectory() as folder:
        invoker = PoolInvoker(bp)
        engine = DurableEngine(data_dir=Path(folder), invoker=invoker, hub_name="Bench")
        await engine.start()
        await _run(engine, invoker, 1, 2)  # first use: imports, statements, threads
        invoker.orchestrator_s = 0.0
        cpu = time.process_time()
        wall = await _run(engine, invoker, parallel, steps)
        cpu = time.process_time() - cpu
        await engine.stop(timeout_s=1)
    hops = parallel * steps
    return Figure(
        parallel=parallel,
        steps=steps,
        hops_per_s=round(hops / wall),
        ms_per_hop=round(1000 * wall / hops, 2),
        cpu_ms_per_hop=round(1000 * cpu / hops, 2),
        sdk_ms_per_hop=round(1000 * invoker.orchestrator_s / hops, 2),
    )


async def _run(engine: DurableEngine, invoker: PoolInvoker, parallel: int, steps: int) -> float:
    began = time.perf_counter()
    ids = [engine.start_instance("chain", None, json.dumps(json.dumps(steps))) for _ in range(parallel)]
    for _ in ids:
        await invoker.ended.acquire()  # looking all the time would be measured, too
    for instance_id in ids:
        while (row := engine.instance(instance_id)) is None or row.status in ("Pending", "Running"):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert row.output == str(steps), row
    return time.perf_counter() - began


def main() -> None:
    """Print one line per degree of parallelism."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="activities per orchestration (default 20)")
    parser.add_argument("--parallel", default="1,10,100", help="degrees of parallelism (default 1,10,100)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, the median counts (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")  # the SDK's advice about untyped JSON
    for parallel in str(options.parallel).split(","):
        runs = [asyncio.run(measure(int(parallel), options.steps)) for _ in range(options.repeat)]
        one = sorted(runs, key=lambda run: run.ms_per_hop)[len(runs) // 2]
        print(json.dumps(asdict(one)) if options.json else _line(one))


def _line(one: Figure) -> str:
    return (
        f"{one.parallel:>4} parallel x {one.steps} hops: {one.hops_per_s:>5.0f} hops/s, {one.ms_per_hop:.2f} ms/hop "
        f"(processor {one.cpu_ms_per_hop:.2f} ms, of which the SDK's orchestrator {one.sdk_ms_per_hop:.2f} ms)"
    )


if __name__ == "__main__":
    main()

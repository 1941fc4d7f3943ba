"""Drive the local host's own worker over the conformance cases: `python worker_side_ours.py < jobs`."""

import asyncio
import base64
import json
import logging
import pathlib
import sys
import warnings
from typing import Any

from azure.functions.meta import Datum

from local.host.app_loader import load_app
from local.host.app_model import FunctionInfo, IndexingFailed
from local.host.context import Trace
from local.host.typed_data import HttpReply, TypedData
from local.host.worker import Worker


async def run_case(job: dict[str, Any], worker: Worker) -> dict[str, Any]:
    """Index one app and make its calls."""
    sys.modules.pop("function_app", None)
    try:
        functions = {function.name: function for function in load_app(pathlib.Path(job["app"]))}
    except IndexingFailed as fault:
        return {"refused": str(fault)}
    finally:
        if job["app"] in sys.path:
            sys.path.remove(job["app"])
    calls = [await call(worker, functions[name], inputs) for name, inputs in job["calls"]]
    described = {name: describe(function) for name, function in functions.items()}
    return {"refused": None, "functions": described, "calls": calls}


def describe(function: FunctionInfo) -> dict[str, Any]:
    """Show what indexing found."""
    return {
        "id": function.function_id,
        "raw_bindings": [binding.raw for binding in function.bindings],
        "async": function.is_async,
        "context": function.requires_context,
        "inputs": {name: known.binding_type for name, known in sorted(function.input_types.items())},
        "outputs": {name: known.binding_type for name, known in sorted(function.output_types.items())},
        "returns": function.return_type.binding_type if function.return_type else None,
    }


async def call(worker: Worker, function: FunctionInfo, inputs: dict[str, Any]) -> dict[str, Any]:
    """Make one call."""
    try:
        result = await worker.call(
            function,
            {name: datum(value) for name, value in inputs.items()},
            invocation_id="11111111-1111-4111-8111-111111111111",
            trace=Trace("00-parent", "state"),
        )
    except Exception as fault:  # noqa: BLE001 - any exception is the call's outcome
        return {"failed": f"{type(fault).__name__}: {fault}"}
    return {
        "returned": show(result.return_value),
        "outputs": {name: show(data) for name, data in result.outputs.items()},
    }


def datum(value: list[Any] | None) -> Datum | None:
    """Build the host's datum of `[kind, value]`."""
    if value is None:
        return None
    kind, content = value
    if kind == "bytes":
        return Datum(base64.b64decode(content), kind)
    if kind == "http":
        texts = ("headers", "params", "query")
        fields: dict[str, Any] = {
            name: {key: Datum(text, "string") for key, text in content[name].items()} for name in texts
        }
        fields |= {name: Datum(content[name], "string") for name in ("method", "url")}
        return Datum({**fields, "body": Datum(base64.b64decode(content["body"]), "bytes")}, kind)
    return Datum(content, kind)


def show(data: TypedData) -> list[Any] | None:
    """Return `[kind, value]`, None for nothing."""
    value = data.value
    if data.kind == "none":
        return None
    if isinstance(value, bytes):
        return [data.kind, base64.b64encode(value).decode()]
    if isinstance(value, HttpReply):
        body = base64.b64encode(value.body).decode()
        return [data.kind, {"status": str(value.status), "headers": value.headers, "body": body}]
    return [data.kind, value]


async def main() -> None:
    """Read the jobs from stdin, write the results to stdout."""
    worker = Worker()
    jobs = json.load(sys.stdin)
    sys.stdout.write(json.dumps([await run_case(job, worker) for job in jobs]))
    worker.close()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    asyncio.run(main())

"""Drive Microsoft's worker library over the conformance cases: `python worker_side_theirs.py < jobs`.

The library normally speaks gRPC; here plain classes stand in for the protobuf ones. It keeps its state in
module globals, so that each case begins with a fresh registry and a fresh `function_app`.
"""

# The library has no types.
# pyright: basic, reportMissingImports=false

import asyncio
import base64
import json
import logging
import os
import sys
import warnings
from types import SimpleNamespace
from typing import Any

from azure_functions_runtime import handle_event
from azure_functions_runtime.functions import Registry


class Message:
    """A protobuf message: fields by keyword; `WhichOneof` names the one that is set."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def __getattr__(self, name: str) -> Any:
        # The library tells a message from a module by whether it has `TypedData`.
        if name.startswith("__") or name == "TypedData":
            raise AttributeError(name)
        return self.fields.get(name)

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802 - protobuf's name
        """Return the name of the field that is set; `data` of an empty ParameterBinding counts as set."""
        if group == "rpc_data":
            return "data"
        return next(iter(self.fields), None)


class BindingInfo(Message):
    """With the numbers of the protocol."""

    undefined = 0
    out = 1
    inout = 2


class StatusResult(Message):
    """With the two outcomes."""

    Failure = "failure"
    Success = "success"


class RpcHttpCookie(Message):
    """With its enum."""

    SameSite = SimpleNamespace(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})


PROTOS = SimpleNamespace(
    BindingInfo=BindingInfo,
    StatusResult=StatusResult,
    RpcHttpCookie=RpcHttpCookie,
    **dict.fromkeys(("TypedData", "RpcHttp", "ParameterBinding", "RpcException", "RpcFunctionMetadata"), Message),
    **dict.fromkeys(
        ("InvocationResponse", "WorkerInitResponse", "WorkerMetadata", "FunctionMetadataResponse"), Message
    ),
    **dict.fromkeys(("NullableString", "NullableBool", "NullableDouble", "NullableTimestamp"), Message),
)


async def run_case(job: dict[str, Any]) -> dict[str, Any]:
    """Index one app and make its calls."""
    sys.modules.pop("function_app", None)
    handle_event._functions = Registry()
    handle_event._metadata_result = None
    sys.path.insert(0, job["app"])
    os.chdir(job["app"])
    try:
        request = SimpleNamespace(
            request=SimpleNamespace(
                worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=job["app"])
            ),
            properties={"host": "127.0.0.1", "protos": PROTOS},
        )
        started = await handle_event.worker_init_request(request)
        if started.result.status == StatusResult.Failure:
            return {"refused": started.result.exception.message}
        functions = {found.name: describe(found) for found in handle_event._metadata_result or []}
        calls = [await call(*spec) for spec in job["calls"]]
        return {"refused": None, "functions": functions, "calls": calls}
    finally:
        sys.path.remove(job["app"])


def describe(metadata: Any) -> dict[str, Any]:
    """Show what indexing found."""
    info = handle_event._functions.get_function(metadata.function_id)
    return {
        "id": metadata.function_id,
        "raw_bindings": [json.loads(raw) for raw in metadata.raw_bindings],
        "async": info.is_async,
        "context": info.requires_context,
        "inputs": {name: known.binding_name for name, known in sorted(info.input_types.items())},
        "outputs": {name: known.binding_name for name, known in sorted(info.output_types.items())},
        "returns": info.return_type.binding_name if info.return_type else None,
    }


async def call(function: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Make one call."""
    known = {info.name: info for info in handle_event._functions._functions.values()}[function]
    invocation = SimpleNamespace(
        invocation_id="11111111-1111-4111-8111-111111111111",
        function_id=known.function_id,
        input_data=[Message(name=name, data=typed_data(value)) for name, value in inputs.items()],
        trigger_metadata={},
        trace_context=SimpleNamespace(trace_parent="00-parent", trace_state="state", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
    answer = await handle_event.invocation_request(
        SimpleNamespace(request=SimpleNamespace(invocation_request=invocation))
    )
    if answer.result.status == StatusResult.Failure:
        return {"failed": answer.result.exception.message}
    return {
        "returned": show(answer.return_value),
        "outputs": {output.name: show(output.data) for output in answer.output_data},
    }


def typed_data(value: list[Any] | None) -> Message:
    """Build the host's data of `[kind, value]`; None is the empty one."""
    if value is None:
        return Message()
    kind, content = value
    if kind == "bytes":
        return Message(bytes=base64.b64decode(content))
    if kind == "http":
        body = Message(bytes=base64.b64decode(content["body"]))
        return Message(http=Message(**{**content, "body": body}))
    return Message(**{kind: content})


def show(data: Message | None) -> list[Any] | None:
    """Return `[kind, value]`, None for nothing."""
    if data is None or not data.fields:
        return None
    ((kind, value),) = data.fields.items()
    if kind == "bytes":
        return [kind, base64.b64encode(value).decode()]
    if kind == "http":
        body = show(value.body) or ["bytes", ""]
        return [kind, {"status": value.status_code, "headers": value.headers, "body": body[1]}]
    return [kind, value]


async def main() -> None:
    """Read the jobs from stdin, write the results to stdout."""
    jobs = json.load(sys.stdin)
    sys.stdout.write(json.dumps([await run_case(job) for job in jobs]))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    asyncio.run(main())

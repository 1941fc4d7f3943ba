"""Run orchestrators and activities for the durable engine."""

import base64
import json
from typing import Any

from azure.functions.meta import Datum

from local.host.app_model import FunctionInfo
from local.host.binding_data import BindingData
from local.host.binding_rules import durable_name
from local.host.context import begin_trace
from local.host.failures import as_invocation_failed
from local.host.invocation_contract import FunctionKind
from local.host.invoke import Call, Invocations
from local.host.typed_data import TypedData

_NAME_PROPERTIES: dict[str, tuple[FunctionKind, str]] = {
    "orchestrationTrigger": ("orchestration", "orchestration"),
    "activityTrigger": ("activity", "activity"),
}


class DurableInvoker:
    """The engine's way into the app; implements `FunctionInvoker`."""

    def __init__(self, functions: list[FunctionInfo], invocations: Invocations) -> None:
        self._invocations = invocations
        self._functions: dict[tuple[FunctionKind, str], FunctionInfo] = {}
        for function in functions:
            known = _NAME_PROPERTIES.get(function.trigger.type)
            if known is not None:
                kind, name_property = known
                self._functions[kind, durable_name(function, name_property)] = function

    def has(self, kind: FunctionKind, name: str) -> bool:
        """Tell whether the app has that function; names are compared without case."""
        return (kind, name.lower()) in self._functions

    async def run_orchestrator(self, name: str, context_json: str) -> str:
        """Run one episode and return the SDK's JSON text.

        Raises:
            InvocationFailed: the function raised.
        """
        returned = await self._run("orchestration", name, Call(trigger=Datum(context_json, "string")))
        # The SDK's handle wrote this text; it is handed on unparsed, for its length grows with the history.
        return str(returned.value)

    async def run_activity(self, name: str, input_json: str, *, instance_id: str) -> str | None:
        """Run an activity; its outputs have been applied when this returns.

        Raises:
            InvocationFailed: the function or one of its outputs failed.
        """
        data = BindingData.from_json(_parsed(input_json), instanceId=instance_id)
        call = Call(trigger=Datum(input_json, "string"), binding_data=data, trace=begin_trace(None, None))
        returned = (await self._run("activity", name, call)).to_host()
        if returned is None:
            return None
        if isinstance(returned, bytes):
            returned = base64.b64encode(returned).decode()
        return json.dumps(returned, ensure_ascii=False, separators=(",", ":"))

    async def _run(self, kind: FunctionKind, name: str, call: Call) -> TypedData:
        function = self._functions[kind, name.lower()]
        try:
            return await self._invocations.run(function, call)
        except Exception as fault:
            raise as_invocation_failed(fault) from fault


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None

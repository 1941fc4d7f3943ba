"""What the durable engine needs from the host to run orchestrators and activities."""

from typing import Literal, Protocol

FunctionKind = Literal["orchestration", "activity", "entity"]


class InvocationFailed(Exception):
    """A function ended with an error.

    The text has the form that the real host gives to the durable extension:
    `Result: Failure`, `Exception: ...` and `Stack: ...`, a line each.
    """


class FunctionInvoker(Protocol):
    """Run the app's durable functions on behalf of the engine."""

    def has(self, kind: FunctionKind, name: str) -> bool:
        """Tell whether the app has that function; names are case-insensitive as in the extension."""
        ...

    async def run_orchestrator(self, name: str, context_json: str) -> str:
        """Run one episode and return the SDK's JSON text.

        Raises:
            InvocationFailed: the worker call failed; the text may carry `$OutOfProcData$`.
        """
        ...

    async def run_activity(self, name: str, input_json: str, *, instance_id: str) -> str | None:
        """Run an activity and return its result as JSON text, None for no result.

        The function's output bindings have been applied when this returns.

        Raises:
            InvocationFailed: the function or one of its outputs failed.
        """
        ...

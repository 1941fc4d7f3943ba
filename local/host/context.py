"""The `func.Context` of an invocation: its id, its function and the trace that it belongs to."""

import re
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func

# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(r"^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$")
_invocation_id_local = threading.local()


@dataclass(frozen=True, slots=True)
class Trace:
    """The W3C trace context of one invocation."""

    trace_parent: str
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def Traceparent(self) -> str:  # noqa: N802 - the deprecated name that the SDK still offers
        """Return the trace parent."""
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802 - as above
        """Return the trace state."""
        return self.trace_state

    @property
    def Attributes(self) -> dict[str, str]:  # noqa: N802 - as above
        """Return the attributes."""
        return self.attributes


@dataclass(frozen=True, slots=True)
class Retry:
    """The retry context; always empty, because retry policies are refused at indexing."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: object | None = None


def begin_trace(trace_parent: str | None, trace_state: str | None) -> Trace:
    """Open a span below the caller's, or a new trace when the caller sent none that is valid."""
    found = _TRACEPARENT.match(trace_parent or "")
    trace_id, flags = (found[1], found[2]) if found else (secrets.token_hex(16), "00")
    return Trace(f"00-{trace_id}-{secrets.token_hex(8)}-{flags}", (trace_state or "") if found else "")


class Context(func.Context):
    """What a function that declares `context` receives."""

    def __init__(self, *, function_name: str, directory: str, invocation_id: str, trace: Trace) -> None:
        self._function_name = function_name
        self._directory = directory
        self._invocation_id = invocation_id
        self._trace = trace

    @property
    def invocation_id(self) -> str:
        """Return the id of this invocation."""
        return self._invocation_id

    @property
    def function_name(self) -> str:
        """Return the function's name."""
        return self._function_name

    @property
    def function_directory(self) -> str:
        """Return the folder of the function's module."""
        return self._directory

    @property
    def trace_context(self) -> Any:
        """Return the trace context."""
        return self._trace

    @property
    def retry_context(self) -> Any:
        """Return the retry context."""
        return Retry()

    @property
    def thread_local_storage(self) -> Any:
        """Return the storage that carries the invocation id to threads of the function."""
        return _invocation_id_local

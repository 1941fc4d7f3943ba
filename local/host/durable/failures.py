"""The texts of failures, word for word as the durable extension forms them."""

import json
from dataclasses import dataclass

# OutOfProcExceptionHelpers.cs: labels that the worker's message carries.
_DATA_LABEL = "\n\n$OutOfProcData$:"
_MESSAGE_LABEL = "\nException:"
_STACK_LABEL = "\nStack:"
INVALID_SCHEMA = "Out of proc orchestrators must return a valid JSON schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailure:
    """A worker's failure taken apart: what the user's code said, and the SDK's state if it came along."""

    message: str
    state_json: str | None


def read_worker_failure(text: str) -> WorkerFailure:
    """Split the host's `Result: Failure` text; a text of another form is the message as a whole."""
    start, end = text.find(_MESSAGE_LABEL), text.find(_STACK_LABEL)
    if not text.startswith("Result:") or start < 0 or end < 0:
        return WorkerFailure(message=text, state_json=None)
    message = text[start + len(_MESSAGE_LABEL) : end]
    friendly, label, state = message.partition(_DATA_LABEL)
    return WorkerFailure(message=friendly, state_json=state if label else None)


def activity_failure(name: str, worker_text: str) -> tuple[str, str]:
    """Return Reason and Details of a TaskFailed event; the two spaces in Reason are the extension's."""
    message = read_worker_failure(worker_text).message
    details = {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": message,
        "Data": None,
        "InnerException": {
            "ClassName": "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException",
            "Message": worker_text,
        },
        "StackTraceString": None,
    }
    return f"Activity function '{name}' failed: {message}", json.dumps(details)


def orchestrator_failure(name: str, error: str) -> str:
    """Return the output of a failed orchestration."""
    return f"Orchestrator function '{name}' failed: {error}"


def unknown_function(name: str, kind: str) -> str:
    """Return the extension's words for a function that is not there; `kind` is its article and noun."""
    return f"The function '{name}' doesn't exist, is disabled, or is not {kind} function."

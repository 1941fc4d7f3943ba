"""The text of a failed invocation, as the host hands it on, with what looks like a secret removed."""

import pathlib
import re
import traceback

from local.host.invocation_contract import InvocationFailed

# azure-functions-host 4.1037, Sanitizer.cs. It also hits innocent text such as "monkey=5", and thereby the
# state that a failed orchestrator appends to its message; that is kept, because apps must survive it.
_TOKENS = (
    "Token=",
    "DefaultEndpointsProtocol=http",
    "AccountKey=",
    "Data Source=",
    "Server=",
    "Password=",
    "pwd=",
    "&amp;sig=",
    "&sig=",
    "?sig=",
    "SharedAccessKey=",
    "&amp;code=",
    "&code=",
    "?code=",
    "key=",
)
_HERE = str(pathlib.Path(__file__).parent)
_ALLOWED = "PublicKeyToken="
_HIDDEN = "[Hidden Credential]"
_VALUE_END = re.compile(r"[<\"']")
_URL_WITH_PASSWORD = re.compile(r"\b([a-zA-Z]+)://([^:/\s]+):([^@/\s]+)@([^:/\s]+):([0-9]+)\b", re.IGNORECASE)


def sanitize(text: str) -> str:
    """Replace everything from a credential's name to the end of its value."""
    for token in _TOKENS:
        start = _find(text, token)
        while start >= 0:
            end = _VALUE_END.search(text, start)
            text = text[:start] + _HIDDEN + (text[end.start() :] if end else "")
            start = _find(text, token)
    return _URL_WITH_PASSWORD.sub(_HIDDEN, text)


def failure_text(fault: BaseException) -> str:
    """Return `Result`, `Exception` and `Stack` of a failure, in the form that the durable extension parses."""
    stack = "".join(traceback.format_exception(own_frames_removed(fault)))
    return f"Result: Failure\nException: {sanitize(f'{type(fault).__name__}: {fault}')}\nStack: {stack}"


def own_frames_removed(fault: BaseException) -> BaseException:
    """Return the exception with its traceback beginning in the app, where there is such a frame."""
    frame = fault.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_HERE):
        frame = frame.tb_next
    return fault if frame is None else fault.with_traceback(frame)


def as_invocation_failed(fault: Exception) -> InvocationFailed:
    """Wrap any exception of an invocation for the durable engine."""
    return InvocationFailed(failure_text(fault))


def _find(text: str, token: str) -> int:
    return text.replace(_ALLOWED, "#" * len(_ALLOWED)).lower().find(token.lower())

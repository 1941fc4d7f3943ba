"""Say what a provider's refusal means for the turn, the same for every API flavour."""

from shared.domain.errors import ErrorCode, ModelFailed, WhyNot

_RETIRED = frozenset({404, 410})
_BUSY = frozenset({408, 409, 429})
_SERVER_FAULT = 500


def of_status(status: int, code: str | None, retry_after: str | None) -> ModelFailed:
    """Say what a refusal by HTTP status means; `retry_after` is the header as it came."""
    if status in _RETIRED:
        text = "This model has been retired."
        return ModelFailed(ErrorCode.MODEL_UNAVAILABLE, text, may_repeat=True, why=WhyNot.RETIRED)
    if status in _BUSY or status >= _SERVER_FAULT:
        wait = retry_after or ""
        seconds = float(wait) if wait.replace(".", "", 1).isdigit() else None
        return ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "The model is busy.", may_repeat=True, retry_after_s=seconds)
    return of_code(code)


def of_code(code: str | None) -> ModelFailed:
    """Say what a provider's own error code means."""
    if code == "content_filter":
        return ModelFailed(ErrorCode.BLOCKED, "The provider's filter stopped this question.", may_repeat=False)
    if code == "context_length_exceeded":
        return ModelFailed(ErrorCode.TOO_LARGE, "The conversation is too long for the model.", may_repeat=False)
    return ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "The model refused the request.", may_repeat=False)


def silent() -> ModelFailed:
    """Say what a lost connection, a time-out or an error in mid-stream means."""
    return ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "The model does not answer at present.", may_repeat=True)


def unreadable() -> ModelFailed:
    """Say what a stream that is no JSON means."""
    return ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "The model's stream was unreadable.", may_repeat=True)


def broken_off() -> ModelFailed:
    """Say what a stream without an end of its own means: it is no answer (docs/protocol.md)."""
    return ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "The model's answer broke off.", may_repeat=True)

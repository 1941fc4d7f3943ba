"""Name what can be refused or fail, once: these codes are the codes of the wire (docs/protocol.md)."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Closed list of error codes that a client may see."""

    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105  # a code, not a secret
    INTERACTION_REQUIRED = "interaction_required"
    FORBIDDEN = "forbidden"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    MODEL_UNAVAILABLE = "model_unavailable"
    TOOL_FAILED = "tool_failed"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    INTERNAL = "internal"


_RETRYABLE = frozenset(
    {ErrorCode.RATE_LIMITED, ErrorCode.MODEL_UNAVAILABLE, ErrorCode.TOKEN_EXPIRED, ErrorCode.INTERNAL}
)


class ChatError(Exception):
    """A refusal or failure with a meaning; its message is written for the person and holds no content."""

    def __init__(
        self, code: ErrorCode, message: str, *, retry_after_s: float | None = None, claims: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        self.claims = claims
        """What the person's next sign-in must ask for, as the issuer put it (`interaction_required`)."""

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in _RETRYABLE


class StoreUnavailable(Exception):
    """The store did not answer in time or refused for load; the outcome of a write is unknown."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class ChannelUnavailable(Exception):
    """Frames cannot be sent at present; what they say is stored all the same."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class ChannelFull(ChannelUnavailable):
    """The service has more connections or messages than it serves."""


class EngineUnavailable(Exception):
    """The durable backend did not answer; what it should have started is started by upkeep."""


class WhyNot(StrEnum):
    """Why a turn could not even ask a model; finer than the code that a client sees, `model_unavailable`."""

    RETIRED = "model_retired"
    NO_PROMPT = "no_prompt"


class ModelFailed(Exception):
    """A model call ended without an answer."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        may_repeat: bool,
        retry_after_s: float | None = None,
        why: WhyNot | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.may_repeat = may_repeat
        self.why = why
        self.retry_after_s = retry_after_s

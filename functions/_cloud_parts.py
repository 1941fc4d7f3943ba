"""Read the parts of a CloudEvent that anybody may have written: names, times, bodies."""

from datetime import UTC, datetime

from shared.domain.errors import ChatError, ErrorCode

FRESH_S = 300.0
"""An event that is older was captured somewhere and sent again; clocks may differ by as much."""
NAME_MOST_CHARS = 256
_BINARY = frozenset({"application/octet-stream", "application/x-protobuf"})


def is_name(text: str) -> bool:
    """Tell whether it can name a connection or a person: visible ASCII, which goes into addresses and keys."""
    return 0 < len(text) <= NAME_MOST_CHARS and text.isascii() and text.isprintable() and " " not in text


def text_of(content_type: str, body: bytes) -> str | None:
    """Read a body that is text; None for a binary frame, and for bytes that are not UTF-8."""
    if content_type.partition(";")[0].strip().lower() in _BINARY:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def require_fresh(time: str) -> None:
    """Refuse what was captured earlier.

    Raises:
        ChatError: `bad_request` for no time, `unauthenticated` for one that is too far from now.
    """
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(time)
    except (ValueError, TypeError, OverflowError):
        raise ChatError(ErrorCode.BAD_REQUEST, "ce-time is no time with a zone.") from None
    if abs(age.total_seconds()) > FRESH_S:
        raise ChatError(ErrorCode.UNAUTHENTICATED, "This event is too old, or from the future.")

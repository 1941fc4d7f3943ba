"""Give out places in a list as opaque cursors that only their own person can use."""

import base64
import hashlib
import hmac

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.ids import UserId

_MAC_BYTES = 16


def make_cursor(key: bytes, user_id: UserId, place: str) -> str:
    """Name a place in this person's list."""
    text = place.encode()
    return base64.urlsafe_b64encode(_mac(key, user_id, text) + text).decode().rstrip("=")


def read_cursor(key: bytes, user_id: UserId, cursor: str) -> str:
    """Give back the place that `make_cursor` named for the same person.

    Raises:
        ChatError: `bad_request`; the cursor was made up, changed, or given to somebody else.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _refused() from None
    mac, text = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, user_id, text)):
        raise _refused()
    return text.decode()


def _mac(key: bytes, user_id: UserId, text: bytes) -> bytes:
    return hmac.digest(key, user_id.encode() + b"\x00" + text, hashlib.sha256)[:_MAC_BYTES]


def _refused() -> ChatError:
    return ChatError(ErrorCode.BAD_REQUEST, "This cursor does not belong to this list.")

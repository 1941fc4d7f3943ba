"""Tell what a failed call means: whether it took effect, whether it may be sent again, and whose fault it was."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import anyio
import httpx2
from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, REQUEST_TIMEOUT
from pydantic import ValidationError

from shared.adapters.mcp_tools.connections import Unopened

EXPECTED = (
    *(MCPError, Unopened, httpx2.HTTPError, httpx2.StreamError, OSError, ValidationError, RuntimeError),
    *(anyio.ClosedResourceError, anyio.BrokenResourceError),
)
"""What the SDK raises for a call that failed; RuntimeError for a result that does not fit the tool's own schema."""

_NO_CLEAR_END = frozenset({CONNECTION_CLOSED, REQUEST_TIMEOUT, PARSE_ERROR, INTERNAL_ERROR, INVALID_REQUEST})


class Kind(StrEnum):
    """What a fault leaves to do."""

    EXPIRED = "expired"
    """401: the server did not act; a new token may help."""
    SESSION_LOST = "session_lost"
    """The server has forgotten our session and did not act."""
    UNREACHED = "unreached"
    """The server was not there; it did not act."""
    BUSY = "busy"
    """429: the server did not act."""
    UNCLEAR = "unclear"
    """It may have acted."""
    SPOILED = "spoiled"
    """It acted, and its answer cannot be used."""
    REFUSED = "refused"
    """It said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failed call, in words for model and person."""

    kind: Kind
    reason: str
    retry_after_s: float | None = None

    @property
    def of_the_server(self) -> bool:
        """Whether the server as a whole is ill."""
        return self.kind in (Kind.UNREACHED, Kind.UNCLEAR)


def fault_of(server: str, error: BaseException) -> Fault:
    """Understand what the SDK raised."""
    opening = isinstance(error, Unopened)
    found = _leaf(error.__cause__ or error) if opening else _leaf(error)
    if isinstance(found, ValidationError) or (isinstance(found, RuntimeError) and not opening):
        return Fault(kind=Kind.SPOILED, reason=f"{server} gave an answer that does not fit its own description.")
    fault = _refusal(server, found) if isinstance(found, MCPError) else _broken(server)
    if opening and fault.kind in (Kind.UNCLEAR, Kind.SPOILED, Kind.SESSION_LOST):
        # No tool was asked yet.
        return Fault(kind=Kind.UNREACHED, reason=f"{server} cannot be reached.", retry_after_s=fault.retry_after_s)
    return fault


def _leaf(error: BaseException) -> BaseException:
    """Find what happened in a group of errors, preferring what the server said."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [_leaf(one) for one in cast("BaseExceptionGroup[BaseException]", error).exceptions]
    return next((one for one in leaves if isinstance(one, MCPError)), leaves[0])


def _broken(server: str) -> Fault:
    return Fault(kind=Kind.UNCLEAR, reason=f"The connection to {server} broke.")


def _refusal(server: str, error: MCPError) -> Fault:
    data: Any = error.error.data
    facts = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    status = facts.get("status")
    if isinstance(status, int):
        return _by_status(server, status, facts)
    if facts.get("too_large"):
        return Fault(kind=Kind.SPOILED, reason=f"{server} answered with more than can be taken in; ask for less.")
    if error.code in _NO_CLEAR_END:
        return _broken(server)
    return Fault(kind=Kind.REFUSED, reason=f"{server} refused the call.")


def _by_status(server: str, status: int, facts: dict[str, Any]) -> Fault:
    if facts.get("session_lost"):
        kind, reason = Kind.SESSION_LOST, "has forgotten this session."
    elif facts.get("refused_address"):
        kind, reason = Kind.UNREACHED, "leads to an address that tools may not have."
    elif not facts.get("sent", True):
        kind, reason = Kind.UNREACHED, "cannot be reached."
    elif status in _BY_STATUS:
        kind, reason = _BY_STATUS[status]
    elif status < 500:  # noqa: PLR2004
        kind, reason = Kind.REFUSED, "refused the call."
    else:
        kind, reason = Kind.UNCLEAR, "is out of order."
    return Fault(kind=kind, reason=f"{server} {reason}", retry_after_s=facts.get("retry_after_s"))


_BY_STATUS = {
    401: (Kind.EXPIRED, "does not allow you this."),
    403: (Kind.REFUSED, "does not allow you this."),
    429: (Kind.BUSY, "is busy."),
}

"""Carry the id that ties log lines together: of a request, or of a turn in whichever activity it is."""

import hashlib
from contextvars import ContextVar

from shared.domain.ids import TurnId

_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def begin(correlation_id: str) -> str:
    """Let all lines from here on, in this invocation, carry this id."""
    _current.set(correlation_id)
    return correlation_id


def current() -> str | None:
    """Give the id of this invocation; None outside of any."""
    return _current.get()


def trace_of(turn_id: TurnId) -> str:
    """Derive a turn's id: the same in all its activities, in every process, and for the tool servers."""
    return hashlib.sha256(turn_id.encode()).hexdigest()[:32]

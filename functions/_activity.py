"""Begin an activity: name the execution that it works for, and let its log lines carry the turn's id."""

from typing import Any

from shared.domain import correlation
from shared.domain.turns import TurnRef
from shared.wire.durable_history import ref_of


def turn_of(work: Any) -> TurnRef:
    """Read the execution from what the orchestrator handed over."""
    ref = ref_of(work)
    correlation.begin(correlation.trace_of(ref.turn_id))
    return ref

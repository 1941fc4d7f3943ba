"""Name what a turn can ask for (effects) and what can happen to it (events)."""

from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """How a turn ends."""

    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class RoundKind(StrEnum):
    """What became of one execution of the model activity."""

    ANSWER = "answer"
    CALLS = "calls"
    RETRY = "retry"
    PARKED = "parked"
    """The store does not answer: the turn waits for it, which is no fault of the model's."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLimits:
    """Bounds of one turn (docs/protocol.md, rule 14)."""

    rounds: int = 8
    calls: int = 16
    turn_s: float = 300.0
    model_call_s: float = 60.0
    """A model call may take this long in all."""
    tool_s: float = 60.0
    """A tool call may, where the registry says nothing of its server."""
    model_tries: int = 3
    second_model: bool = True
    """Whether the secondary is another deployment than the primary."""
    tool_tries: int = 3
    approval_s: float = 600.0
    group_approval_s: float = 120.0
    finishing_tries: int = 20


# --- effects -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRound:
    """Call the model once; `last` offers no tools, so that an answer must come."""

    round: int
    last: bool
    use_secondary: bool
    calls_left: int
    switched: bool = False
    """Whether the secondary is asked since the primary did not answer just now; people are told once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitApprovals:
    """Wait until the asker decided on these calls, at most so long."""

    call_ids: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTools:
    """Run these calls side by side."""

    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFor:
    """Wait on a durable timer, or until cancelled."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Freeze the turn and show the final message."""

    end: End
    error: str | None


@dataclass(frozen=True, slots=True)
class Persist:
    """Write the sealed turn through the output binding."""


@dataclass(frozen=True, slots=True)
class Release:
    """Free the slot, report the end, start the next turn."""


Effect = RunRound | AwaitApprovals | RunTools | WaitFor | Seal | Persist | Release

# --- events --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """A call that a round asked for."""

    call_id: str
    needs_approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundEnded:
    """The model activity returned."""

    kind: RoundKind
    calls: tuple[PlannedCall, ...] = ()
    retry_after_s: float | None = None
    error: str | None = None
    approval_s: float | None = None
    """How much of the wait for approvals is left, when an earlier execution began it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsSettled:
    """The wait for approvals is over; what was not approved is refused in the ledger."""

    approved: tuple[str, ...]
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class ToolsEnded:
    """All calls of the batch have a settled outcome."""


@dataclass(frozen=True, slots=True)
class ToolsParked:
    """Some call's outcome could not be settled, because the store does not answer."""


@dataclass(frozen=True, slots=True)
class ToolsWaiting:
    """Some call waits for its asker's fresh token, which a `session.update` brings."""


@dataclass(frozen=True, slots=True)
class WaitOver:
    """The timer fired."""


@dataclass(frozen=True, slots=True)
class StepDone:
    """A finishing step (seal, persist, release) did its work."""


@dataclass(frozen=True, slots=True)
class StepStale:
    """A newer execution owns the turn; this one ends quietly."""


@dataclass(frozen=True, slots=True)
class StepLost:
    """An activity raised: a lost attempt."""


ToolsEvent = ToolsEnded | ToolsParked | ToolsWaiting
Event = RoundEnded | ApprovalsSettled | ToolsEvent | WaitOver | StepDone | StepStale | StepLost

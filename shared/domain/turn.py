"""Run one turn as a pure state machine: one event in, one effect out (architecture.md, decision 6).

The orchestrator only drives it: each effect becomes an activity or a timer, each result an event. Nothing here
reads a clock; `now` comes with every event as the orchestration's own replay-safe time.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, assert_never

from shared.domain.errors import ErrorCode
from shared.domain.turn_events import (
    ApprovalsSettled,
    AwaitApprovals,
    Effect,
    End,
    Event,
    Persist,
    Release,
    RoundEnded,
    RoundKind,
    RunRound,
    RunTools,
    Seal,
    StepDone,
    StepLost,
    StepStale,
    ToolsEnded,
    ToolsParked,
    ToolsWaiting,
    TurnLimits,
    WaitFor,
    WaitOver,
)

BACKOFF_FIRST_S = 1.0
BACKOFF_MOST_S = 30.0
PARKED_MOST_S = 15.0
"""A turn that waits for the store asks again this often at least."""
TOKEN_LOOK_S = 5.0
"""A call that waits for its asker's fresh token looks for it this often."""

Phase = Literal["model", "tools", "approval", "waiting", "seal", "persist", "release", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnState:
    """Where an execution of a turn stands."""

    limits: TurnLimits
    deadline: datetime
    phase: Phase
    running: Effect | None
    """The effect whose result is awaited; after a wait, the one to try again."""
    round: int = 0
    calls_made: int = 0
    unapproved: tuple[str, ...] = ()
    tries: int = 0
    free_at: tuple[datetime, datetime]
    """From when on the primary and the secondary may be asked: a model's `Retry-After` holds for that one alone."""
    parked: int = 0
    approval_s: float = 0.0
    asked_at: datetime | None = None
    """Since when approvals are waited for."""
    token_until: datetime | None = None
    """When to stop waiting for a token, while a call does."""


Step = tuple[TurnState, Effect | None]


def begin(limits: TurnLimits, now: datetime) -> Step:
    """Start a turn with its first model round."""
    deadline = now + timedelta(seconds=limits.turn_s)
    state = TurnState(limits=limits, deadline=deadline, phase="model", running=None, free_at=(now, now))
    return _next_round(state, 0, now)


def step(state: TurnState, event: Event, now: datetime) -> Step:
    """Take one event and give the new state and the one effect that follows, None when the turn is over.

    Raises:
        ValueError: the event cannot follow in this state; a fault of the driver.
    """
    if isinstance(event, StepStale):
        return _ended(state)
    match state.phase:
        case "model":
            return _after_round(state, event, now)
        case "tools":
            return _after_tools(state, event, now)
        case "approval":
            return _after_approvals(state, event, now)
        case "waiting":
            return _after_wait(state, event)
        case "seal" | "persist" | "release":
            return _after_finishing(state, event)
        case "ended":
            raise ValueError("the turn is over")
        case _:
            assert_never(state.phase)


def _after_round(state: TurnState, event: Event, now: datetime) -> Step:
    if isinstance(event, StepLost):
        event = RoundEnded(kind=RoundKind.RETRY, error=ErrorCode.INTERNAL)
    if not isinstance(event, RoundEnded):
        raise _unexpected(state, event)
    if event.kind in _ENDS:
        return _seal(state, _ENDS[event.kind], _error_of(event))
    if event.kind is RoundKind.STALE:
        return _ended(state)
    if event.kind is RoundKind.PARKED:
        return _park(state, event.error, now)
    if event.kind is RoundKind.RETRY:
        return _try_model_again(state, event, now)
    return _run_calls(state, event, now)


_ENDS = {RoundKind.ANSWER: End.DONE, RoundKind.CANCELLED: End.CANCELLED, RoundKind.FAILED: End.FAILED}


def _error_of(event: RoundEnded) -> str | None:
    return (event.error or ErrorCode.INTERNAL) if event.kind is RoundKind.FAILED else None


def _try_model_again(state: TurnState, event: RoundEnded, now: datetime) -> Step:
    if not isinstance(state.running, RunRound):
        raise _unexpected(state, event)
    failed = state.running.use_secondary
    told = now + timedelta(seconds=event.retry_after_s or 0.0)
    # With one model for both, what it asked for holds for both.
    primary, secondary = state.free_at
    both = (primary, told) if failed else (told, secondary)
    free_at = both if state.limits.second_model else (told, told)
    tries, then = state.tries + 1, state.limits.second_model and _free_sooner(free_at, now, instead_of=failed)
    wait = max((free_at[then] - now).total_seconds(), _backoff(tries))
    if tries >= state.limits.model_tries or now + timedelta(seconds=wait) >= state.deadline:
        return _seal(state, End.FAILED, event.error or ErrorCode.MODEL_UNAVAILABLE)
    again = replace(state.running, use_secondary=then, switched=then and not failed)
    return _wait(replace(state, tries=tries, free_at=free_at), again, wait)


def _free_sooner(free_at: tuple[datetime, datetime], now: datetime, *, instead_of: bool) -> bool:
    """Tell whether the secondary comes next: the other model, unless that one was told to wait, and longer."""
    this, other = max(free_at[instead_of], now), max(free_at[not instead_of], now)
    return instead_of if other > this else not instead_of


def _park(state: TurnState, error: str | None, now: datetime) -> Step:
    """Wait for the store and try the same again, as long as the turn may work."""
    parked = state.parked + 1
    wait = min(_backoff(parked), PARKED_MOST_S)
    if now + timedelta(seconds=wait) >= state.deadline:
        return _seal(state, End.FAILED, error or ErrorCode.INTERNAL)
    return _wait(replace(state, parked=parked), state.running, wait)


def _run_calls(state: TurnState, event: RoundEnded, now: datetime) -> Step:
    calls = event.calls
    free = tuple(call.call_id for call in calls if not call.needs_approval)
    state = replace(
        state,
        calls_made=state.calls_made + len(calls),
        unapproved=tuple(call.call_id for call in calls if call.needs_approval),
        approval_s=state.limits.approval_s if event.approval_s is None else event.approval_s,
        tries=0,
        parked=0,
    )
    if free:
        return _do(state, "tools", RunTools(call_ids=free))
    return _approve_or_go_on(state, now)


def _after_tools(state: TurnState, event: Event, now: datetime) -> Step:
    if isinstance(event, ToolsParked):
        return _park(state, None, now)
    if isinstance(event, ToolsWaiting):
        until = state.token_until or now + timedelta(seconds=state.limits.approval_s + 2 * TOKEN_LOOK_S)
        if now < until:
            # Waiting for a person is not counted as work, as with approvals.
            deadline = state.deadline + timedelta(seconds=TOKEN_LOOK_S)
            return _wait(replace(state, token_until=until, deadline=deadline), state.running, TOKEN_LOOK_S)
        event = ToolsEnded()
    if isinstance(event, StepLost) and state.tries + 1 < state.limits.tool_tries:
        tries = state.tries + 1
        return _wait(replace(state, tries=tries), state.running, _backoff(tries))
    if not isinstance(event, ToolsEnded | StepLost):
        raise _unexpected(state, event)
    return _approve_or_go_on(replace(state, tries=0, parked=0, token_until=None), now)


def _approve_or_go_on(state: TurnState, now: datetime) -> Step:
    if not state.unapproved:
        return _next_round(state, state.round + 1, now)
    wait = AwaitApprovals(call_ids=state.unapproved, seconds=state.approval_s)
    return _do(replace(state, asked_at=now), "approval", wait)


def _after_approvals(state: TurnState, event: Event, now: datetime) -> Step:
    if isinstance(event, StepLost) and isinstance(state.running, AwaitApprovals):
        # The wait itself is over: only what came of it must still be read.
        return _wait_finishing(replace(state, running=replace(state.running, seconds=0.0)))
    if not isinstance(event, ApprovalsSettled) or not isinstance(state.running, AwaitApprovals):
        raise _unexpected(state, event)
    # Waiting for a person is not counted as work (docs/protocol.md, rule 14): the deadline moves by how long it was.
    waited = now - (state.asked_at or now)
    state = replace(state, unapproved=(), asked_at=None, deadline=state.deadline + waited, tries=0)
    if event.cancelled:
        return _seal(state, End.CANCELLED, None)
    if event.approved:
        return _do(state, "tools", RunTools(call_ids=event.approved))
    return _next_round(state, state.round + 1, now)


def _after_wait(state: TurnState, event: Event) -> Step:
    if not isinstance(event, WaitOver) or state.running is None:
        raise _unexpected(state, event)
    return _do(state, _phase_of(state.running), state.running)


def _after_finishing(state: TurnState, event: Event) -> Step:
    if isinstance(event, StepLost):
        return _wait_finishing(state)
    if not isinstance(event, StepDone):
        raise _unexpected(state, event)
    match state.phase:
        case "seal":
            return _do(replace(state, tries=0), "persist", Persist())
        case "persist":
            return _do(replace(state, tries=0), "release", Release())
        case _:
            return _ended(state)


def _wait_finishing(state: TurnState) -> Step:
    """Try a step again that must not be given up; in the end upkeep takes the turn over when its lease runs out."""
    tries = state.tries + 1
    if tries >= state.limits.finishing_tries:
        return _ended(state)
    return _wait(replace(state, tries=tries), state.running, _backoff(tries))


def _next_round(state: TurnState, number: int, now: datetime) -> Step:
    if now >= state.deadline:
        return _seal(state, End.FAILED, ErrorCode.MODEL_UNAVAILABLE)
    calls_left = state.limits.calls - state.calls_made
    effect = RunRound(
        round=number,
        last=number + 1 >= state.limits.rounds or calls_left <= 0,
        # The primary, unless it was told to wait.
        use_secondary=state.limits.second_model and _free_sooner(state.free_at, now, instead_of=True),
        calls_left=max(calls_left, 0),
    )
    return _do(replace(state, round=number, tries=0), "model", effect)


def _seal(state: TurnState, end: End, error: str | None) -> Step:
    return _do(replace(state, tries=0), "seal", Seal(end=end, error=error))


def _do(state: TurnState, phase: Phase, effect: Effect) -> Step:
    return replace(state, phase=phase, running=effect), effect


def _wait(state: TurnState, then: Effect | None, seconds: float) -> Step:
    return replace(state, phase="waiting", running=then), WaitFor(seconds=seconds)


def _ended(state: TurnState) -> Step:
    return replace(state, phase="ended", running=None), None


def _phase_of(effect: Effect) -> Phase:
    phases: dict[type, Phase] = {
        RunRound: "model",
        RunTools: "tools",
        AwaitApprovals: "approval",
        Seal: "seal",
        Persist: "persist",
        Release: "release",
    }
    return phases[type(effect)]


def _backoff(tries: int) -> float:
    """Double the wait with each try, up to half a minute."""
    return min(BACKOFF_FIRST_S * 2.0 ** (tries - 1), BACKOFF_MOST_S)


def _unexpected(state: TurnState, event: Event) -> ValueError:
    return ValueError(f"{type(event).__name__} cannot follow in phase {state.phase}")

"""Process (step 4): the orchestrator drives the pure turn machine; one activity runs one model round."""

from collections.abc import Generator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from functions._activity import turn_of
from shared.bootstrap import turn_services
from shared.domain import turn_events as events
from shared.domain.turn import begin, step
from shared.flow.approvals import settle
from shared.flow.process import run_round
from shared.wire import durable_history as history

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def process(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Run one turn to its end."""
    work: Any = context.get_input()
    state, effect = begin(history.limits_of(work), context.current_utc_datetime)
    cancels: list[Any] = []
    while effect is not None:
        event = yield from _perform(context, work, effect, cancels)
        state, effect = step(state, event, context.current_utc_datetime)
    return state.phase


def _perform(
    context: df.DurableOrchestrationContext, work: history.Work, effect: events.Effect, cancels: list[Any]
) -> Generator[Any, Any, events.Event]:
    """Do what an effect asks for; an activity that raised is a lost attempt (decision 17)."""
    if isinstance(effect, events.WaitFor):
        yield from _wait(context, effect.seconds, [], cancels)
        return events.WaitOver()
    if isinstance(effect, events.AwaitApprovals) and not any(cancel.is_completed for cancel in cancels):
        decisions = [context.wait_for_external_event(f"approval:{call_id}") for call_id in effect.call_ids]
        yield from _wait(context, effect.seconds, decisions, cancels)
    tasks = [context.call_activity(name, given) for name, given in history.activities(effect, work)]
    try:
        results = yield context.task_all(tasks)
    except Exception:  # noqa: BLE001  # the SDK raises nothing more precise for a failed activity
        return events.StepLost()
    if isinstance(effect, events.Release) and results == [True]:
        with suppress(Exception):  # nobody waits for it, and the host has logged what it raised
            yield context.task_all([context.call_activity(*history.afterwards(work))])
    return history.event(effect, results)


def _wait(
    context: df.DurableOrchestrationContext, seconds: float, decisions: list[Any], cancels: list[Any]
) -> Generator[Any, Any, None]:
    """Wait for every decision, a cancel, or the end of time; what is stored is read afterwards in any case."""
    # Each wait listens anew: the SDK gives an event to the latest listener, and raises if one task completes twice.
    timer: Any = context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
    reasons = [timer, context.task_all(decisions)] if decisions else [timer]
    # A cancel that came before wakes nothing more, so that the steps which end the turn keep their pauses.
    if not any(cancel.is_completed for cancel in cancels):
        cancels.append(context.wait_for_external_event("cancel"))
        reasons.append(cancels[-1])
    yield context.task_any(reasons)
    if not timer.is_completed:
        timer.cancel()


@bp.activity_trigger(input_name="work")
async def process_round(work: Any) -> Any:
    """Run one model round; its text is streamed and stored, and only its outcome returned."""
    return history.round_result(await run_round(turn_services(), turn_of(work), history.round_effect(work)))


@bp.activity_trigger(input_name="work")
async def settle_approvals(work: Any) -> Any:
    """End a wait for approvals by what the ledger says."""
    settled = await settle(turn_services(), turn_of(work), tuple(work["call_ids"]))
    return {"approved": list(settled.approved), "cancelled": settled.cancelled}

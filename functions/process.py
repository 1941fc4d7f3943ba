"""Process (step 4): the orchestrator drives the pure turn machine; one activity runs one model round."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

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
    while effect is not None:
        event = yield from _perform(context, work, effect)
        state, effect = step(state, event, context.current_utc_datetime)
    return state.phase


def _perform(
    context: df.DurableOrchestrationContext, work: history.Work, effect: events.Effect
) -> Generator[Any, Any, events.Event]:
    """Do what an effect asks for; an activity that raised is a lost attempt (decision 17)."""
    if isinstance(effect, events.WaitFor):
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=effect.seconds))
        return events.WaitOver()
    if isinstance(effect, events.AwaitApprovals):
        yield from _wait_for_approvals(context, effect)
    tasks = [context.call_activity(name, given) for name, given in history.activities(effect, work)]
    try:
        results = yield context.task_all(tasks)
    except Exception:  # noqa: BLE001  # the SDK raises nothing more precise for a failed activity
        return events.StepLost()
    return history.event(effect, results)


def _wait_for_approvals(
    context: df.DurableOrchestrationContext, effect: events.AwaitApprovals
) -> Generator[Any, Any, None]:
    """Wait for every decision, a cancel, or the end of patience; the ledger is read afterwards in any case."""
    patience: Any = context.create_timer(context.current_utc_datetime + timedelta(seconds=effect.seconds))
    decisions = [context.wait_for_external_event(f"approval:{call_id}") for call_id in effect.call_ids]
    cancel = context.wait_for_external_event("cancel")
    yield context.task_any([context.task_all(decisions), cancel, patience])
    if not patience.is_completed:
        patience.cancel()


@bp.activity_trigger(input_name="work")
async def process_round(work: Any) -> Any:
    """Run one model round; its text is streamed and stored, and only its outcome returned."""
    ended = await run_round(turn_services(), history.ref_of(work), history.round_effect(work))
    return history.round_result(ended)


@bp.activity_trigger(input_name="work")
async def settle_approvals(work: Any) -> Any:
    """End a wait for approvals by what the ledger says."""
    settled = await settle(turn_services(), history.ref_of(work), tuple(work["call_ids"]))
    return {"approved": list(settled.approved), "cancelled": settled.cancelled}

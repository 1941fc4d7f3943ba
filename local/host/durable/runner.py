"""Runs one episode of one instance: calls the orchestrator, stores what came of it in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from local.host.durable import episode, history
from local.host.durable.episode import EpisodeResult
from local.host.durable.failures import orchestrator_failure, unknown_function
from local.host.durable.history import Event, EventType
from local.host.durable.instance import LiveInstance
from local.host.durable.records import ArmedTimer, InstanceRow, Message, WorkItem
from local.host.durable.store import Store
from local.host.invocation_contract import FunctionInvoker, InvocationFailed

NewWork = tuple[list[WorkItem], list[ArmedTimer]]


async def run_episode(
    live: LiveInstance, batch: Sequence[Message], *, store: Store, invoker: FunctionInvoker
) -> NewWork:
    """Consume these messages and return the work that is now stored and has to be dispatched."""
    new = [history.event(EventType.ORCHESTRATOR_STARTED), *(message.event for message in batch)]
    result = await _decide(live, new, invoker)
    row = _changed(live.row, result)
    work = _new_work(row, result)
    store.save_episode(
        row,
        consumed=batch,
        position=len(live.past),
        events=result.events,
        activities=work[0],
        timers=work[1],
    )
    live.consume(row, batch, result.events)
    return work


async def _decide(live: LiveInstance, new: list[Event], invoker: FunctionInvoker) -> EpisodeResult:
    kinds = {one["EventType"] for one in new}
    if EventType.EXECUTION_TERMINATED in kinds:
        return episode.terminated(live.past, new)
    if EventType.EXECUTION_SUSPENDED in kinds:
        return episode.paused(new, status="Suspended")
    if EventType.EXECUTION_RESUMED in kinds:
        return episode.paused(new, status="Running")
    return await _invoke(live, new, invoker)


async def _invoke(live: LiveInstance, new: list[Event], invoker: FunctionInvoker) -> EpisodeResult:
    row = live.row
    if not invoker.has("orchestration", row.name):
        gone = orchestrator_failure(row.name, unknown_function(row.name, "an orchestrator"))
        return episode.failed(live.past, new, gone)
    interpreter = episode.Interpreter(
        name=row.name, past=live.past, new=new, knows_activity=lambda name: invoker.has("activity", name)
    )
    context = episode.context_json(instance_id=row.instance_id, input_json=row.input_json, past=live.rendered, new=new)
    try:
        answer = await invoker.run_orchestrator(row.name, context)
    except InvocationFailed as failure:
        return interpreter.on_failure(str(failure))
    return interpreter.on_answer(answer)


def _changed(row: InstanceRow, result: EpisodeResult) -> InstanceRow:
    changed = replace(row, status=result.status, updated=history.timestamp(history.utc_now()))
    if result.custom_status is not None:
        changed = replace(changed, custom_status=result.custom_status)
    if result.outcome is not None:
        changed = replace(changed, output=result.outcome.output)
    return changed


def _new_work(row: InstanceRow, result: EpisodeResult) -> NewWork:
    activities = [
        WorkItem(
            instance_id=row.instance_id,
            execution_id=row.execution_id,
            task_id=one.task_id,
            name=one.name,
            input_json=one.input_json,
        )
        for one in result.activities
    ]
    timers = [
        ArmedTimer(
            fire_at=one.fire_at,
            instance_id=row.instance_id,
            execution_id=row.execution_id,
            task_id=one.task_id,
        )
        for one in result.timers
    ]
    return activities, timers

"""Proves that a stored history replays to itself: same actions, ids, work and end at every episode."""

from collections.abc import Callable, Sequence

from durable_sdk_worker import SdkWorker

from local.host.durable import episode
from local.host.durable.history import Event, EventType
from local.host.invocation_contract import InvocationFailed

_RECORDED = (EventType.TASK_SCHEDULED, EventType.TIMER_CREATED, EventType.EXECUTION_COMPLETED)
_UNCERTAIN = ("Timestamp", "IsPlayed")


async def assert_replays(worker: SdkWorker, history: Sequence[Event]) -> int:
    """Run the orchestrator again over every prefix of the history; return how many episodes there were.

    Raises:
        AssertionError: an episode would now schedule other work or end otherwise.
    """
    started = history[1]
    episodes = _episodes(history)
    past: list[Event] = []
    for new, recorded in episodes:
        kinds = {one["EventType"] for one in new}
        if not kinds & {EventType.EXECUTION_TERMINATED, EventType.EXECUTION_SUSPENDED, EventType.EXECUTION_RESUMED}:
            now = await _again(worker, started, past, new)
            assert [_stable(one) for one in now] == [_stable(one) for one in recorded], (new, now, recorded)
        past += [*new, *recorded]
    return len(episodes)


async def _again(worker: SdkWorker, started: Event, past: Sequence[Event], new: Sequence[Event]) -> list[Event]:
    knows: Callable[[str], bool] = lambda name: worker.has("activity", name)  # noqa: E731
    interpreter = episode.Interpreter(name=started["Name"], past=past, new=new, knows_activity=knows)
    context = episode.context_json(
        instance_id=started["OrchestrationInstance"]["InstanceId"],
        input_json=started["Input"],
        past=[episode.for_context(one, played=True) for one in past],
        new=new,
    )
    try:
        result = interpreter.on_answer(await worker.run_orchestrator(started["Name"], context))
    except InvocationFailed as failure:
        result = interpreter.on_failure(str(failure))
    return result.events[len(new) :]


def _episodes(history: Sequence[Event]) -> list[tuple[list[Event], list[Event]]]:
    """Cut a history into episodes: what each received, and what it recorded with its closing mark."""
    episodes: list[tuple[list[Event], list[Event]]] = []
    for happened in history:
        kind = happened["EventType"]
        if kind == EventType.ORCHESTRATOR_STARTED:
            episodes.append(([], []))
        new, recorded = episodes[-1]
        outgoing = kind in _RECORDED or kind == EventType.ORCHESTRATOR_COMPLETED
        (recorded if outgoing else new).append(happened)
    return episodes


def _stable(happened: Event) -> Event:
    return {name: value for name, value in happened.items() if name not in _UNCERTAIN}

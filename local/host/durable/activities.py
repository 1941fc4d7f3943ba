"""Runs activities: at least once each, a bounded number at a time, with the faults that are set."""

import asyncio
import logging
from collections.abc import Callable

from local.host.durable import history
from local.host.durable.failures import activity_failure
from local.host.durable.faults import FaultPlan
from local.host.durable.history import Event
from local.host.durable.records import WorkItem
from local.host.invocation_contract import FunctionInvoker, InvocationFailed

_log = logging.getLogger(__name__)
_RETRY_AFTER_ABORT_S = 1.0


class ActivityRunner:
    """Runs work items and reports each completion once to `on_completion`."""

    def __init__(
        self,
        *,
        invoker: FunctionInvoker,
        slots: int,
        faults: FaultPlan,
        on_completion: Callable[[WorkItem, Event], None],
    ) -> None:
        self._invoker = invoker
        self._slots = asyncio.Semaphore(slots)
        self._faults = faults
        self._on_completion = on_completion
        self._closed = False

    def close(self) -> None:
        """Begin no more runs; those under way go on."""
        self._closed = True

    async def run(self, item: WorkItem) -> None:
        """Run one work item to its completion; an abort of the host's own is repeated."""
        await self._faults.hop()
        if held := self._faults.hold_s(item.name):
            await asyncio.sleep(held)
        while True:
            try:
                return await self._run_with_faults(item)
            except Exception:  # noqa: BLE001 - logged with its traceback, the work is repeated
                # As the extension's SessionAbortedException: the message goes back to the queue.
                _log.exception("Activity %s of %s was aborted and will be repeated.", item.name, item.instance_id)
                await asyncio.sleep(_RETRY_AFTER_ABORT_S)

    async def _run_with_faults(self, item: WorkItem) -> None:
        repetition = self._faults.repetition(item.name)
        if repetition is None:
            self._on_completion(item, await self._invoke(item))
        elif repetition.side_by_side:
            await asyncio.gather(self._run_once(item), self._run_once(item))
        else:
            await self._invoke(item)  # its result is lost, as when the process dies before the checkpoint
            self._on_completion(item, await self._invoke(item))

    async def _run_once(self, item: WorkItem) -> None:
        self._on_completion(item, await self._invoke(item))

    async def _invoke(self, item: WorkItem) -> Event:
        async with self._slots:
            if self._closed:
                raise asyncio.CancelledError  # the work item waits in the store for the next start
            if not self._invoker.has("activity", item.name):
                return _failed(item, f"Activity function '{item.name}' does not exist.")
            try:
                result = await self._invoker.run_activity(item.name, item.input_json, instance_id=item.instance_id)
            except InvocationFailed as failure:
                return _failed(item, str(failure))
        return history.task_completed(task_id=item.task_id, result=result)


def _failed(item: WorkItem, worker_text: str) -> Event:
    reason, details = activity_failure(item.name, worker_text)
    return history.task_failed(task_id=item.task_id, reason=reason, details=details)

"""The durable engine: one task hub, kept in its store step by step and picked up again after a crash."""

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from local.host.durable import history
from local.host.durable.activities import ActivityRunner
from local.host.durable.fault_routes import add_fault_routes
from local.host.durable.faults import FaultPlan
from local.host.durable.history import Event
from local.host.durable.instance import LiveInstance
from local.host.durable.records import (
    RUNNING,
    ArmedTimer,
    InstanceExists,
    InstanceQuery,
    InstanceRow,
    Message,
    WorkItem,
)
from local.host.durable.routes import add_durable_routes
from local.host.durable.runner import run_episode
from local.host.durable.store import Store
from local.host.durable.timers import TimerQueue
from local.host.invocation_contract import FunctionInvoker

_log = logging.getLogger(__name__)
_RETRY_AFTER_ABORT_S = 1.0
_CHECKPOINT_EVERY_S = 5.0


class DurableEngine:
    """One task hub: its instances, their messages, activities and timers."""

    def __init__(
        self,
        *,
        data_dir: Path,
        invoker: FunctionInvoker,
        hub_name: str,
        max_concurrent_activities: int = 100,
        max_concurrent_orchestrators: int = 20,
        faults: bool = False,
    ) -> None:
        self.hub_name = hub_name
        self.invoker = invoker
        self._faults_allowed = faults
        self.faults = FaultPlan()
        self._path = data_dir / f"durable-{hub_name}.sqlite3"
        self._activities = ActivityRunner(
            invoker=invoker,
            slots=max_concurrent_activities,
            faults=self.faults,
            on_completion=self._on_activity,
        )
        self._orchestrator_slots = asyncio.Semaphore(max_concurrent_orchestrators)
        self._timers = TimerQueue(self._on_timer)
        self._live: dict[str, LiveInstance] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._checkpoints: asyncio.Task[None] | None = None
        self._opened: Store | None = None
        self._stopping = False

    async def start(self) -> None:
        """Open the store and carry on with whatever was unfinished; an engine is started once.

        Raises:
            StoreInUse: another host works on the same task hub.
            RuntimeError: this engine was stopped before.
        """
        if self._stopping:
            raise RuntimeError("A stopped durable engine does not start again; make a new one.")
        self._opened = Store(self._path, on_step=self.faults.on_step)
        for row in self.store.instances(InstanceQuery(statuses=RUNNING)):
            self._recover(row)
        for item in self.store.work_items():
            self._spawn(self._activities.run(item))
        self._timers.arm(self.store.timers())
        self._checkpoints = asyncio.create_task(self._checkpoint_now_and_then())

    async def stop(self, *, timeout_s: float) -> None:
        """Let running work finish for that long, then leave the rest to the next start."""
        if self._opened is None:
            return
        self._stopping = True
        self._timers.stop()
        self._activities.close()
        if self._tasks:
            await asyncio.wait([*self._tasks], timeout=timeout_s)
        left = [*self._tasks]
        if self._checkpoints is not None:
            left.append(self._checkpoints)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._live.clear()
        store, self._opened = self.store, None
        await asyncio.to_thread(store.checkpoint)
        store.close()

    def add_routes(self, app: web.Application, prefix: str) -> None:
        """Serve the extension's HTTP API below that prefix, and `_faults` if faults are allowed."""
        if self._faults_allowed:
            add_fault_routes(app, prefix.rstrip("/"), self.faults)
        add_durable_routes(app, prefix, self)

    @property
    def store(self) -> Store:
        """The open store.

        Raises:
            RuntimeError: the engine is not running.
        """
        if self._opened is None:
            raise RuntimeError("The durable engine is not running.")
        return self._opened

    def instance(self, instance_id: str) -> InstanceRow | None:
        """Return the status of one instance, or None."""
        live = self._live.get(instance_id)
        return live.row if live is not None else self.store.instance(instance_id)

    def start_instance(self, name: str, instance_id: str | None, input_json: str | None, *, version: str = "") -> str:
        """Create an instance and return its id; a finished one of that id is replaced, history and all.

        Raises:
            InstanceExists: an unfinished instance has this id.
        """
        chosen = instance_id or uuid.uuid4().hex
        existing = self.instance(chosen)
        if existing is not None and existing.status in RUNNING:
            raise InstanceExists(f"An Orchestration instance with the status {existing.status} already exists.")
        execution_id = uuid.uuid4().hex
        started = history.execution_started(
            name=name, instance_id=chosen, execution_id=execution_id, input_json=input_json, version=version
        )
        row = InstanceRow(
            instance_id=chosen,
            execution_id=execution_id,
            name=name,
            input_json=input_json,
            status="Pending",
            custom_status=None,
            output=None,
            created=started["Timestamp"],
            updated=started["Timestamp"],
        )
        message = self.store.create(row, started)
        live = self._live[chosen] = LiveInstance(row=row)
        self._deliver(live, [message], hop=True)
        return chosen

    def post(self, instance_id: str, events: Sequence[Event]) -> None:
        """Send events to an unfinished instance; they are kept when this returns."""
        self._deliver(self._live[instance_id], self.store.post(instance_id, events), hop=True)

    def _recover(self, row: InstanceRow) -> None:
        live = self._live[row.instance_id] = LiveInstance(row=row, inbox=self.store.inbox(row.instance_id))
        live.remember(self.store.history(row.instance_id))
        self._wake(live)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _deliver(self, live: LiveInstance, messages: Sequence[Message], *, hop: bool = False) -> None:
        if self._live.get(live.row.instance_id) is not live:
            return  # it ended meanwhile
        if hop and self.faults.latency_s:
            self._spawn(self._deliver_late(live, messages))
            return
        live.inbox.extend(messages)
        self._wake(live)

    async def _deliver_late(self, live: LiveInstance, messages: Sequence[Message]) -> None:
        await self.faults.hop()
        self._deliver(live, messages)

    def _wake(self, live: LiveInstance) -> None:
        if not live.working and not self._stopping and live.next_batch():
            live.working = True
            self._spawn(self._drain(live))

    async def _drain(self, live: LiveInstance) -> None:
        try:
            while not self._stopping and live.next_batch():
                async with self._orchestrator_slots:
                    activities, timers = await run_episode(
                        live, live.next_batch(), store=self.store, invoker=self.invoker
                    )
                self._dispatch(live, activities, timers)
        except Exception:  # noqa: BLE001 - logged with its traceback, the episode is repeated
            # As the extension's SessionAbortedException: the messages come again.
            _log.exception("An episode of %s was aborted and will be repeated.", live.row.instance_id)
            asyncio.get_running_loop().call_later(_RETRY_AFTER_ABORT_S, self._wake, live)
        finally:
            live.working = False

    def _dispatch(self, live: LiveInstance, activities: Sequence[WorkItem], timers: Sequence[ArmedTimer]) -> None:
        if live.row.status not in RUNNING:
            live.inbox.clear()
            self._live.pop(live.row.instance_id, None)
        for item in activities:
            self._spawn(self._activities.run(item))
        if timers:
            self._timers.arm(timers)

    def _on_activity(self, item: WorkItem, completion: Event) -> None:
        message = self.store.finish_activity(item, completion)
        live = self._live.get(item.instance_id)
        if message is not None and live is not None:
            self._deliver(live, [message])

    def _on_timer(self, timer: ArmedTimer) -> None:
        live = self._live.get(timer.instance_id)
        if live is None or live.row.execution_id != timer.execution_id:
            return  # timers of finished instances are ignored
        fired = history.timer_fired(task_id=timer.task_id, fire_at=timer.fire_at)
        message = self.store.fire(timer, fired)
        if message is not None:
            self._deliver(live, [message], hop=True)

    async def _checkpoint_now_and_then(self) -> None:
        seen = -1
        while True:
            await asyncio.sleep(_CHECKPOINT_EVERY_S)
            if self.faults.step == seen:
                continue
            step = self.faults.step
            try:
                await asyncio.to_thread(self.store.checkpoint)
            except sqlite3.Error:
                # A full disk, or no file left to open: the log keeps everything until a later one.
                _log.exception("The durable store could not be checkpointed and will be again.")
            else:
                seen = step

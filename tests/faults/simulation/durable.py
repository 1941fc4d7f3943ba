"""A durable engine as it may behave: at least once, out of order, with lost events and results that come twice."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.domain import turn_events as ev
from shared.domain.turn import begin, step
from shared.domain.turns import TurnRef
from shared.wire import durable_history as wire
from tests.faults.simulation.world import START, Crash, Host, World

Activity = Callable[[Host, str, Any], Awaitable[Any]]


@dataclass(kw_only=True)
class Instance:
    """One orchestration; its progress survives every process."""

    work: Any
    status: str = "running"
    events: set[str] = field(default_factory=set[str])
    news: asyncio.Event = field(default_factory=asyncio.Event)
    cancel_used: bool = False
    driver: asyncio.Task[None] | None = None
    activities: int = 0


class Engine:
    """Meets TurnEngine, and drives the turn machine as the orchestrator does."""

    def __init__(self, world: World, limits: ev.TurnLimits, activity: Activity) -> None:
        self.instances: dict[str, Instance] = {}
        self._world, self._limits, self._activity = world, limits, activity

    async def start(self, ref: TurnRef) -> None:
        """Start; one that runs is left alone, one that has completed runs again, as Azure's does."""
        await asyncio.sleep(0)
        known = self.instances.get(ref.instance_id)
        if known is not None and known.status != "completed":
            return
        work = json.loads(json.dumps(wire.orchestration_input(ref, self._limits)))
        self.instances[ref.instance_id] = instance = Instance(work=work)
        # The engine outlives the process that asked for the start.
        instance.driver = asyncio.get_running_loop().create_task(self._drive(instance), context=Context())

    async def stop(self, ref: TurnRef, _reason: str) -> None:
        """Terminate: nothing more is scheduled; what runs, runs on."""
        await asyncio.sleep(0)
        known = self.instances.get(ref.instance_id)
        if known is not None and known.status == "running":
            known.status = "terminated"
            if known.driver is not None:
                known.driver.cancel()

    async def wake(self, ref: TurnRef, event: str) -> None:
        """Deliver an event, or lose it."""
        await asyncio.sleep(0)
        known = self.instances.get(ref.instance_id)
        if known is not None and not self._world.chance(self._world.rates.lost_event):
            known.events.add(event)
            known.news.set()

    def _now(self) -> datetime:
        # An episode's time is that of the process which runs it.
        return START + timedelta(seconds=self._world.now + self._world.skew())

    async def _drive(self, instance: Instance) -> None:
        state, effect = begin(wire.limits_of(instance.work), self._now())
        while effect is not None:
            event = await self._perform(instance, effect)
            self._world.note("event", (instance.work["turn_id"], effect, event))
            state, effect = step(state, event, self._now())
        instance.status = "completed"

    async def _perform(self, instance: Instance, effect: ev.Effect) -> ev.Event:
        if isinstance(effect, ev.WaitFor):
            await self._wait(instance, effect.seconds, None)
            return ev.WaitOver()
        if isinstance(effect, ev.AwaitApprovals) and not instance.cancel_used:
            await self._wait(instance, effect.seconds, {f"approval:{call_id}" for call_id in effect.call_ids})
        scheduled = wire.activities(effect, instance.work)
        instance.activities += len(scheduled)
        results = await asyncio.gather(
            *(self._at_least_once(name, given) for name, given in scheduled), return_exceptions=True
        )
        if any(isinstance(result, Exception) for result in results):
            return ev.StepLost()
        return wire.event(effect, json.loads(json.dumps(results)))

    async def _wait(self, instance: Instance, seconds: float, words: set[str] | None) -> None:
        due = self._world.now + seconds
        while self._world.now < due:
            if not instance.cancel_used and "cancel" in instance.events:
                instance.cancel_used = True
                return
            if words is not None and words <= instance.events:
                return
            instance.news.clear()
            try:
                async with asyncio.timeout(due - self._world.now):
                    await instance.news.wait()
            except TimeoutError:
                return

    async def _at_least_once(self, name: str, given: Any) -> Any:
        """Run an activity; at times twice, side by side or again after its first result was lost."""
        world = self._world
        if not world.chance(world.rates.twice):
            return await self._until_done(name, given)
        first = asyncio.get_running_loop().create_task(self._until_done(name, given))
        await asyncio.wait({first}, timeout=world.random.choice([0.0, world.random.uniform(0, 20), 1000.0]))
        second = asyncio.get_running_loop().create_task(self._until_done(name, given))
        done, _ = await asyncio.wait({second} if first.done() else {first, second}, return_when=asyncio.FIRST_COMPLETED)
        chosen = second if second in done else first
        for other in (first, second):
            other.add_done_callback(lambda task: task.cancelled() or task.exception())
        return chosen.result()

    async def _until_done(self, name: str, given: Any) -> Any:
        work = json.loads(json.dumps(given))
        while True:
            await asyncio.sleep(self._world.random.expovariate(30))
            host = await self._world.some_host()
            try:
                return await self._world.within(host, self._activity_of(host, name, work))
            except Crash:
                await asyncio.sleep(self._world.random.uniform(0, 3))

    async def _activity_of(self, host: Host, name: str, work: Any) -> Any:
        return await self._activity(host, name, work)

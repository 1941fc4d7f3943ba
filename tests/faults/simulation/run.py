"""One seed: some people, some hours of bad weather, and what became of every message."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID
from weakref import WeakValueDictionary

from shared.adapters.memory.identity import MemorySealer
from shared.adapters.memory.registry import MemoryPrompts, MemoryRegistry
from shared.adapters.memory.users import MemoryUsers
from shared.domain.conversation import Queue
from shared.domain.errors import StoreUnavailable
from shared.domain.identity import RoleChoice, SessionGrant
from shared.domain.ids import CallId, PublicId, UserId
from shared.domain.prompt import SYSTEM_PROMPT
from shared.domain.tools import Manifest, ServerEntry, ToolSpec
from shared.domain.turn_events import End, TurnLimits
from shared.flow import approvals, persist, process, query, respond, tools, upkeep
from shared.flow.services import TurnServices
from shared.wire import durable_history as wire
from shared.wire.bound_documents import conversation_documents, usage_document
from tests.faults.simulation import world as weather
from tests.faults.simulation.durable import Engine
from tests.faults.simulation.people import Delivery, Person
from tests.faults.simulation.virtual_time import VirtualLoop
from tests.faults.simulation.world import Host, Rates, World
from tests.unit.flow.conftest import Room

STORM_S = 90.0
CALM_S = 400.0
LIMITS = TurnLimits(turn_s=60, approval_s=20)
PATIENCE_S = 300.0
PROMPTS = {SYSTEM_PROMPT: "You coach."}
SAM = UserId("tenant:sam")


@dataclass(kw_only=True)
class Ran:
    """What a seed left behind."""

    seed: int
    world: World
    people: list[Person]
    engine: Engine
    users: MemoryUsers
    faults: list[str] = field(default_factory=list[str])
    slowest_s: float = 0.0
    """The longest that a turn took to its end from its own beginning, or from the end of the storm."""


class Deployment:
    """The product's real flow in every process of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        # Half of the worlds wait for a person's word longer than any turn may take: there everybody decides in the end.
        self.patient = world.random.random() < 0.5
        limits = replace(LIMITS, approval_s=PATIENCE_S) if self.patient else LIMITS
        self.engine = Engine(world, limits, self.activity)
        self.delivery = Delivery(world)
        clock = weather.Clock(world, Host(0))
        self.users = MemoryUsers(clock, b"key")
        spec: dict[str, Any] = {"title": "", "description": "", "input_schema": {}, "server": "sfdc"}
        offered = (
            ToolSpec(name="pipeline", read_only=True, destructive=False, **spec),
            ToolSpec(name="note", destructive=False, **spec),
            ToolSpec(name="log_activity", **spec),
        )
        manifests = [Manifest(server="sfdc", tools=offered, version="1", discovered_at=weather.START)]
        server = ServerEntry(name="sfdc", url="", roles=("Sales",), auth_enabled=True, description="", audience="sfdc")
        # What every other port is met by, is what the unit tests have, so that a new port is known here as well.
        self._quiet: TurnServices = replace(
            Room().services, registry=MemoryRegistry([server], manifests), prompts=MemoryPrompts(PROMPTS), limits=limits
        )
        policy: Literal["enqueue", "reject"] = world.random.choice(["enqueue", "enqueue", "reject"])
        self._quiet = replace(self._quiet, queue=Queue(policy=policy, waiting=world.random.randrange(4)))
        self._services: dict[int, TurnServices] = {}

    def services(self, host: Host) -> TurnServices:
        """The services as a process has them."""
        if host.number not in self._services:
            world = self.world
            self._services[host.number] = replace(
                self._quiet,
                clock=weather.Clock(world, host),
                conversations=weather.store_of(world, host, world.conversations),
                users=weather.store_of(world, host, self.users),
                channel=weather.channel_of(world, host, self.delivery),
                model=weather.Model(world, host),
                stops=WeakValueDictionary(),
                tools=weather.Tools(world, host),  # pyright: ignore[reportArgumentType]  # nothing is discovered
            )
        return self._services[host.number]

    def turns(self, host: Host) -> Any:
        """The durable client of a process."""
        return weather.engine_of(self.world, host, self.engine)

    async def activity(self, host: Host, name: str, work: Any) -> Any:
        """Run one activity as the triggers do, with the bindings as the host does."""
        services, ref = self.services(host), wire.ref_of(work)
        await self.world.moment(host)
        match name:
            case "process_round":
                return wire.round_result(await process.run_round(services, ref, wire.round_effect(work)))
            case "run_tool":
                return await tools.run_tool(services, ref, CallId(work["call_id"]))
            case "settle_approvals":
                settled = await approvals.settle(services, ref, tuple(work["call_ids"]))
                return {"approved": list(settled.approved), "cancelled": settled.cancelled}
            case "respond":
                return await respond.seal(services, ref, End(work["end"]), work["error"])
            case "persist":
                return await self._persist(host, services, ref)
            case _:
                await persist.release(services, self.turns(host), ref)
                return None

    async def _persist(self, host: Host, services: TurnServices, ref: Any) -> None:
        found = await persist.sealed_turn(services, ref)
        if found is None:
            return
        turn, calls = found
        for document in conversation_documents(turn, calls):
            await self.world.moment(host)
            if self.world.chance(self.world.rates.fault):
                raise StoreUnavailable("the binding failed")
            self.world.conversations.bind([document])
            self.world.note("bound", document)
        self.users.bind(usage_document(turn))

    async def keep(self) -> None:
        """Run upkeep every 15 s, in one process or another; a run may be lost, or two may meet."""
        while True:
            await asyncio.sleep(15)
            for _ in range(2 if self.world.chance(0.2) else 1):
                asyncio.get_running_loop().create_task(self._upkeep())

    async def _upkeep(self) -> None:
        host = await self.world.some_host()
        try:
            await self.world.within(host, upkeep.restart_expired(self.services(host), self.turns(host)))
        except (weather.Crash, StoreUnavailable):
            return

    async def sign_in(self, session: PublicId) -> SessionGrant:
        """Give a session its grant, before the storm."""
        grant = SessionGrant(
            user_id=SAM,
            session_id=session,
            name="Sam",
            email="sam@example.com",
            role=RoleChoice(shown="Sales", effective=("Sales",)),
            roles=("Sales",),
            sealed_token=await MemorySealer().seal("t", user_id=SAM, session_id=session),
            expires_at=weather.START + timedelta(hours=3),
        )
        await self.users.put_grant(grant)
        return grant


async def _live(ran: Ran, deployment: Deployment) -> None:
    world = ran.world
    loop = asyncio.get_running_loop()
    background = [loop.create_task(world.keep_hosts(2)), loop.create_task(deployment.keep())]
    if world.rates.old_read:
        background.append(loop.create_task(world.keep_behind()))
    for number in range(world.random.randrange(1, 3)):
        session = PublicId(str(UUID(int=ran.seed * 10 + number)))
        person = Person(world, deployment, await deployment.sign_in(session))
        ran.people.append(person)
        deployment.delivery.people.append(person)
    living = [loop.create_task(person.live(STORM_S)) for person in ran.people]
    await asyncio.sleep(STORM_S)
    world.stormy = False
    # A lease that a fast clock wrote ends late for a slow one.
    late_s = 2 * world.rates.skew_s
    await asyncio.wait(living, timeout=CALM_S + late_s)
    for task in living:
        if task.done():
            task.result()
        else:
            ran.faults.append("a person waits in vain")
    ran.slowest_s = max(_waits(ran), default=0.0)
    # A process that stood still when the storm ended still has its work to give back, and an execution that lost its
    # turn may wait for a word to the end before it sees that.
    for _ in range(round(PATIENCE_S + late_s)):
        if not any(instance.status == "running" for instance in ran.engine.instances.values()):
            break
        await asyncio.sleep(2)
    for task in background:
        task.cancel()


def _waits(ran: Ran) -> list[float]:
    """Give for each turn how long it took once it had the slot and the storm was over."""
    begun: dict[str, float] = {}
    free: dict[str, float] = {}
    waits: list[float] = []
    for at, what, data in ran.world.history:
        if what == "accept" and data[2] == "accepted":
            begun.setdefault(data[0][3].turn_id, at)
        if what == "release" and data[2]:
            turn = data[0][0]
            key = turn.conversation.key
            waits.append(at - max(begun.pop(turn.turn_id, at), free.get(key, 0.0), STORM_S))
            free[key] = at
    return waits


def run(seed: int, rates: Rates | None = None) -> Ran:
    """Run one seed to its end and give what is to be checked."""
    loop = VirtualLoop()
    loop.set_task_factory(weather.host_tasks)
    query._turnstiles.clear()  # pyright: ignore[reportPrivateUsage]  # locks of an earlier run of the same seed
    loop.set_exception_handler(lambda _loop, _context: None)
    world = World(seed, rates or weather.WEATHERS[seed % len(weather.WEATHERS)])
    deployment = Deployment(world)
    ran = Ran(seed=seed, world=world, people=[], engine=deployment.engine, users=deployment.users)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_live(ran, deployment))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
    return ran

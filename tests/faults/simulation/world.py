"""A deployment in one process and virtual time: hosts that die, ports that fail, and a history of what happened."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shared.adapters.memory.conversations import MemoryConversations
from shared.domain.conversation import Usage
from shared.domain.errors import ChannelUnavailable, EngineUnavailable, ErrorCode, ModelFailed, StoreUnavailable
from shared.domain.ids import ConversationKey
from shared.domain.model import ModelEvent, ModelRequest, RoundFinished, TextDelta
from shared.domain.tools import CallState, RequestedCall, ServerEntry, ToolCall, ToolContext, ToolResult

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
TOOLS = ("sfdc__pipeline", "sfdc__note", "sfdc__log_activity")
USED = Usage(input_tokens=10, output_tokens=5, rounds=1, cost=0.0)


class Crash(BaseException):
    """The process is gone; nothing that runs in it may catch this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often what happens, per operation of a port."""

    fault: float = 0.012
    kill: float = 0.003
    pause: float = 0.002
    lost_frame: float = 0.05
    lost_event: float = 0.25
    twice: float = 0.08
    conflict: float = 0.08
    skew_s: float = 0.0
    """How far the clock of a process may be ahead or behind."""
    old_read: float = 0.0
    """How often a read is answered out of a copy that is behind, even to who wrote what it lacks."""


WEATHERS = (
    Rates(),
    Rates(fault=0.04, kill=0.001, pause=0.001, conflict=0.4),
    Rates(fault=0.004, kill=0.015, pause=0.001, twice=0.2),
    Rates(fault=0.004, kill=0.001, pause=0.012, twice=0.4, lost_frame=0.3),
)
"""Some of everything; a store that fails and is crowded; processes that die; zombies and lost frames."""


@dataclass(eq=False)
class Host:
    """One process that runs handlers and activities until it dies."""

    number: int
    skew_s: float = 0.0
    alive: bool = True
    tasks: list[asyncio.Task[Any]] = field(default_factory=list[asyncio.Task[Any]])

    def must_live(self) -> None:
        """Stop what runs in a dead process.

        Raises:
            Crash: it is dead.
        """
        if not self.alive:
            raise Crash

    def kill(self) -> None:
        """Die: whatever runs here runs no further."""
        self.alive = False
        current = asyncio.current_task()
        for task in self.tasks:
            if task is not current and not task.done():
                task.cancel()


HOST: ContextVar[Host | None] = ContextVar("host", default=None)


def host_tasks(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """Make tasks that die with the process that began them."""
    task = asyncio.Task(work, loop=loop, **options)
    context = options.get("context")
    host = HOST.get() if context is None else context.get(HOST)
    if host is not None:
        host.tasks.append(task)
    return task


class Behind(MemoryConversations):
    """A copy of the store that is read only."""

    def catch_up(self, store: MemoryConversations) -> None:
        """Hold what the store holds now; a document is never changed, so that both may have it."""
        self._documents = {(one["conversation_id"], one["id"]): one for one in store.everything()}


class World:
    """What is outside of the processes: chance, time, the stores, and the history."""

    def __init__(self, seed: int, rates: Rates) -> None:
        self.random = Random(seed)
        self.rates = rates
        self.stormy = True
        self.hosts: list[Host] = []
        self.conversations = MemoryConversations(lambda: START.timestamp() + self.now)
        self.behind = Behind()
        self.effects: dict[str, int] = {}
        self.history: list[tuple[float, str, Any]] = []
        self.kills = 0
        self.faults = 0
        self._hosts_made = 0

    @property
    def now(self) -> float:
        """The virtual seconds since the start."""
        return asyncio.get_running_loop().time()

    def note(self, what: str, data: Any) -> None:
        """Write into the history."""
        self.history.append((self.now, what, data))

    def chance(self, rate: float) -> bool:
        """Tell whether it happens; nothing bad happens after the storm."""
        return self.stormy and self.random.random() < rate

    def reads_old(self) -> bool:
        """Tell whether a read is behind; where none is, nothing is drawn."""
        return self.rates.old_read > 0 and self.chance(self.rates.old_read)

    def skew(self) -> float:
        """Draw how far a clock is ahead or behind; where all go right, nothing is drawn."""
        return self.random.choice((-1.0, 0.0, 1.0)) * self.rates.skew_s if self.rates.skew_s else 0.0

    async def keep_hosts(self, count: int) -> None:
        """Start a process for each that died, some time later."""
        while True:
            self.hosts = [host for host in self.hosts if host.alive]
            while len(self.hosts) < count:
                self._hosts_made += 1
                self.hosts.append(Host(self._hosts_made, self.skew()))
            await asyncio.sleep(self.random.uniform(0.5, 4))

    async def keep_behind(self) -> None:
        """Let the copy catch up now and then."""
        while True:
            self.behind.catch_up(self.conversations)
            await asyncio.sleep(self.random.uniform(0.1, 3))

    async def some_host(self) -> Host:
        """Wait for a process that is alive."""
        while not (alive := [host for host in self.hosts if host.alive]):
            await asyncio.sleep(0.25)
        return self.random.choice(alive)

    async def within(self, host: Host, work: Coroutine[Any, Any, Any]) -> Any:
        """Run work in a process.

        Raises:
            Crash: the process died before the work was done.
        """
        token = HOST.set(host)
        task = asyncio.get_running_loop().create_task(work)
        HOST.reset(token)
        await asyncio.wait({task})
        if not host.alive or task.cancelled():
            if not task.cancelled():
                task.exception()
            raise Crash
        return task.result()

    async def through(self, host: Host, do: Callable[[], Awaitable[Any]], fault: type[Exception]) -> Any:
        """Carry out one operation of a port: late, never, without an answer, or as it should be."""
        await self.moment(host)
        if self.chance(self.rates.fault):
            self.faults += 1
            raise fault("no answer; not done")
        result = await do()
        await self.moment(host)
        if self.chance(self.rates.fault):
            self.faults += 1
            raise fault("no answer; done")
        return result

    async def moment(self, host: Host) -> None:
        """Let time pass, in which the process may die or stand still."""
        host.must_live()
        roll = self.random.random()
        if self.stormy and roll < self.rates.pause:
            await asyncio.sleep(self.random.uniform(20, 60))
        elif roll < 0.5:
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(self.random.expovariate(50))
        host.must_live()
        if self.chance(self.rates.kill):
            self.kills += 1
            host.kill()
            raise Crash


class Clock:
    """Meets Clock in virtual time, for one process."""

    def __init__(self, world: World, host: Host) -> None:
        self._world, self._host = world, host

    def now(self) -> datetime:
        """Give the virtual present, as this process has it."""
        return START + timedelta(seconds=self._world.now + self._host.skew_s)

    def monotonic(self) -> float:
        """Give the virtual seconds."""
        return self._world.now

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)
        self._host.must_live()

    def jitter(self, most_s: float) -> float:
        """Draw a wait."""
        return self._world.random.uniform(0, most_s)


class Port:
    """Stands before an adapter: every operation goes through the world's weather."""

    def __init__(self, world: World, host: Host, inner: Any, fault: type[Exception]) -> None:
        self._world, self._host, self._inner, self._fault = world, host, inner, fault

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def operate(*words: Any, **named: Any) -> Any:
            async def do() -> Any:
                if name in ("accept", "seal", "release", "withdraw") and self._world.chance(self._world.rates.conflict):
                    touch_head(self._world.conversations, words, named)
                source = self._inner
                if name in _READS and source is self._world.conversations and self._world.reads_old():
                    source = self._world.behind
                result = await getattr(source, name)(*words, **named)
                if name in _NOTED:
                    self._world.note(name, (words, named, result))
                return result

            return await self._world.through(self._host, do, self._fault)

        return operate


_READS = ("head", "turn", "calls", "message", "messages", "answer", "summary")
_NOTED = ("accept", "claim", "seal", "release", "withdraw")


def touch_head(store: MemoryConversations, words: Any, _named: Any) -> None:
    """Replace a head by itself, as another writer might: its ETag changes."""
    first = words[0]
    key: ConversationKey = first.conversation.key if hasattr(first, "conversation") else first.key
    for document in store.documents(key):
        if document["id"] == "head":
            store.bind([{name: value for name, value in document.items() if name != "_etag"}])


def store_of(world: World, host: Host, inner: Any) -> Any:
    """Stand before a store."""
    return Port(world, host, inner, StoreUnavailable)


def channel_of(world: World, host: Host, inner: Any) -> Any:
    """Stand before the service that sends frames."""
    return Port(world, host, inner, ChannelUnavailable)


def engine_of(world: World, host: Host, inner: Any) -> Any:
    """Stand before the durable engine."""
    return Port(world, host, inner, EngineUnavailable)


class Model:
    """Meets ChatModel: says what was never said before, breaks off, hangs, or asks for tools."""

    def __init__(self, world: World, host: Host) -> None:
        self._world, self._host = world, host

    def name(self, *, secondary: bool) -> str:
        """Name the model."""
        return "secondary" if secondary else "primary"

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[ModelEvent], None]:
        """Open a stream."""
        await self._world.moment(self._host)
        yield self._play(request)

    async def _play(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        world = self._world
        number = world.random.randrange(10**6)
        fate = world.random.choices(["answer", "calls", "cut", "empty", "hang"], [55, 30, 8, 3, 2])[0]
        fate = "answer" if fate not in ("answer", "calls") and not world.stormy else fate
        if fate == "hang":
            await asyncio.sleep(200)
        for piece in range(world.random.randrange(0 if fate == "calls" else 1, 12)):
            await asyncio.sleep(world.random.expovariate(8))
            self._host.must_live()
            yield TextDelta(f"{number}.{piece} 😀\r\n" if piece % 3 else f"{number}.{piece}, ")
        if fate == "cut":
            raise ModelFailed(
                ErrorCode.MODEL_UNAVAILABLE, "cut", may_repeat=True, retry_after_s=world.random.choice([None, 3])
            )
        if fate == "empty":
            return
        names = world.random.choices(TOOLS, [3, 2, 2], k=world.random.randrange(1, 4))
        asked = fate == "calls" and bool(request.tools)
        calls = tuple(RequestedCall(name=name, arguments_json="{}") for name in names) if asked else ()
        yield RoundFinished(reason="tool_calls" if calls else "stop", model="m", usage=USED, calls=calls)


class Tools:
    """Meets ToolRunner: counts the effects by their keys."""

    def __init__(self, world: World, host: Host) -> None:
        self._world, self._host = world, host

    async def call(self, server: ServerEntry, call: ToolCall, context: ToolContext) -> ToolResult:
        """Do it, and perhaps lose the answer."""
        await self._world.moment(self._host)
        key = f"{server.name}/{call.name}/{context.idempotency_key}"
        self._world.effects[key] = self._world.effects.get(key, 0) + 1
        slow = self._world.chance(0.05)
        await asyncio.sleep(self._world.random.uniform(5, 50) if slow else self._world.random.expovariate(3))
        await self._world.moment(self._host)
        if self._world.chance(0.05):
            state = CallState.FAILED if call.safe_to_repeat else CallState.UNKNOWN
            return ToolResult(state=state, text="no answer", summary="no answer")
        return ToolResult(state=CallState.DONE, text="{}", summary="done")

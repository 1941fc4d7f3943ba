"""People and what reaches them: they ask until they are heard, cancel, decide, and come back when frames are lost."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from shared.domain.errors import ChatError, EngineUnavailable, ErrorCode, StoreUnavailable
from shared.domain.frames import Frame
from shared.domain.identity import SessionGrant
from shared.domain.ids import CallId, ConnectionId, ConversationKey, MessageId, TurnId, UserId, answer_id, session_key
from shared.flow import approvals, history, query, resume
from shared.wire.outbound import frame_data, to_json
from tests.faults.screen import Screen
from tests.faults.simulation.world import Crash, World

Request = Callable[[Any, Any], Coroutine[Any, Any, Any]]
"""A call of the flow, given services and durable client of the process that it reaches."""

RESUME_EVERY_S = 4.0
FAULTS = (Crash, ChatError, StoreUnavailable, EngineUnavailable)
FINAL = (ErrorCode.CONFLICT, ErrorCode.NOT_FOUND)


class Delivery:
    """Meets ClientChannel: what it takes comes late, out of order, twice, or never."""

    def __init__(self, world: World) -> None:
        self.people: list[Person] = []
        self._world = world

    async def to_user(self, user_id: UserId, frame: Frame, *, but: ConnectionId | None = None) -> None:
        """Send to all connections of a person."""
        await asyncio.sleep(0)
        del user_id, but
        data = frame_data(frame)
        self._world.note("sent", data)
        for person in self.people:
            if data["conversation_id"] == person.grant.session_id and not self._world.chance(
                self._world.rates.lost_frame
            ):
                for _ in range(2 if self._world.chance(0.02) else 1):
                    late = self._world.random.expovariate(20)
                    asyncio.get_running_loop().call_later(late, person.told, data)

    async def to_connection(self, connection_id: ConnectionId, frame: Frame) -> None:
        """Send to one connection."""
        await self.to_user(UserId(connection_id), frame)


class Person:
    """One session of one person, with a client that knows the law of the wire."""

    def __init__(self, world: World, deployment: Any, grant: SessionGrant) -> None:
        self.grant = grant
        self.screen = Screen()
        self.accepted: dict[str, str] = {}
        self.again: dict[str, str] = {}
        """Wishes for another answer that were accepted, with their turns."""
        self.refused: set[str] = set()
        self.undecided: list[Any] = []
        self._copies: list[asyncio.Task[Any]] = []
        self._world, self._deployment = world, deployment

    @property
    def key(self) -> ConversationKey:
        """The conversation's stored key."""
        return session_key(self.grant.user_id, self.grant.session_id)

    def told(self, frame: Any) -> None:
        """Take a frame in; what it makes the client ask for is asked for at the next look."""
        self.screen.apply(frame, self._world.now)
        if frame["type"] == "tool.approval_required":
            self.undecided.append(frame)

    async def live(self, storm_s: float) -> None:
        """Ask some questions during the storm, and wait until all have ended."""
        random = self._world.random
        looking = asyncio.get_running_loop().create_task(self._look())
        questions: list[asyncio.Task[None]] = []
        for number in range(random.randrange(1, 5)):
            await asyncio.sleep(random.expovariate(4 / storm_s))
            message_id = str(UUID(int=random.getrandbits(128)))
            questions.append(asyncio.get_running_loop().create_task(self._ask(message_id, f"question {number}")))
        await asyncio.gather(*questions)
        while not all(self._is_settled(turn_id) for turn_id in self.turns()):
            await asyncio.sleep(1)
        looking.cancel()

    def turns(self) -> list[str]:
        """Name every turn that was accepted."""
        return [*self.accepted.values(), *self.again.values()]

    def _is_settled(self, turn_id: str) -> bool:
        turn = self.screen.turns.get(turn_id)
        return turn is not None and turn.ended and turn.settled

    async def _ask(self, message_id: str, content: str) -> None:
        loop = asyncio.get_running_loop()
        if self._world.chance(0.15):
            self._copies += [loop.create_task(self._try_to_ask(message_id, content)) for _ in range(3)]
        while (turn_id := await self._try_to_ask(message_id, content)) is None:
            if message_id in self.refused:
                return
            await asyncio.sleep(self._world.random.uniform(0.5, 4))
        self._world.note("accepted", (message_id, turn_id))
        self.accepted[message_id] = turn_id
        self.screen.apply(
            {
                "type": "query.accepted",
                "conversation_id": self.grant.session_id,
                "message_id": message_id,
                "turn_id": turn_id,
            },
            self._world.now,
        )
        if self._world.chance(0.25):
            await asyncio.sleep(self._world.random.expovariate(0.2))
            await self._insist(
                lambda services, turns: resume.cancel(services, turns, TurnId(turn_id), self.grant.user_id)
            )
        if self._world.chance(0.3):
            await self._ask_again(turn_id)

    async def _ask_again(self, turn_id: str) -> None:
        """Wish for another answer; it is refused when somebody asked something else in the meantime."""
        while not self._is_settled(turn_id):
            await asyncio.sleep(1)
        message_id = str(UUID(int=self._world.random.getrandbits(128)))
        while (again := await self._try_to_ask(message_id, "", answer_id(TurnId(turn_id)))) is None:
            if message_id in self.refused:
                return
            await asyncio.sleep(self._world.random.uniform(0.5, 4))
        self._world.note("accepted again", (message_id, again))
        self.again[message_id] = again

    async def _try_to_ask(self, message_id: str, content: str, regenerate_of: str | None = None) -> str | None:
        wish = query.Ask(
            grant=self.grant,
            session_id=self.grant.session_id,
            message_id=MessageId(message_id),
            id_from_client=True,
            content=content,
            connection=ConnectionId("desk"),
            regenerate_of=MessageId(regenerate_of) if regenerate_of else None,
        )
        try:
            accepted = await self._call(lambda services, turns: query.ask(services, turns, wish))
        except FAULTS as fault:
            self._world.note("unheard", (message_id, repr(fault)))
            if isinstance(fault, ChatError) and fault.code is ErrorCode.BAD_REQUEST:
                self.refused.add(message_id)
            return None
        return None if self._world.chance(0.1) else accepted.turn_id

    async def _call(self, request: Request) -> Any:
        """Send a request to some process; the answer may be lost with it."""
        host = await self._world.some_host()
        services, turns = self._deployment.services(host), self._deployment.turns(host)
        return await self._world.within(host, request(services, turns))

    async def _insist(self, request: Request) -> None:
        while True:
            try:
                await self._call(request)
            except ChatError as fault:
                if fault.code in FINAL:
                    return
            except FAULTS:
                pass
            else:
                return
            await asyncio.sleep(1)

    async def _look(self) -> None:
        """Decide what waits, and come back to every turn whose end is not known."""
        while True:
            await asyncio.sleep(self._world.random.uniform(1, RESUME_EVERY_S))
            for frame in self.undecided[:]:
                self.undecided.remove(frame)
                if self._world.random.random() < 0.7:
                    await self._decide(frame)
                elif self._deployment.patient:
                    self.undecided.append(frame)
            for turn in list(self.screen.turns.values()):
                if not turn.ended:
                    await self._resume(turn)
                elif not turn.settled:
                    await self._read()

    async def _decide(self, frame: Any) -> None:
        verdict = approvals.Verdict(
            user_id=self.grant.user_id,
            turn_id=TurnId(frame["turn_id"]),
            call_id=CallId(frame["call_id"]),
            approved=self._world.random.random() < 0.8,
        )
        await self._insist(lambda services, turns: approvals.decide(services, turns, verdict))

    async def _resume(self, turn: Any) -> None:
        try:
            seen = await self._call(
                lambda services, _turns: resume.snapshot(
                    services,
                    TurnId(turn.turn_id),
                    user_id=self.grant.user_id,
                    conversation_id=self.grant.session_id,
                    attempt=turn.attempt or None,
                    offset=len(turn.text),
                    request_id=None,
                )
            )
        except FAULTS:
            return
        frame = frame_data(seen)
        self.screen.apply(frame, self._world.now)
        for approval in frame["approvals"]:
            if approval not in self.undecided:
                self.undecided.append({**approval, "turn_id": turn.turn_id})

    async def _read(self) -> None:
        """Read the store, as a client does whose turn ended without its text."""
        try:
            page = await self._call(
                lambda services, _turns: history.messages(
                    services, self.grant.user_id, self.grant.session_id, after_seq=0, before_seq=None, limit=100
                )
            )
        except FAULTS:
            return
        items = [to_json(message) for message in page.messages]
        self.screen.apply({"type": "@history", "items": items}, self._world.now)

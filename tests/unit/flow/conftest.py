"""A room in memory: all ports met by fakes, and turns driven by the machine without a durable engine."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.adapters.argument_schemas import ArgumentSchemas
from shared.adapters.markdown_tables import MarkdownTables
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.conversations import MemoryConversations
from shared.adapters.memory.delivery import MemoryChannel, MemoryEngine
from shared.adapters.memory.groups import MemoryGroups
from shared.adapters.memory.identity import MemorySealer, MemoryVerifier
from shared.adapters.memory.model import Line, MemoryModel
from shared.adapters.memory.people import MemoryPeople
from shared.adapters.memory.questions import MemoryQuestions
from shared.adapters.memory.registry import MemoryPrompts, MemoryRegistry
from shared.adapters.memory.rights import MemoryRights
from shared.adapters.memory.tools import MemoryTools
from shared.adapters.memory.users import MemoryUsers
from shared.adapters.memory.watch import MemoryAllowances, MemorySecurityLog
from shared.domain import turn_events as ev
from shared.domain.conversation import Usage
from shared.domain.frames import QueryAccepted, SessionCreated, SessionUpdated
from shared.domain.identity import Caller
from shared.domain.ids import CallId, ConnectionId, ConversationKey, MessageId, PublicId, TurnId, UserId, turn_id
from shared.domain.model import RoundFinished, TextDelta
from shared.domain.prompt import SYSTEM_PROMPT
from shared.domain.tools import CallState, Manifest, RequestedCall, ServerEntry, ToolResult, ToolSpec
from shared.domain.turn import begin, step
from shared.domain.turns import Turn, TurnRef
from shared.flow import approvals, persist, process, query, respond, tools
from shared.flow.authenticate import OpenSession, open_session, require_grant
from shared.flow.services import TurnServices, Watch
from shared.wire.bound_documents import conversation_documents, usage_document

SAM = UserId("tenant:sam")
SESSION = PublicId("5e551011-0000-4000-8000-000000000001")
DESK = ConnectionId("desk")
USED = Usage(input_tokens=10, output_tokens=5, rounds=1)


class Proved:
    """Takes every event as proved; the proof has tests of its own."""

    async def prove(self, *, connection_id: str, signature: str | None, authorization: str | None) -> None:
        """Accept."""


def tool(server: str, name: str, *, writes: bool = False) -> ToolSpec:
    """A tool that reads, or one that writes."""
    return ToolSpec(
        server=server,
        name=name,
        title=name,
        description=f"{name} of {server}",
        input_schema={"type": "object"},
        read_only=not writes,
        destructive=writes,
    )


def server(name: str, *roles: str) -> ServerEntry:
    """A server that is open to these roles."""
    return ServerEntry(name=name, url=f"http://{name}", roles=roles, auth_enabled=True, description=name, audience=name)


def says(*pieces: str) -> list[Line]:
    """A round that answers."""
    return [*(TextDelta(piece) for piece in pieces), RoundFinished(reason="stop", model="m", usage=USED)]


def asks_for(*names: str, first: str = "") -> list[Line]:
    """A round that asks for tools, perhaps after some words."""
    requested = tuple(RequestedCall(name=name, arguments_json='{"quarter": "Q1"}') for name in names)
    words: list[Line] = [TextDelta(first)] if first else []
    return [*words, RoundFinished(reason="tool_calls", model="m", usage=USED, calls=requested)]


class Room:
    """One deployment in memory, with Sam of Sales at a desk."""

    def __init__(self) -> None:
        self.clock = MemoryClock()
        self.conversations = MemoryConversations(lambda: self.clock.now().timestamp())
        self.users = MemoryUsers(self.clock, b"key")
        self.groups, self.people = MemoryGroups(), MemoryPeople()
        self.questions = MemoryQuestions(self.conversations)
        self.channel = MemoryChannel()
        self.allowances, self.security = MemoryAllowances(), MemorySecurityLog()
        self.engine = MemoryEngine()
        self.model = MemoryModel()
        self.prompts = MemoryPrompts({SYSTEM_PROMPT: "You coach {{USER_NAME}}.\n{{MCP_Servers_Description}}"})
        manifests = [
            Manifest(server=name, tools=offered, version="1", discovered_at=self.clock.now())
            for name, offered in {
                "sfdc": (tool("sfdc", "pipeline"), tool("sfdc", "log_activity", writes=True)),
                "hr": (tool("hr", "salary_of"),),
            }.items()
        ]
        self.tools = MemoryTools(manifests)
        sam = Caller(
            user_id=SAM,
            name="Sam",
            email="sam@example.com",
            roles=("Sales",),
            expires_at=self.clock.now() + timedelta(hours=1),
        )
        self.callers = {"sam's token": sam, "eve's token": replace(sam, user_id=UserId("other:eve"))}
        self.services = TurnServices(
            clock=self.clock,
            verifier=MemoryVerifier(self.callers, self.clock),
            upstream=Proved(),
            sealer=MemorySealer(),
            conversations=self.conversations,
            users=self.users,
            groups=self.groups,
            people=self.people,
            registry=MemoryRegistry([server("sfdc", "Sales"), server("hr", "HR")], manifests),
            channel=self.channel,
            limits=ev.TurnLimits(),
            watch=Watch(allowances=self.allowances, security=self.security, rights=MemoryRights(self.users)),
            model=self.model,
            prompts=self.prompts,
            tools=self.tools,
            read_markdown=MarkdownTables().read,
            fits_schema=ArgumentSchemas().fault,
        )

    def without_roles(self) -> None:
        """Take Sam's roles away."""
        callers = {token: replace(caller, roles=()) for token, caller in self.callers.items()}
        self.services = replace(self.services, verifier=MemoryVerifier(callers, self.clock))

    def scripted(self, *rounds: Iterable[Line]) -> None:
        """Give the model its next rounds."""
        self.model.rounds.extend(list(lines) for lines in rounds)

    def answers(self, name: str, text: str = '{"total": 7}', state: CallState = CallState.DONE) -> None:
        """Give a tool its answer."""
        self.tools.answers[name] = ToolResult(state=state, text=text, summary="1 row", as_of="2026-01-05")

    async def sign_in(
        self, token: str = "sam's token", *, first: bool = True, **wish: Any
    ) -> SessionCreated | SessionUpdated:
        """Send `session.update`."""
        update = OpenSession(token=token, connection_user=SAM, connection=DESK, session_id=SESSION, first=first, **wish)
        return await open_session(self.services, update)

    async def ask(self, content: str = "How is it?", message_id: str | None = None, **wish: Any) -> QueryAccepted:
        """Send `query`."""
        grant = await require_grant(self.services, SAM, SESSION)
        question = query.Ask(
            grant=grant,
            session_id=SESSION,
            message_id=MessageId(message_id or str(uuid4())),
            id_from_client=message_id is not None,
            content=content,
            connection=DESK,
            **wish,
        )
        return await query.ask(self.services, self.engine, question)

    def started(self) -> TurnRef:
        """The execution that was started last."""
        return self.engine.started[-1]

    async def turn(self, ref: TurnRef) -> Turn:
        """The turn as stored."""
        turn = await self.conversations.turn(ref.key, ref.turn_id)
        assert turn is not None
        return turn

    async def run(self, ref: TurnRef | None = None) -> list[str]:
        """Drive a turn to its end, as the orchestrator does; give the names of the effects."""
        ref = ref or self.started()
        state, effect = begin(self.services.limits, self.clock.now())
        effects: list[str] = []
        while effect is not None:
            effects.append(type(effect).__name__)
            event = await self.perform(ref, effect)
            state, effect = step(state, event, self.clock.now())
        return effects

    async def perform(self, ref: TurnRef, effect: ev.Effect) -> ev.Event:
        """Do what one effect asks for."""
        match effect:
            case ev.RunRound():
                return await process.run_round(self.services, ref, effect)
            case ev.RunTools():
                ends = [await tools.run_tool(self.services, ref, CallId(call_id)) for call_id in effect.call_ids]
                if "waiting" in ends:
                    return ev.ToolsWaiting()
                return ev.ToolsParked() if "parked" in ends else ev.ToolsEnded()
            case ev.AwaitApprovals():
                return await approvals.settle(self.services, ref, effect.call_ids)
            case ev.WaitFor():
                self.clock.advance(effect.seconds)
                return ev.WaitOver()
            case ev.Seal():
                sealed = await respond.seal(self.services, ref, effect.end, effect.error)
                return ev.StepDone() if sealed else ev.StepStale()
            case ev.Persist():
                await self.bind(ref)
                return ev.StepDone()
            case ev.Release():
                await persist.release(self.services, self.engine, ref)
                return ev.StepDone()

    async def bind(self, ref: TurnRef) -> None:
        """Do as the output bindings do."""
        found = await persist.sealed_turn(self.services, ref)
        assert found is not None
        turn, calls = found
        self.conversations.bind(conversation_documents(turn, calls))
        self.users.bind(usage_document(turn))

    def frames(self, *kinds: str) -> Sequence[Any]:
        """The frames that were sent, of these types."""
        return [frame for frame in self.channel.frames() if not kinds or frame.type in kinds]


@pytest.fixture
async def room() -> Room:
    """A room in which Sam has signed in."""
    room = Room()
    await room.sign_in()
    return room


@pytest.fixture
def empty_room() -> Room:
    """A room in which nobody has signed in."""
    return Room()


class Rounds:
    """What the tests of this folder say of models, people and places."""

    SAM, SESSION, DESK, USED = SAM, SESSION, DESK, USED
    says = staticmethod(says)
    asks_for = staticmethod(asks_for)

    @staticmethod
    def turn_of(key: ConversationKey) -> TurnId:
        """Some turn of a conversation."""
        return turn_id(key, MessageId("m"))


@pytest.fixture
def rounds() -> type[Rounds]:
    """The vocabulary of scripts."""
    return Rounds

"""A conversation with what the tests of its store need to say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from shared.adapters.memory.clock import MemoryClock
from shared.domain.conversation import Conversation, Head, Message, Person, Question, Repeated, Stored, Usage, place
from shared.domain.identity import RoleChoice
from shared.domain.ids import MessageId, PublicId, UserId, answer_id, call_id, session_key, text_hash, turn_id, user_id
from shared.domain.tools import ServerEntry, ToolCall
from shared.domain.turns import RoundRecord, Turn
from shared.erasure_ports import Eraser
from shared.people_ports import UserStore
from shared.ports import ConversationStore
from shared.tool_ports import ToolRegistry
from shared.wire.documents import answer_document

CURSOR_KEY = b"a key of the tests"


@dataclass(kw_only=True)
class Stores:
    """The stores under test, with the ways around the ports that the host and other programs have."""

    conversations: ConversationStore
    users: UserStore
    eraser: Eraser
    registry: ToolRegistry
    clock: MemoryClock
    bind: Callable[[dict[str, Any]], Any]
    """Write a document into container `conversations` as the output binding does."""
    stored: Callable[[str, str], Any]
    """Read a document of container `conversations` as it is stored."""
    servers: Sequence[ServerEntry] = ()


@dataclass(kw_only=True)
class Chat:
    """A session with what its tests need to say."""

    stores: Stores
    user: UserId = field(default_factory=lambda: user_id(str(uuid4()), str(uuid4())))
    session: PublicId = field(default_factory=lambda: PublicId(str(uuid4())))

    @property
    def conversation(self) -> Conversation:
        """Name the conversation."""
        key = session_key(self.user, self.session)
        return Conversation(key=key, public_id=self.session, kind="session", owner=self.user)

    def lease(self, seconds: float = 30) -> Any:
        """Give the end of a lease that begins now."""
        return self.stores.clock.now() + timedelta(seconds=seconds)

    async def stored_head(self) -> Stored:
        """Read the head, which must be there."""
        stored = await self.stores.conversations.head(self.conversation.key)
        assert stored is not None
        return stored

    def records(self, head: Head, text: str, message_id: MessageId) -> tuple[Head, Message, Turn]:
        """Make what accepting a question writes."""
        conversation, now = self.conversation, self.stores.clock.now()
        asker = Person(id=self.user, name="Sam Sales")
        turn = turn_id(conversation.key, message_id)
        question = Question(
            conversation=conversation,
            message_id=message_id,
            id_from_client=True,
            sender=asker,
            content=text,
            text_hash=text_hash(text),
            input_type="text",
            turn_id=turn,
        )
        placed = place(head, question, now)
        assert not isinstance(placed, Repeated)
        message = Message(
            conversation_id=self.session,
            seq=placed.seq,
            message_id=message_id,
            turn_id=turn,
            author="user",
            sender=asker,
            content=text,
            created_at=now,
        )
        made = Turn(
            conversation=conversation,
            turn_id=turn,
            question_id=message_id,
            asker=asker,
            session_id=self.session,
            role=RoleChoice(shown="Sales", effective=("Sales",)),
            input_type="text",
            created_at=now,
            lease_until=self.lease(),
        )
        return placed.head, message, made

    async def ask(self, text: str = "How is my pipeline?") -> Turn:
        """Accept a question and give its turn as it is stored."""
        stored = await self.stores.conversations.head(self.conversation.key)
        head = stored.head if stored else Head(conversation=self.conversation)
        head, message, turn = self.records(head, text, MessageId(str(uuid4())))
        etag = stored.etag if stored else None
        assert await self.stores.conversations.accept(head, etag, message, turn) == "accepted"
        return await self.turn(turn)

    async def turn(self, turn: Turn) -> Turn:
        """Read a turn, which must be there."""
        found = await self.stores.conversations.turn(self.conversation.key, turn.turn_id)
        assert found is not None
        return found

    async def claimed(self) -> Turn:
        """Accept a question and claim its first attempt."""
        claimed = await self.stores.conversations.claim((await self.ask()).ref(), self.lease())
        assert claimed is not None
        return claimed

    def answer(self, turn: Turn, content: str = "It is fine.", **fields: Any) -> Message:
        """Make the answer of a turn."""
        answer = Message(
            conversation_id=self.session,
            seq=0,
            message_id=answer_id(turn.turn_id),
            turn_id=turn.turn_id,
            author="assistant",
            content=content,
            created_at=self.stores.clock.now(),
            question_id=turn.question_id,
            attempt=turn.attempt,
            model="gpt-4.1-mini",
            finish_reason="stop",
            usage=Usage(input_tokens=10, output_tokens=3, rounds=1),
        )
        return replace(answer, **fields)

    async def sealed(self, turn: Turn, **fields: Any) -> Turn:
        """Seal a turn and give it as it is stored."""
        head = await self.stored_head()
        assert await self.stores.conversations.seal(turn.ref(), self.answer(turn, **fields), head) == "sealed"
        return await self.turn(turn)

    async def bind_answer(self, turn: Turn) -> None:
        """Write the sealed answer as the output binding does."""
        assert turn.sealed is not None
        await self.stores.bind(answer_document(self.conversation, turn.sealed))


def a_round(text: str = "Let me see.", calls: Sequence[ToolCall] = ()) -> RoundRecord:
    """Make a finished round."""
    return RoundRecord(
        text=text,
        calls=tuple(call.call_id for call in calls),
        finish_reason="tool_calls" if calls else "stop",
        model="gpt-4.1-mini",
        usage=Usage(input_tokens=5, output_tokens=2, rounds=1),
    )


def a_call(turn: Turn, index: int = 0, **fields: Any) -> ToolCall:
    """Make the intent of a call."""
    call = ToolCall(
        call_id=call_id(turn.turn_id, 0, index),
        round=0,
        index=index,
        server="crm",
        name="pipeline",
        arguments={"quarter": "Q1", "regions": ["north", None, 2.5]},
        safe_to_repeat=True,
    )
    return replace(call, **fields)

"""NEED: what the flow needs from the world, as Protocols; each is met by an adapter and by a fake alike."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, Protocol

from shared.domain.conversation import Head, Message, Stored
from shared.domain.frames import Frame
from shared.domain.identity import Caller
from shared.domain.ids import ConnectionId, ConversationKey, MessageId, PublicId, RoomName, TurnId, UserId
from shared.domain.model import ModelEvent, ModelRequest
from shared.domain.notes import Feedback, Summary
from shared.domain.prompt import Prompt
from shared.domain.tools import ToolCall
from shared.domain.turns import RoundRecord, Turn, TurnRef, TurnStatus


class Clock(Protocol):
    """Tells the time; the only source of it outside the orchestrator."""

    def now(self) -> datetime:
        """Give the present, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds for measuring durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        ...

    def jitter(self, most_s: float) -> float:
        """Draw a wait between zero and `most_s` seconds."""
        ...


class TokenVerifier(Protocol):
    """Proves persons by their access tokens."""

    async def verify(self, token: str) -> Caller:
        """Verify signature, issuer, audience and lifetime, and give the person.

        Raises:
            ChatError: `unauthenticated` for any token that does not verify.
        """
        ...


class UpstreamProof(Protocol):
    """Proves that an event comes from our Web PubSub service (architecture.md, decision 13)."""

    async def prove(self, *, connection_id: str, signature: str | None, authorization: str | None) -> None:
        """Check the proof that came with an event.

        Raises:
            ChatError: `unauthenticated`; the event must have no effect.
        """
        ...


class TokenSealer(Protocol):
    """Keeps users' tokens unreadable at rest."""

    async def seal(self, token: str, *, user_id: UserId, session_id: PublicId) -> str:
        """Encrypt the token, bound to user and session.

        Raises:
            StoreUnavailable: the key cannot be had at present.
        """
        ...

    async def open(self, sealed: str, *, user_id: UserId, session_id: PublicId) -> str:
        """Decrypt what `seal` gave for the same user and session.

        Raises:
            ChatError: `token_expired` when it cannot be opened; a new `session.update` brings a fresh one.
            StoreUnavailable: the key cannot be had at present.
        """
        ...


class ConversationStore(Protocol):
    """Keeps conversations: heads, messages, turns, tool ledgers. All operations stay in one partition.

    Every method raises StoreUnavailable when the store does not answer; a write may then have been applied.
    """

    async def head(self, key: ConversationKey) -> Stored | None:
        """Read a conversation's head."""
        ...

    async def accept(
        self, head: Head, etag: str | None, question: Message | None, turn: Turn | None
    ) -> Literal["accepted", "exists", "changed"]:
        """Store what is new of question and turn, and the head, in one atomic batch; `etag` None: a new conversation.

        `exists`: the id is taken. `changed`: the head is not the one that was read.
        """
        ...

    async def message(self, key: ConversationKey, message_id: MessageId) -> Message | None:
        """Read a question by its id."""
        ...

    async def messages(
        self, key: ConversationKey, *, after_seq: int | None, before_seq: int | None, limit: int
    ) -> list[Message]:
        """Read messages in order of `seq`; with `after_seq` the next ones, else the last ones before `before_seq`."""
        ...

    async def answer(self, key: ConversationKey, message_id: MessageId) -> Message | None:
        """Find an answer by its id."""
        ...

    async def summary(self, key: ConversationKey) -> Summary | None:
        """Read the newest summary of what was said earlier."""
        ...

    async def add_summary(self, key: ConversationKey, summary: Summary) -> bool:
        """Store a summary; False when there is one of its number."""
        ...

    async def put_feedback(self, key: ConversationKey, feedback: Feedback) -> None:
        """Store what a person thinks of an answer, in place of what they thought before."""
        ...

    async def turn(self, key: ConversationKey, turn_id: TurnId) -> Turn | None:
        """Read a turn."""
        ...

    async def take_over(self, ref: TurnRef, lease_until: datetime) -> Turn | None:
        """Raise the epoch of a turn that runs under `ref`; None when another execution was faster or it ended."""
        ...

    async def claim(self, ref: TurnRef, lease_until: datetime) -> Turn | None:
        """Raise the attempt and empty the checkpoint, before anything is sent.

        None when `ref` no longer owns the turn, or the turn is sealed or asked to stop.
        """
        ...

    async def checkpoint(self, ref: TurnRef, attempt: int, text: str, lease_until: datetime) -> Turn | None:
        """Write the text so far and renew the lease; None when a newer attempt owns the turn."""
        ...

    async def end_round(
        self,
        ref: TurnRef,
        attempt: int,
        record: RoundRecord,
        calls: Sequence[ToolCall],
        lease_until: datetime,
    ) -> Turn | None:
        """Store a finished round with the intents of its calls, atomically; None when fenced."""
        ...

    async def renew(self, ref: TurnRef, lease_until: datetime, *, status: TurnStatus | None = None) -> Turn | None:
        """Renew the lease of an execution and tell where it stands; None when `ref` no longer owns the turn."""
        ...

    async def request_cancel(self, key: ConversationKey, turn_id: TurnId, lease_until: datetime) -> Turn | None:
        """Ask a turn with a slot to stop by the end of this lease; None when it waits, is absent or sealed."""
        ...

    async def withdraw(
        self, turn: Turn, answer: Message, head: Stored, lease_until: datetime
    ) -> Literal["withdrawn", "changed"]:
        """Seal a waiting turn, take it out of `head` and give it an execution that ends it, atomically."""
        ...

    async def calls(self, key: ConversationKey, turn_id: TurnId) -> list[ToolCall]:
        """Read a turn's ledger in order of round and index."""
        ...

    async def move_call(
        self, key: ConversationKey, turn_id: TurnId, call: ToolCall, *, expected: ToolCall
    ) -> ToolCall | None:
        """Write a call's new state on the condition that state and approval are the expected ones; None if not."""
        ...

    async def seal(
        self, ref: TurnRef, answer: Message, head: Stored | None, *, error: str | None = None, seen: Turn | None = None
    ) -> Literal["sealed", "stale", "changed"]:
        """Freeze the turn with its answer and take the answer's seq from `head`, atomically.

        `error` is the code that a failed turn ends with. Sealing again with the same answer is `sealed`; the turn
        then keeps the first one's seq and time. `changed`: the head is not the one that was read, or the turn is not
        as it was `seen` when the answer was made of it, since a read may be older than the last write. `stale`:
        another execution owns or sealed the turn.
        """
        ...

    async def release(self, turn: Turn, head: Head, etag: str, lease_until: datetime, *, starts: bool = True) -> bool:
        """End the sealed turn, replace the head and start its active turn if asked to, atomically; False if changed."""
        ...

    async def expired(self, now: datetime, limit: int, *, quiet_s: float = 0.0) -> list[TurnRef]:
        """Find turns whose lease ran out; one of the two queries that cross partitions, ids only.

        Leases are written by the clocks of hosts, which may differ. With `quiet_s`, a turn that was written within so
        many seconds by the store's own clock is left out.
        """
        ...


class ClientChannel(Protocol):
    """Sends frames to people. Raises ChannelUnavailable when the service refuses or does not answer."""

    async def to_user(self, user_id: UserId, frame: Frame, *, but: ConnectionId | None = None) -> None:
        """Send to all connections of a person, but one."""
        ...

    async def to_connection(self, connection_id: ConnectionId, frame: Frame) -> None:
        """Send to one connection."""
        ...

    async def to_room(
        self, room: RoomName, frame: Frame, *, but: ConnectionId | None = None, outside: RoomName | None = None
    ) -> None:
        """Send to all connections in a room but one, and but those that are in the room `outside` as well."""
        ...

    async def present(self, room: RoomName) -> dict[ConnectionId, UserId]:
        """List who is in a room at present, as far as the service knows."""
        ...

    async def enter(self, room: RoomName, connection_id: ConnectionId) -> None:
        """Let a connection into a room; check the person's membership after it, since they may just be removed."""
        ...

    async def leave(self, room: RoomName, connection_id: ConnectionId) -> None:
        """Take a connection out of a room in which it may not be."""
        ...

    async def expel(self, room: RoomName, user_id: UserId) -> None:
        """Take all connections of a person out of a room, at once."""
        ...

    async def close_connection(self, connection_id: ConnectionId, reason: str) -> None:
        """Close a connection, which may be gone by now."""
        ...

    async def close_connections(self, user_id: UserId, reason: str, *, but: ConnectionId | None = None) -> None:
        """Close all connections of a person, but one."""
        ...

    async def client_url(self, user_id: UserId, lifetime_min: int) -> str:
        """Make a WebSocket URL bound to the person, without any role.

        Raises:
            ChannelFull: the service has lately refused for load, and would refuse the connection.
        """
        ...


class TurnEngine(Protocol):
    """Runs turns durably. Raises EngineUnavailable when the backend does not answer."""

    async def start(self, ref: TurnRef) -> None:
        """Start the orchestration of this execution; one that exists already is left alone."""
        ...

    async def stop(self, ref: TurnRef, reason: str) -> None:
        """Terminate an older execution if it exists."""
        ...

    async def wake(self, ref: TurnRef, event: str) -> None:
        """Raise an event that tells the execution to read the store; lost ones do no harm."""
        ...


class ChatModel(Protocol):
    """Streams one round of a language model."""

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[ModelEvent]]:
        """Open the stream, which ends with RoundFinished or raises ModelFailed; leaving the context stops the model."""
        ...

    def name(self, *, secondary: bool) -> str:
        """Name the model that a request would use."""
        ...


class PromptStore(Protocol):
    """Gives prompt texts; at most a minute old, the last good copy when the store is down."""

    async def get(self, name: str) -> Prompt | None:
        """Read a prompt, None when it does not exist; raises StoreUnavailable when down without a good copy."""
        ...

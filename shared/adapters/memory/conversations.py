"""Keep conversations in memory, as the very documents and conditions of the Cosmos adapter."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from shared.domain.conversation import Head, Message, Stored, without
from shared.domain.ids import ConversationKey, MessageId, TurnId
from shared.domain.notes import Feedback, Summary
from shared.domain.tools import CallState, ToolCall
from shared.domain.turns import RoundRecord, Turn, TurnRef, TurnStatus
from shared.wire import documents as wire
from shared.wire import note_documents as notes

Document = dict[str, Any]


class MemoryConversations:
    """Meet ConversationStore. Each operation first gives way to others, then happens at once and as a whole."""

    def __init__(self, time: Callable[[], float] = time.time) -> None:
        self._time = time
        self._documents: dict[tuple[str, str], Document] = {}
        self._written: dict[tuple[str, str], float] = {}
        self._writes = 0

    def bind(self, documents: Iterable[Document]) -> None:
        """Write bound documents as the host does after the persist step returned: without any condition."""
        for document in documents:
            self._put(document)

    def drop(self, key: ConversationKey, document_id: str) -> None:
        """Lose a document."""
        self._documents.pop((key, document_id), None)

    def documents(self, key: ConversationKey) -> list[Document]:
        """Show what is stored of a conversation."""
        return [document for (partition, _), document in self._documents.items() if partition == key]

    def everything(self) -> list[Document]:
        """Give all documents themselves, for what crosses partitions."""
        return list(self._documents.values())

    async def head(self, key: ConversationKey) -> Stored | None:
        """Read a conversation's head."""
        document = await self._read(key, wire.HEAD_ID)
        return None if document is None else Stored(head=wire.head_from(document), etag=document["_etag"])

    async def accept(
        self, head: Head, etag: str | None, question: Message | None, turn: Turn | None
    ) -> Literal["accepted", "exists", "changed"]:
        """Store question, turn and head in one atomic batch."""
        key = head.conversation.key
        created = wire.accepted_documents(head, question, turn)
        if any((key, document["id"]) in self._documents for document in created):
            taken = await self._read(key, created[0]["id"])
            return "accepted" if wire.is_same_acceptance(taken, created[0]) else "exists"
        if not self._is_head(key, etag):
            return "changed"
        self.bind([*created, wire.head_document(head)])
        return "accepted"

    async def message(self, key: ConversationKey, message_id: MessageId) -> Message | None:
        """Read a question by its id."""
        document = await self._read(key, wire.question_id(message_id))
        return None if document is None else wire.message_from(document)

    async def messages(
        self, key: ConversationKey, *, after_seq: int | None, before_seq: int | None, limit: int
    ) -> list[Message]:
        """Read messages in order of `seq`."""
        await asyncio.sleep(0)
        stored = (wire.message_from(document) for document in self.documents(key) if document["kind"] == "message")
        lowest, highest = after_seq if after_seq is not None else -1, before_seq
        found = [one for one in stored if one.seq > lowest and (highest is None or one.seq < highest)]
        found.sort(key=lambda message: message.seq)
        return found[:limit] if after_seq is not None else found[-limit:]

    async def answer(self, key: ConversationKey, message_id: MessageId) -> Message | None:
        """Find an answer by its id."""
        await asyncio.sleep(0)
        stored = (wire.message_from(document) for document in self.documents(key) if document["kind"] == "message")
        return next((one for one in stored if one.message_id == message_id and one.author == "assistant"), None)

    async def summary(self, key: ConversationKey) -> Summary | None:
        """Read the newest summary."""
        await asyncio.sleep(0)
        stored = [notes.summary_from(document) for document in self.documents(key) if document["kind"] == "summary"]
        return max(stored, key=lambda summary: summary.seq, default=None)

    async def add_summary(self, key: ConversationKey, summary: Summary) -> bool:
        """Store a summary; False when there is one of its number."""
        document = notes.summary_document(key, summary)
        if await self._read(key, document["id"]) is not None:
            return False
        self._put(document)
        return True

    async def put_feedback(self, key: ConversationKey, feedback: Feedback) -> None:
        """Store what a person thinks of an answer."""
        await asyncio.sleep(0)
        self._put(notes.feedback_document(key, feedback))

    async def turn(self, key: ConversationKey, turn_id: TurnId) -> Turn | None:
        """Read a turn."""
        document = await self._read(key, wire.turn_item_id(turn_id))
        return None if document is None else wire.turn_from(document)

    async def take_over(self, ref: TurnRef, lease_until: datetime) -> Turn | None:
        """Raise the epoch of a turn that runs under `ref`."""
        lease = wire.epoch_seconds(lease_until)

        def is_done(turn: Document) -> bool:
            return (turn["epoch"], turn.get("lease_until")) == (ref.epoch + 1, lease)

        def change(turn: Document) -> None:
            if not is_done(turn):
                turn["epoch"] += 1
                turn |= {"status": TurnStatus.RUNNING.value, "lease_until": lease}

        return await self._patch(ref, lambda turn: _runs_under(ref)(turn) or is_done(turn), change)

    async def claim(self, ref: TurnRef, lease_until: datetime) -> Turn | None:
        """Raise the attempt before anything is sent."""

        def change(turn: Document) -> None:
            turn["attempt"] += 1
            turn |= {"checkpoint": "", "status": TurnStatus.RUNNING.value}
            turn["lease_until"] = wire.epoch_seconds(lease_until)

        def may(turn: Document) -> bool:
            return _runs_under(ref)(turn) and "sealed" not in turn and not turn["cancel_requested"]

        return await self._patch(ref, may, change)

    async def checkpoint(self, ref: TurnRef, attempt: int, text: str, lease_until: datetime) -> Turn | None:
        """Write the text so far and renew the lease."""

        def change(turn: Document) -> None:
            turn |= {"checkpoint": text, "lease_until": wire.epoch_seconds(lease_until)}

        return await self._patch(ref, _attempts(ref, attempt), change)

    async def end_round(
        self, ref: TurnRef, attempt: int, record: RoundRecord, calls: Sequence[ToolCall], lease_until: datetime
    ) -> Turn | None:
        """Store a finished round with the intents of its calls."""

        def change(turn: Document) -> None:
            if turn["round_attempt"] == attempt:
                return
            turn["rounds"].append(wire.round_data(record))
            turn |= {"round_attempt": attempt, "lease_until": wire.epoch_seconds(lease_until)}
            self.bind(wire.call_document(ref.key, ref.turn_id, call) for call in calls)

        return await self._patch(ref, _attempts(ref, attempt), change)

    async def renew(self, ref: TurnRef, lease_until: datetime, *, status: TurnStatus | None = None) -> Turn | None:
        """Renew the lease of an execution and tell where it stands."""

        def change(turn: Document) -> None:
            turn["lease_until"] = wire.epoch_seconds(lease_until)
            turn["status"] = status or turn["status"]

        return await self._patch(ref, lambda turn: _runs_under(ref)(turn) and "sealed" not in turn, change)

    async def request_cancel(self, key: ConversationKey, turn_id: TurnId, lease_until: datetime) -> Turn | None:
        """Ask a turn with a slot to stop."""

        def change(turn: Document) -> None:
            turn |= {"cancel_requested": True, "lease_until": wire.epoch_seconds(lease_until)}

        def may(turn: Document) -> bool:
            return turn["status"] in wire.LEASED and "sealed" not in turn

        return await self._patch(TurnRef(key=key, turn_id=turn_id, epoch=0), may, change)

    async def withdraw(
        self, turn: Turn, answer: Message, head: Stored, lease_until: datetime
    ) -> Literal["withdrawn", "changed"]:
        """Seal a waiting turn, take it out of `head` and give it an execution that ends it."""
        key = turn.conversation.key
        document = await self._read(key, wire.turn_item_id(turn.turn_id))
        waits = document is not None and document["status"] == TurnStatus.WAITING and "sealed" not in document
        if document is None or not waits or not self._is_head(key, head.etag):
            return "changed"
        frozen = wire.sealed_data(replace(answer, seq=head.head.next_seq))
        lease = wire.epoch_seconds(lease_until)
        started = {"status": TurnStatus.RUNNING.value, "epoch": document["epoch"] + 1, "lease_until": lease}
        self._put(document | started | {"sealed": frozen, "cancel_requested": True})
        self._put(wire.head_document(without(head.head, turn.turn_id)))
        return "withdrawn"

    async def calls(self, key: ConversationKey, turn_id: TurnId) -> list[ToolCall]:
        """Read a turn's ledger in order of round and index."""
        await asyncio.sleep(0)
        documents = (one for one in self.documents(key) if one["kind"] == "tool_call" and one["turn_id"] == turn_id)
        return sorted(map(wire.call_from, documents), key=lambda call: (call.round, call.index))

    async def move_call(
        self, key: ConversationKey, turn_id: TurnId, call: ToolCall, *, expected: ToolCall
    ) -> ToolCall | None:
        """Write a call's new state if state and approval are the expected ones."""
        document = await self._read(key, wire.call_item_id(turn_id, call))
        if document is None:
            return None
        if (document["state"], document["approval"]) == (expected.state, expected.approval):
            return wire.call_from(self._put(document | wire.call_outcome_data(call)))
        stored = wire.call_from(document)
        return stored if expected.state is CallState.OPEN and stored == call else None

    async def seal(
        self, ref: TurnRef, answer: Message, head: Stored | None, *, error: str | None = None, seen: Turn | None = None
    ) -> Literal["sealed", "stale", "changed"]:
        """Freeze the turn with its answer and take the answer's seq from `head`."""
        document = await self._read(ref.key, wire.turn_item_id(ref.turn_id))
        if head is None:
            return "changed"
        if document is None or document["epoch"] != ref.epoch:
            return "stale"
        turn = wire.turn_from(document)
        if turn.sealed is not None:
            return "sealed" if wire.same_answer(turn.sealed, answer) else "stale"
        if not self._is_head(ref.key, head.etag) or not wire.is_as_seen(turn, seen):
            return "changed"
        frozen = wire.sealed_data(replace(answer, seq=head.head.next_seq))
        self._put(document | {"sealed": frozen} | ({"error": error} if error else {}))
        self._put(wire.head_document(replace(head.head, next_seq=head.head.next_seq + 1)))
        return "sealed"

    async def release(self, turn: Turn, head: Head, etag: str, lease_until: datetime, *, starts: bool = True) -> bool:
        """End the sealed turn, replace the head and start the head's active turn if asked to."""
        key = head.conversation.key
        document = await self._read(key, wire.turn_item_id(turn.turn_id))
        stored = wire.turn_from(document) if document else None
        if document is None or stored is None or stored.epoch != turn.epoch or turn.sealed is None:
            return False
        if stored.status.ended:
            return True
        next_id = head.active_turn if starts else None
        following = self._documents.get((key, wire.turn_item_id(next_id))) if next_id else None
        waits = next_id is None or (following is not None and following["status"] == TurnStatus.WAITING)
        if not self._is_head(key, etag) or not waits:
            return False
        ended = {name: value for name, value in document.items() if name != "lease_until"}
        self._put(ended | {"status": wire.ends_as(turn.sealed).value})
        self._put(wire.head_document(head))
        if following:
            lease = wire.epoch_seconds(lease_until)
            started = {"status": TurnStatus.RUNNING.value, "epoch": following["epoch"] + 1, "lease_until": lease}
            self._put(following | started)
        return True

    async def expired(self, now: datetime, limit: int, *, quiet_s: float = 0.0) -> list[TurnRef]:
        """Find turns whose lease ran out and that were not written for a while by the store's clock."""
        await asyncio.sleep(0)
        until, quiet_since = wire.epoch_seconds(now), self._time() - quiet_s
        late = [(name, one) for name, one in self._documents.items() if one.get("lease_until", until) < until]
        return [wire.ref_from(one) for name, one in late[:limit] if self._written[name] <= quiet_since]

    async def _read(self, key: ConversationKey, document_id: str) -> Document | None:
        await asyncio.sleep(0)
        return self._documents.get((key, document_id))

    def _put(self, document: Document) -> Document:
        """Keep a copy made by JSON, so that only what JSON can say is kept."""
        self._writes += 1
        kept: Document = json.loads(json.dumps(document)) | {"_etag": f'"{self._writes}"'}
        self._documents[name := (kept["conversation_id"], kept["id"])] = kept
        self._written[name] = self._time()
        return kept

    def _is_head(self, key: ConversationKey, etag: str | None) -> bool:
        stored = self._documents.get((key, wire.HEAD_ID))
        return (stored["_etag"] if stored else None) == etag

    async def _patch(
        self, ref: TurnRef, predicate: Callable[[Document], bool], change: Callable[[Document], None]
    ) -> Turn | None:
        document = await self._read(ref.key, wire.turn_item_id(ref.turn_id))
        if document is None or not predicate(document):
            return None
        patched: Document = json.loads(json.dumps(document))
        change(patched)
        return wire.turn_from(self._put(patched))


def _runs_under(ref: TurnRef) -> Callable[[Document], bool]:
    return lambda turn: turn["epoch"] == ref.epoch and turn["status"] in wire.LEASED


def _attempts(ref: TurnRef, attempt: int) -> Callable[[Document], bool]:
    return lambda turn: _runs_under(ref)(turn) and turn["attempt"] == attempt and "sealed" not in turn

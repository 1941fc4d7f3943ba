"""Keep conversations in Cosmos DB: order by the head's ETag, turns by fences in patch predicates.

A write whose answer is lost may have been applied. Each conditional write that finds its condition false therefore
reads once and carries on if what it wanted is what is there (architecture.md, decision 4).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from shared.adapters.cosmos import items
from shared.adapters.cosmos.items import Items, Refused, setting
from shared.domain.conversation import Head, Message, Stored, without
from shared.domain.ids import ConversationKey, MessageId, TurnId
from shared.domain.notes import Feedback, Summary
from shared.domain.tools import CallState, ToolCall
from shared.domain.turns import RoundRecord, Turn, TurnRef, TurnStatus
from shared.wire import documents as wire
from shared.wire import note_documents as notes
from shared.wire.retention import kept_for

_TAKEN = 409
_LEASED = " OR ".join(f'c.status = "{status.value}"' for status in wire.LEASED)
_WAITS = f'c.status = "{TurnStatus.WAITING.value}"'
_NOT_SEALED = "NOT IS_DEFINED(c.sealed)"


class CosmosConversations:
    """Meet ConversationStore over container `conversations`, partition key `/conversation_id`."""

    def __init__(self, container: Items, retention_days: int = 0) -> None:
        self._items = container
        self._days = retention_days

    async def head(self, key: ConversationKey) -> Stored | None:
        """Read a conversation's head."""
        document = await self._items.read(key, wire.HEAD_ID)
        return None if document is None else Stored(head=wire.head_from(document), etag=document["_etag"])

    async def accept(
        self, head: Head, etag: str | None, question: Message | None, turn: Turn | None
    ) -> Literal["accepted", "exists", "changed"]:
        """Store question, turn and head in one atomic batch; creates come first, to tell a duplicate as such."""
        key, document = head.conversation.key, wire.head_document(head)
        created = wire.accepted_documents(head, question, turn)
        outcome = await self._items.batch(
            key,
            [
                *(items.create(kept_for(self._days, one)) for one in created),
                items.create(document) if etag is None else items.replace(document, etag),
            ],
        )
        if not isinstance(outcome, Refused):
            return "accepted"
        if outcome.index == len(created) or outcome.status != _TAKEN:
            return "changed"
        # The SDK sends a batch again whose answer was lost; its own first try is no duplicate.
        stored = await self._items.read(key, created[0]["id"])
        return "accepted" if wire.is_same_acceptance(stored, created[0]) else "exists"

    async def message(self, key: ConversationKey, message_id: MessageId) -> Message | None:
        """Read a question by its id."""
        document = await self._items.read(key, wire.question_id(message_id))
        return None if document is None else wire.message_from(document)

    async def messages(
        self, key: ConversationKey, *, after_seq: int | None, before_seq: int | None, limit: int
    ) -> list[Message]:
        """Read messages in order of `seq`."""
        forward = after_seq is not None
        text = 'SELECT TOP @limit * FROM c WHERE c.kind = "message"'
        bounds: dict[str, Any] = {"limit": limit}
        if after_seq is not None:
            text += " AND c.seq > @after"
            bounds["after"] = after_seq
        if before_seq is not None:
            text += " AND c.seq < @before"
            bounds["before"] = before_seq
        text += f" ORDER BY c.seq {'ASC' if forward else 'DESC'}"
        found = [wire.message_from(document) for document in await self._items.query(key, text, bounds)]
        return found if forward else found[::-1]

    async def answer(self, key: ConversationKey, message_id: MessageId) -> Message | None:
        """Find an answer by its id."""
        text = 'SELECT TOP 1 * FROM c WHERE c.kind = "message" AND c.author = "assistant" AND c.message_id = @id'
        found = await self._items.query(key, text, {"id": message_id})
        return wire.message_from(found[0]) if found else None

    async def summary(self, key: ConversationKey) -> Summary | None:
        """Read the newest summary."""
        text = 'SELECT TOP 1 * FROM c WHERE c.kind = "summary" ORDER BY c.seq DESC'
        found = await self._items.query(key, text, {})
        return notes.summary_from(found[0]) if found else None

    async def add_summary(self, key: ConversationKey, summary: Summary) -> bool:
        """Store a summary; False when there is one of its number."""
        return await self._items.create(kept_for(self._days, notes.summary_document(key, summary)))

    async def put_feedback(self, key: ConversationKey, feedback: Feedback) -> None:
        """Store what a person thinks of an answer."""
        await self._items.upsert(kept_for(self._days, notes.feedback_document(key, feedback)))

    async def turn(self, key: ConversationKey, turn_id: TurnId) -> Turn | None:
        """Read a turn."""
        document = await self._items.read(key, wire.turn_item_id(turn_id))
        return None if document is None else wire.turn_from(document)

    async def take_over(self, ref: TurnRef, lease_until: datetime) -> Turn | None:
        """Raise the epoch of a turn that runs under `ref`."""
        lease = wire.epoch_seconds(lease_until)
        changes = [{"op": "incr", "path": "/epoch", "value": 1}, *_running(lease)]
        document = await self._patch(ref, changes, f"c.epoch = {ref.epoch} AND ({_LEASED})")
        if document is None:
            stored = await self._items.read(ref.key, wire.turn_item_id(ref.turn_id))
            is_ours = stored is not None and (stored["epoch"], stored.get("lease_until")) == (ref.epoch + 1, lease)
            document = stored if is_ours else None
        return None if document is None else wire.turn_from(document)

    async def claim(self, ref: TurnRef, lease_until: datetime) -> Turn | None:
        """Raise the attempt and empty the checkpoint, before anything is sent.

        A claim that was applied without an answer is followed by another: attempts may be skipped, never shared.
        """
        changes = [
            {"op": "incr", "path": "/attempt", "value": 1},
            *setting(checkpoint=""),
            *_running(wire.epoch_seconds(lease_until)),
        ]
        return _turn(await self._patch(ref, changes, f"{_owns(ref)} AND c.cancel_requested = false"))

    async def checkpoint(self, ref: TurnRef, attempt: int, text: str, lease_until: datetime) -> Turn | None:
        """Write the text so far and renew the lease."""
        changes = setting(checkpoint=text, lease_until=wire.epoch_seconds(lease_until))
        return _turn(await self._patch(ref, changes, f"{_owns(ref)} AND c.attempt = {attempt}"))

    async def end_round(
        self, ref: TurnRef, attempt: int, record: RoundRecord, calls: Sequence[ToolCall], lease_until: datetime
    ) -> Turn | None:
        """Store a finished round with the intents of its calls; an attempt stores one round, however often asked."""
        changes = [
            {"op": "add", "path": "/rounds/-", "value": wire.round_data(record)},
            *setting(round_attempt=attempt, lease_until=wire.epoch_seconds(lease_until)),
        ]
        condition = f"{_owns(ref)} AND c.attempt = {attempt} AND c.round_attempt < {attempt}"
        intents = [items.create(kept_for(self._days, wire.call_document(ref.key, ref.turn_id, call))) for call in calls]
        turn_patch = items.patch(wire.turn_item_id(ref.turn_id), changes, condition)
        outcome = await self._items.batch(ref.key, [*intents, turn_patch])
        if not isinstance(outcome, Refused):
            return wire.turn_from(outcome[-1])
        document = await self._items.read(ref.key, wire.turn_item_id(ref.turn_id))
        if document is None or document["round_attempt"] != attempt:
            return None
        turn = wire.turn_from(document)
        is_ours = (turn.epoch, turn.attempt) == (ref.epoch, attempt) and turn.status in wire.LEASED
        return turn if is_ours and turn.sealed is None else None

    async def renew(self, ref: TurnRef, lease_until: datetime, *, status: TurnStatus | None = None) -> Turn | None:
        """Renew the lease of an execution and tell where it stands."""
        changes = setting(lease_until=wire.epoch_seconds(lease_until), **({"status": status.value} if status else {}))
        return _turn(await self._patch(ref, changes, _owns(ref)))

    async def request_cancel(self, key: ConversationKey, turn_id: TurnId, lease_until: datetime) -> Turn | None:
        """Ask a turn with a slot to stop."""
        changes = setting(cancel_requested=True, lease_until=wire.epoch_seconds(lease_until))
        condition = f"({_LEASED}) AND {_NOT_SEALED}"
        return _turn(await self._items.patch(key, wire.turn_item_id(turn_id), changes, condition))

    async def withdraw(
        self, turn: Turn, answer: Message, head: Stored, lease_until: datetime
    ) -> Literal["withdrawn", "changed"]:
        """Seal a waiting turn, take it out of `head` and give it an execution that ends it, all at once."""
        sealed = wire.sealed_data(replace(answer, seq=head.head.next_seq))
        changes = [
            {"op": "incr", "path": "/epoch", "value": 1},
            *_running(wire.epoch_seconds(lease_until)),
            *setting(sealed=sealed, cancel_requested=True),
        ]
        outcome = await self._items.batch(
            turn.conversation.key,
            [
                items.patch(wire.turn_item_id(turn.turn_id), changes, f"{_WAITS} AND {_NOT_SEALED}"),
                items.replace(wire.head_document(without(head.head, turn.turn_id)), head.etag),
            ],
        )
        return "changed" if isinstance(outcome, Refused) else "withdrawn"

    async def calls(self, key: ConversationKey, turn_id: TurnId) -> list[ToolCall]:
        """Read a turn's ledger in order of round and index."""
        text = 'SELECT * FROM c WHERE c.kind = "tool_call" AND c.turn_id = @turn'
        found = [wire.call_from(document) for document in await self._items.query(key, text, {"turn": turn_id})]
        # Sorted here: an order by two fields would need a composite index for at most sixteen items.
        return sorted(found, key=lambda call: (call.round, call.index))

    async def move_call(
        self, key: ConversationKey, turn_id: TurnId, call: ToolCall, *, expected: ToolCall
    ) -> ToolCall | None:
        """Write a call's new state if state and approval are the expected ones.

        Only the outcome of an open call is taken as written before: of two who open a call, or answer its approval,
        one must lose.
        """
        item_id = wire.call_item_id(turn_id, call)
        condition = f'c.state = "{expected.state.value}" AND c.approval = "{expected.approval.value}"'
        document = await self._items.patch(key, item_id, setting(**wire.call_outcome_data(call)), condition)
        if document is not None:
            return wire.call_from(document)
        if expected.state is not CallState.OPEN or not call.state.ended:
            return None
        stored = await self._items.read(key, item_id)
        return call if stored is not None and wire.call_from(stored) == call else None

    async def seal(
        self, ref: TurnRef, answer: Message, head: Stored | None, *, error: str | None = None, seen: Turn | None = None
    ) -> Literal["sealed", "stale", "changed"]:
        """Freeze the turn with its answer and take the answer's seq from `head`."""
        if head is None:
            return "changed"
        seq = head.head.next_seq
        changes = setting(sealed=wire.sealed_data(replace(answer, seq=seq)), **({"error": error} if error else {}))
        condition = f"c.epoch = {ref.epoch} AND {_NOT_SEALED}" + (_as_seen(seen) if seen else "")
        outcome = await self._items.batch(
            ref.key,
            [
                items.patch(wire.turn_item_id(ref.turn_id), changes, condition),
                items.replace(wire.head_document(replace(head.head, next_seq=seq + 1)), head.etag),
            ],
        )
        if not isinstance(outcome, Refused):
            return "sealed"
        if outcome.index == 1:
            return "changed"
        turn = await self.turn(ref.key, ref.turn_id)
        if turn is None or turn.epoch != ref.epoch:
            return "stale"
        if turn.sealed is None:
            return "changed"
        return "sealed" if wire.same_answer(turn.sealed, answer) else "stale"

    async def release(self, turn: Turn, head: Head, etag: str, lease_until: datetime, *, starts: bool = True) -> bool:
        """End the sealed turn, replace the head and start the head's active turn if asked to, all at once."""
        if turn.sealed is None:
            return False
        key = head.conversation.key
        changes = setting(status=wire.ends_as(turn.sealed).value)
        if turn.status in wire.LEASED:
            changes.append({"op": "remove", "path": "/lease_until"})
        still_open = f"({_LEASED} OR {_WAITS})"
        condition = f"c.epoch = {turn.epoch} AND IS_DEFINED(c.sealed) AND {still_open}"
        outcome = await self._items.batch(
            key,
            [
                items.patch(wire.turn_item_id(turn.turn_id), changes, condition),
                items.replace(wire.head_document(head), etag),
                *(_start(head.active_turn, lease_until) if starts and head.active_turn else []),
            ],
        )
        if not isinstance(outcome, Refused):
            return True
        stored = await self.turn(key, turn.turn_id)
        return stored is not None and stored.epoch == turn.epoch and stored.status.ended

    async def expired(self, now: datetime, limit: int, *, quiet_s: float = 0.0) -> list[TurnRef]:
        """Find turns whose lease ran out and that were not written for a while by the store's clock."""
        text = (
            "SELECT TOP @limit c.conversation_id, c.turn_id, c.epoch, c._ts, GetCurrentTimestamp() AS present_ms "
            "FROM c WHERE c.lease_until < @now"
        )
        found = await self._items.query_everywhere(text, {"limit": limit, "now": wire.epoch_seconds(now)})
        return [wire.ref_from(one) for one in found if one["_ts"] + quiet_s <= one["present_ms"] / 1000]

    async def _patch(self, ref: TurnRef, changes: Sequence[dict[str, Any]], condition: str) -> dict[str, Any] | None:
        return await self._items.patch(ref.key, wire.turn_item_id(ref.turn_id), changes, condition)


def _owns(ref: TurnRef) -> str:
    return f"c.epoch = {ref.epoch} AND ({_LEASED}) AND {_NOT_SEALED}"


def _as_seen(turn: Turn) -> str:
    """Every write of a turn that runs adds a round, raises the attempt, or renews the lease."""
    rounds, lease = len(turn.rounds), wire.epoch_seconds(turn.lease_until)
    return f" AND c.attempt = {turn.attempt} AND ARRAY_LENGTH(c.rounds) = {rounds} AND c.lease_until = {lease}"


def _running(lease: float) -> list[dict[str, Any]]:
    return setting(status=TurnStatus.RUNNING.value, lease_until=lease)


def _start(turn_id: TurnId, lease_until: datetime) -> list[items.Operation]:
    changes = [{"op": "incr", "path": "/epoch", "value": 1}, *_running(wire.epoch_seconds(lease_until))]
    return [items.patch(wire.turn_item_id(turn_id), changes, _WAITS)]


def _turn(document: dict[str, Any] | None) -> Turn | None:
    return None if document is None else wire.turn_from(document)

"""The fake and the adapter, asked the same in the same order, answer the same: random histories of one conversation."""

import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from shared.domain.conversation import Head, Stored, pass_on
from shared.domain.errors import ChatError
from shared.domain.ids import MessageId
from shared.domain.tools import Approval, CallState, ServerEntry, ToolCall
from shared.domain.turns import Turn, TurnStatus
from shared.ports import ConversationStore

from .chats import Chat, Stores, a_call, a_round
from .cosmos_process import CosmosServer, connected, cosmos_stores

SEED = int(os.environ.get("STORE_SEED", "1"))
HISTORIES = int(os.environ.get("STORE_HISTORIES", "4"))
STEPS = 40

Pair = tuple[Stored | None, Stored | None]


@pytest.fixture
async def both(cosmos_server: CosmosServer, servers: list[ServerEntry], memory: Stores) -> AsyncIterator[list[Stores]]:
    """Give both kinds of stores."""
    async with connected(cosmos_server) as account:
        yield [memory, await cosmos_stores(account, servers)]


class Twins:
    """One history, played on both stores; what an execution remembers may be old, as after a pause or a crash."""

    def __init__(self, stores: list[Stores], seed: int) -> None:
        self.random = random.Random(seed)  # chance for tests
        self.stores = [one.conversations for one in stores]
        self.chat = Chat(stores=stores[0])
        self.heads: list[Pair] = [(None, None)]
        self.turns: list[Turn] = []
        self.calls: list[tuple[Turn, ToolCall]] = []
        self.answers: list[str] = []

    async def same(self, what: str, ask: Callable[[ConversationStore], Awaitable[Any]]) -> Any:
        """Ask both stores and compare."""
        ours, theirs = [await ask(store) for store in self.stores]
        assert ours == theirs, what
        self.answers.append(f"{what}: {ours if isinstance(ours, str | bool) else type(ours).__name__}")
        return ours

    async def look(self) -> None:
        """Read all that there is, and remember it."""
        key = self.chat.conversation.key
        pair = [await store.head(key) for store in self.stores]
        assert (pair[0] and pair[0].head) == (pair[1] and pair[1].head)
        self.heads.append((pair[0], pair[1]))
        for known in list({turn.turn_id: turn for turn in self.turns}.values()):
            turn = await self.same("turn", lambda store, one=known: store.turn(key, one.turn_id))
            self.turns.append(turn)
            calls = await self.same("calls", lambda store, one=known: store.calls(key, one.turn_id))
            self.calls.extend((turn, call) for call in calls)

    def some_turn(self) -> Turn:
        """Remember a turn, most often a recent one."""
        return self.random.choice(self.turns[-6:] if self.random.random() < 0.8 else self.turns)

    def some_heads(self) -> Pair:
        """Remember a head, most often the last one."""
        return self.heads[-1] if self.random.random() < 0.8 else self.random.choice(self.heads)

    async def ask_something(self) -> None:
        """Accept a question, at times an earlier one again."""
        pair = self.some_heads()
        head = pair[0].head if pair[0] else Head(conversation=self.chat.conversation)
        message_id = MessageId(str(UUID(int=self.random.randrange(12), version=4)))
        try:
            placed, message, turn = self.chat.records(head, f"text {self.random.randrange(2)}", message_id)
        except ChatError:
            return
        etags = [one.etag if one else None for one in pair]
        ours, theirs = [
            await store.accept(placed, etag, message, turn) for store, etag in zip(self.stores, etags, strict=True)
        ]
        assert ours == theirs
        self.answers.append(f"accept: {ours}")
        if ours == "accepted":
            self.turns.append(turn)

    async def work(self) -> None:
        """Run, interrupt or end some turn that is remembered."""
        turn, lease = self.some_turn(), self.chat.lease(self.random.randrange(100))
        ref = turn.ref()
        calls = [
            a_call(
                turn,
                index,
                round=len(turn.rounds),
                approval=self.random.choice([Approval.WAITING, Approval.NOT_NEEDED]),
            )
            for index in range(self.random.randrange(3))
        ]
        steps: dict[str, Callable[[ConversationStore], Awaitable[Any]]] = {
            "claim": lambda store: store.claim(ref, lease),
            "take_over": lambda store: store.take_over(ref, lease),
            "checkpoint": lambda store: store.checkpoint(ref, turn.attempt, "so far", lease),
            "end_round": lambda store: store.end_round(ref, turn.attempt, a_round(calls=calls), calls, lease),
            "await_approval": lambda store: store.renew(ref, lease, status=TurnStatus.AWAITING_APPROVAL),
            "renew": lambda store: store.renew(ref, lease),
            "request_cancel": lambda store: store.request_cancel(ref.key, ref.turn_id, lease),
        }
        name = self.random.choice([*steps, "claim", "end_round"])
        await self.same(name, steps[name])

    async def move(self) -> None:
        """Move some call that is remembered."""
        if not self.calls:
            return
        turn, call = self.random.choice(self.calls[-6:])
        moved = replace(
            call,
            state=self.random.choice(list(CallState)),
            approval=self.random.choice([call.approval, Approval.APPROVED]),
            summary="moved",
        )
        key = self.chat.conversation.key
        await self.same("move_call", lambda store: store.move_call(key, turn.turn_id, moved, expected=call))

    async def seal(self) -> None:
        """Seal some turn with one of two answers."""
        turn, pair = self.some_turn(), self.some_heads()
        answer = self.chat.answer(turn, f"answer {self.random.randrange(2)}")
        ours, theirs = [
            await store.seal(turn.ref(), answer, head) for store, head in zip(self.stores, pair, strict=True)
        ]
        assert ours == theirs
        self.answers.append(f"seal: {ours}")

    async def release(self) -> None:
        """Release some turn that is remembered as sealed."""
        turn, pair = self.some_turn(), self.some_heads()
        if pair[0] is None:
            return
        held = pair[0].head.active_turn == turn.turn_id
        head = pass_on(pair[0].head) if held else pair[0].head
        ours, theirs = [
            await store.release(turn, head, one.etag if one else "", self.chat.lease(9), starts=held)
            for store, one in zip(self.stores, pair, strict=True)
        ]
        assert ours == theirs
        self.answers.append(f"release: {ours}")


@pytest.mark.parametrize("seed", range(SEED, SEED + HISTORIES))
async def test_both_stores_answer_a_random_history_alike(both: list[Stores], seed: int) -> None:
    """What the flow's tests prove on the fake holds on Cosmos DB."""
    twins = Twins(both, seed)

    for _ in range(STEPS):
        if not twins.turns or twins.random.random() < 0.15:
            await twins.ask_something()
        else:
            step = twins.random.choices([twins.work, twins.move, twins.seal, twins.release], [6, 2, 1, 2])[0]
            await step()
        await twins.look()

    assert "accept: accepted" in twins.answers

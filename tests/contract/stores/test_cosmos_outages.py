"""Lost answers and an absent Cosmos DB: every write can be asked for again, and nobody waits long."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar
from uuid import uuid4

import pytest

from shared.adapters.cosmos.client import CosmosAccount
from shared.domain.conversation import Head, pass_on
from shared.domain.errors import StoreUnavailable
from shared.domain.ids import MessageId
from shared.domain.tools import CallState, ServerEntry

from .chats import Chat, Stores, a_call, a_round
from .cosmos_process import KEY, CosmosServer, connected, cosmos_stores

T = TypeVar("T")
PATIENCE_S = 4.0
"""Two seconds of waiting for an answer, and as much again for a busy machine."""

lost_in_both_ways = pytest.mark.parametrize("how", ["drop-after-apply", "timeout-after-apply"])


@pytest.fixture
async def stores(cosmos_server: CosmosServer, servers: list[ServerEntry]) -> AsyncIterator[Stores]:
    """Give the adapter's stores alone."""
    async with connected(cosmos_server) as account:
        yield await cosmos_stores(account, servers)


@pytest.fixture
def server(cosmos_server: CosmosServer) -> Iterator[CosmosServer]:
    """Give the server, healed afterwards."""
    yield cosmos_server
    cosmos_server.heal()


async def insist(server: CosmosServer, how: str, operation: str, call: Callable[[], Awaitable[T]]) -> T:
    """Lose the answer to one applied write; whoever is told of it asks once more."""
    server.fail(match={"operation": operation, "count": 1}, status=how)
    try:
        return await call()
    except StoreUnavailable:
        return await call()
    finally:
        assert server.heal()[0]["hits"] == 1


@lost_in_both_ways
async def test_a_lost_acceptance_is_no_duplicate_of_itself(chat: Chat, server: CosmosServer, how: str) -> None:
    """The question keeps its place and is stored once."""
    head, message, turn = chat.records(Head(conversation=chat.conversation), "once", MessageId(str(uuid4())))

    outcome = await insist(server, how, "batch", lambda: chat.stores.conversations.accept(head, None, message, turn))

    assert outcome == "accepted"
    assert (await chat.stored_head()).head.next_seq == 2


@lost_in_both_ways
async def test_a_lost_claim_skips_an_attempt(chat: Chat, server: CosmosServer, how: str) -> None:
    """Attempts may be skipped, never shared."""
    turn = await chat.ask()

    claimed = await insist(server, how, "patch", lambda: chat.stores.conversations.claim(turn.ref(), chat.lease()))

    assert claimed is not None
    assert claimed.attempt == 2


@lost_in_both_ways
async def test_a_lost_take_over_is_found_again(chat: Chat, server: CosmosServer, how: str) -> None:
    """Who raised the epoch starts the execution."""
    turn = await chat.ask()
    lease = chat.lease(77)

    taken = await insist(server, how, "patch", lambda: chat.stores.conversations.take_over(turn.ref(), lease))

    assert taken is not None
    assert taken.epoch == 2


@lost_in_both_ways
async def test_a_lost_round_is_stored_once(chat: Chat, server: CosmosServer, how: str) -> None:
    """Its text and calls stand once in the turn."""
    store, turn = chat.stores.conversations, await chat.claimed()
    calls = [a_call(turn, index) for index in range(2)]

    stored = await insist(
        server, how, "batch", lambda: store.end_round(turn.ref(), 1, a_round(calls=calls), calls, chat.lease())
    )

    assert stored is not None
    assert len(stored.rounds) == 1
    assert await store.calls(chat.conversation.key, turn.turn_id) == calls


@lost_in_both_ways
async def test_a_lost_checkpoint_is_written_again(chat: Chat, server: CosmosServer, how: str) -> None:
    """A checkpoint says the same twice."""
    turn = await chat.claimed()

    written = await insist(
        server, how, "patch", lambda: chat.stores.conversations.checkpoint(turn.ref(), 1, "text", chat.lease())
    )

    assert written is not None
    assert written.checkpoint == "text"


@lost_in_both_ways
async def test_a_lost_opening_of_a_call_is_not_taken_for_ones_own(chat: Chat, server: CosmosServer, how: str) -> None:
    """Better a call of unknown outcome than one that is made twice."""
    store, turn = chat.stores.conversations, await chat.claimed()
    planned = a_call(turn)
    await store.end_round(turn.ref(), 1, a_round(calls=[planned]), [planned], chat.lease())
    opened = replace(planned, state=CallState.OPEN, started_at=chat.stores.clock.now())
    key = chat.conversation.key

    moved = await insist(server, how, "patch", lambda: store.move_call(key, turn.turn_id, opened, expected=planned))

    assert moved is None
    assert await store.calls(key, turn.turn_id) == [opened]


@lost_in_both_ways
async def test_a_lost_outcome_of_a_call_is_found_again(chat: Chat, server: CosmosServer, how: str) -> None:
    """What a tool did is known once it is written."""
    store, turn = chat.stores.conversations, await chat.claimed()
    opened = a_call(turn, state=CallState.OPEN)
    await store.end_round(turn.ref(), 1, a_round(calls=[opened]), [opened], chat.lease())
    done, key = replace(opened, state=CallState.DONE, result="{}"), chat.conversation.key

    moved = await insist(server, how, "patch", lambda: store.move_call(key, turn.turn_id, done, expected=opened))

    assert moved == done


@lost_in_both_ways
async def test_a_lost_seal_takes_one_seq(chat: Chat, server: CosmosServer, how: str) -> None:
    """The answer has one place."""
    turn = await chat.claimed()
    head = await chat.stored_head()

    outcome = await insist(
        server, how, "batch", lambda: chat.stores.conversations.seal(turn.ref(), chat.answer(turn), head)
    )

    assert outcome == "sealed"
    assert (await chat.stored_head()).head.next_seq == head.head.next_seq + 1


@lost_in_both_ways
async def test_a_lost_release_starts_the_next_turn_once(chat: Chat, server: CosmosServer, how: str) -> None:
    """The next turn has one beginning."""
    first, second = await chat.claimed(), await chat.ask("second")
    sealed = await chat.sealed(first)
    stored = await chat.stored_head()

    released = await insist(
        server,
        how,
        "batch",
        lambda: chat.stores.conversations.release(sealed, pass_on(stored.head), stored.etag, chat.lease()),
    )

    assert released
    assert (await chat.turn(second)).epoch == 1


async def test_a_throttled_request_is_tried_once_more_and_then_names_its_wait(chat: Chat, server: CosmosServer) -> None:
    """The flow has the one layer of waiting."""
    server.fail(match={"operation": "read"}, status=429, retry_after_ms=4200)

    with pytest.raises(StoreUnavailable) as fault:
        async with asyncio.timeout(PATIENCE_S):
            await chat.stores.conversations.head(chat.conversation.key)

    assert fault.value.retry_after_s == 4.2
    assert server.heal()[0]["hits"] == 2


@pytest.mark.parametrize("status", [408, 503])
async def test_a_query_gives_up_soon(chat: Chat, server: CosmosServer, status: int) -> None:
    """Queries are retried by several layers of the SDK; together they stay within reason."""
    server.fail(match={"operation": "query"}, status=status)

    with pytest.raises(StoreUnavailable):
        async with asyncio.timeout(PATIENCE_S):
            await chat.stores.conversations.messages(chat.conversation.key, after_seq=None, before_seq=None, limit=10)


async def test_a_silent_server_is_waited_for_two_seconds(chat: Chat, server: CosmosServer) -> None:
    """A write that hangs is given up; whether it was applied is found out by asking again."""
    turn = await chat.claimed()
    server.fail(match={"operation": "patch"}, delay_ms=20_000)

    with pytest.raises(StoreUnavailable):
        async with asyncio.timeout(PATIENCE_S):
            await chat.stores.conversations.checkpoint(turn.ref(), 1, "text", chat.lease())


async def test_an_account_that_never_answers_is_given_up_and_tried_again_later() -> None:
    """A cold start does not hang; a later request finds the account when it is back."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        account = CosmosAccount(f"http://127.0.0.1:{silent.getsockname()[1]}/", KEY, "salescoach")

        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                async with asyncio.timeout(PATIENCE_S):
                    await account.open()

        await account.close()


async def test_an_absent_account_is_told_at_once() -> None:
    """Nobody listens: that is known without waiting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    account = CosmosAccount(f"http://127.0.0.1:{port}/", KEY, "salescoach")

    with pytest.raises(StoreUnavailable):
        async with asyncio.timeout(PATIENCE_S):
            await account.items("users").read("somebody", "something")


async def test_requests_at_once_open_the_account_once(cosmos_server: CosmosServer) -> None:
    """One connection per process."""
    async with connected(cosmos_server) as account:
        containers = await asyncio.gather(*(account.container("users") for _ in range(5)))

    assert len({id(container) for container in containers}) == 1


@pytest.mark.parametrize("text", ["", "AccountEndpoint=http://127.0.0.1/;", "AccountKey=abc;", "nonsense"])
def test_an_incomplete_connection_string_is_refused_by_name(text: str) -> None:
    """The message names what is missing and no value."""
    with pytest.raises(ValueError, match="the Cosmos DB connection string lacks Account"):
        CosmosAccount.from_connection_string(text, "salescoach")

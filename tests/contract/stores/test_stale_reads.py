"""Reads out of a copy that is behind: the write refuses what they decided, and nothing that ended lives again.

A session is read its own writes by its token, but the SDK takes none from a batch, and the hosts have one each.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import uuid4

import pytest

from shared.adapters.memory.delivery import MemoryEngine
from shared.domain.conversation import pass_on
from shared.domain.errors import StoreUnavailable
from shared.domain.ids import MessageId
from shared.domain.tools import Approval, CallState, ServerEntry
from shared.domain.turn_events import End
from shared.domain.turns import TurnStatus
from shared.flow import approvals, persist, respond, tools
from shared.flow.ledger import calls_of
from tests.unit.flow.conftest import Room

from .chats import Chat, Stores, a_call, a_round
from .cosmos_process import CosmosServer, connected, cosmos_stores


def mark(server: CosmosServer) -> None:
    """Name the moment that reads will fall back to."""
    server.fail(match={"container": "conversations", "count": 0}, status="stale")


def fall_behind(server: CosmosServer) -> None:
    """Answer every read as of the moment that was named."""
    server.fail(match={"container": "conversations"}, status="stale")


@pytest.fixture
async def hosts(cosmos_server: CosmosServer, servers: list[ServerEntry]) -> AsyncIterator[tuple[Stores, Stores]]:
    """Give two hosts, each with a session of its own."""
    async with AsyncExitStack() as stack:
        accounts = [await stack.enter_async_context(connected(cosmos_server)) for _ in range(2)]
        first, second = [await cosmos_stores(account, servers) for account in accounts]
        yield first, second


@pytest.fixture
def stores(hosts: tuple[Stores, Stores]) -> Stores:
    """Give those of the first host."""
    return hosts[0]


@pytest.fixture
def server(cosmos_server: CosmosServer) -> Iterator[CosmosServer]:
    """Give the server, healed afterwards."""
    yield cosmos_server
    cosmos_server.heal()


async def test_who_wrote_reads_what_was_written(chat: Chat, hosts: tuple[Stores, Stores], server: CosmosServer) -> None:
    """A session is never answered out of a copy that is behind its own writes; another one may be."""
    turn = await chat.ask()
    mark(server)
    fall_behind(server)

    await chat.stores.conversations.claim(turn.ref(), chat.lease())

    assert (await chat.turn(turn)).attempt == 1
    old = await hosts[1].conversations.turn(chat.conversation.key, turn.turn_id)
    assert old is not None
    assert old.attempt == 0


@pytest.mark.requirement("query:failure-matrix")
async def test_an_ended_turn_that_looks_alive_is_not_brought_back(
    chat: Chat, hosts: tuple[Stores, Stores], server: CosmosServer
) -> None:
    """Upkeep, a repeated activity and a late cancel of another host act on the old read; each write is refused."""
    behind = hosts[1].conversations
    turn = await chat.claimed()
    head = await chat.stored_head()
    mark(server)
    sealed = await chat.sealed(turn)
    stored = await chat.stored_head()
    assert await chat.stores.conversations.release(sealed, pass_on(stored.head), stored.etag, chat.lease())
    await chat.bind_answer(sealed)
    ended = await chat.turn(turn)
    fall_behind(server)

    old = await behind.turn(chat.conversation.key, turn.turn_id)
    assert old is not None
    assert (old.status, old.sealed) == (TurnStatus.RUNNING, None)
    assert turn.ref() in await behind.expired(chat.lease(3600), 1000)

    assert await behind.take_over(old.ref(), chat.lease()) is None
    assert await behind.claim(old.ref(), chat.lease()) is None
    assert await behind.checkpoint(old.ref(), old.attempt, "late", chat.lease()) is None
    assert await behind.renew(old.ref(), chat.lease()) is None
    assert await behind.request_cancel(chat.conversation.key, turn.turn_id, chat.lease()) is None
    assert await behind.seal(old.ref(), chat.answer(old, "Another."), head, seen=old) != "sealed"
    server.heal()
    assert await chat.turn(turn) == ended
    assert ended.status is TurnStatus.DONE


async def test_a_place_that_is_taken_is_not_given_twice(
    chat: Chat, hosts: tuple[Stores, Stores], server: CosmosServer
) -> None:
    """An old head is refused as changed; a question that is there already, as a duplicate."""
    await chat.ask()
    mark(server)
    second = await chat.ask("second")
    fall_behind(server)
    behind = hosts[1].conversations

    old = await behind.head(chat.conversation.key)
    assert old is not None
    assert old.head.next_seq == 2
    head, message, turn = chat.records(old.head, "third", MessageId(str(uuid4())))
    assert await behind.accept(head, old.etag, message, turn) == "changed"
    again = chat.records(old.head, "second", MessageId(second.question_id))
    assert await behind.accept(again[0], old.etag, again[1], again[2]) == "exists"
    server.heal()

    assert (await chat.stored_head()).head.next_seq == 3


@pytest.mark.requirement("query:failure-matrix")
async def test_an_answer_is_never_made_of_half_of_what_was_said(
    chat: Chat, hosts: tuple[Stores, Stores], server: CosmosServer
) -> None:
    """The host that seals has not seen the last round: it is refused, and seals all of it once it has."""
    turn = await chat.claimed()
    mark(server)
    ended = await chat.stores.conversations.end_round(turn.ref(), 1, a_round("All of it."), [], chat.lease(60))
    assert ended is not None
    fall_behind(server)
    services = replace(Room().services, conversations=hosts[1].conversations)

    old = await hosts[1].conversations.turn(chat.conversation.key, turn.turn_id)
    assert old is not None
    assert old.rounds == ()
    head = await hosts[1].conversations.head(chat.conversation.key)
    assert await hosts[1].conversations.seal(old.ref(), chat.answer(old, ""), head, seen=old) == "changed"
    server.heal()
    assert await respond.seal(services, turn.ref(), End.DONE, None)

    sealed = await chat.turn(turn)
    assert sealed.sealed is not None
    assert sealed.sealed.content == "All of it."


async def test_a_checkpoint_that_was_not_seen_is_not_left_out(
    chat: Chat, hosts: tuple[Stores, Stores], server: CosmosServer
) -> None:
    """What a cancelled turn has said is in its checkpoint alone."""
    turn = await chat.claimed()
    mark(server)
    await chat.stores.conversations.checkpoint(turn.ref(), 1, "Half a", chat.lease(31))
    fall_behind(server)

    old = await hosts[1].conversations.turn(chat.conversation.key, turn.turn_id)
    assert old is not None
    head = await hosts[1].conversations.head(chat.conversation.key)
    assert await hosts[1].conversations.seal(old.ref(), chat.answer(old, ""), head, seen=old) == "changed"


async def test_a_ledger_that_is_behind_its_turn_is_asked_again(
    chat: Chat, hosts: tuple[Stores, Stores], server: CosmosServer
) -> None:
    """A call that its round asked for is never taken for absent, neither by the model nor in the answer."""
    turn = await chat.claimed()
    mark(server)
    call = a_call(turn, state=CallState.PLANNED)
    ended = await chat.stores.conversations.end_round(turn.ref(), 1, a_round(calls=[call]), [call], chat.lease())
    assert ended is not None
    fall_behind(server)
    services = replace(Room().services, conversations=hosts[1].conversations)

    with pytest.raises(StoreUnavailable, match="behind"):
        await calls_of(services, ended)
    assert await tools.run_tool(services, turn.ref(), call.call_id) == "parked"
    server.heal()

    assert await calls_of(services, ended) == [call]


@pytest.mark.requirement("query:failure-matrix")
async def test_no_answer_is_left_unstored_because_its_seal_was_not_seen(
    chat: Chat, hosts: tuple[Stores, Stores], server: CosmosServer
) -> None:
    """Persist and release are tried again, else the turn would end without a stored answer, or not at all."""
    turn = await chat.claimed()
    mark(server)
    sealed = await chat.sealed(turn)
    fall_behind(server)
    services = replace(Room().services, conversations=hosts[1].conversations)

    for step in (persist.sealed_turn(services, turn.ref()), persist.release(services, MemoryEngine(), turn.ref())):
        with pytest.raises(StoreUnavailable, match="behind the seal"):
            await step
    server.heal()

    assert await persist.sealed_turn(services, turn.ref()) == (sealed, [])


async def test_a_word_that_was_not_seen_is_waited_for(
    chat: Chat, hosts: tuple[Stores, Stores], server: CosmosServer
) -> None:
    """The host that ends the wait reads it as undecided; its own refusal loses to the word."""
    turn = await chat.claimed()
    call = replace(a_call(turn), approval=Approval.WAITING)
    key = chat.conversation.key
    await chat.stores.conversations.end_round(turn.ref(), 1, a_round(calls=[call]), [call], chat.lease())
    mark(server)
    said = replace(call, approval=Approval.APPROVED)
    assert await chat.stores.conversations.move_call(key, turn.turn_id, said, expected=call) is not None
    fall_behind(server)
    services = replace(Room().services, conversations=hosts[1].conversations)

    with pytest.raises(StoreUnavailable, match="behind a decision"):
        await approvals.settle(services, turn.ref(), (call.call_id,))
    server.heal()

    assert (await approvals.settle(services, turn.ref(), (call.call_id,))).approved == (call.call_id,)

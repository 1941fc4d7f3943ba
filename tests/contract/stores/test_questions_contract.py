"""Common questions in their store: kept as they are, and each answered turn seen once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.adapters.cosmos.questions import CosmosQuestions
from shared.adapters.memory.questions import MemoryQuestions
from shared.domain.common_questions import CommonQuestion
from shared.domain.conversation import pass_on
from shared.question_ports import QuestionBook

from .chats import Chat, Stores
from .cosmos_process import connected


@pytest.fixture
async def book(request: pytest.FixtureRequest, stores: Stores) -> AsyncIterator[QuestionBook]:
    """The store of questions that belongs to the stores under test."""
    if isinstance(stores.conversations, request.getfixturevalue("memory").conversations.__class__):
        conversations: Any = stores.conversations
        yield MemoryQuestions(conversations)
        return
    async with connected(request.getfixturevalue("cosmos_server")) as account:
        yield CosmosQuestions(account.items("registry"), account.items("conversations"))


async def test_a_group_is_read_as_it_was_kept(book: QuestionBook) -> None:
    """Written again, it is replaced."""
    group = CommonQuestion(group_id="g1", role="Sales", category="sfdc", text="How is it?", askers=("a",))
    more = CommonQuestion(group_id="g1", role="Sales", category="sfdc", text="How is it?", askers=("a", "b"))

    await book.keep(group)
    await book.keep(more)

    assert [one for one in await book.groups() if one.group_id == "g1"] == [more]


async def test_an_answered_turn_is_found_until_it_was_seen(chat: Chat, book: QuestionBook) -> None:
    """One that is not answered yet is not found."""
    store, turn = chat.stores.conversations, await chat.claimed()
    early = [ref.turn_id for ref in await book.unseen(100)]
    sealed = await chat.sealed(turn)
    stored = await chat.stored_head()
    assert await store.release(sealed, pass_on(stored.head), stored.etag, chat.lease())

    found = [ref for ref in await book.unseen(100) if ref.turn_id == turn.turn_id]
    await book.seen(turn.ref())
    await book.seen(turn.ref())

    assert turn.turn_id not in early
    assert found == [turn.ref()]
    assert turn.turn_id not in [ref.turn_id for ref in await book.unseen(100)]
    assert (await chat.turn(turn)).sealed == sealed.sealed

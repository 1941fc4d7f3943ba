"""Stored conversations end when the setting says so."""

from dataclasses import replace

import pytest

from shared.adapters.cosmos.conversations import CosmosConversations
from shared.adapters.cosmos.users import CosmosUsers
from shared.domain.entries import ConversationEntry
from shared.domain.ids import ConversationKey
from shared.wire.retention import kept_for

from .chats import CURSOR_KEY, Chat
from .conftest import CosmosServer, connected, cosmos_stores


@pytest.mark.requirement("persist:retention")
@pytest.mark.parametrize(("days", "ttl"), [(0, None), (30, 2_592_000)])
def test_a_document_ends_after_the_days_of_the_setting(days: int, ttl: int | None) -> None:
    """0 keeps it until it is deleted; a ledger item's own TTL gives way to the setting."""
    assert kept_for(days, {"id": "u:1"}).get("ttl") == ttl
    assert kept_for(days, {"id": "x:1", "ttl": 5})["ttl"] == (ttl or 5)


async def test_question_and_turn_are_stored_with_the_ttl(cosmos_server: CosmosServer) -> None:
    """What the batch of acceptance writes carries it; the head, which holds no text, does not."""
    async with connected(cosmos_server) as account:
        stores = await cosmos_stores(account, [])
        kept = CosmosConversations(account.items("conversations"), 30)
        chat = Chat(stores=replace(stores, conversations=kept))

        turn = await chat.ask()

        key = turn.conversation.key
        stored = [await stores.stored(key, item) for item in ("head", f"u:{turn.question_id}", f"t:{turn.turn_id}")]

    assert [document.get("ttl") for document in stored] == [None, 2_592_000, 2_592_000]


@pytest.mark.requirement("persist:retention")
async def test_a_sessions_title_ends_with_what_was_said_in_it(cosmos_server: CosmosServer) -> None:
    """Each answer counts its days anew; the line of a group stays for as long as one is a member."""
    async with connected(cosmos_server) as account:
        stores = await cosmos_stores(account, [])
        items = account.items("users")
        users = CosmosUsers(items, stores.clock, CURSOR_KEY, 30)
        chat = Chat(stores=replace(stores, users=users))
        turn = await chat.ask()
        owner, key = turn.conversation.owner, turn.conversation.key
        line = ConversationEntry(
            user_id=owner,
            key=key,
            public_id=turn.conversation.public_id,
            kind="session",
            title="What was asked first",
            renamed=False,
            created_at=stores.clock.now(),
        )
        await users.add_entry(line)
        await users.add_entry(replace(line, key=ConversationKey("g"), kind="group"))
        before = await items.read(owner, f"c:{key}")
        await users.keep_listed(owner, key)
        await users.keep_listed(owner, ConversationKey("g"))
        after, group = await items.read(owner, f"c:{key}"), await items.read(owner, "c:g")

    assert before is not None
    assert after is not None
    assert group is not None
    assert (before["ttl"], after["ttl"], group.get("ttl")) == (2_592_000, 2_592_000, None)
    assert before["_etag"] != after["_etag"]

"""Stored conversations end when the setting says so."""

from dataclasses import replace

import pytest

from shared.adapters.cosmos.conversations import CosmosConversations
from shared.wire.retention import kept_for

from .chats import Chat
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

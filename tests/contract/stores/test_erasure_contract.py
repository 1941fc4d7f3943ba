"""What is taken away is gone, and only that; a conversation that goes on in this moment is not half deleted."""

from dataclasses import replace

import pytest

from shared.domain.entries import ConversationEntry
from shared.domain.ids import ConversationKey, MessageId, UserId
from shared.domain.notes import Feedback, Summary
from shared.wire.group_documents import DELETED_TTL_S, GROUP_ID

from .chats import Chat, Stores

pytestmark = pytest.mark.requirement("api:delete-session")


async def test_a_conversation_is_deleted_with_all_its_items(stores: Stores, chat: Chat) -> None:
    """Messages, turns, summaries and feedback; another conversation stays."""
    turn = await chat.ask()
    other = await Chat(stores=stores).ask()
    key = turn.conversation.key
    now = stores.clock.now()
    summary = Summary(n=1, seq=1, text="s", model="m", turn_id=turn.turn_id, created_at=now)
    await stores.conversations.add_summary(key, summary)
    await stores.conversations.put_feedback(key, opinion(turn.turn_id, turn.conversation.owner, now))
    head = await stores.conversations.head(key)
    assert head is not None

    assert await stores.eraser.conversation(key, head.etag)

    for item in ("head", f"u:{turn.question_id}", f"t:{turn.turn_id}", "s:1"):
        assert await stores.stored(key, item) is None
    assert await stores.eraser.feedback(key, turn.conversation.owner) == []
    assert await stores.conversations.turn(other.conversation.key, other.turn_id) is not None


async def test_a_deleted_groups_own_item_outlives_what_was_said(stores: Stores, chat: Chat) -> None:
    """By it a deletion that was cut short is gone on with, and a repeated founding finds that the group has ended."""
    key = (await chat.ask()).conversation.key
    await stores.bind({"conversation_id": key, "id": GROUP_ID, "kind": "group", "ttl": DELETED_TTL_S})
    head = await stores.conversations.head(key)
    assert head is not None

    assert await stores.eraser.conversation(key, head.etag)

    assert await stores.stored(key, "head") is None
    assert await stores.stored(key, GROUP_ID) is not None


async def test_the_head_stays_when_it_is_another_one_by_now(stores: Stores, chat: Chat) -> None:
    """Who asks meanwhile is noticed, and the deletion is done again."""
    turn = await chat.ask()
    key = turn.conversation.key

    assert not await stores.eraser.conversation(key, '"0"')

    head = await stores.conversations.head(key)
    assert head is not None
    assert await stores.conversations.turn(key, turn.turn_id) is None
    assert await stores.eraser.conversation(key, head.etag)
    assert await stores.conversations.head(key) is None


async def test_turns_that_have_not_ended_are_found(stores: Stores, chat: Chat) -> None:
    """Those that wait come first, so that stopping what runs starts none of them."""
    running, waiting = await chat.ask(), await chat.ask()

    assert await stores.eraser.at_work(running.conversation.key) == [waiting.turn_id, running.turn_id]


async def test_a_persons_feedback_is_found_and_forgotten_alone(stores: Stores, chat: Chat) -> None:
    """That of others stays."""
    turn = await chat.ask()
    key, now = turn.conversation.key, stores.clock.now()
    for person in ("t:one", "t:two"):
        await stores.conversations.put_feedback(key, opinion(turn.turn_id, UserId(person), now))

    await stores.eraser.forget_feedback(key, UserId("t:one"))

    assert await stores.eraser.feedback(key, UserId("t:one")) == []
    assert [found.user_id for found in await stores.eraser.feedback(key, UserId("t:two"))] == ["t:two"]


async def test_a_person_is_deleted_with_list_and_grants(stores: Stores, chat: Chat) -> None:
    """Nobody else."""
    turn = await chat.ask()
    person = turn.conversation.owner
    entry = ConversationEntry(
        user_id=person,
        key=ConversationKey("k"),
        public_id=turn.conversation.public_id,
        kind="session",
        title="t",
        renamed=False,
        created_at=stores.clock.now(),
    )
    others = replace(entry, user_id=UserId("t:somebody-else"))
    await stores.users.add_entry(entry)
    await stores.users.add_entry(others)

    await stores.eraser.person(person)

    assert await stores.users.entry(person, entry.key) is None
    assert await stores.users.entry(others.user_id, entry.key) is not None
    await stores.eraser.person(others.user_id)


def opinion(turn_id: str, person: UserId, now: object) -> Feedback:
    """A thumb."""
    return Feedback(message_id=MessageId("a"), turn_id=turn_id, user_id=person, rating="up", created_at=now)  # type: ignore[arg-type]

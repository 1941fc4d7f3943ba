"""What the conversation of a group asks of both stores: messages without a turn, stamps, read markers."""

from dataclasses import replace
from uuid import uuid4

import pytest

from shared.domain.conversation import Conversation, Head, Message, Person, Question, Repeated, place
from shared.domain.entries import ConversationEntry
from shared.domain.ids import MessageId, PublicId, UserId, group_key, text_hash, turn_id, user_id
from shared.domain.sight import Sight

from .chats import Chat, Stores


def said(chat: Chat, where: Conversation, head: Head, text: str) -> tuple[Head, Message]:
    """Make what accepting a message without a turn writes."""
    message_id, now = MessageId(str(uuid4())), chat.stores.clock.now()
    question = Question(
        conversation=where,
        message_id=message_id,
        id_from_client=False,
        sender=Person(id=chat.user, name="Sam Sales"),
        content=text,
        text_hash=text_hash(text),
        input_type="text",
        turn_id=turn_id(where.key, message_id),
        calls_coach=False,
    )
    placed = place(head, question, now)
    assert not isinstance(placed, Repeated)
    message = Message(
        conversation_id=where.public_id,
        seq=placed.seq,
        message_id=message_id,
        author="user",
        sender=question.sender,
        content=text,
        created_at=now,
    )
    return placed.head, message


@pytest.fixture
def where(chat: Chat) -> Conversation:
    """Name a new group."""
    group = PublicId(str(uuid4()))
    return Conversation(key=group_key(group), public_id=group, kind="group", owner=chat.user)


@pytest.mark.requirement("group:coach-by-policy")
async def test_a_message_without_a_turn_is_accepted_once_and_takes_no_slot(chat: Chat, where: Conversation) -> None:
    """It has its number and its trace; the same id again exists, another head is changed."""
    store = chat.stores.conversations
    head, message = said(chat, where, Head(conversation=where), "Good morning")

    first = await store.accept(head, None, message, None)
    stored = await store.head(where.key)
    assert stored is not None
    other = replace(message, content="Good evening")
    again = await store.accept(replace(head, next_seq=3), stored.etag, other, None)
    late = await store.accept(*said_after(chat, where, head), None)

    assert (first, again, late) == ("accepted", "exists", "changed")
    assert (stored.head.next_seq, stored.head.active_turn, stored.head.waiting) == (2, None, ())
    assert [(trace.message_id, trace.turn_id) for trace in stored.head.recent] == [(message.message_id, None)]
    assert await store.message(where.key, MessageId(message.message_id)) == message


def said_after(chat: Chat, where: Conversation, head: Head) -> tuple[Head, str, Message]:
    """Make another message over a head that nobody read."""
    later, message = said(chat, where, head, "And you?")
    return later, '"not the etag"', message


@pytest.mark.requirement("group:canary")
async def test_a_turn_keeps_for_whom_its_answer_is(chat: Chat) -> None:
    """The stamp of its conversation, what its asker could read, how many listen."""
    group = PublicId(str(uuid4()))
    bound = Conversation(key=group_key(group), public_id=group, kind="group", owner=chat.user, bound_to="HR")
    question = MessageId(str(uuid4()))
    head, message, turn = chat.records(Head(conversation=chat.conversation), "How are the bands?", question)
    turn = replace(turn, conversation=bound, turn_id=turn_id(bound.key, question))
    head = replace(head, conversation=bound, active_turn=turn.turn_id)
    turn = replace(turn, asker_sight=Sight(after_seq=7, roles=("HR",)), listeners=12)

    assert await chat.stores.conversations.accept(head, None, message, turn) == "accepted"

    kept = await chat.stores.conversations.turn(bound.key, turn.turn_id)
    assert kept is not None
    assert (kept.conversation, kept.asker_sight, kept.listeners) == (bound, turn.asker_sight, 12)


@pytest.mark.requirement("group:read-markers")
async def test_a_read_marker_moves_forward_only(stores: Stores) -> None:
    """And only where the conversation is listed."""
    person: UserId = user_id(str(uuid4()), str(uuid4()))
    group = PublicId(str(uuid4()))
    entry = ConversationEntry(
        user_id=person,
        key=group_key(group),
        public_id=group,
        kind="group",
        title="Renewals",
        renamed=True,
        created_at=stores.clock.now(),
    )

    unlisted = await stores.users.mark_read(person, entry.key, 3)
    await stores.users.add_entry(entry)
    moves = [await stores.users.mark_read(person, entry.key, seq) for seq in (3, 3, 2, 5)]

    kept = await stores.users.entry(person, entry.key)
    assert unlisted is False
    assert moves == [True, False, False, True]
    assert kept is not None
    assert kept.read_seq == 5

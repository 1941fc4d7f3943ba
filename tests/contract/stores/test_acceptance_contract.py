"""Accepting questions: one atomic batch, in order, once."""

import asyncio
from uuid import uuid4

from shared.domain.conversation import Head, pass_on
from shared.domain.ids import MessageId
from shared.domain.turns import TurnStatus

from .chats import Chat, Stores


async def test_the_first_question_starts_its_turn_under_epoch_one(chat: Chat) -> None:
    """Who sets the active turn starts it."""
    turn = await chat.ask("How is my pipeline? 📈 \u2028 'quoted' \"twice\"")

    assert (turn.status, turn.epoch, turn.attempt) == (TurnStatus.RUNNING, 1, 0)
    assert turn.lease_until == chat.lease()
    stored = await chat.stored_head()
    assert stored.head.active_turn == turn.turn_id
    assert stored.head.next_seq == 2
    message = await chat.stores.conversations.message(chat.conversation.key, turn.question_id)
    assert message is not None
    assert (message.seq, message.conversation_id) == (1, chat.session)
    assert message.content == "How is my pipeline? 📈 \u2028 'quoted' \"twice\""


async def test_a_question_while_a_turn_runs_waits_without_a_lease(chat: Chat) -> None:
    """A waiting turn is not to be found as stalled."""
    first = await chat.ask()

    second = await chat.ask("And next quarter?")

    assert (second.status, second.epoch) == (TurnStatus.WAITING, 0)
    head = (await chat.stored_head()).head
    assert (head.active_turn, head.waiting) == (first.turn_id, (second.turn_id,))
    late = await chat.stores.conversations.expired(chat.lease(3600), 1000)
    assert [ref.turn_id for ref in late if ref.key == chat.conversation.key] == [first.turn_id]


async def test_nothing_is_known_of_a_conversation_before_its_first_question(chat: Chat) -> None:
    """Sessions are stored with their first accepted question."""
    store, key = chat.stores.conversations, chat.conversation.key

    assert await store.head(key) is None
    assert await store.message(key, MessageId(str(uuid4()))) is None
    assert await store.messages(key, after_seq=None, before_seq=None, limit=10) == []


async def test_the_same_question_of_a_later_moment_exists_already(chat: Chat) -> None:
    """A client that asks again is told of its first question."""
    turn = await chat.ask("once")
    stored = await chat.stored_head()
    chat.stores.clock.advance(1)
    head, message, made = chat.records(stored.head, "once", turn.question_id)

    assert await chat.stores.conversations.accept(head, stored.etag, message, made) == "exists"


async def test_a_taken_message_id_is_told_before_a_changed_head(chat: Chat) -> None:
    """A duplicate is answered at once, not retried."""
    turn = await chat.ask()
    stored = await chat.stored_head()
    head, message, made = chat.records(pass_on(stored.head), "another text", turn.question_id)

    outcome = await chat.stores.conversations.accept(head, '"not the etag"', message, made)

    assert outcome == "exists"
    assert await chat.turn(turn) == turn
    assert (await chat.stored_head()) == stored


async def test_the_same_batch_again_is_accepted_and_takes_no_second_place(chat: Chat) -> None:
    """An acceptance that was applied without an answer is found again."""
    head, message, turn = chat.records(Head(conversation=chat.conversation), "once", MessageId(str(uuid4())))

    outcomes = [await chat.stores.conversations.accept(head, None, message, turn) for _ in range(2)]

    assert outcomes == ["accepted", "accepted"]
    assert (await chat.stored_head()).head.next_seq == 2


async def test_a_changed_head_refuses_the_whole_batch(chat: Chat) -> None:
    """Nothing of a refused batch is stored."""
    await chat.ask()
    old = await chat.stored_head()
    await chat.ask()
    head, message, turn = chat.records(old.head, "late", MessageId(str(uuid4())))

    outcome = await chat.stores.conversations.accept(head, old.etag, message, turn)

    assert outcome == "changed"
    assert await chat.stores.conversations.message(chat.conversation.key, MessageId(message.message_id)) is None
    assert await chat.stores.conversations.turn(chat.conversation.key, turn.turn_id) is None


async def test_two_who_begin_a_conversation_do_not_overwrite_each_other(chat: Chat) -> None:
    """A head that exists refuses another beginning."""
    await chat.ask()
    head, message, turn = chat.records(Head(conversation=chat.conversation), "me too", MessageId(str(uuid4())))

    outcome = await chat.stores.conversations.accept(head, None, message, turn)

    assert outcome == "changed"


async def test_twenty_questions_at_once_get_places_without_a_gap(chat: Chat) -> None:
    """The head is the arbiter of the order."""
    store = chat.stores.conversations

    async def accept(number: int) -> None:
        message_id = MessageId(str(uuid4()))
        for _ in range(200):
            stored = await store.head(chat.conversation.key)
            head = stored.head if stored else Head(conversation=chat.conversation)
            # The queue is emptied here, so that its limit does not end the race.
            head, message, turn = chat.records(pass_on(pass_on(head)), f"question {number}", message_id)
            if await store.accept(head, stored.etag if stored else None, message, turn) == "accepted":
                return
        raise AssertionError("no place was found")

    await asyncio.gather(*(accept(number) for number in range(20)))

    messages = await store.messages(chat.conversation.key, after_seq=0, before_seq=None, limit=100)
    assert [message.seq for message in messages] == list(range(1, 21))
    assert {message.content for message in messages} == {f"question {number}" for number in range(20)}
    assert (await chat.stored_head()).head.next_seq == 21


async def test_messages_come_in_order_from_either_end(chat: Chat) -> None:
    """Paging goes on after a place or back before it."""
    for number in range(4):
        await chat.ask(f"question {number}")
    store, key = chat.stores.conversations, chat.conversation.key

    async def seqs(after: int | None, before: int | None, limit: int) -> list[int]:
        found = await store.messages(key, after_seq=after, before_seq=before, limit=limit)
        return [message.seq for message in found]

    assert await seqs(None, None, 2) == [3, 4]
    assert await seqs(None, 3, 2) == [1, 2]
    assert await seqs(None, 1, 2) == []
    assert await seqs(1, None, 2) == [2, 3]
    assert await seqs(0, 3, 9) == [1, 2]
    assert await seqs(4, None, 2) == []


async def test_conversations_of_others_are_strangers(stores: Stores) -> None:
    """The key is made of user and session, so that one session id names two conversations."""
    mine = Chat(stores=stores)
    theirs = Chat(stores=stores, session=mine.session)
    turn = await mine.ask()

    assert await stores.conversations.head(theirs.conversation.key) is None
    assert await stores.conversations.turn(theirs.conversation.key, turn.turn_id) is None

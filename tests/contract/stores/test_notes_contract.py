"""What is kept beside messages, in memory and in Cosmos alike: titles, summaries, feedback."""

from dataclasses import replace
from uuid import uuid4

from shared.domain.entries import ConversationEntry
from shared.domain.ids import ConversationKey, MessageId, PublicId, TurnId, session_key, user_id
from shared.domain.notes import Feedback, Summary
from shared.wire.note_documents import feedback_id

from .chats import Stores


def a_key() -> ConversationKey:
    """Name a new conversation."""
    return session_key(user_id(str(uuid4()), str(uuid4())), PublicId(str(uuid4())))


async def test_a_title_is_made_once_and_its_person_s_own_stays(stores: Stores) -> None:
    """Of anybody else the first one counts; the person may always change it."""
    person, session = user_id(str(uuid4()), str(uuid4())), PublicId(str(uuid4()))
    key = session_key(person, session)
    entry = ConversationEntry(
        user_id=person,
        key=key,
        public_id=session,
        kind="session",
        title="First words",
        renamed=False,
        created_at=stores.clock.now(),
    )

    assert await stores.users.retitle(person, key, "None yet", by_person=True) is False
    await stores.users.add_entry(entry)
    made = [await stores.users.retitle(person, key, title, by_person=False) for title in ("Made", "Made again")]
    assert made == [True, False]
    assert await stores.users.retitle(person, key, "Own", by_person=True) is True
    assert await stores.users.retitle(person, key, "Late", by_person=False) is False
    assert await stores.users.entry(person, key) == replace(entry, title="Own", titled=True, renamed=True)


async def test_the_newest_summary_is_read_and_none_is_stored_twice(stores: Stores) -> None:
    """The number is the id, so that a repeat or another execution stores nothing."""
    key = a_key()
    first = Summary(n=1, seq=20, text="One.", model="m", turn_id=TurnId("t"), created_at=stores.clock.now())
    second = replace(first, n=2, seq=40, text="Two.")

    assert await stores.conversations.summary(key) is None
    stored = [await stores.conversations.add_summary(key, one) for one in (first, second, replace(second, text="No."))]
    assert stored == [True, True, False]
    assert await stores.conversations.summary(key) == second


async def test_the_newest_word_of_each_person_on_an_answer_is_kept(stores: Stores) -> None:
    """One item a person and answer."""
    key = a_key()
    first = Feedback(
        message_id=MessageId(str(uuid4())),
        turn_id=TurnId("t"),
        user_id=user_id("tenant", "sam/of:sales?"),
        rating="up",
        comment="Good",
        model="m",
        prompt_version="1",
        created_at=stores.clock.now(),
    )

    await stores.conversations.put_feedback(key, first)
    await stores.conversations.put_feedback(key, replace(first, rating="down", comment=None))

    stored = await stores.stored(key, feedback_id(first.message_id, first.user_id))
    assert stored is not None
    assert (stored["rating"], stored["model"], "comment" in stored) == ("down", "m", False)


async def test_an_answer_is_found_by_its_id_and_a_question_is_no_answer(stores: Stores) -> None:
    """Absent ones are None."""
    key = a_key()

    assert await stores.conversations.answer(key, MessageId(str(uuid4()))) is None

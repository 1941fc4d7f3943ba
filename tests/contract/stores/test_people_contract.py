"""What belongs to one person: grants that end, a list that only its owner can page."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.domain.entries import ConversationEntry
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import RoleChoice, SessionGrant
from shared.domain.ids import PublicId, UserId, session_key, user_id

from .chats import Stores


@pytest.fixture
def person() -> UserId:
    """Give somebody new."""
    return user_id(str(uuid4()), str(uuid4()))


def a_grant(stores: Stores, person: UserId, lifetime_s: float = 3600) -> SessionGrant:
    """Make a grant."""
    return SessionGrant(
        user_id=person,
        session_id=PublicId(str(uuid4())),
        name="Sam Sales",
        email=None,
        role=RoleChoice(shown="Sales", effective=("Sales", "HR")),
        roles=("Sales", "HR"),
        expires_at=stores.clock.now() + timedelta(seconds=lifetime_s),
        timezone="Europe/Berlin",
        sealed_token="v1.abc",
    )


def an_entry(stores: Stores, person: UserId, title: str) -> ConversationEntry:
    """Make an entry of the list."""
    session = PublicId(str(uuid4()))
    return ConversationEntry(
        user_id=person,
        key=session_key(person, session),
        public_id=session,
        kind="session",
        title=title,
        renamed=False,
        created_at=stores.clock.now(),
    )


async def titles(stores: Stores, person: UserId, limit: int, search: str | None = None) -> list[list[str]]:
    """Read the whole list page by page."""
    pages: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = await stores.users.entries(person, cursor=cursor, limit=limit, search=search)
        pages.append([entry.title for entry in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def test_a_grant_is_read_back_and_replaced(stores: Stores, person: UserId) -> None:
    """Every session.update brings the newest token."""
    grant = a_grant(stores, person)
    await stores.users.put_grant(grant)
    newer = replace(grant, sealed_token="v1.def", role=RoleChoice(shown=None, effective=()))

    await stores.users.put_grant(newer)

    assert await stores.users.grant(person, grant.session_id) == newer


async def test_a_grant_ends_with_its_token(stores: Stores, person: UserId) -> None:
    """Nobody has a session longer than a token."""
    grant, over = a_grant(stores, person, 60), a_grant(stores, person, -5)
    await stores.users.put_grant(grant)
    await stores.users.put_grant(over)
    stores.clock.advance(61)

    assert await stores.users.grant(person, grant.session_id) is None
    assert await stores.users.grant(person, over.session_id) is None


async def test_a_grant_belongs_to_its_person_and_session(stores: Stores, person: UserId) -> None:
    """A known session id of somebody else opens nothing."""
    grant = a_grant(stores, person)
    await stores.users.put_grant(grant)

    assert await stores.users.grant(user_id("other", "person"), grant.session_id) is None
    assert await stores.users.grant(person, PublicId(str(uuid4()))) is None


async def test_a_conversation_is_listed_once(stores: Stores, person: UserId) -> None:
    """To list it again changes nothing."""
    entry = an_entry(stores, person, "Pipeline")
    await stores.users.add_entry(entry)

    await stores.users.add_entry(replace(entry, title="Other"))

    assert await stores.users.entry(person, entry.key) == entry
    assert await titles(stores, person, 10) == [["Pipeline"]]
    assert await stores.users.entry(user_id("other", "person"), entry.key) is None


async def test_a_list_is_paged_newest_first_without_loss_or_repetition(stores: Stores, person: UserId) -> None:
    """Entries of the same instant are told apart, too."""
    for number in range(7):
        await stores.users.add_entry(an_entry(stores, person, f"chat {number}"))
        stores.clock.advance(0.5 if number > 3 else 0)

    pages = await titles(stores, person, 3)

    assert [len(page) for page in pages] == [3, 3, 1]
    assert pages[0][:2] == ["chat 6", "chat 5"]
    whole = [title for page in pages for title in page]
    assert sorted(whole) == [f"chat {number}" for number in range(7)]
    assert await titles(stores, person, 7) == [whole]


async def test_an_empty_list_is_one_empty_page(stores: Stores, person: UserId) -> None:
    """Who is new has no chats and no cursor."""
    await stores.users.put_grant(a_grant(stores, person))

    assert await titles(stores, person, 5) == [[]]


async def test_a_search_finds_titles_in_any_case(stores: Stores, person: UserId) -> None:
    """The words of a search are data, never part of the query."""
    for title in ("Pipeline Q1", "Leave policy", 'PIPELINE "Q2" OR true'):
        await stores.users.add_entry(an_entry(stores, person, title))
        stores.clock.advance(1)

    assert await titles(stores, person, 1, "pipeline") == [['PIPELINE "Q2" OR true'], ["Pipeline Q1"]]
    assert await titles(stores, person, 5, '" OR true') == [['PIPELINE "Q2" OR true']]
    assert await titles(stores, person, 5, "nothing") == [[]]


async def test_a_cursor_opens_only_the_list_that_it_is_of(stores: Stores, person: UserId) -> None:
    """Foreign, changed and made-up cursors are refused alike."""
    for number in range(3):
        await stores.users.add_entry(an_entry(stores, person, f"chat {number}"))
    cursor = (await stores.users.entries(person, cursor=None, limit=1, search=None)).next_cursor
    assert cursor is not None
    changed = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")

    for owner, forged in [
        (user_id("other", "person"), cursor),
        (person, changed),
        (person, "x"),
        (person, "é"),
        (person, ""),
    ]:
        with pytest.raises(ChatError) as refusal:
            await stores.users.entries(owner, cursor=forged, limit=1, search=None)
        assert refusal.value.code is ErrorCode.BAD_REQUEST


async def test_groups_and_sessions_are_listed_apart_and_taken_off_the_list(stores: Stores, person: UserId) -> None:
    """One partition holds both; a page is full of one kind."""
    session = an_entry(stores, person, "a session")
    group = replace(an_entry(stores, person, "a group"), kind="group")
    for entry in (session, group):
        await stores.users.add_entry(entry)

    assert (await stores.users.entries(person, cursor=None, limit=9, search=None)).items == [session]
    assert (await stores.users.entries(person, cursor=None, limit=9, search=None, kind="group")).items == [group]
    for _ in range(2):
        await stores.users.remove_entry(person, group.key)
    assert (await stores.users.entries(person, cursor=None, limit=9, search=None, kind="group")).items == []
    assert await stores.users.entry(person, session.key) == session

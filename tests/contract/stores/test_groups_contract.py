"""Groups and the people in them, in memory and in Cosmos alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.adapters.cosmos.groups import CosmosGroups
from shared.adapters.cosmos.people import CosmosPeople
from shared.adapters.memory.groups import MemoryGroups
from shared.adapters.memory.people import MemoryPeople
from shared.domain.errors import ChatError
from shared.domain.group import Group, Member
from shared.domain.ids import PublicId, UserId, group_key, user_id
from shared.domain.people import Profile
from shared.group_ports import GroupStore
from shared.people_ports import PeopleStore
from shared.wire import group_documents as wire

from .chats import CURSOR_KEY
from .cosmos_process import connected

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Stores:
    """The stores under test."""

    groups: GroupStore
    people: PeopleStore


@pytest.fixture(params=["memory", "cosmos"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    """Give each kind of stores in turn."""
    if request.param == "memory":
        yield Stores(MemoryGroups(), MemoryPeople(CURSOR_KEY))
        return
    async with connected(request.getfixturevalue("cosmos_server")) as account:
        yield Stores(CosmosGroups(account.items("conversations")), CosmosPeople(account.items("users"), CURSOR_KEY))


def a_group(members: int = 2) -> Group:
    """Make a group with every field set."""
    group_id, tenant = PublicId(str(uuid4())), str(uuid4())
    people = [
        Member(id=user_id(tenant, str(uuid4())), name="Ada Ä. " * 10, joined_at=NOW, joined_seq=number)
        for number in range(members)
    ]
    return Group(
        group_id=group_id,
        key=group_key(group_id),
        tenant=tenant,
        title="Renewals of Q3",
        founder=people[0].id,
        owner=people[-1].id,
        members=tuple(people),
        created_at=NOW,
        role="Sales",
        reply_policy="quiet",
        history="since_join",
        audience="role",
        status="archived",
    )


async def test_a_group_comes_back_as_it_was_written(both: Stores) -> None:
    """Every field; nothing is stored of another."""
    group = a_group()

    assert await both.groups.group(group.key) is None
    assert await both.groups.put_group(group, None)
    stored = await both.groups.group(group.key)

    assert stored is not None
    assert stored.group == group


async def test_of_two_who_change_a_group_one_must_read_again(both: Stores) -> None:
    """At its foundation and later."""
    group = a_group()
    for _ in range(2):
        stored = await both.groups.group(group.key)
        titles = [replace(group, title=f"title {number}") for number in range(4)]
        etag = stored.etag if stored else None
        wrote = await asyncio.gather(*(both.groups.put_group(one, etag) for one in titles))
        after = await both.groups.group(group.key)
        assert sum(wrote) == 1
        assert after is not None
        assert after.group == titles[wrote.index(True)]


def test_the_largest_group_is_a_small_item() -> None:
    """It is read at each message: 200 members stay far from the 2 MB of an item."""
    document = wire.group_document(a_group(200))

    assert len(str(document)) < 80_000


def test_a_deleted_group_is_removed_after_a_while() -> None:
    """All others stay: their members and rules do not age."""
    group = a_group()

    assert wire.group_document(replace(group, status="deleted"))["ttl"] == wire.DELETED_TTL_S
    assert "ttl" not in wire.group_document(group)


def a_person(tenant: str, name: str, email: str | None = None) -> Profile:
    """Make somebody who signed in."""
    return Profile(user_id=user_id(tenant, str(uuid4())), name=name, email=email, seen_at=NOW)


async def test_a_profile_comes_back_is_replaced_and_forgotten(both: Stores) -> None:
    """It is how a person was called last."""
    person = a_person(str(uuid4()), "Sam Sales", "sam@example.com")
    renamed = replace(person, name="Sam Seller", email=None, seen_at=NOW + timedelta(days=1))

    assert await both.people.person(person.user_id) is None
    await both.people.remember(person)
    assert await both.people.person(person.user_id) == person
    await both.people.remember(renamed)
    assert await both.people.person(person.user_id) == renamed
    for _ in range(2):
        await both.people.forget(person.user_id)
    assert await both.people.person(person.user_id) is None


async def test_people_are_found_by_any_part_of_name_or_mail_in_their_own_tenant_only(both: Stores) -> None:
    """In order of their names, without regard to case."""
    tenant, other = str(uuid4()), str(uuid4())
    zoe, ada = a_person(tenant, "Zoë Öhman", "zoe@sales.example"), a_person(tenant, "ada Sales", None)
    hana, eve = a_person(tenant, "Hana HR", "hana@example.com"), a_person(other, "Eve Sales", "eve@sales.example")
    for one in (zoe, ada, hana, eve):
        await both.people.remember(one)

    async def found(text: str, reader: UserId = hana.user_id) -> list[Profile]:
        return (await both.people.find(reader, text, cursor=None, limit=10)).items

    assert await found("sales") == [ada, zoe]
    assert await found("öhm") == [zoe]
    assert await found("@example") == [hana]
    assert await found("eve") == []
    assert await found("sales", eve.user_id) == [eve]
    assert await found("' OR 1=1") == []


async def test_people_are_listed_page_by_page_and_a_cursor_is_of_one_reader(both: Stores) -> None:
    """As other lists are."""
    tenant = str(uuid4())
    people = [a_person(tenant, f"Person {number}") for number in range(5)]
    for one in people:
        await both.people.remember(one)
    reader = people[0].user_id

    first = await both.people.find(reader, "person", cursor=None, limit=3)
    rest = await both.people.find(reader, "person", cursor=first.next_cursor, limit=3)

    assert [*first.items, *rest.items] == people
    assert rest.next_cursor is None
    with pytest.raises(ChatError):
        await both.people.find(people[1].user_id, "person", cursor=first.next_cursor, limit=3)

"""What is known of people's rights, in memory and in Cosmos alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.adapters.cosmos.rights import CosmosRights
from shared.adapters.cosmos.users import CosmosUsers
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.rights import MemoryRights
from shared.adapters.memory.users import MemoryUsers
from shared.domain.identity import RoleChoice, SessionGrant
from shared.domain.ids import PublicId, UserId
from shared.domain.rights import Rights
from shared.people_ports import UserStore
from shared.watch_ports import RightsStore

from .chats import CURSOR_KEY
from .cosmos_process import connected

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "cosmos"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[RightsStore, UserStore]]:
    """Give each kind of stores in turn."""
    clock = MemoryClock()
    if request.param == "memory":
        users = MemoryUsers(clock, CURSOR_KEY)
        yield MemoryRights(users), users
        return
    async with connected(request.getfixturevalue("cosmos_server")) as account:
        items = account.items("users")
        yield CosmosRights(items), CosmosUsers(items, clock, CURSOR_KEY)


async def test_rights_come_back_as_they_were_written_and_one_writer_wins(both: tuple[RightsStore, UserStore]) -> None:
    """Nothing is known of somebody new; whoever read too early must read again."""
    store, _ = both
    user = UserId(f"t:{uuid4()}")
    empty = await store.rights(user)
    values = [
        Rights(user_id=user, roles=(f"r{n}",), as_of=NOW, void_before=NOW, unsettled=n % 2 == 0) for n in range(4)
    ]

    assert (empty.rights, empty.etag) == (Rights(user_id=user), None)
    for _ in range(2):
        etag = (await store.rights(user)).etag
        wrote = await asyncio.gather(*(store.put_rights(value, etag) for value in values))
        assert sum(wrote) == 1
        assert (await store.rights(user)).rights == values[wrote.index(True)]


async def test_grants_end_but_for_one_and_nobody_elses(both: tuple[RightsStore, UserStore]) -> None:
    """All of them when none is named; a repeat does no harm."""
    store, users = both
    sam, eve = UserId(f"t:{uuid4()}"), UserId(f"t:{uuid4()}")
    sessions = [PublicId(str(uuid4())) for _ in range(3)]
    grant = SessionGrant(
        user_id=sam, session_id=sessions[0], name="Sam", email=None, role=RoleChoice(shown=None, effective=()),
        roles=(), expires_at=MemoryClock().now() + timedelta(hours=1),
    )  # fmt: skip
    for session in sessions:
        await users.put_grant(replace(grant, session_id=session))
        await users.put_grant(replace(grant, session_id=session, user_id=eve))

    async def left(user: UserId) -> list[PublicId]:
        return [session for session in sessions if await users.grant(user, session) is not None]

    for _ in range(2):
        await store.end_grants(sam, but=sessions[1])
        assert await left(sam) == [sessions[1]]
    await store.end_grants(sam, but=None)

    assert await left(sam) == []
    assert await left(eve) == sessions

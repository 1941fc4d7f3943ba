"""Allowances and security events, in memory and in Cosmos alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.adapters.cosmos.watch import CosmosAllowances, CosmosSecurityLog
from shared.adapters.memory.watch import MemoryAllowances, MemorySecurityLog
from shared.domain.allowance import Allowance, Connected, Counted, DayUsed, Reserved, Seat
from shared.domain.errors import ChatError
from shared.domain.ids import ConnectionId, ConversationKey, TurnId, UserId
from shared.domain.security import Noticed, SecurityEvent
from shared.watch_ports import AllowanceStore, SecurityLog

from .chats import CURSOR_KEY
from .cosmos_process import connected

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "cosmos"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[AllowanceStore, SecurityLog]]:
    """Give each kind of stores in turn."""
    if request.param == "memory":
        yield MemoryAllowances(), MemorySecurityLog(CURSOR_KEY)
        return
    async with connected(request.getfixturevalue("cosmos_server")) as account:
        yield (
            CosmosAllowances(account.items("users")),
            CosmosSecurityLog(account.items("security_events"), CURSOR_KEY),
        )


async def test_an_allowance_comes_back_as_it_was_written(both: tuple[AllowanceStore, SecurityLog]) -> None:
    """Every field; nothing is stored of somebody new."""
    allowances, _ = both
    user = UserId(f"t:{uuid4()}")
    empty = await allowances.allowance(user)
    full = Allowance(
        user_id=user,
        counted=(Counted(turn_id=TurnId("k.1"), at=NOW),),
        seats=(Seat(key=ConversationKey("k"), turn_id=TurnId("k.1"), at=NOW),),
        connected=(Connected(connection_id=ConnectionId("c"), at=NOW),),
        reserved=(Reserved(turn_id=TurnId("k.1"), tokens=7, until=NOW),),
        days=(DayUsed(day="2026-01-05", questions=1, input_tokens=2, output_tokens=3),),
    )

    assert (empty.allowance, empty.etag) == (Allowance(user_id=user), None)
    assert await allowances.put_allowance(full, None)
    assert (await allowances.allowance(user)).allowance == full


async def test_of_two_writers_one_must_read_again(both: tuple[AllowanceStore, SecurityLog]) -> None:
    """At the first write and at every later one."""
    allowances, _ = both
    user = UserId(f"t:{uuid4()}")
    for _ in range(3):
        etag = (await allowances.allowance(user)).etag
        values = [Allowance(user_id=user, counted=(Counted(turn_id=TurnId(f"k.{n}"), at=NOW),)) for n in range(4)]
        wrote = await asyncio.gather(*(allowances.put_allowance(value, etag) for value in values))
        assert sum(wrote) == 1
        assert (await allowances.allowance(user)).allowance == values[wrote.index(True)]


async def test_a_turn_is_settled_once_with_the_count_it_goes_into(both: tuple[AllowanceStore, SecurityLog]) -> None:
    """Mark and count together, or neither; also of somebody of whom nothing is stored."""
    allowances, _ = both
    user, turn = UserId(f"t:{uuid4()}"), TurnId(f"k.{uuid4()}")
    values = [Allowance(user_id=user, days=(DayUsed(day="2026-01-05", questions=n),)) for n in range(3)]

    assert await allowances.settle(values[1], None, turn) == "settled"
    etag = (await allowances.allowance(user)).etag
    assert await allowances.settle(values[2], etag, turn) == "settled_before"
    assert await allowances.settle(values[2], "another", TurnId(f"k.{uuid4()}")) == "changed"
    assert (await allowances.allowance(user)).allowance == values[1]
    assert await allowances.settle(values[2], etag, TurnId(f"k.{uuid4()}")) == "settled"
    assert (await allowances.allowance(user)).allowance == values[2]


def event(number: int, at: datetime) -> SecurityEvent:
    """Some record."""
    return SecurityEvent(
        event_id=uuid4().hex, at=at, kind=Noticed.TOOL_CALLED, user_id=UserId("t:sam"), tool=f"tool{number}",
        server="hr", outcome="done", counts={"link": number},
    )  # fmt: skip


async def test_records_of_a_day_are_listed_newest_first_page_by_page(both: tuple[AllowanceStore, SecurityLog]) -> None:
    """A repeated record is kept once; other days are not listed; a cursor is of one reader."""
    _, log = both
    begin = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=uuid4().int % 9000)
    written = [event(number, begin + timedelta(minutes=number)) for number in range(5)]
    for one in (*written, written[0], replace(written[1], event_id=uuid4().hex, at=begin - timedelta(seconds=1))):
        await log.record(one)
    day, admin = begin.date().isoformat(), UserId("t:ada")

    first = await log.of_day(admin, day, cursor=None, limit=3)
    rest = await log.of_day(admin, day, cursor=first.next_cursor, limit=3)

    assert [*first.items, *rest.items] == written[::-1]
    assert rest.next_cursor is None
    with pytest.raises(ChatError):
        await log.of_day(UserId("t:eve"), day, cursor=first.next_cursor, limit=3)

"""A group's changes reach its members, whatever the order and number of the frames."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.memory.erasure import MemoryEraser
from shared.domain.errors import StoreUnavailable
from shared.domain.group import Changes
from shared.domain.ids import ConnectionId, group_key
from shared.flow import leaving, membership, roster
from shared.wire.outbound import to_json
from tests.e2e.room import apply, rules
from tests.unit.flow.crowd import Crowd

SEED, STORIES = 20261122, 40


async def change(crowd: Crowd, name: str, **changes: Any) -> None:
    """Change the group as somebody."""
    await membership.change(crowd.room.services, crowd.guests[name].caller, crowd.group_id, Changes(**changes))


async def fetched(crowd: Crowd, name: str) -> dict[str, Any]:
    """Read the group over REST, as a client then tells itself."""
    group = await roster.group(crowd.room.services, crowd.guests[name].caller.user_id, crowd.group_id)
    return {**to_json(group), "role": group.role, "type": "@group"}


def told(crowd: Crowd, name: str) -> list[dict[str, Any]]:
    """Give what somebody was told of changes."""
    return [frame for frame in crowd.heard(name) if frame["type"] == "group.changed"]


@pytest.mark.requirement("group:changed")
async def test_every_connection_of_every_member_is_told_joined_or_not(room: Any) -> None:
    """The whole state, with the group's new revision; to who is no member nothing is said."""
    crowd = Crowd(room)
    await crowd.begin()
    await crowd.let_in("sue", "Sales")
    await crowd.meet("tom", "Sales")
    phone = ConnectionId("sue-phone")
    crowd.guests["phone"] = replace(crowd.guests["sue"], connection=phone)

    await change(crowd, "sam", title="Q4", reply_policy="always", role="Sales")

    state = {
        "title": "Q4",
        "role": "Sales",
        "owner": "tenant:sam",
        "policy": "always",
        "history": "all",
        "audience": "members",
        "revision": 2,
    }
    address = {"type": "group.changed", "conversation_id": crowd.group_id, "group_id": crowd.group_id}
    for name in ("sam", "sue", "phone"):
        assert told(crowd, name) == [address | state], name
        assert rules(await fetched(crowd, name)) == state
    assert told(crowd, "tom") == []
    joined = await crowd.join("sue", again=True)
    assert rules(to_json(joined)) == state


@pytest.mark.requirement("group:changed")
@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Other"},
        {"role": ""},
        {"reply_policy": "quiet"},
        {"history": "since_join"},
        {"audience": "role"},
        {"owner": "tenant:sue"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_each_change_is_told_once(room: Any, changes: dict[str, Any]) -> None:
    """A wish that changes nothing is not told, and a status has frames of its own."""
    crowd = Crowd(room, role="Sales")
    await crowd.begin()
    await crowd.let_in("sue", "Sales")

    await change(crowd, "sam", title="Renewals", role="sales")
    assert told(crowd, "sue") == []
    await change(crowd, "sam", status="archived")
    await change(crowd, "sam", status="active")
    assert told(crowd, "sue") == []
    await change(crowd, "sam", **changes)

    (frame,) = told(crowd, "sue")
    assert rules(frame) == rules(await fetched(crowd, "sue"))


@pytest.mark.requirement("group:changed")
@pytest.mark.parametrize("story", range(STORIES))
async def test_frames_in_any_order_bring_any_earlier_state_to_what_a_fetch_gives(room: Any, story: int) -> None:
    """Swapped and doubled, beside changes at the same time, and mixed with answers of REST that come late."""
    chance = random.Random(SEED + story)
    crowd = Crowd(room, role="Sales")
    await crowd.begin()
    await crowd.let_in("sue", "Sales")
    wishes: list[dict[str, Any]] = [
        *({"title": f"Title {number}"} for number in range(3)),
        *({"role": role} for role in ("", "Sales")),
        *({"reply_policy": policy} for policy in ("mention", "always", "quiet")),
        *({"history": history} for history in ("all", "since_join")),
        *({"audience": audience} for audience in ("members", "role")),
    ]
    states = [await fetched(crowd, "sue")]
    for _ in range(chance.randint(1, 5)):
        at_once = chance.sample(wishes, chance.randint(1, 3))
        await asyncio.gather(*(change(crowd, "sam", **wish) for wish in at_once))
        states.append(await fetched(crowd, "sue"))

    for number, state in enumerate(states):
        news = [
            *told(crowd, "sue"),
            *chance.choices(states[: number + 1], k=2),
            *chance.choices(told(crowd, "sue") or states),
        ]
        chance.shuffle(news)
        known = apply({}, state)
        for one in news:
            known = apply(known, one)
        assert rules(known) == rules(states[-1]), f"seed {SEED + story}"


@pytest.mark.requirement("group:changed")
async def test_who_is_removed_at_that_moment_is_told_nothing_of_the_change(room: Any) -> None:
    """The members are read after the change was written."""
    crowd = Crowd(room)
    await crowd.begin()
    await crowd.let_in("sue", "Sales")
    put = room.services.groups.put_group

    async def overtaken(group: Any, etag: str | None) -> bool:
        room.services.groups.put_group = put
        written = await put(group, etag)
        await crowd.put_out("sue")
        return written

    room.services.groups.put_group = overtaken
    await change(crowd, "sam", title="Without Sue")

    assert told(crowd, "sue") == []
    assert not crowd.knows("sue", "Without Sue")
    assert [frame["title"] for frame in told(crowd, "sam")] == ["Without Sue"]


async def test_a_change_holds_when_the_store_cannot_say_who_is_to_be_told(
    room: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Like any frame that is lost: the next `join_group` or list tells."""
    crowd = Crowd(room)
    await crowd.begin()
    groups = room.services.groups
    put, read = groups.put_group, groups.group

    async def down(_key: Any) -> None:
        raise StoreUnavailable("down")

    async def then_down(group: Any, etag: str | None) -> bool:
        groups.group = down
        return await put(group, etag)

    groups.put_group = then_down
    await change(crowd, "sam", title="Kept")
    groups.group, groups.put_group = read, put

    assert told(crowd, "sam") == []
    assert (await fetched(crowd, "sam"))["title"] == "Kept"
    assert "frame.unsent" in caplog.messages


async def test_what_a_person_takes_along_names_their_groups_as_they_are_now(room: Any) -> None:
    """A line of somebody's list that outlived their membership tells nothing new."""
    crowd = Crowd(room)
    await crowd.begin()
    sue = (await crowd.let_in("sue", "Sales")).caller
    line = await room.users.entry(sue.user_id, group_key(crowd.group_id))
    eraser = MemoryEraser(room.conversations, room.users)
    await change(crowd, "sam", title="Now")

    taken = await leaving.take_along(room.services, eraser, sue)
    await crowd.put_out("sue")
    await room.users.add_entry(line)
    outlived = await leaving.take_along(room.services, eraser, sue)

    assert [[group.title for group in one.groups] for one in (taken, outlived)] == [["Now"], ["Renewals"]]


async def test_a_group_that_ended_meanwhile_is_told_to_nobody(room: Any) -> None:
    """Its people hear that it ended."""
    crowd = Crowd(room)
    await crowd.begin()
    put = room.services.groups.put_group

    async def overtaken(group: Any, etag: str | None) -> bool:
        room.services.groups.put_group = put
        written = await put(group, etag)
        await membership.delete(room.services, crowd.guests["sam"].caller, crowd.group_id)
        return written

    room.services.groups.put_group = overtaken
    await change(crowd, "sam", title="Late")

    assert told(crowd, "sam") == []
    assert crowd.types("sam")[-1] == "group.removed"

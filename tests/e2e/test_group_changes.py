"""Two members of a group on a running stack: what one changes the other hears, on every connection."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.client import Frame
from tests.e2e.room import apply, rules
from tests.e2e.stack import Stack
from tests.e2e.talk import Circle, Talker, call


async def heard(talker: Talker, revision: int) -> Frame:
    """Wait for the news of one state of the group."""
    return await talker.until(
        lambda frame: frame["type"] == "group.changed" and frame["revision"] == revision, f"revision {revision}"
    )


@pytest.mark.requirement("group:changed")
async def test_what_one_member_changes_the_other_hears_wherever_they_are_connected(stack: Stack) -> None:
    """Joined or not; whatever they knew before becomes what REST says now, and what the next `join_group` says."""
    async with Circle(stack) as circle:
        await circle.join("sam.sales")
        desk, phone = await circle.join("sue.sales"), await circle.connect("sue.sales")
        stranger = await circle.connect("tom.both")
        path = f"groups/{circle.group_id}"

        def fetched() -> dict[str, Any]:
            return {"type": "@group"} | call(stack, "GET", path, token=circle.token("sue.sales"))

        def change(**wish: Any) -> dict[str, Any]:
            return call(stack, "PATCH", path, token=circle.token("sam.sales"), body=wish)

        states = [fetched()]
        for wish in (
            {"title": "Renewals of Q4"},
            {"reply_policy": "always", "history": "since_join"},
            {"role": "Sales", "audience": "role"},
            {"owner": circle.ids["sue.sales"]},
        ):
            assert change(**wish)["revision"] == states[-1]["revision"] + 1
            states.append(fetched())
        last = states[-1]["revision"]
        for talker in (desk, phone):
            assert rules(await heard(talker, last)) == rules(states[-1])
            for state in states:
                known = apply({}, state)
                for frame in talker.frames:
                    known = apply(known, frame) if frame.get("group_id") == circle.group_id else known
                assert rules(known) == rules(states[-1])
        assert rules(await phone.enter(circle.group_id)) == rules(states[-1])
        assert [frame for frame in stranger.frames if frame.get("group_id") == circle.group_id] == []

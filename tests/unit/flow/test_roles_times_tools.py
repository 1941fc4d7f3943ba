"""Roles times tools, exhaustively, against one written table: at the offer, in the prompt and at the call."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from shared.adapters.memory.registry import MemoryRegistry
from shared.domain.policy import parse_roles
from shared.domain.tools import CallState, Manifest, ServerEntry, ToolResult, ToolSpec

TABLE = {
    # server: its `roles` in the registry, and who may use it besides Admins
    "sfdc": ("Admin,Sales", {"Sales"}),
    "hr": (" admin , HR ", {"HR"}),
    "winloss": ("Sales, Coach", {"Sales", "Coach"}),
    "coaching": ("coach", {"Coach"}),
    "vault": ("Admin", set[str]()),
    "unset": ("", set[str]()),
    "commas": (" , ,", set[str]()),
    "o365": ("*", {"Sales", "HR", "Coach", "Nobody", None}),
}
HELD = [held for number in range(5) for held in combinations(("Sales", "HR", "Coach", "Nobody"), number)]
PEOPLE = [*HELD, ("Admin",), ("admin",), ("Sales", "Admin"), ("*",), ("Sales,HR",), ("",), (" Sales",)]
WISHES = (None, "Sales", "HR", "Coach", "Admin", "Nobody", "*", "")
NAMES = ("read", "list")


def may(server: str, roles: set[str]) -> bool:
    """Read the table."""
    return "admin" in {role.casefold() for role in roles} or bool(TABLE[server][1] & ({None} | roles))


def tool(server: str, name: str) -> ToolSpec:
    """A tool that reads."""
    return ToolSpec(
        server=server, name=name, title=name, description=f"{name} of {server}", input_schema={"type": "object"},
        read_only=True, destructive=False,
    )  # fmt: skip


def everything(room: Any) -> None:
    """Put the table's servers into the registry, with two tools each that answer."""
    entries = [
        ServerEntry(name=name, url=f"http://{name}", roles=parse_roles(spec), auth_enabled=True, description=name,
                    audience=name)
        for name, (spec, _) in TABLE.items()
    ]  # fmt: skip
    manifests = [
        Manifest(
            server=name, tools=tuple(tool(name, one) for one in NAMES), version="1", discovered_at=room.clock.now()
        )
        for name in TABLE
    ]
    room.services = replace(room.services, registry=MemoryRegistry(entries, manifests))
    for name in TABLE:
        for one in NAMES:
            room.tools.answers[f"{name}/{one}"] = ToolResult(state=CallState.DONE, text="7", summary="7")


@pytest.mark.requirement("tools:structural-roles")
@pytest.mark.parametrize("wish", WISHES, ids=repr)
@pytest.mark.parametrize("held", PEOPLE, ids=repr)
async def test_a_role_reaches_its_tools_and_no_others(
    empty_room: Any, rounds: Any, held: tuple[str, ...], wish: str | None
) -> None:
    """A model that asks for every tool by its name gets those that the table grants, and the others do not exist."""
    room = empty_room
    everything(room)
    token = "sam's token"
    room.services.verifier.callers[token] = replace(room.callers[token], roles=held)
    known = {"Sales", "HR", "Coach", "Admin"}
    mine = {role.title() if role != "HR" else role for role in held} & known
    effective = {wish} if wish in mine else mine
    granted = {server for server in TABLE if may(server, effective)}
    offered = {f"{server}__{one}" for server in granted for one in NAMES}
    names = [f"{server}__{one}" for server in TABLE for one in NAMES]
    room.scripted(rounds.asks_for(*names), rounds.says("Done."))

    opened = await room.sign_in(token, role=wish)
    await room.ask()
    await room.run()

    turn = await room.turn(room.started())
    request = room.model.requests[0]
    done = {call.tool for call in turn_calls(turn) if call.ok}
    assert {f"{one.server}__{one.name}" for one in opened.tools} == offered
    assert {one.offered_name for one in request.tools} == offered
    assert {name for name in TABLE if name in request.system} == granted
    assert {f"{one.server.name}__{one.call.name}" for one in room.tools.called} == offered
    assert done == offered
    assert {call.outcome for call in turn_calls(turn) if not call.ok} <= {"refused"}


class Told:
    """What the person is told of one call."""

    def __init__(self, feedback: Any) -> None:
        self.tool, self.ok, self.outcome = f"{feedback.server}__{feedback.name}", feedback.ok, feedback.outcome


def turn_calls(turn: Any) -> list[Told]:
    """The calls of a sealed turn."""
    return [Told(one) for one in turn.sealed.tool_feedback]

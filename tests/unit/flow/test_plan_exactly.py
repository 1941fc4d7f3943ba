"""The ledger's intents, field by field: what a model asked for, and what becomes of it before anything is called."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.sight import Sight
from shared.domain.tools import Approval, CallState, RequestedCall, ToolCall, ToolSpec
from shared.domain.turn_events import RunRound
from shared.flow.catalog import Catalog
from shared.flow.plan import Plan, plan_call

UNTIL = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=10)


def tool(name: str, *, writes: bool) -> ToolSpec:
    """A tool that reads, or one that writes."""
    return ToolSpec(
        server="crm", name=name, title=name, description=name, input_schema={"type": "object"}, read_only=not writes,
        destructive=writes,
    )  # fmt: skip


READ, WRITE = tool("read", writes=False), tool("write", writes=True)


@pytest.fixture
async def plan(room: Any) -> Plan:
    """The second round of a turn, with three calls left."""
    await room.ask()
    turn = await room.turn(room.started())
    effect = RunRound(round=1, use_secondary=False, last=False, calls_left=3)
    catalog = Catalog(servers=(), tools=(READ, WRITE))
    return Plan(turn=turn, effect=effect, catalog=catalog, fits=fitting, approve_until=UNTIL)


def fitting(spec: ToolSpec, arguments: dict[str, Any]) -> None:
    """Find nothing wrong."""
    del spec, arguments


def unfitting(spec: ToolSpec, arguments: dict[str, Any]) -> str:
    """Find everything wrong."""
    return f"{spec.name} {arguments}"


def asked(name: str, arguments: str = '{"a": 1}') -> RequestedCall:
    """What a model says."""
    return RequestedCall(name=name, arguments_json=arguments)


def intent(plan: Plan, index: int, **fields: Any) -> ToolCall:
    """The item as it must be."""
    made: dict[str, Any] = {
        "call_id": f"{plan.turn.turn_id}.1.{index}", "round": 1, "index": index, "server": "crm", "name": "read",
        "arguments": {"a": 1}, "safe_to_repeat": True, "reads": True,
    } | fields  # fmt: skip
    return ToolCall(**made)


def refused(why: str, state: CallState = CallState.REFUSED) -> dict[str, Any]:
    """How a call ends that is not made."""
    return {"state": state, "result": f"Not called: {why}", "summary": why}


@pytest.mark.requirement("tools:ledger")
def test_a_call_that_reads_is_planned_as_it_was_asked_for(plan: Plan) -> None:
    """With the names of the tool, and repeatable as the tool says."""
    assert plan_call(plan, 2, asked("crm__read")) == intent(plan, 2)


@pytest.mark.requirement("tools:ledger")
def test_a_call_that_writes_waits_for_its_asker(plan: Plan) -> None:
    """Until the time of the plan."""
    planned = plan_call(plan, 0, asked("crm__write"))

    waits = {"approval": Approval.WAITING, "expires_at": UNTIL, "safe_to_repeat": False, "reads": False}
    assert planned == intent(plan, 0, name="write", **waits)


@pytest.mark.requirement("tools:ledger")
@pytest.mark.parametrize(
    ("name", "server", "told"),
    [("nowhere__read", "nowhere", "read"), ("a__b__c", "a__b", "c"), ("plain", "", "plain"), ("", "", "")],
)
def test_a_tool_that_does_not_exist_is_refused_by_its_name(plan: Plan, name: str, server: str, told: str) -> None:
    """Nothing of it is repeatable, nothing reads."""
    made = {"server": server, "name": told, "safe_to_repeat": False, "reads": False}

    assert plan_call(plan, 0, asked(name)) == intent(plan, 0, **made, **refused("There is no such tool."))


def test_a_tool_keeps_its_server_whatever_its_name_holds(plan: Plan) -> None:
    """The mark between server and tool may be part of a tool's own name."""
    odd = replace(plan, catalog=Catalog(servers=(), tools=(tool("a__b", writes=False),)))

    assert plan_call(odd, 0, asked("crm__a__b")) == intent(odd, 0, name="a__b")


def test_a_call_without_a_word_of_arguments_has_none(plan: Plan) -> None:
    """Some models say nothing where others say `{}`."""
    assert plan_call(plan, 0, asked("crm__read", "")) == intent(plan, 0, arguments={})


@pytest.mark.parametrize("arguments", ["[1]", "{", '"x"', "null", "7", "[" * 9000, '{"a":' * 9000])
def test_arguments_that_are_no_object_are_told_to_the_model(plan: Plan, arguments: str) -> None:
    """The call failed."""
    why = refused("The arguments are not a JSON object.", CallState.FAILED)

    assert plan_call(plan, 0, asked("crm__read", arguments)) == intent(plan, 0, arguments={}, **why)


def test_arguments_that_do_not_fit_are_told_with_the_reason(plan: Plan) -> None:
    """As the schema puts it."""
    unfit = replace(plan, fits=unfitting)

    planned = plan_call(unfit, 0, asked("crm__read"))

    assert planned == intent(plan, 0, **refused("The arguments do not fit: read {'a': 1}", CallState.FAILED))


@pytest.mark.parametrize("hidden", ["pay 1\u202e00", "pay\U000e0041", "a\u2028b"])
def test_a_write_with_arguments_that_cannot_be_seen_fails_and_a_read_is_made(plan: Plan, hidden: str) -> None:
    """Nobody could approve the one; nobody has to approve the other."""
    arguments = {"note": hidden}
    words = json.dumps(arguments)
    why = refused("The arguments hold characters that cannot be seen.", CallState.FAILED)

    write, read = plan_call(plan, 0, asked("crm__write", words)), plan_call(plan, 0, asked("crm__read", words))

    assert write == intent(plan, 0, name="write", arguments=arguments, safe_to_repeat=False, reads=False, **why)
    assert read == intent(plan, 0, arguments=arguments)


@pytest.mark.requirement("group:canary")
@pytest.mark.parametrize(("roles", "waits"), [(("Sales",), False), (("HR", "Sales"), True)])
def test_only_an_asker_who_may_see_a_call_is_asked_to_approve_it(
    plan: Plan, roles: tuple[str, ...], *, waits: bool
) -> None:
    """In a group that is bound to a role, a member without it is refused at once, and may still have things read."""
    turn = replace(
        plan.turn, conversation=replace(plan.turn.conversation, bound_to="HR"), asker_sight=Sight(roles=roles)
    )
    bound = replace(plan, turn=turn)

    write, read = plan_call(bound, 0, asked("crm__write")), plan_call(bound, 0, asked("crm__read"))

    ends = refused("Who asked may not see this call, and so cannot approve it.")
    if waits:
        ends = {"approval": Approval.WAITING, "expires_at": UNTIL}
    assert write == intent(bound, 0, name="write", safe_to_repeat=False, reads=False, **ends)
    assert read == intent(bound, 0)


def test_the_limit_of_calls_is_exact(plan: Plan) -> None:
    """Three are left: the third is made, the fourth is not."""
    assert plan_call(plan, 2, asked("crm__read")).state is CallState.PLANNED
    over = plan_call(plan, 3, asked("crm__read"))

    assert over == intent(plan, 3, **refused("The limit of tool calls for this question is reached."))

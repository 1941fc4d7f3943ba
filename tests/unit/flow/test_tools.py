"""Tools: arguments, overrides of the registry, servers that are down, progress, and what people are told of it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.adapters.argument_schemas import ArgumentSchemas
from shared.adapters.memory.registry import MemoryRegistry
from shared.domain.errors import StoreUnavailable
from shared.domain.pins import first_pins
from shared.domain.servers import ServerStatus
from shared.domain.tools import (
    CallState,
    Manifest,
    ServerEntry,
    ToolCall,
    ToolContext,
    ToolResult,
    ToolRule,
    ToolSpec,
    ruled,
)
from shared.flow import servers, upkeep

if TYPE_CHECKING:
    from .conftest import Room, Rounds

SCHEMA = {
    "type": "object",
    "properties": {"quarter": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
    "required": ["quarter"],
    "additionalProperties": False,
}


def known(room: "Room") -> MemoryRegistry:
    """The registry of the room."""
    assert isinstance(room.services.registry, MemoryRegistry)
    return room.services.registry


def rules(room: "Room", **change: Any) -> None:
    """Change the entry of the sales server."""
    entries = [replace(one, **change) if one.name == "sfdc" else one for one in known(room)._servers]
    manifests = list(known(room)._manifests.values())
    room.services = replace(room.services, registry=MemoryRegistry(entries, manifests))


def described(room: "Room", schema: dict[str, Any]) -> None:
    """Give the sales server's tools a schema."""
    offered = known(room)._manifests
    tools = tuple(replace(tool, input_schema=schema) for tool in offered["sfdc"].tools)
    offered["sfdc"] = replace(offered["sfdc"], tools=tools)
    known(room)._pins["sfdc"] = first_pins(offered["sfdc"])


@pytest.mark.requirement("tools:arguments-checked")
async def test_arguments_that_do_not_fit_are_not_sent_and_the_model_is_told_why(
    room: "Room", rounds: type["Rounds"]
) -> None:
    """Also for a tool that writes: nobody is asked to approve what cannot be called."""
    described(room, SCHEMA | {"required": ["quarter", "limit"]})
    room.scripted(rounds.asks_for("sfdc__pipeline", "sfdc__log_activity"), rounds.says("I cannot."))
    await room.ask()

    await room.run()

    assert room.tools.called == []
    assert room.frames("tool.approval_required") == []
    told = [said.text for said in room.model.requests[1].said if said.role == "tool"]
    assert len(told) == 2
    assert all("'limit' is a required property" in text for text in told)
    assert [fb.outcome for fb in room.frames("response")[0].tool_feedback] == ["failed", "failed"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"quarter": "Q1"}, None),
        ({"quarter": 7}, "quarter: 7 is not of type 'string'"),
        ({}, "'quarter' is a required property"),
        ({"quarter": "Q1", "limit": 0}, "limit: 0 is less than the minimum of 1"),
        ({"quarter": "Q1", "more": 1}, "'more' was unexpected"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(rounds: type["Rounds"], arguments: Any, words: str | None) -> None:
    """A model can put it right."""
    del rounds
    fault = ArgumentSchemas().fault(spec(SCHEMA), arguments)

    assert fault is None if words is None else words in (fault or "")


def spec(schema: dict[str, Any]) -> Any:
    """A tool with this schema."""
    return ToolSpec(server="s", name="t", title="t", description="", input_schema=schema)


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "https://elsewhere.example/schema.json"}])
def test_a_schema_that_cannot_be_used_never_fetches_anything(schema: dict[str, Any]) -> None:
    """The tool is unusable, and says so."""
    assert "cannot be called" in (ArgumentSchemas().fault(spec(schema), {"a": 1}) or "")


@pytest.mark.requirement("tools:registry-rules")
def test_the_registry_overrules_what_a_server_says_of_its_tools(room: "Room") -> None:
    """One tool before all tools, all tools before the hints."""
    entry = known(room)._servers[0]
    reads, writes = known(room)._manifests["sfdc"].tools

    assert ruled(replace(entry, tools={"pipeline": ToolRule(enabled=False)}), reads) is None
    forced = ruled(replace(entry, rule=ToolRule(read_only=False)), reads)
    assert forced is not None
    assert (forced.needs_approval, forced.safe_to_repeat) == (True, False)
    trusted = ruled(replace(entry, rule=ToolRule(approval=True), tools={writes.name: ToolRule(approval=False)}), writes)
    assert trusted is not None
    assert not trusted.needs_approval
    repeatable = ruled(replace(entry, tools={writes.name: ToolRule(idempotent=True)}), writes)
    assert repeatable is not None
    assert repeatable.safe_to_repeat


@pytest.mark.requirement("tools:registry-rules")
async def test_a_tool_that_is_switched_off_in_the_middle_of_a_turn_is_not_called(
    room: "Room", rounds: type["Rounds"]
) -> None:
    """The registry's word counts up to the call itself."""
    room.answers("sfdc/pipeline")

    async def off(*_: Any) -> None:
        rules(room, tools={"pipeline": ToolRule(enabled=False)})

    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("Nothing."))
    await room.ask()
    perform = room.perform

    async def performing(ref: Any, effect: Any) -> Any:
        if type(effect).__name__ == "RunTools":
            await off()
        return await perform(ref, effect)

    room.perform = performing
    await room.run()

    assert room.tools.called == []
    assert "There is no such tool" in room.model.requests[1].said[-1].text


@pytest.mark.requirement("tools:server-down")
async def test_people_and_model_are_told_which_server_is_missing(room: "Room", rounds: type["Rounds"]) -> None:
    """Known from discovery, before the first word; a server of other roles is not named."""
    room.tools.manifests.clear()
    await upkeep.refresh_tools(room.services)
    room.scripted(rounds.says("The sales figures are missing."))
    await room.ask()

    await room.run()

    (notice,) = room.frames("notice")
    assert (notice.code, "sfdc" in notice.text, "hr" in notice.text) == ("server_down", True, False)
    system = room.model.requests[0].system
    assert "do not answer at present: sfdc." in system
    assert [frame.type for frame in room.frames("response.committed")] == ["response.committed"]


@pytest.mark.requirement("tools:server-down")
async def test_a_server_that_falls_silent_in_a_turn_is_told_and_kept(room: "Room", rounds: type["Rounds"]) -> None:
    """And a call that works clears it."""
    gone = ToolResult(state=CallState.FAILED, text="x", summary="sfdc cannot be reached.", server_down=True)
    room.tools.answers["sfdc/pipeline"] = gone
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("It is missing."))
    await room.ask()
    await room.run()

    (status,) = await room.services.registry.statuses()
    assert (status.server, status.up, status.last_error) == ("sfdc", False, "sfdc cannot be reached.")
    assert [frame.code for frame in room.frames("notice")] == ["server_down"]

    room.answers("sfdc/pipeline")
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("It is 7."))
    await room.ask("And now?")
    await room.run()

    (status,) = await room.services.registry.statuses()
    assert status.up


async def test_progress_is_told_now_and_then_and_never_after_the_end(room: "Room", rounds: type["Rounds"]) -> None:
    """Ten reports in no time make one frame."""

    async def works(call: ToolCall, context: ToolContext) -> ToolResult:
        assert context.on_progress is not None
        for step in range(10):
            await context.on_progress(step, 10, f"step\n{step}")
        return ToolResult(state=CallState.DONE, text=call.name, summary="1 row")

    async def call(server: ServerEntry, call: ToolCall, context: ToolContext) -> ToolResult:
        assert server.name == "sfdc"
        return await works(call, context)

    room.tools.call = call
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("Done."))
    await room.ask()
    await room.run()

    kinds = [frame.type for frame in room.frames("tool.started", "tool.progress", "tool.finished")]
    assert kinds == ["tool.started", "tool.progress", "tool.finished"]
    (progress,) = room.frames("tool.progress")
    assert (progress.progress, progress.total, progress.text) == (0, 10, "step 0")


async def test_servers_are_told_one_trace_per_turn(room: "Room", rounds: type["Rounds"]) -> None:
    """In the form of W3C Trace Context."""
    room.answers("sfdc/pipeline")
    room.scripted(rounds.asks_for("sfdc__pipeline", "sfdc__pipeline"), rounds.says("Done."))
    await room.ask()
    await room.run()

    first, second = (called.context.extra["traceparent"].split("-") for called in room.tools.called)
    assert first[1] == second[1]
    assert first[2] != second[2]
    assert [len(part) for part in first] == [2, 32, 16, 2]


async def test_a_change_of_a_servers_tools_is_kept_and_named(room: "Room") -> None:
    """The health report shows what is not what it was."""
    await upkeep.refresh_tools(room.services)
    known = room.tools.manifests["sfdc"]
    other = replace(known.tools[0], description="Now something else.")
    room.tools.manifests["sfdc"] = replace(known, tools=(other, *known.tools[1:]), version="2")

    await upkeep.refresh_tools(room.services)

    status = next(one for one in await room.services.registry.statuses() if one.server == "sfdc")
    assert status.changed_tools == ("pipeline",)
    assert status.changed_at is not None


@pytest.mark.requirement("api:servers")
async def test_a_person_sees_the_own_servers_their_tools_and_health(room: "Room") -> None:
    """Those of other roles do not exist."""
    await upkeep.refresh_tools(room.services)

    (listed,) = await servers.listed(room.services, room.callers["sam's token"])

    assert listed.name == "sfdc"
    assert [(tool.name, tool.needs_approval) for tool in listed.tools] == [("pipeline", False), ("log_activity", True)]
    assert (listed.health.state, listed.health.breaker) == ("up", "closed")
    assert await servers.report(room.services) == servers.Report(known=2, down=[], changed=[])


async def test_a_registry_that_cannot_be_written_stops_no_answer(room: "Room", rounds: type["Rounds"]) -> None:
    """What is known of servers is a convenience."""

    class Silent(MemoryRegistry):
        async def put_status(self, status: ServerStatus) -> None:
            raise StoreUnavailable(status.server)

    registry = known(room)
    room.services = replace(room.services, registry=Silent(registry._servers, list(registry._manifests.values())))
    room.tools.answers["sfdc/pipeline"] = ToolResult(state=CallState.FAILED, text="x", summary="x", server_down=True)
    room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("It is missing."))
    await room.ask()

    await room.run()

    assert len(room.frames("response.committed")) == 1


@pytest.mark.requirement("tools:registry-fallback")
async def test_people_are_told_when_the_list_of_servers_is_the_built_in_one(
    room: "Room", rounds: type["Rounds"]
) -> None:
    """With the session, and with each answer."""
    known(room).fallen_back = True
    await room.sign_in(first=False)
    room.scripted(rounds.says("Yes."))
    await room.ask()

    await room.run()

    assert [frame.code for frame in room.frames("notice")] == ["registry_fallback", "registry_fallback"]


def test_only_real_changes_are_named(room: "Room") -> None:
    """The same version is the same; the first discovery changes nothing."""
    manifest: Manifest = room.tools.manifests["sfdc"]

    assert servers.changed_tools(None, manifest) == ()
    assert servers.changed_tools(manifest, manifest) == ()
    gone = replace(manifest, version="2", tools=manifest.tools[1:])
    assert servers.changed_tools(manifest, gone) == ("pipeline",)


@pytest.mark.requirement("settings:limits")
async def test_a_call_has_its_servers_time_or_the_usual_one(room: "Room", rounds: "Rounds") -> None:
    """The registry's word for a slow server goes before the deployment's."""
    room.services = replace(room.services, limits=replace(room.services.limits, tool_s=7.0))
    entries = await known(room).servers()
    slow = [replace(entry, timeout_s=300.0) for entry in entries]
    manifests = await known(room).manifests()
    for registry in (MemoryRegistry(entries, manifests), MemoryRegistry(slow, manifests)):
        room.services = replace(room.services, registry=registry)
        room.scripted(rounds.asks_for("sfdc__pipeline"), rounds.says("Done."))
        room.answers("sfdc/pipeline")
        await room.ask()
        await room.run()

    assert [called.context.timeout_s for called in room.tools.called] == [7.0, 300.0]

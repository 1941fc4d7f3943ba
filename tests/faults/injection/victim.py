"""One deployment in memory under one attack: Sam asks, the model obeys whoever speaks, and all of it is noted."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from mcp_types import CallToolResult, ContentBlock, TextContent, Tool, ToolAnnotations

from shared.adapters.mcp_tools.offers import manifest_of
from shared.adapters.mcp_tools.results import result_of
from shared.adapters.memory.registry import MemoryRegistry
from shared.adapters.memory.tools import Answer
from shared.domain import turn_events as ev
from shared.domain.frames import Response
from shared.domain.security import SecurityEvent
from shared.domain.tools import Manifest, ServerEntry, ToolCall, ToolContext, ToolResult, ToolRule
from shared.flow import history, upkeep
from shared.flow.approvals import Verdict, decide
from shared.wire.outbound import to_json
from tests.faults.injection.corpus import SECRET, Attack
from tests.faults.injection.obedient import ObedientModel
from tests.unit.flow.conftest import SAM, SESSION, Room

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
SEARCHES = ToolAnnotations(read_only_hint=True, open_world_hint=True)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True)
ACTING = frozenset({"sfdc/log_activity", "sfdc/delete_account", "sfdc/add_note"})
SENDING = frozenset({"web/search"})
ALLOWED = frozenset({"sfdc/pipeline", "sfdc/helpful", *ACTING, *SENDING})
"""What Sam may call at all; the acting and sending ones only with a word of approval once others' words were read."""


@dataclass(kw_only=True)
class Outcome:
    """What an attack led to."""

    attack: Attack
    asked_for: int = 0
    """Calls that the model asked for."""
    called: list[str] = field(default_factory=list[str])
    disallowed: list[str] = field(default_factory=list[str])
    unapproved: list[str] = field(default_factory=list[str])
    answer: str = ""
    deltas: str = ""
    links: list[str] = field(default_factory=list[str])
    feedback: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What the person is shown of the calls, as JSON."""
    noticed: list[SecurityEvent] = field(default_factory=list[SecurityEvent])


def _tool(name: str, hints: ToolAnnotations, description: str = "", **more: Any) -> Tool:
    schema: dict[str, Any] = {"type": "object", "properties": {}, **more.pop("schema", {})}
    return Tool(name=name, description=description or name, input_schema=schema, annotations=hints, **more)


def _sales_tools() -> list[Tool]:
    return [
        _tool("pipeline", READS), _tool("helpful", READS), _tool("log_activity", WRITES),
        _tool("delete_account", WRITES), _tool("add_note", ADDS),
    ]  # fmt: skip


class Victim:
    """Sam's deployment; the person approves some calls and refuses the others, at random."""

    def __init__(self, attack: Attack, seed: int) -> None:
        self.attack = attack
        self.rng = Random(f"{seed}/{attack.number}")
        self.room = Room()
        self.outcome = Outcome(attack=attack)
        self.approved: dict[str, dict[str, Any]] = {}
        self.model = ObedientModel(self.rng)

    async def run(self) -> Outcome:
        """Set everything up, ask, and see what came of it."""
        room = self.room
        manifests = self._manifests(_sales_tools())
        registry = MemoryRegistry(self._entries(), manifests)
        room.tools.manifests = {one.server: one for one in manifests}
        answers: dict[str, Answer] = dict.fromkeys((*ALLOWED, "hr/salary_of", "hr/find_people"), self._result)
        room.tools.answers = answers
        room.services = replace(room.services, model=self.model, registry=registry)
        await self._describe()
        await room.sign_in()
        await room.ask(self._question())
        self._with_a_person()
        await room.run()
        return await self._judged()

    def _entries(self) -> list[ServerEntry]:
        # An operator who trusts two tools without a word, as long as nobody else's words are about.
        trusts = {"add_note": ToolRule(approval=False)} if self.attack.kind in ("result", "exfiltration") else {}
        common: dict[str, Any] = {"auth_enabled": False, "description": "d"}
        return [
            ServerEntry(name="sfdc", url="https://s.example/mcp", roles=("Sales",), tools=trusts, **common),
            ServerEntry(name="web", url="https://w.example/mcp", roles=("*",), **common),
            ServerEntry(name="hr", url="https://h.example/mcp", roles=("HR",), **common),
        ]

    def _manifests(self, sales: Sequence[Tool]) -> list[Manifest]:
        offered = {
            "sfdc": sales,
            "web": [_tool("search", SEARCHES)],
            "hr": [_tool("salary_of", READS), _tool("find_people", READS)],
        }
        return [manifest_of(name, tools, self.room.clock.now()) for name, tools in offered.items()]

    async def _describe(self) -> None:
        """Have the sales server describe a tool with the attack in it: from the beginning, later, or as a new one."""
        if self.attack.kind != "description":
            return
        bad = self._poisoned("withheld_tool" if self.attack.time == "new" else "helpful")
        tools = [*(one for one in _sales_tools() if one.name != bad.name), bad]
        (sales, *others) = self._manifests(tools)
        self.room.tools.manifests = {one.server: one for one in (sales, *others)}
        if self.attack.time == "first":
            registry = MemoryRegistry(self._entries())
            self.room.services = replace(self.room.services, registry=registry)
        await upkeep.refresh_tools(self.room.services)

    def _poisoned(self, name: str) -> Tool:
        text = self.attack.text
        match self.attack.place:
            case "title":
                return _tool(name, READS, title=text)
            case "parameter":
                return _tool(name, READS, schema={"properties": {"a": {"type": "string", "description": text}}})
            case "choice":
                return _tool(name, READS, schema={"properties": {"a": {"enum": [text, "b"]}}})
            case "default":
                return _tool(name, READS, schema={"properties": {"a": {"default": text}}})
            case _:
                return _tool(name, READS, text)

    def _question(self) -> str:
        looks = "Please look: sfdc__pipeline {}"
        return f"{looks} and {self.attack.text}" if self.attack.kind == "direct" else looks

    def _result(self, call: ToolCall, context: ToolContext) -> ToolResult:
        del context
        own = self.attack.kind in ("result", "exfiltration")
        text = self.attack.text if own else "nothing of interest"
        place = self.attack.place
        document: dict[str, Any] = {"rows": [{"account": "Acme", "note": SECRET}]}
        content: list[ContentBlock] = [TextContent(type="text", text=text)] if place in ("text", "error") else []
        match place:
            case "nested":
                document["rows"][0]["history"] = [{"by": "a customer", "said": text}]
            case "name":
                document[text] = 1
            case "link":
                document["links"] = [text, {"url": text}]
            case "summary":
                document["summary"] = text
            case _:
                document["rows"][0]["note"] = f"{SECRET} {text}"
        structured = None if place in ("text", "error") else document
        answer = CallToolResult(content=content, structured_content=structured, is_error=place == "error")
        return result_of(call, answer)

    def _with_a_person(self) -> None:
        perform = self.room.perform

        async def performing(ref: Any, effect: ev.Effect) -> ev.Event:
            if isinstance(effect, ev.AwaitApprovals):
                for frame in self.room.frames("tool.approval_required"):
                    if frame.call_id in effect.call_ids and self.rng.random() < 0.3:
                        self.approved[frame.call_id] = frame.arguments
                        verdict = Verdict(user_id=SAM, turn_id=ref.turn_id, call_id=frame.call_id, approved=True)
                        await decide(self.room.services, self.room.engine, verdict)
            return await perform(ref, effect)

        self.room.perform = performing  # type: ignore[method-assign]

    async def _judged(self) -> Outcome:
        outcome = self.outcome
        for one in self.room.tools.called:
            name = f"{one.call.server}/{one.call.name}"
            outcome.called.append(name)
            if name not in ALLOWED:
                outcome.disallowed.append(name)
            approved = self.approved.get(one.call.call_id)
            if name in ACTING and approved != one.call.arguments:
                outcome.unapproved.append(name)
            if name in SENDING and one.call.round > 0 and approved != one.call.arguments:
                outcome.unapproved.append(name)
        responses: list[Response] = [*self.room.frames("response")]
        (response,) = responses
        outcome.asked_for = len(response.tool_feedback)
        outcome.feedback = [to_json(one) for one in response.tool_feedback]
        outcome.links = [link for one in response.tool_feedback for link in one.links or []]
        stored = await history.messages(self.room.services, SAM, SESSION, after_seq=0, before_seq=None, limit=9)
        outcome.answer = stored.messages[1].content
        last = max((frame.attempt for frame in self.room.frames("response.delta")), default=0)
        outcome.deltas = "".join(f.text for f in self.room.frames("response.delta") if f.attempt == last)
        outcome.noticed = list(self.room.security.events)
        return outcome

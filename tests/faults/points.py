"""The points at which the host is killed: before and after each durable transaction, write, frame, call and token.

Transactions of the durable engine are met from inside the host. Everything else is held at the stand-in that it
reaches, not carried out ("before") or carried out ("after"), and the host is killed while it waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

from tests.e2e.stack import Stack

HELD_MS = 5000
When = Literal["before", "after"]

# Name, number of it in a turn with one tool that waits for approval.
DURABLE = (
    ("start", 1),
    ("message", 1),
    *((f"activity {name}", 1) for name in ("process_round", "settle_approvals", "run_tool", "respond", "persist")),
    *((f"activity {name}", 1) for name in ("release", "tidy")),
    ("activity process_round", 2),
    *((f"episode {name}", 1) for name in ("process_round", "timer", "settle_approvals", "run_tool", "respond")),
    *((f"episode {name}", 1) for name in ("persist", "release", "tidy", "Completed")),
    ("episode process_round", 2),
)
# Name, container, operation, text in the request.
WRITES: tuple[tuple[str, str, str | None, str], ...] = (
    ("accept", "conversations", "batch", '"u:'),
    ("limit", "users", None, '"limit:person"'),
    ("entry", "users", "create", '"c:'),
    ("claim", "conversations", "patch", "/attempt"),
    ("checkpoint", "conversations", "patch", "c.attempt = "),
    ("end of round", "conversations", "batch", "/rounds/-"),
    ("wait for approval", "conversations", "patch", '"value":"awaiting_approval"'),
    ("approval", "conversations", "patch", '"value":"approved"'),
    ("call opened", "conversations", "patch", '"value":"open"'),
    ("call closed", "conversations", "patch", '"value":"done"'),
    ("seal", "conversations", "batch", "/sealed"),
    ("answer bound", "conversations", "upsert", '"a:'),
    ("usage bound", "users", "upsert", '"use:'),
    ("release", "conversations", "batch", "AND IS_DEFINED(c.sealed) AND"),
)
# Name, text in the frame.
FRAMES = (
    *((name, name) for name in ("new_message", "response.started", "response.delta", "tool.started", "tool.finished")),
    *((name, name) for name in ("tool.approval_required", "response.committed")),
    ("response", "tool_feedback"),
)
TOOLS = ("log_activity", "pipeline_summary")
TOKENS = (("calls", 0), ("answer", 0), ("answer", 12))


@dataclass(frozen=True, kw_only=True)
class Point:
    """One place and side; `fault` is what its stand-in is told."""

    name: str
    where: Literal["durable", "cosmos", "webpubsub", "mcp", "model"]
    fault: Mapping[str, Any]

    async def arm(self, http: aiohttp.ClientSession, stack: Stack) -> None:
        """Have the next one that comes here meet its fault."""
        async with http.post(url(stack, self.where), json=dict(self.fault)) as answer:
            assert answer.status < 300, await answer.text()

    async def disarm(self, http: aiohttp.ClientSession, stack: Stack) -> None:
        """Forget a fault that nothing met."""
        async with http.delete(url(stack, self.where)) as answer:
            assert answer.status < 300, await answer.text()

    async def is_hit(self, http: aiohttp.ClientSession, stack: Stack) -> bool:
        """Tell whether something waits here; a durable point kills by itself."""
        if self.where == "durable":
            return False
        address = f"{stack.url('model')}/_requests?last=30" if self.where == "model" else url(stack, self.where)
        async with http.get(address) as answer:
            seen: Any = await answer.json()
        match self.where:
            case "cosmos":
                return any(rule["hits"] for rule in seen)
            case "webpubsub":
                return seen["held"] > 0
            case "mcp":
                return not seen
            case _:
                return any(_hangs(entry, self.fault["after"]) for entry in seen["requests"])


def _hangs(entry: Mapping[str, Any], after: int) -> bool:
    return entry["fault"] == "hang_after" and entry["tokens_sent"] >= after and entry["ended_at"] is None


def url(stack: Stack, where: str) -> str:
    """Name the address at which a part takes faults."""
    if where == "durable":
        return f"http://127.0.0.1:{stack.base + 8}/durabletask/_faults"
    base = next(iter(stack.manifest["mcp"].values())).rsplit("/", 2)[0] if where == "mcp" else stack.url(where)
    return f"{base}/_faults"


def all_points() -> list[Point]:
    """List every point."""
    return [
        *(point for when in ("before", "after") for point in _pairs(when)),
        *(
            Point(
                name=f"model, {phase}, {after} tokens",
                where="model",
                fault={"mode": "hang_after", "after": after, "during": phase, "count": 1},
            )
            for phase, after in TOKENS
        ),
    ]


def _pairs(when: When) -> list[Point]:
    return [
        *(
            Point(
                name=f"{when} {what} {step}",
                where="durable",
                fault={"kind": "crash", "what": what, "step": step, "when": when},
            )
            for what, step in DURABLE
        ),
        *(
            Point(name=f"{when} write: {name}", where="cosmos", fault=_held_write(when, place, kind, text))
            for name, place, kind, text in WRITES
        ),
        *(
            Point(name=f"{when} frame: {name}", where="webpubsub", fault={"kind": "hold", "text": text, "when": when})
            for name, text in FRAMES
        ),
        *(Point(name=f"{when} call: {tool}", where="mcp", fault=_held_call(when, tool)) for tool in TOOLS),
    ]


def _held_write(when: When, container: str, operation: str | None, text: str) -> dict[str, Any]:
    match = {"container": container, "item": text, "count": 1} | ({"operation": operation} if operation else {})
    # 503 is answered to nobody: it says that the write is not done.
    return {"match": match, "status": 503 if when == "before" else "drop-after-apply", "delay_ms": HELD_MS}


def _held_call(when: When, tool: str) -> dict[str, Any]:
    mode = "hold" if when == "before" else "hold_after"
    return {"mode": mode, "tool": tool, "count": 1, "seconds": HELD_MS / 1000}

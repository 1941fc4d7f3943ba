"""The failure rows of tool servers, each at a real server, with calls and effects counted there."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from shared.adapters.mcp_tools.client import McpTools
from shared.domain.tools import CallState, ToolResult

from .conftest import Part
from .tool_calls import call, context, entry

WRITE = {"account": "ACC-0001", "subject": "Followed up"}


class Sales:
    """The sales server, its faults and its figures, as Sam uses it."""

    def __init__(self, part: Part, tools: McpTools, token: str) -> None:
        self.entry = entry(part)
        self._part = part
        self._tools = tools
        self.who = context(token)

    def fails(self, mode: str, **how: Any) -> None:
        """Switch a fault on."""
        self._part.ask("POST", "/_faults", {"server": "sfdc", "mode": mode, **how})

    def figures(self) -> dict[str, Any]:
        """What reached the server."""
        return self._part.ask("GET", "/_stats")["sfdc"]

    def effects(self) -> int:
        """How many activities were logged."""
        return len(self.figures()["effects"])

    async def read(self, **how: Any) -> ToolResult:
        """Ask for the forecast, which may be repeated."""
        return await self._tools.call(self.entry, call("forecast"), replace(self.who, **how))

    async def write(self, key: str = "k1", **how: Any) -> ToolResult:
        """Log an activity, which may not."""
        who = replace(self.who, idempotency_key=key, **how)
        return await self._tools.call(self.entry, call("log_activity", safe=False, **WRITE), who)


@pytest.fixture
def sales(tools: McpTools, tool_servers: Part, identity: Part) -> Iterator[Sales]:
    """The server in good health and with empty figures; faults end with the test."""
    tool_servers.ask("DELETE", "/_stats")
    yield Sales(tool_servers, tools, identity.token("sam.sales"))
    tool_servers.ask("DELETE", "/_faults")


@pytest.mark.requirement("tools:two-tries")
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_call_that_only_reads_is_tried_twice_when_the_server_fails(sales: Sales, status: int) -> None:
    """One fault costs nothing but time."""
    sales.fails("http", tool="forecast", status=status, count=1)

    result = await sales.read()

    assert result.state is CallState.DONE


async def test_a_second_fault_ends_the_call(sales: Sales) -> None:
    """Two tries, and no third."""
    await sales.read()
    before = sales.figures()["requests"]
    sales.fails("http", tool="forecast", status=503)

    result = await sales.read()

    assert (result.state, result.server_down) == (CallState.FAILED, True)
    assert "sfdc" in result.summary
    assert sales.figures()["requests"] - before <= 4  # two calls, and at most one new client between them


@pytest.mark.requirement("tools:at-most-once")
@pytest.mark.parametrize(
    ("mode", "effects"),
    [("http", 0), ("cut", 1), ("drop", 0), ("html", 0), ("oversize", 0), ("wrong_id", 0), ("invalid_result", 0)],
)
async def test_a_write_without_a_clear_answer_is_unknown_and_never_sent_again(
    sales: Sales, mode: str, effects: int
) -> None:
    """Whether it took effect or not, the server saw it once."""
    sales.fails(mode, tool="log_activity")

    result = await sales.write(f"unclear-{mode}")
    sales._part.ask("DELETE", "/_faults")

    assert result.state is CallState.UNKNOWN
    assert sales.effects() == effects
    assert (await sales.read()).state is CallState.DONE


@pytest.mark.requirement("tools:at-most-once")
async def test_a_write_that_takes_too_long_is_unknown_and_its_effect_counts_once(sales: Sales) -> None:
    """The time is over before the answer comes."""
    sales.fails("slow", tool="log_activity", seconds=30)

    result = await sales.write("slow", timeout_s=0.5)

    assert result.state is CallState.UNKNOWN
    assert sales.effects() <= 1


@pytest.mark.requirement("tools:at-most-once")
async def test_a_timeout_after_the_effect_reports_unknown_and_is_not_retried(sales: Sales) -> None:
    """The server has written and does not answer: one call, one effect, and nobody claims to know."""
    sales.fails("hold_after", tool="log_activity", seconds=30)

    result = await sales.write("timeout", timeout_s=1)

    assert result.state is CallState.UNKNOWN
    assert (sales.effects(), sales.figures()["keys"]) == (1, {"timeout": 1})


@pytest.mark.requirement("tools:at-most-once")
@pytest.mark.parametrize("mode", ["hold_after", "cut", "http"])
async def test_an_idempotent_write_without_an_answer_is_sent_again_with_its_key(sales: Sales, mode: str) -> None:
    """Where the registry says that the server knows repetitions: two calls at most, one effect, and its outcome."""
    sales.fails(mode, tool="log_activity", count=1, **({"seconds": 30} if mode == "hold_after" else {}))
    repeatable = replace(call("log_activity", safe=True, **WRITE), reads=False)

    who = replace(sales.who, idempotency_key=f"again-{mode}", timeout_s=4)
    result = await sales._tools.call(sales.entry, repeatable, who)

    assert result.state is CallState.DONE
    assert sales.effects() == 1
    assert sales.figures()["keys"] == {f"again-{mode}": 1 if mode == "http" else 2}


@pytest.mark.requirement("tools:at-most-once")
async def test_an_idempotent_write_that_never_answers_is_unknown(sales: Sales) -> None:
    """Not failed: the model would ask for it anew, under another key."""
    sales.fails("hold_after", tool="log_activity", seconds=30)
    repeatable = replace(call("log_activity", safe=True, **WRITE), reads=False)

    who = replace(sales.who, idempotency_key="never", timeout_s=2)
    result = await sales._tools.call(sales.entry, repeatable, who)

    assert result.state is CallState.UNKNOWN
    assert sales.effects() == 1


@pytest.mark.requirement("tools:typed-faults")
@pytest.mark.parametrize("mode", ["cut", "drop", "html", "oversize", "wrong_id", "invalid_result"])
async def test_a_spoiled_answer_to_a_read_is_a_failure_of_that_call_alone(sales: Sales, mode: str) -> None:
    """It ends long before its time, and the next call is healthy."""
    sales.fails(mode, tool="forecast")
    began = time.monotonic()

    result = await sales.read()
    took_s = time.monotonic() - began
    sales._part.ask("DELETE", "/_faults")

    assert result.state is CallState.FAILED
    assert took_s < 5
    assert (await sales.read()).state is CallState.DONE


@pytest.mark.requirement("tools:typed-faults")
async def test_a_broken_connection_never_touches_the_calls_beside_it(sales: Sales) -> None:
    """Nine of ten calls side by side go on."""
    await sales.read()
    sales.fails("cut", tool="log_activity", count=1)

    *reads, write = await asyncio.gather(*(sales.read() for _ in range(9)), sales.write("beside"))

    assert [result.state for result in reads] == [CallState.DONE] * 9
    assert write.state is CallState.UNKNOWN


async def test_a_busy_server_gets_the_time_that_it_asks_for(sales: Sales) -> None:
    """Retry-After counts, for a call that may be repeated."""
    sales.fails("http", tool="forecast", status=429, retry_after=1, count=1)
    began = time.monotonic()

    result = await sales.read()

    assert result.state is CallState.DONE
    assert time.monotonic() - began >= 1


@pytest.mark.requirement("tools:two-tries")
async def test_a_wait_may_be_asked_for_as_a_date(sales: Sales) -> None:
    """Counted from the server's own time, whatever the time is here; dates are of whole seconds."""
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    sales.fails("http", tool="forecast", status=503, retry_after=until, count=1)
    began = time.monotonic()

    result = await sales.read()

    assert result.state is CallState.DONE
    assert 1 <= time.monotonic() - began < 6


@pytest.mark.parametrize("wish", ["soon", "-5", "", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999999999"])
async def test_a_wish_that_makes_no_sense_holds_nobody_up(sales: Sales, wish: str) -> None:
    """What is no time, or past, is none; what is too long ends the call."""
    sales.fails("http", tool="forecast", status=503, retry_after=wish, count=1)
    began = time.monotonic()

    result = await sales.read()

    assert result.state is (CallState.FAILED if wish.startswith("9") else CallState.DONE)
    assert time.monotonic() - began < 3


async def test_a_wait_beyond_the_calls_own_time_is_not_begun(sales: Sales) -> None:
    """The model is told how long the server wishes to be left alone."""
    sales.fails("http", tool="forecast", status=503, retry_after=60)
    began = time.monotonic()

    result = await sales.read()

    assert result.state is CallState.FAILED
    assert "60 s" in result.summary
    assert time.monotonic() - began < 5


async def test_a_busy_server_leaves_a_write_undone_and_says_so(sales: Sales) -> None:
    """429 comes before any effect: this is no unclear outcome, and nothing is sent again."""
    sales.fails("http", tool="log_activity", status=429)

    result = await sales.write("busy")

    assert result.state is CallState.FAILED
    assert sales.effects() == 0


@pytest.mark.requirement("tools:token-refresh")
async def test_a_refused_token_is_replaced_once(sales: Sales) -> None:
    """401 in the middle of a turn: one new token, then the call works, also a write."""
    sales.fails("http", tool="log_activity", status=401, count=1)

    result = await sales.write("refreshed")

    assert result.state is CallState.DONE
    assert sales.effects() == 1


@pytest.mark.requirement("tools:token-refresh")
@pytest.mark.parametrize(("status", "most"), [(401, 2), (403, 1)])
async def test_a_lasting_refusal_ends_the_call_without_a_loop(sales: Sales, status: int, most: int) -> None:
    """The person is told that the server does not allow it."""
    await sales.read()
    before = sales.figures()["requests"]
    sales.fails("http", tool="log_activity", status=status)

    result = await sales.write("denied")

    assert result.state is CallState.FAILED
    assert "does not allow" in result.summary
    assert sales.figures()["requests"] - before == most
    assert sales.effects() == 0


@pytest.mark.requirement("tools:breaker")
async def test_a_server_that_keeps_failing_is_left_alone(sales: Sales, tools: McpTools) -> None:
    """After five faults in a row calls fail at once, without reaching it; a discovery that works ends that."""
    sales.fails("http", tool="forecast", status=500)
    for _ in range(5):
        await sales.read()
    before = sales.figures()["requests"]

    refused = await sales.read()

    assert tools.breaker(sales.entry) == "open"
    assert (refused.state, refused.server_down) == (CallState.FAILED, True)
    assert sales.figures()["requests"] == before
    sales._part.ask("DELETE", "/_faults")
    await tools.discover(sales.entry, context(None))
    assert tools.breaker(sales.entry) == "closed"
    assert (await sales.read()).state is CallState.DONE


@pytest.mark.requirement("tools:cancel-reaches-server")
async def test_giving_up_a_call_stops_the_tool_at_the_server(sales: Sales, tools: McpTools) -> None:
    """The server hears of it within a second."""
    moved = asyncio.Event()

    async def report(progress: float, total: float | None, message: str | None) -> None:
        assert total
        assert message
        assert progress <= total
        moved.set()

    slow = call("deep_pipeline_review", seconds=60)
    running = asyncio.create_task(tools.call(sales.entry, slow, replace(sales.who, on_progress=report)))
    await asyncio.wait_for(moved.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    async with asyncio.timeout(1.5):
        while not (await asyncio.to_thread(sales.figures))["cancelled"].get("deep_pipeline_review"):
            await asyncio.sleep(0.05)


async def test_a_slow_tool_reports_its_progress(sales: Sales, tools: McpTools) -> None:
    """In order, up to its end."""
    seen: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        del total, message
        seen.append(progress)

    slow = call("deep_pipeline_review", seconds=0.2)
    result = await tools.call(sales.entry, slow, replace(sales.who, on_progress=report))

    assert result.state is CallState.DONE
    assert seen == sorted(seen)
    assert seen[-1] == 10


async def test_twenty_calls_wait_for_their_turn_and_all_answer(sales: Sales) -> None:
    """More than the bound are asked for at once."""
    results = await asyncio.gather(*(sales.read() for _ in range(20)))

    assert [result.state for result in results] == [CallState.DONE] * 20


@pytest.mark.requirement("tools:legible")
@pytest.mark.parametrize(("arguments", "words"), [({"limit": 1}, "1 row"), ({"limit": 2}, "2 rows")])
async def test_a_result_says_in_one_line_what_came(
    sales: Sales, tools: McpTools, arguments: dict[str, Any], words: str
) -> None:
    """With its date and its links."""
    result = await tools.call(sales.entry, call("list_opportunities", owner="all", **arguments), sales.who)

    assert result.summary == words
    assert result.as_of
    assert all(link.startswith("https://") for link in result.links)

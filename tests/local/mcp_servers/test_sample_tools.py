"""The sample servers tell one coherent, made-up story, and what a person edits shows in the next call."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from local.mcp_servers.sample_data import SampleData, generate

from .conftest import Era, Servers


def _table(servers: Servers, name: str) -> list[dict[str, Any]]:
    return json.loads((servers.data / "sample-data" / f"{name}.json").read_text())


def test_the_sample_data_is_the_same_for_the_same_seed_and_large_enough() -> None:
    """Figures in documents and tests must not depend on luck."""
    one, same, other = (generate(seed, date(2026, 5, 15)) for seed in (1, 1, 2))

    assert one == same != other
    assert len(one["accounts"]) >= 200
    assert len(one["opportunities"]) >= 600


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 31), date(2024, 2, 29), date(2026, 12, 31)])
def test_every_sales_person_has_an_open_pipeline_on_any_day(today: date) -> None:
    """The first question of a newcomer must not come back empty on the last day of a quarter."""
    data = generate(1, today)
    first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1).isoformat()

    for seller in ("sam.sales@example.com", "sue.sales@example.com"):
        mine = [
            row
            for row in data["opportunities"]
            if row["owner"] == seller and row["close_date"] >= first and not row["stage"].startswith("Closed")
        ]
        assert len({row["stage"] for row in mine}) >= 3


def test_the_sample_data_fits_together() -> None:
    """Every reference leads somewhere."""
    data = generate(7, date(2026, 5, 15))
    accounts = {row["id"] for row in data["accounts"]}
    people = {row["email"] for row in data["people"]}

    assert {row["account_id"] for row in data["opportunities"]} <= accounts
    assert {row["account_id"] for row in data["contacts"]} <= accounts
    assert {row["owner"] for row in data["opportunities"]} <= people
    assert {row["manager"] for row in data["people"]} - {None} <= people
    assert {row["email"] for row in data["leave"]} == people
    assert len({row["email"] for row in data["people"]}) == len(data["people"])


ERAS: tuple[Era, ...] = ("auto", "legacy")


@pytest.mark.parametrize("mode", ERAS)
async def test_clients_of_both_protocol_eras_get_the_same_tools(servers: Servers, mode: Era) -> None:
    """The stateless revision and the handshake before it are both spoken."""
    async with servers.client("hr", mode=mode) as client:
        tools = (await client.list_tools()).tools

    names = {tool.name for tool in tools}
    assert names == {"find_people", "headcount", "leave_balance", "salary_bands", "salary_of"}
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)


async def test_the_pipeline_by_stage_is_the_sum_of_the_opportunities(servers: Servers) -> None:
    """What the tool says is what the data say."""
    result = await servers.call("pipeline_summary")

    mine = [
        row
        for row in _table(servers, "opportunities")
        if row["owner"] == "sam.sales@example.com" and _quarter(row["close_date"]) == result["period"]
    ]
    still_open = [row for row in mine if not row["stage"].startswith("Closed")]
    assert result["open_amount"] == sum(row["amount"] for row in still_open)
    assert {row["stage"]: row["amount"] for row in result["rows"]} == {
        stage: sum(row["amount"] for row in still_open if row["stage"] == stage)
        for stage in {row["stage"] for row in still_open}
    }
    assert result["links"][0]["url"].startswith("https://crm.example.com/")


async def test_an_edited_figure_shows_in_the_next_call(servers: Servers) -> None:
    """A person can change a file and ask again."""
    before = await servers.call("pipeline_summary", {"quarter": "all"})
    file = servers.data / "sample-data" / "opportunities.json"
    rows = json.loads(file.read_text())
    mine = next(row for row in rows if row["owner"] == "sam.sales@example.com" and row["stage"] == "Proposal")
    mine["amount"] += 1_234_567
    file.write_text(json.dumps(rows))

    after = await servers.call("pipeline_summary", {"quarter": "all"})

    assert after["open_amount"] - before["open_amount"] == 1_234_567
    assert after["as_of"] > before["as_of"]


async def test_a_file_that_was_broken_by_hand_fails_the_call_and_not_the_server(servers: Servers) -> None:
    """The next correct file works again."""
    file = servers.data / "sample-data" / "salary_bands.json"
    good = file.read_text()
    file.write_text("{")

    assert "salary_bands" in await servers.failure("salary_bands", {}, server="hr")
    file.write_text(good)
    assert (await servers.call("salary_bands", server="hr"))["rows"]


@pytest.mark.parametrize("quarter", ["this", "last quarter", "2026-Q1", "Q2 2027", "next year", "all"])
async def test_periods_can_be_said_in_words(servers: Servers, quarter: str) -> None:
    """Models write them in many ways."""
    assert (await servers.call("forecast", {"owner": "all", "quarter": quarter}))["period"]


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("pipeline_summary", {"owner": "Nobody Known"}, "Nobody called 'Nobody Known'"),
        ("pipeline_summary", {"owner": "(sample)"}, "fits several people"),
        ("pipeline_summary", {"quarter": "soon"}, "unknown period 'soon'"),
        ("get_account", {"account": "No Such Account"}, "No account called"),
        ("get_account", {"account": "Sample"}, "fits several accounts"),
    ],
)
async def test_arguments_that_make_no_sense_are_told_to_the_model(
    servers: Servers, tool: str, arguments: dict[str, Any], told: str
) -> None:
    """It can correct them."""
    assert told in await servers.failure(tool, arguments)


async def test_the_asker_is_the_default_owner(servers: Servers) -> None:
    """Who says "my pipeline" need not give a name."""
    async with servers.client("sfdc", headers={"X-User-Email": "sue.sales@example.com"}) as client:
        result = await client.call_tool("pipeline_summary", {})

    assert result.structured_content is not None
    assert result.structured_content["owner"] == "sue.sales@example.com"


@pytest.mark.parametrize(
    ("server", "tool", "arguments"),
    [
        ("sfdc", "list_opportunities", {"stage": "Negotiation", "quarter": "all", "min_amount": 50_000}),
        ("sfdc", "search_accounts", {"industry": "Retail"}),
        ("sfdc", "get_account", {"account": "ACC-0002"}),
        ("hr", "find_people", {"department": "HR"}),
        ("hr", "headcount", {"by": "location"}),
        ("hr", "leave_balance", {"person": "Sue Sales"}),
        ("hr", "salary_of", {"person": "sue.sales@example.com"}),
        ("o365", "list_meetings", {"day": "next week"}),
        ("o365", "free_time", {"day": "tomorrow"}),
        ("winloss", "win_rate", {"by": "competitor"}),
        ("winloss", "win_loss_reasons", {"outcome": "won"}),
        ("winloss", "closed_deals", {"owner": "all", "region": "EMEA"}),
    ],
)
async def test_every_reading_tool_answers_with_its_age_and_a_link(
    servers: Servers, server: str, tool: str, arguments: dict[str, Any]
) -> None:
    """Answers can say how old their figures are and where they come from."""
    result = await servers.call(tool, arguments, server=server)

    assert result["as_of"].endswith("Z")
    assert result["links"][0]["url"].startswith("https://")


def _quarter(day: str) -> str:
    return f"{day[:4]}-Q{(int(day[5:7]) + 2) // 3}"


def test_generated_files_are_kept(tmp_path: Path) -> None:
    """A restart must not undo what a person edited."""
    SampleData(tmp_path).append("activities", {"id": "ACT-1"})

    assert SampleData(tmp_path).rows("activities") == [{"id": "ACT-1"}]

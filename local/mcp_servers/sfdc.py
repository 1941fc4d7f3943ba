"""Serve the sales system: accounts, opportunities, pipeline, forecast, and the logging of activities."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from local.mcp_servers import pipeline
from local.mcp_servers import sfdc_results as shapes
from local.mcp_servers.asking import Asking, Owner, Row, owner_address
from local.mcp_servers.periods import Period, parse_period
from local.mcp_servers.results import READS, Link, link
from local.mcp_servers.sample_data import SampleData
from local.mcp_servers.sample_names import INDUSTRIES

CURRENCY = "EUR"
_MOST_ROWS = 50

Quarter = Annotated[
    str,
    Field(
        description="Which quarter by close date: this, last, next, one like 2026-Q3, a year, or all",
        examples=["this", "last", "next", "all"],
    ),
]
Region = Annotated[Literal["all", "EMEA", "AMER", "APAC"], Field(description="Sales region, or all")]
Stage = Annotated[
    Literal["all", "open", "Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won", "Closed Lost"],
    Field(description="Stage of the sales process; open means every stage before closing"),
]
Limit = Annotated[int, Field(ge=1, le=_MOST_ROWS, description="How many rows at most")]


def period(text: str, data: SampleData) -> Period:
    """Return the period meant; an unknown one is told to the model."""
    try:
        return parse_period(text, data.today)
    except ValueError as fault:
        raise ToolError(str(fault)) from fault


class SalesTools:
    """The reading tools of the sales system."""

    def __init__(self, data: SampleData) -> None:
        self._data = data

    def register(self, server: MCPServer) -> None:
        """Offer the tools on `server`."""
        for tool in (
            self.pipeline_summary,
            self.list_opportunities,
            self.get_account,
            self.search_accounts,
            self.forecast,
        ):
            server.add_tool(tool, annotations=READS)

    async def pipeline_summary(
        self, ctx: Asking, owner: Owner = "me", quarter: Quarter = "this", region: Region = "all"
    ) -> shapes.PipelineSummary:
        """Sum up the open sales pipeline by stage: number of opportunities, amount and weighted amount."""
        wanted = self._filter(ctx, owner=owner, quarter=quarter, region=region)
        rows = self._kept(wanted)
        still_open = [row for row in rows if pipeline.is_open(row)]
        return shapes.PipelineSummary(
            owner=wanted.owner or "all",
            period=wanted.period.name,
            region=region,
            currency=CURRENCY,
            rows=pipeline.by_stage(still_open),
            open_opportunities=len(still_open),
            open_amount=pipeline.amount_of(still_open),
            open_weighted_amount=pipeline.weighted(still_open),
            won_amount=pipeline.amount_of(row for row in rows if row["stage"] == "Closed Won"),
            lost_amount=pipeline.amount_of(row for row in rows if row["stage"] == "Closed Lost"),
            as_of=self._data.as_of("opportunities"),
            links=[link("crm", "Pipeline report", f"reports/pipeline/{wanted.period.name}")],
        )

    async def list_opportunities(
        self,
        ctx: Asking,
        owner: Owner = "me",
        quarter: Quarter = "this",
        region: Region = "all",
        stage: Stage = "open",
        min_amount: Annotated[int, Field(ge=0, description="Smallest amount in EUR")] = 0,
        limit: Limit = 10,
    ) -> shapes.OpportunityList:
        """List single opportunities (deals), largest first, with account, stage, amount and close date."""
        wanted = self._filter(ctx, owner=owner, quarter=quarter, region=region, stage=stage, min_amount=min_amount)
        rows = self._kept(wanted)
        return shapes.OpportunityList(
            period=wanted.period.name,
            currency=CURRENCY,
            rows=pipeline.largest(rows, limit),
            total_opportunities=len(rows),
            total_amount=pipeline.amount_of(rows),
            as_of=self._data.as_of("opportunities"),
            links=[link("crm", "Opportunity list", f"reports/opportunities/{wanted.period.name}")],
        )

    async def get_account(
        self, account: Annotated[str, Field(description="Name or id of the account (customer)")]
    ) -> shapes.AccountDetails:
        """Show one account (customer): profile, contacts, open opportunities and what was won."""
        found = account_meant(account, self._data)
        chances = [row for row in self._data.rows("opportunities") if row["account_id"] == found["id"]]
        still_open = [row for row in chances if pipeline.is_open(row)]
        people = [row for row in self._data.rows("contacts") if row["account_id"] == found["id"]]
        return shapes.AccountDetails.model_validate(
            found
            | {
                "currency": CURRENCY,
                "open_amount": pipeline.amount_of(still_open),
                "won_amount": pipeline.amount_of(row for row in chances if row["stage"] == "Closed Won"),
                "contacts": people,
                "open_opportunities": [row.model_dump() for row in pipeline.largest(still_open, _MOST_ROWS)],
                "as_of": self._data.as_of("accounts"),
                "links": [account_link(found)],
            },
            extra="ignore",
        )

    async def search_accounts(
        self,
        query: Annotated[str, Field(description="Part of an account's name; empty for all")] = "",
        industry: Annotated[str, Field(description="Industry; empty for all", examples=list(INDUSTRIES))] = "",
        region: Region = "all",
        limit: Limit = 10,
    ) -> shapes.AccountList:
        """Search accounts (customers) by name, industry and region."""
        found = [
            row
            for row in self._data.rows("accounts")
            if query.lower() in row["name"].lower()
            and industry.lower() in {"", row["industry"].lower()}
            and region in {"all", row["region"]}
        ]
        shown = sorted(found, key=lambda row: row["name"])[:limit]
        return shapes.AccountList(
            rows=[shapes.AccountRow.model_validate(row, extra="ignore") for row in shown],
            total_accounts=len(found),
            as_of=self._data.as_of("accounts"),
            links=[link("crm", "Accounts", "accounts")],
        )

    async def forecast(
        self, ctx: Asking, owner: Owner = "me", quarter: Quarter = "this", region: Region = "all"
    ) -> shapes.Forecast:
        """Forecast the revenue of a quarter by owner: closed won, commit, best case and open pipeline."""
        wanted = self._filter(ctx, owner=owner, quarter=quarter, region=region)
        rows = self._kept(wanted)
        won = pipeline.amount_of(row for row in rows if row["stage"] == "Closed Won")
        return shapes.Forecast(
            period=wanted.period.name,
            currency=CURRENCY,
            rows=pipeline.forecast_by_owner(rows),
            expected_amount=won + pipeline.weighted(row for row in rows if pipeline.is_open(row)),
            as_of=self._data.as_of("opportunities"),
            links=[link("crm", "Forecast", f"reports/forecast/{wanted.period.name}")],
        )

    def _filter(
        self,
        ctx: Asking,
        *,
        owner: str,
        quarter: str,
        region: str,
        stage: str = "all",
        min_amount: int = 0,
    ) -> pipeline.Filter:
        return pipeline.Filter(
            period=period(quarter, self._data),
            owner=owner_address(owner, ctx, self._data.rows("people")),
            region=None if region == "all" else region,
            stage=None if stage == "all" else stage,
            min_amount=min_amount,
        )

    def _kept(self, wanted: pipeline.Filter) -> list[Row]:
        return [row for row in self._data.rows("opportunities") if wanted.keeps(row)]


def account_meant(text: str, data: SampleData) -> Row:
    """Return the one account that `text` names by id or by part of its name.

    Raises:
        ToolError: none fits, or several do; the text names them.
    """
    wanted = text.strip().lower()
    rows = data.rows("accounts")
    exact = [row for row in rows if wanted in {row["id"].lower(), row["name"].lower()}]
    found = exact or [row for row in rows if wanted and wanted in row["name"].lower()]
    if not found:
        raise ToolError(f"No account called {text!r} is known.")
    if len(found) > 1:
        raise ToolError(f"{text!r} fits several accounts: {', '.join(row['name'] for row in found[:5])}.")
    return found[0]


def account_link(account: Row) -> Link:
    """Return the link to an account's page."""
    return link("crm", account["name"], f"accounts/{account['id']}")

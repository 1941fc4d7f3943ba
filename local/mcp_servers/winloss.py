"""Serve the record of closed deals: win rate, reasons, competitors."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from mcp.server import MCPServer
from pydantic import BaseModel, Field

from local.mcp_servers.asking import Asking, Owner, Row, owner_address
from local.mcp_servers.results import READS, Result, link
from local.mcp_servers.sample_data import SampleData
from local.mcp_servers.sfdc import Limit, Quarter, Region, period


class WinRateRow(BaseModel):
    """Closed deals of one group."""

    group: str
    won: int
    lost: int
    win_rate_percent: float


class WinRate(Result):
    """How many closed deals were won."""

    period: str
    by: str
    rows: list[WinRateRow]
    won: int
    lost: int
    win_rate_percent: float


class ReasonRow(BaseModel):
    """One reason and how often it was given."""

    reason: str
    deals: int
    amount: int


class Reasons(Result):
    """Why deals were won or lost."""

    period: str
    outcome: str
    currency: str
    rows: list[ReasonRow]


class DealRow(BaseModel):
    """One closed deal."""

    name: str
    account: str
    outcome: str
    amount: int
    closed_on: str
    reason: str
    competitor: str


class Deals(Result):
    """Closed deals, newest first."""

    period: str
    currency: str
    rows: list[DealRow]
    total_deals: int


class WinLossTools:
    """The tools on closed deals; all of them only read."""

    def __init__(self, data: SampleData) -> None:
        self._data = data

    def register(self, server: MCPServer) -> None:
        """Offer the tools on `server`."""
        for tool in (self.win_rate, self.win_loss_reasons, self.closed_deals):
            server.add_tool(tool, annotations=READS)

    async def win_rate(
        self,
        ctx: Asking,
        by: Annotated[Literal["owner", "region", "competitor"], Field(description="What to group by")] = "region",
        owner: Owner = "all",
        quarter: Quarter = "all",
    ) -> WinRate:
        """Show the win rate of closed deals: won, lost, percent, by owner, region or competitor."""
        rows, name = self._closed(ctx, owner, quarter)
        groups = sorted({row[by] for row in rows})
        won, lost = _count(rows)
        return WinRate(
            period=name,
            by=by,
            rows=[_rate(group, [row for row in rows if row[by] == group]) for group in groups],
            won=won,
            lost=lost,
            win_rate_percent=_percent(won, lost),
            as_of=self._data.as_of("deals"),
            links=[link("crm", "Win and loss report", "reports/winloss")],
        )

    async def win_loss_reasons(
        self,
        ctx: Asking,
        outcome: Annotated[Literal["won", "lost"], Field(description="Won or lost deals")] = "lost",
        owner: Owner = "all",
        quarter: Quarter = "all",
    ) -> Reasons:
        """Show why deals were won or lost: reasons, how often, and the amounts."""
        rows, name = self._closed(ctx, owner, quarter)
        meant = [row for row in rows if row["outcome"] == outcome]
        counts = Counter(row["reason"] for row in meant)
        return Reasons(
            period=name,
            outcome=outcome,
            currency="EUR",
            rows=[
                ReasonRow(
                    reason=reason,
                    deals=deals,
                    amount=sum(row["amount"] for row in meant if row["reason"] == reason),
                )
                for reason, deals in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
            ],
            as_of=self._data.as_of("deals"),
            links=[link("crm", "Win and loss report", "reports/winloss")],
        )

    async def closed_deals(
        self,
        ctx: Asking,
        outcome: Annotated[Literal["all", "won", "lost"], Field(description="Won deals, lost deals, or all")] = "all",
        owner: Owner = "me",
        quarter: Quarter = "last",
        region: Region = "all",
        limit: Limit = 10,
    ) -> Deals:
        """List closed deals that were won or lost, newest first, with reason and competitor."""
        rows, name = self._closed(ctx, owner, quarter)
        meant = [row for row in rows if outcome in {"all", row["outcome"]} and region in {"all", row["region"]}]
        newest = sorted(meant, key=lambda row: (row["closed_on"], row["opportunity_id"]), reverse=True)
        return Deals(
            period=name,
            currency="EUR",
            rows=[DealRow.model_validate(row, extra="ignore") for row in newest[:limit]],
            total_deals=len(meant),
            as_of=self._data.as_of("deals"),
            links=[link("crm", "Closed deals", "reports/closed")],
        )

    def _closed(self, ctx: Asking, owner: str, quarter: str) -> tuple[list[Row], str]:
        span = period(quarter, self._data)
        address = owner_address(owner, ctx, self._data.rows("people"))
        rows = [
            row for row in self._data.rows("deals") if span.holds(row["closed_on"]) and address in {None, row["owner"]}
        ]
        return rows, span.name


def _count(rows: list[Row]) -> tuple[int, int]:
    won = sum(row["outcome"] == "won" for row in rows)
    return won, len(rows) - won


def _percent(won: int, lost: int) -> float:
    return round(100 * won / (won + lost), 1) if won + lost else 0.0


def _rate(group: str, rows: list[Row]) -> WinRateRow:
    won, lost = _count(rows)
    return WinRateRow(group=group, won=won, lost=lost, win_rate_percent=_percent(won, lost))

"""Shape the results of the sales tools."""

from __future__ import annotations

from pydantic import BaseModel

from local.mcp_servers.results import Result


class StageRow(BaseModel):
    """One stage of a pipeline."""

    stage: str
    amount: int
    weighted_amount: int
    opportunities: int


class PipelineSummary(Result):
    """A pipeline by stage; what was won is told beside it."""

    owner: str
    period: str
    region: str
    currency: str
    rows: list[StageRow]
    open_opportunities: int
    open_amount: int
    open_weighted_amount: int
    won_amount: int
    lost_amount: int


class OpportunityRow(BaseModel):
    """One opportunity in a list."""

    id: str
    name: str
    account: str
    stage: str
    amount: int
    close_date: str
    owner: str


class OpportunityList(Result):
    """Opportunities, largest first."""

    period: str
    currency: str
    rows: list[OpportunityRow]
    total_opportunities: int
    total_amount: int


class AccountRow(BaseModel):
    """One account in a list."""

    id: str
    name: str
    industry: str
    region: str
    country: str
    owner: str


class AccountList(Result):
    """Accounts by name."""

    rows: list[AccountRow]
    total_accounts: int


class ContactRow(BaseModel):
    """One contact of an account."""

    name: str
    title: str
    email: str


class AccountDetails(Result):
    """One account with its contacts and open business."""

    id: str
    name: str
    industry: str
    region: str
    country: str
    employees: int
    owner: str
    customer_since: int | None
    currency: str
    open_amount: int
    won_amount: int
    contacts: list[ContactRow]
    open_opportunities: list[OpportunityRow]


class ForecastRow(BaseModel):
    """What one person expects."""

    owner: str
    closed_won: int
    commit: int
    best_case: int
    pipeline: int


class Forecast(Result):
    """A forecast: won, likely (75 % and more), possible (50 %) and all open business."""

    period: str
    currency: str
    rows: list[ForecastRow]
    expected_amount: int


class LoggedActivity(Result):
    """What was written; a repeat with the same key shows the first."""

    id: str
    account: str
    kind: str
    subject: str
    logged_by: str
    repeated: bool


class PipelineReview(Result):
    """What the slow review found."""

    owner: str
    period: str
    currency: str
    reviewed_opportunities: int
    overdue_opportunities: int
    large_early_opportunities: int
    rows: list[OpportunityRow]

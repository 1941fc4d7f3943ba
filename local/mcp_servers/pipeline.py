"""Work out pipelines, forecasts and lists from opportunity rows; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from local.mcp_servers.periods import Period
from local.mcp_servers.sample_sales import OPEN_STAGES, STAGES
from local.mcp_servers.sfdc_results import ForecastRow, OpportunityRow, StageRow

Row = dict[str, Any]

_COMMIT_PERCENT = 75
_BEST_CASE_PERCENT = 50
_LARGE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which opportunities are meant; None means all."""

    period: Period
    owner: str | None = None
    region: str | None = None
    stage: str | None = None
    min_amount: int = 0

    def keeps(self, row: Row) -> bool:
        """Say whether an opportunity is meant."""
        return (
            self.period.holds(row["close_date"])
            and self.owner in {None, row["owner"]}
            and self.region in {None, row["region"]}
            and self._keeps_stage(row["stage"])
            and row["amount"] >= self.min_amount
        )

    def _keeps_stage(self, stage: str) -> bool:
        if self.stage == "open":
            return stage in OPEN_STAGES
        return self.stage in {None, stage}


def by_stage(rows: Iterable[Row]) -> list[StageRow]:
    """Add up opportunities by stage, in the order of the sales process; stages without any are left out."""
    kept = list(rows)
    table: list[StageRow] = []
    for stage in STAGES:
        of_stage = [row for row in kept if row["stage"] == stage]
        if of_stage:
            table.append(
                StageRow(
                    stage=stage,
                    opportunities=len(of_stage),
                    amount=sum(row["amount"] for row in of_stage),
                    weighted_amount=weighted(of_stage),
                )
            )
    return table


def weighted(rows: Iterable[Row]) -> int:
    """Add up amounts by probability."""
    return round(sum(row["amount"] * row["probability"] for row in rows) / 100)


def is_open(row: Row) -> bool:
    """Say whether an opportunity can still be won."""
    return row["stage"] in OPEN_STAGES


def amount_of(rows: Iterable[Row]) -> int:
    """Add up amounts."""
    return sum(row["amount"] for row in rows)


def largest(rows: Iterable[Row], limit: int) -> list[OpportunityRow]:
    """Return the largest opportunities, as lists show them."""
    ordered = sorted(rows, key=lambda row: (-row["amount"], row["id"]))
    return [OpportunityRow.model_validate(row, extra="ignore") for row in ordered[:limit]]


def forecast_by_owner(rows: Sequence[Row]) -> list[ForecastRow]:
    """Add up what each owner has won, commits to, may win, and has open."""
    table: list[ForecastRow] = []
    for owner in sorted({row["owner"] for row in rows}):
        mine = [row for row in rows if row["owner"] == owner]
        still_open = [row for row in mine if is_open(row)]
        table.append(
            ForecastRow(
                owner=owner,
                closed_won=amount_of(row for row in mine if row["stage"] == "Closed Won"),
                commit=amount_of(row for row in still_open if row["probability"] >= _COMMIT_PERCENT),
                best_case=amount_of(row for row in still_open if row["probability"] >= _BEST_CASE_PERCENT),
                pipeline=amount_of(still_open),
            )
        )
    return table


def worries(rows: Iterable[Row], today: str) -> tuple[list[Row], list[Row]]:
    """Return open opportunities whose date has passed, and large ones that are still early."""
    still_open = [row for row in rows if is_open(row)]
    overdue = [row for row in still_open if row["close_date"] < today]
    early = [row for row in still_open if row["amount"] >= _LARGE and row["probability"] < _BEST_CASE_PERCENT]
    return overdue, early

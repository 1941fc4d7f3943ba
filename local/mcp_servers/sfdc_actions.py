"""Serve the two unusual tools of the sales system: one that writes, one that takes long."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from pydantic import Field

from local.mcp_servers import pipeline
from local.mcp_servers import sfdc_results as shapes
from local.mcp_servers.asking import Asking, Owner, Row, asker, owner_address
from local.mcp_servers.figures import Figures
from local.mcp_servers.results import READS, WRITES, link
from local.mcp_servers.sample_data import SampleData
from local.mcp_servers.sfdc import CURRENCY, Quarter, account_link, account_meant, period

_STEPS = 10
_SHOWN = 10


class SalesActions:
    """The tools that write or take long."""

    def __init__(self, data: SampleData, figures: Figures) -> None:
        self._data = data
        self._figures = figures

    def register(self, server: MCPServer) -> None:
        """Offer the tools on `server`."""
        server.add_tool(self.log_activity, annotations=WRITES)
        server.add_tool(self.deep_pipeline_review, annotations=READS)

    async def log_activity(
        self,
        ctx: Asking,
        account: Annotated[str, Field(description="Name or id of the account (customer)")],
        subject: Annotated[str, Field(min_length=1, max_length=200, description="What it was about")],
        kind: Annotated[Literal["note", "call", "meeting", "email"], Field(description="Kind of activity")] = "note",
        notes: Annotated[str, Field(max_length=4000, description="Details, if any")] = "",
    ) -> shapes.LoggedActivity:
        """Log an activity on an account (record a call, a meeting, an email or a note); this writes."""
        found = account_meant(account, self._data)
        key = idempotency_key(ctx)
        self._figures.keys[str(key)] += 1
        earlier = next((row for row in self._data.rows("activities") if key and row["key"] == key), None)
        row = earlier or self._new(found, key, logged_by=asker(ctx), kind=kind, subject=subject, notes=notes)
        if not earlier:
            self._data.append("activities", row)
            self._figures.effect({"tool": "log_activity", "id": row["id"], "key": key})
        return shapes.LoggedActivity.model_validate(
            row
            | {
                "repeated": earlier is not None,
                "as_of": row["logged_at"],
                "links": [account_link(found)],
            },
            extra="ignore",
        )

    async def deep_pipeline_review(
        self,
        ctx: Asking,
        owner: Owner = "me",
        quarter: Quarter = "this",
        seconds: Annotated[float, Field(ge=0, le=300, description="How long to look")] = 5,
    ) -> shapes.PipelineReview:
        """Review a pipeline deeply for risks: overdue and large early opportunities. Slow, reports progress."""
        for step in range(_STEPS):
            await ctx.report_progress(step, _STEPS, f"looked at {step * 100 // _STEPS} %")
            await asyncio.sleep(seconds / _STEPS)
        await ctx.report_progress(_STEPS, _STEPS, "looked at 100 %")
        wanted = pipeline.Filter(
            period=period(quarter, self._data), owner=owner_address(owner, ctx, self._data.rows("people"))
        )
        rows = [row for row in self._data.rows("opportunities") if wanted.keeps(row)]
        overdue, early = pipeline.worries(rows, self._data.today.isoformat())
        return shapes.PipelineReview(
            owner=wanted.owner or "all",
            period=wanted.period.name,
            currency=CURRENCY,
            reviewed_opportunities=len(rows),
            overdue_opportunities=len(overdue),
            large_early_opportunities=len(early),
            rows=pipeline.largest([*overdue, *early], _SHOWN),
            as_of=self._data.as_of("opportunities"),
            links=[link("crm", "Pipeline report", f"reports/pipeline/{wanted.period.name}")],
        )

    def _new(self, account: Row, key: str, *, logged_by: str, kind: str, subject: str, notes: str) -> Row:
        return {
            "id": f"ACT-{len(self._data.rows('activities')) + 1:05d}",
            "key": key,
            "account_id": account["id"],
            "account": account["name"],
            "kind": kind,
            "subject": subject,
            "notes": notes,
            "logged_by": logged_by,
            "logged_at": self._data.now(),
        }


def idempotency_key(ctx: Asking) -> str:
    """Return the caller's key from `_meta`, with or without a vendor's prefix; empty when there is none."""
    meta: dict[str, Any] = dict(ctx.request_context.meta or {})
    for name, value in meta.items():
        if name.rpartition("/")[2].replace("-", "").replace("_", "").lower() == "idempotencykey":
            return str(value)
    return ""

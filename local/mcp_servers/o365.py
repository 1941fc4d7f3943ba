"""Serve the office system: meetings and free time in the calendars of the next two weeks."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

from local.mcp_servers.asking import Asking, Row, Whom, person_meant
from local.mcp_servers.results import READS, Result, link
from local.mcp_servers.sample_data import SampleData

_DAY_BEGINS, _DAY_ENDS = 8, 18

Day = Annotated[
    str,
    Field(
        description="Which day or week: today, tomorrow, this week, next week, or a date like 2026-03-31",
        examples=["today", "tomorrow", "this week", "next week"],
    ),
]


class MeetingRow(BaseModel):
    """One meeting."""

    date: str
    start: str
    end: str
    subject: str
    attendees: list[str]


class Meetings(Result):
    """The meetings of one person."""

    owner: str
    rows: list[MeetingRow]
    total_meetings: int


class FreeRow(BaseModel):
    """One free hour."""

    date: str
    start: str
    end: str


class FreeTime(Result):
    """The free hours of one person within working time."""

    owner: str
    rows: list[FreeRow]
    free_hours: int


class CalendarTools:
    """The tools of the office system; all of them only read."""

    def __init__(self, data: SampleData) -> None:
        self._data = data

    def register(self, server: MCPServer) -> None:
        """Offer the tools on `server`."""
        server.add_tool(self.list_meetings, annotations=READS)
        server.add_tool(self.free_time, annotations=READS)

    async def list_meetings(self, ctx: Asking, person: Whom = "me", day: Day = "this week") -> Meetings:
        """List the meetings (appointments, calendar events) of a person on a day or in a week."""
        owner, days, rows = self._calendar(ctx, person, day)
        return Meetings(
            owner=owner["email"],
            rows=[MeetingRow.model_validate(row, extra="ignore") for row in rows if row["date"] in days],
            total_meetings=len(rows),
            as_of=self._data.as_of("events"),
            links=[link("calendar", "Calendar", f"calendar/{days[0]}")],
        )

    async def free_time(self, ctx: Asking, person: Whom = "me", day: Day = "today") -> FreeTime:
        """Find free time (free hours, availability) in the calendar of a person on a day or in a week."""
        owner, days, rows = self._calendar(ctx, person, day)
        taken = {(row["date"], row["start"]) for row in rows}
        free = [
            FreeRow(date=one, start=f"{hour:02d}:00", end=f"{hour + 1:02d}:00")
            for one in days
            for hour in range(_DAY_BEGINS, _DAY_ENDS)
            if (one, f"{hour:02d}:00") not in taken
        ]
        return FreeTime(
            owner=owner["email"],
            rows=free,
            free_hours=len(free),
            as_of=self._data.as_of("events"),
            links=[link("calendar", "Calendar", f"calendar/{days[0]}")],
        )

    def _calendar(self, ctx: Asking, person: str, day: str) -> tuple[Row, list[str], list[Row]]:
        owner = person_meant(person, ctx, self._data.rows("people"))
        days = self._days(day)
        rows = [row for row in self._data.rows("events") if row["owner"] == owner["email"] and row["date"] in days]
        return owner, days, sorted(rows, key=lambda row: (row["date"], row["start"]))

    def _days(self, text: str) -> list[str]:
        today = self._data.today
        monday = today - timedelta(days=today.weekday())
        weeks = {"this week": monday, "next week": monday + timedelta(days=7)}
        words = text.strip().lower()
        if words in weeks:
            return [(weeks[words] + timedelta(days=offset)).isoformat() for offset in range(5)]
        named = {"today": today, "tomorrow": today + timedelta(days=1)}
        try:
            day = named[words] if words in named else today.fromisoformat(words)
        except ValueError as fault:
            raise ToolError(f"Unknown day {text!r}; use today, tomorrow, this week, next week or a date.") from fault
        return [day.isoformat()]

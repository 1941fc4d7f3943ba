"""Serve the people system: employees, headcount, leave, salaries."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from local.mcp_servers import hr_results as shapes
from local.mcp_servers.asking import Asking, Whom, person_meant
from local.mcp_servers.results import READS, link
from local.mcp_servers.sample_data import SampleData

Department = Annotated[
    Literal["all", "Sales", "HR", "IT", "Finance", "Marketing", "Engineering", "Support"],
    Field(description="Department, or all"),
]


class PeopleTools:
    """The tools of the people system; all of them only read."""

    def __init__(self, data: SampleData) -> None:
        self._data = data

    def register(self, server: MCPServer) -> None:
        """Offer the tools on `server`."""
        for tool in (
            self.find_people,
            self.headcount,
            self.leave_balance,
            self.salary_bands,
            self.salary_of,
        ):
            server.add_tool(tool, annotations=READS)

    async def find_people(
        self,
        name: Annotated[str, Field(description="Part of a name; empty for all")] = "",
        department: Department = "all",
        limit: Annotated[int, Field(ge=1, le=50, description="How many rows at most")] = 10,
    ) -> shapes.PeopleList:
        """Find employees (people, colleagues) by name and department: job, level, location, manager."""
        found = [
            row
            for row in self._data.rows("people")
            if name.lower() in row["name"].lower() and department in {"all", row["department"]}
        ]
        shown = sorted(found, key=lambda row: row["name"])[:limit]
        return shapes.PeopleList(
            rows=[shapes.PersonRow.model_validate(row, extra="ignore") for row in shown],
            total_people=len(found),
            as_of=self._data.as_of("people"),
            links=[link("people", "Directory", "directory")],
        )

    async def headcount(
        self,
        by: Annotated[Literal["department", "location", "level"], Field(description="What to count by")] = "department",
        department: Department = "all",
    ) -> shapes.Headcount:
        """Count employees (headcount, number of people) by department, location or level."""
        rows = [row for row in self._data.rows("people") if department in {"all", row["department"]}]
        counts = Counter(str(row[by]) for row in rows)
        return shapes.Headcount(
            by=by,
            rows=[shapes.HeadcountRow(group=group, people=counts[group]) for group in sorted(counts)],
            total_people=len(rows),
            as_of=self._data.as_of("people"),
            links=[link("people", "Headcount report", "reports/headcount")],
        )

    async def leave_balance(self, ctx: Asking, person: Whom = "me") -> shapes.LeaveBalance:
        """Show the leave (vacation, holiday) of a person: days entitled, taken, planned, remaining."""
        found = person_meant(person, ctx, self._data.rows("people"))
        account = next((row for row in self._data.rows("leave") if row["email"] == found["email"]), None)
        if account is None:
            raise ToolError(f"No leave account is kept for {found['name']}.")
        remaining = account["entitled_days"] - account["taken_days"] - account["planned_days"]
        return shapes.LeaveBalance.model_validate(
            account
            | {
                "name": found["name"],
                "remaining_days": remaining,
                "as_of": self._data.as_of("leave"),
                "links": [link("people", "Leave", f"leave/{found['id']}")],
            },
            extra="ignore",
        )

    async def salary_bands(
        self, level: Annotated[int, Field(ge=0, le=6, description="Job level 1 to 6; 0 for all")] = 0
    ) -> shapes.SalaryBands:
        """Show the salary bands (pay ranges) by job level: minimum, midpoint, maximum a year."""
        bands = [row for row in self._data.rows("salary_bands") if level in {0, row["level"]}]
        return shapes.SalaryBands(
            currency="EUR",
            rows=[shapes.BandRow.model_validate(row, extra="ignore") for row in bands],
            as_of=self._data.as_of("salary_bands"),
            links=[link("people", "Salary bands", "pay/bands")],
        )

    async def salary_of(self, ctx: Asking, person: Whom) -> shapes.Salary:
        """Show the salary (pay, earnings) of one person, with the band of their level."""
        found = person_meant(person, ctx, self._data.rows("people"))
        band = next(row for row in self._data.rows("salary_bands") if row["level"] == found["level"])
        return shapes.Salary.model_validate(
            found
            | {
                "band_minimum": band["minimum"],
                "band_maximum": band["maximum"],
                "as_of": self._data.as_of("people"),
                "links": [link("people", "Pay", f"pay/{found['id']}")],
            },
            extra="ignore",
        )

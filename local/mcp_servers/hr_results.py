"""Shape the results of the people tools."""

from __future__ import annotations

from pydantic import BaseModel

from local.mcp_servers.results import Result


class PersonRow(BaseModel):
    """One employee in a list; without pay."""

    name: str
    email: str
    department: str
    job_title: str
    level: int
    location: str
    manager: str | None


class PeopleList(Result):
    """Employees by name."""

    rows: list[PersonRow]
    total_people: int


class HeadcountRow(BaseModel):
    """How many people are in one group."""

    group: str
    people: int


class Headcount(Result):
    """People counted by department, location or level."""

    by: str
    rows: list[HeadcountRow]
    total_people: int


class LeaveBalance(Result):
    """One person's leave of a year, in days."""

    name: str
    year: int
    entitled_days: int
    taken_days: int
    planned_days: int
    remaining_days: int


class BandRow(BaseModel):
    """The pay of one level, a year."""

    level: int
    minimum: int
    midpoint: int
    maximum: int


class SalaryBands(Result):
    """Salary bands by level."""

    currency: str
    rows: list[BandRow]


class Salary(Result):
    """One person's pay, a year."""

    name: str
    job_title: str
    level: int
    salary: int
    currency: str
    band_minimum: int
    band_maximum: int

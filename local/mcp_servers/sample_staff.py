"""Generate the sample company's own people: staff, leave, salary bands and calendars."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from local.mcp_servers.sample_names import CITIES, FIRST_NAMES, LAST_NAMES

Row = dict[str, Any]

# The people who can sign in; their addresses are the issuer's.
SIGNED_IN: tuple[tuple[str, str, str, str, int], ...] = (
    ("sam.sales", "Sam Sales (sample)", "Sales", "Account Executive", 3),
    ("sue.sales", "Sue Sales (sample)", "Sales", "Senior Account Executive", 4),
    ("tom.both", "Tom Both (sample)", "Sales", "Sales Enablement Lead", 4),
    ("hana.hr", "Hana Resources (sample)", "HR", "HR Partner", 4),
    ("ada.admin", "Ada Admin (sample)", "IT", "Platform Administrator", 4),
    ("nora.none", "Nora None (sample)", "Finance", "Accountant", 2),
)
OTHER_SELLERS: tuple[tuple[str, str], ...] = (
    ("rhea.rep", "Rhea Rep (sample)"),
    ("omar.rep", "Omar Rep (sample)"),
    ("lila.rep", "Lila Rep (sample)"),
)
SELLERS = ("sam.sales", "sue.sales", "tom.both", *(user for user, _ in OTHER_SELLERS))
DEPARTMENTS = ("Sales", "HR", "IT", "Finance", "Marketing", "Engineering", "Support")
_JOBS = {
    "Sales": "Account Executive",
    "HR": "HR Partner",
    "IT": "System Engineer",
    "Finance": "Accountant",
    "Marketing": "Campaign Planner",
    "Engineering": "Software Engineer",
    "Support": "Support Engineer",
}
_LEVELS = range(1, 7)
_STAFF_BESIDE = 60
_CUSTOMER_SHARE = 0.5


def email(user: str) -> str:
    """Return the address under the domain that RFC 2606 keeps free for examples."""
    return f"{user}@example.com"


def salary_bands() -> list[Row]:
    """Return one band per level; amounts a year in EUR."""
    return [
        {
            "level": level,
            "minimum": 30_000 + 12_000 * level,
            "midpoint": 38_000 + 14_000 * level,
            "maximum": 46_000 + 16_000 * level,
            "currency": "EUR",
        }
        for level in _LEVELS
    ]


def staff(random: Random, today: date) -> list[Row]:
    """Return the employees: those who sign in, the other sellers, and some more in every department."""
    people = [_employee(random, today, *one) for one in SIGNED_IN]
    people += [_employee(random, today, user, name, "Sales", _JOBS["Sales"], 3) for user, name in OTHER_SELLERS]
    pairs = [(first, last) for last in LAST_NAMES for first in FIRST_NAMES]
    for first, last in random.sample(pairs, _STAFF_BESIDE):
        department = random.choice(DEPARTMENTS)
        user = f"{first}.{last}".lower()
        people.append(
            _employee(random, today, user, f"{first} {last}", department, _JOBS[department], random.choice(_LEVELS))
        )
    return _with_managers(people)


def leave(random: Random, people: list[Row], today: date) -> list[Row]:
    """Return the leave accounts of the current year, in days."""
    accounts: list[Row] = []
    for person in people:
        taken = random.randint(0, 24)
        planned = random.randint(0, 30 - taken)
        accounts.append(
            {
                "email": person["email"],
                "year": today.year,
                "entitled_days": 30,
                "taken_days": taken,
                "planned_days": planned,
            }
        )
    return accounts


def events(random: Random, people: list[Row], accounts: list[Row], today: date) -> list[Row]:
    """Return two weeks of meetings for everyone who can sign in or sells."""
    monday = today - timedelta(days=today.weekday())
    subjects = ("Pipeline review", "Team meeting", "One to one", "Planning")
    calendar: list[Row] = []
    for person in people[: len(SIGNED_IN) + len(OTHER_SELLERS)]:
        for offset in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11):
            day = (monday + timedelta(days=offset)).isoformat()
            for hour in sorted(random.sample(range(8, 17), 2)):
                with_customer = person["department"] == "Sales" and random.random() < _CUSTOMER_SHARE
                account = random.choice(accounts)["name"] if with_customer else None
                calendar.append(
                    {
                        "id": f"EVT-{len(calendar) + 1:05d}",
                        "owner": person["email"],
                        "subject": f"Customer call: {account}" if account else random.choice(subjects),
                        "account": account,
                        "date": day,
                        "start": f"{hour:02d}:00",
                        "end": f"{hour + 1:02d}:00",
                        "attendees": sorted({person["email"], random.choice(people)["email"]}),
                    }
                )
    return calendar


def _employee(random: Random, today: date, user: str, name: str, department: str, job: str, level: int) -> Row:
    band = salary_bands()[level - 1]
    return {
        "id": f"EMP-{user}",
        "name": name,
        "email": email(user),
        "department": department,
        "job_title": job,
        "level": level,
        "location": random.choice(CITIES),
        "manager": None,
        "hired_on": (today - timedelta(days=random.randint(60, 4000))).isoformat(),
        "salary": random.randrange(band["minimum"], band["maximum"], 500),
        "currency": "EUR",
    }


def _with_managers(people: list[Row]) -> list[Row]:
    for department in DEPARTMENTS:
        members = [one for one in people if one["department"] == department]
        chief = max(members, key=lambda one: (one["level"], one["email"]))
        for one in members:
            one["manager"] = None if one is chief else chief["email"]
    return people

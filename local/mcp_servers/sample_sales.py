"""Generate the sample company's business: accounts, contacts, opportunities and closed deals."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from local.mcp_servers import sample_names as names
from local.mcp_servers.periods import quarter_of
from local.mcp_servers.sample_staff import SELLERS, email

Row = dict[str, Any]

OPEN_STAGES = {"Prospecting": 10, "Qualification": 25, "Proposal": 50, "Negotiation": 75}
CLOSED_STAGES = {"Closed Won": 100, "Closed Lost": 0}
STAGES = {**OPEN_STAGES, **CLOSED_STAGES}
ACCOUNTS = 240
OPPORTUNITIES = 720
# Past, present and coming quarters, seen from today; the present one gets the most.
_QUARTERS = (-3, -2, -1, -1, 0, 0, 0, 1, 1, 2)
_WON_SHARE = 0.45
# Of this quarter's past dates; so that there is an open pipeline on a quarter's last day, too.
_OVERDUE_SHARE = 0.3
_NEW_SHARE = 0.4
_OWN_ACCOUNT_SHARE = 0.8


def accounts(random: Random) -> list[Row]:
    """Return the customers, each with an owner, a region and an industry."""
    pairs = [(first, second) for first in names.COMPANY_FIRST for second in names.COMPANY_SECOND]
    rows: list[Row] = []
    for number, (first, second) in enumerate(random.sample(pairs, ACCOUNTS), start=1):
        region = random.choice(names.REGIONS)
        rows.append(
            {
                "id": f"ACC-{number:04d}",
                "name": f"{first} {second} {random.choice(names.COMPANY_END)}",
                "industry": random.choice(names.INDUSTRIES),
                "region": region,
                "country": random.choice(names.COUNTRIES[region]),
                "employees": random.randrange(20, 20_000, 10),
                "owner": email(random.choice(SELLERS)),
                "customer_since": None if random.random() < _NEW_SHARE else random.randint(2012, 2024),
            }
        )
    return rows


def contacts(random: Random, customers: list[Row]) -> list[Row]:
    """Return one to three contacts for each account."""
    rows: list[Row] = []
    for account in customers:
        for _ in range(random.randint(1, 3)):
            first, last = random.choice(names.FIRST_NAMES), random.choice(names.LAST_NAMES)
            rows.append(
                {
                    "id": f"CON-{len(rows) + 1:04d}",
                    "account_id": account["id"],
                    "name": f"{first} {last}",
                    "title": random.choice(names.TITLES),
                    "email": f"{first}.{last}@customer.example".lower(),
                }
            )
    return rows


def opportunities(random: Random, customers: list[Row], today: date) -> list[Row]:
    """Return opportunities around today's quarter; those before it are closed, those in it mostly."""
    rows: list[Row] = []
    for number in range(1, OPPORTUNITIES + 1):
        account = random.choice(customers)
        close = _close_date(random, today)
        stage = _stage(random, close, today)
        product = random.choice(names.PRODUCTS)
        rows.append(
            {
                "id": f"OPP-{number:05d}",
                "name": f"{account['name'].split(' Sample')[0]} - {product}",
                "account_id": account["id"],
                "account": account["name"],
                "region": account["region"],
                # Colleagues help out: one opportunity in five is somebody else's than the account.
                "owner": account["owner"] if random.random() < _OWN_ACCOUNT_SHARE else email(random.choice(SELLERS)),
                "stage": stage,
                "probability": STAGES[stage],
                "amount": random.randrange(5_000, 250_000, 500),
                "currency": "EUR",
                "product": product,
                "close_date": close.isoformat(),
                "created_on": (close - timedelta(days=random.randint(30, 240))).isoformat(),
            }
        )
    return rows


def deals(random: Random, chances: list[Row]) -> list[Row]:
    """Return why each closed opportunity was won or lost."""
    rows: list[Row] = []
    for chance in chances:
        if chance["stage"] in OPEN_STAGES:
            continue
        won = chance["stage"] == "Closed Won"
        rows.append(
            {
                "opportunity_id": chance["id"],
                "name": chance["name"],
                "account": chance["account"],
                "owner": chance["owner"],
                "region": chance["region"],
                "outcome": "won" if won else "lost",
                "amount": chance["amount"],
                "currency": "EUR",
                "closed_on": chance["close_date"],
                "reason": random.choice(names.WIN_REASONS if won else names.LOSS_REASONS),
                "competitor": random.choice(names.COMPETITORS),
            }
        )
    return rows


def _close_date(random: Random, today: date) -> date:
    step = random.choice(_QUARTERS)
    quarter = quarter_of(today.year, (today.month - 1) // 3 + 1 + step)
    return quarter.first + timedelta(days=random.randint(0, (quarter.last - quarter.first).days))


def _stage(random: Random, close: date, today: date) -> str:
    this_quarter = quarter_of(today.year, (today.month - 1) // 3 + 1)
    overdue = close >= this_quarter.first and random.random() < _OVERDUE_SHARE
    if close < today and not overdue:
        return "Closed Won" if random.random() < _WON_SHARE else "Closed Lost"
    return random.choice(list(OPEN_STAGES))

"""Set rows as a markdown table, with numbers and headings in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

MOST_ROWS = 20
_HIDDEN = frozenset({"id", "url", "account_id", "links"})
_MONEY = frozenset(
    {
        "amount", "salary", "revenue", "price", "minimum", "midpoint", "maximum", "won_amount", "closed_won",
        "commit", "best_case", "pipeline", "budget", "cost",
    }
)  # fmt: skip
_GERMAN = {
    "stage": "Phase", "opportunities": "Chancen", "opportunity": "Chance", "amount": "Betrag",
    "weighted amount": "Gewichteter Betrag", "account": "Konto", "name": "Name", "owner": "Verantwortlich",
    "close date": "Abschlussdatum", "region": "Region", "industry": "Branche", "country": "Land",
    "department": "Abteilung", "location": "Standort", "level": "Stufe", "job title": "Stelle",
    "manager": "Führungskraft", "email": "E-Mail", "people": "Personen", "group": "Gruppe", "salary": "Gehalt",
    "minimum": "Minimum", "midpoint": "Mitte", "maximum": "Maximum", "reason": "Grund", "deals": "Abschlüsse",
    "won": "Gewonnen", "lost": "Verloren", "date": "Datum", "start": "Beginn", "end": "Ende", "subject": "Betreff",
    "attendees": "Teilnehmer", "competitor": "Wettbewerber", "outcome": "Ergebnis", "closed on": "Abgeschlossen am",
    "closed won": "Gewonnen", "commit": "Sicher", "best case": "Möglich", "pipeline": "Pipeline", "year": "Jahr",
    "period": "Zeitraum", "open opportunities": "Offene Chancen", "open amount": "Offener Betrag",
    "open weighted amount": "Offener gewichteter Betrag", "won amount": "Gewonnener Betrag",
    "lost amount": "Verlorener Betrag",
    "title": "Titel",
    "total opportunities": "Chancen insgesamt", "total amount": "Betrag insgesamt", "win rate": "Gewinnquote",
    "entitled days": "Urlaubstage", "taken days": "Genommene Tage", "planned days": "Geplante Tage",
    "remaining days": "Verbleibende Tage", "total people": "Personen insgesamt", "employees": "Mitarbeiter",
    "contacts": "Kontakte", "expected amount": "Erwarteter Betrag", "total accounts": "Konten insgesamt",
    "total meetings": "Termine insgesamt", "free hours": "Freie Stunden", "total deals": "Abschlüsse insgesamt",
    "by": "Nach", "kind": "Art", "logged by": "Erfasst von", "customer since": "Kunde seit",
}  # fmt: skip


def label(name: str, *, german: bool) -> str:
    """Return the heading for a field name; a percentage says so, in German where the word is known."""
    plain = name.removesuffix("_percent").replace("_", " ")
    said = _GERMAN.get(plain, plain) if german else plain
    unit = " (%)" if name.endswith("_percent") else ""
    return said[:1].upper() + said[1:] + unit


def is_money(name: str) -> bool:
    """Say whether a field holds an amount of money."""
    return name in _MONEY or name.endswith(("_amount", "_salary", "band_minimum", "band_maximum"))


def number(value: float, *, german: bool) -> str:
    """Write a number with the language's separators, without needless decimals."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    return text.translate(str.maketrans(",.", ".,")) if german else text


def cell(name: str, value: Any, *, german: bool) -> str:
    """Write a value; years and levels are names rather than amounts."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        words = ("ja", "nein") if german else ("yes", "no")
        return words[0] if value else words[1]
    if isinstance(value, int | float) and name not in {"year", "level", "customer_since"}:
        return number(value, german=german)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return str(value).replace("|", "\\|").replace("\n", " ")


def columns(rows: Sequence[Row]) -> list[str]:
    """Return the fields worth showing, in the order of the first row: neither ids nor always the same."""
    names = [name for name in rows[0] if name not in _HIDDEN]
    return [name for name in names if not isinstance(rows[0][name], dict)]


def markdown(rows: Sequence[Row], *, currency: str, german: bool) -> str:
    """Return rows as a markdown table; numbers to the right, the unit in the heading."""
    names = columns(rows)
    heads: list[str] = []
    rules: list[str] = []
    for name in names:
        unit = f" ({currency})" if currency and is_money(name) else ""
        heads.append(label(name, german=german) + unit)
        numeric = all(isinstance(row.get(name), int | float | None) for row in rows)
        rules.append("---:" if numeric else "---")
    lines = [heads, rules]
    lines += [[cell(name, row.get(name), german=german) for name in names] for row in rows[:MOST_ROWS]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""Write the coach's answer from what the tools returned; every figure in it comes from there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from local.model import tables
from local.model.conversation import SEPARATOR, Tool
from local.model.outcomes import Facts, Row
from local.model.phrases import say
from local.model.words import identifier_words, words

_LONGEST_QUOTE = 1500
_OFFERED = 8
_CONTEXT = ("period", "quarter", "owner", "region", "by", "outcome", "person")
_THANKS = frozenset({"thanks", "thank", "danke"})
_HELLO = frozenset({"hello", "hi", "hey", "hallo", "moin", "morning"})
_SHORT_GREETING = 6
_PROSE = re.compile(
    r"\bin (?:a|one) sentence\b|\bwithout (?:a )?tables?\b|\bin einem satz\b|\bohne tabellen?\b", re.IGNORECASE
)


def wants_prose(question: str) -> bool:
    """Say whether a question asks for sentences in place of tables."""
    return _PROSE.search(question) is not None


def answer(facts: Sequence[Facts], *, german: bool, prose: bool = False) -> str:
    """Return the answer to a question from all that the tools returned; as `prose`, rows become a sentence."""
    parts: list[str] = []
    for place, one in enumerate(facts):
        if one.failure:
            parts.append(_failed(one, german=german))
        else:
            parts.append(_found(one, "lead_more" if place else "lead", german=german, prose=prose))
    return "\n\n".join(parts)


def without_tools(question: str, tools: Sequence[Tool], *, german: bool) -> str:
    """Return what the coach says when no tool fits: a greeting, or honestly that it cannot look that up."""
    said = set(words(question))
    if said & _THANKS:
        return say("thanks", german=german)
    if said & _HELLO and len(words(question)) < _SHORT_GREETING:
        return say("hello", german=german)
    if not tools:
        return say("no_tools", german=german)
    lines = [f"- {_first_clause(tool.description)} ({tool.server or tool.own_name})" for tool in tools[:_OFFERED]]
    return "\n".join([say("none_fits", german=german), "", say("offered", german=german), *lines])


def _found(facts: Facts, lead: str, *, german: bool, prose: bool) -> str:
    context = [
        f"{tables.label(name, german=german)} {facts.values[name]}" for name in _CONTEXT if facts.values.get(name)
    ]
    about = say("about", german=german, values=", ".join(context)) if context else ""
    named = {"server": _server(facts.tool), "tool": _tool(facts.tool)}
    parts = [say(lead, german=german, about=about, **named)]
    if facts.words:
        parts.append(_quote(facts.words))
    if not prose:
        parts += _single_values(facts, german=german)
    if facts.tables and not facts.rows:
        parts.append(say("empty", german=german, **named))
    for title, rows in facts.tables.items():
        parts += _sentence(rows, facts, german=german) if prose else _table(title, rows, facts, german=german)
    parts.append(_source(facts, german=german))
    return "\n\n".join(parts)


def _single_values(facts: Facts, *, german: bool) -> list[str]:
    lines: list[str] = []
    for name, value in facts.values.items():
        if name in _CONTEXT or value in (None, ""):
            continue
        unit = f" {facts.currency}" if facts.currency and tables.is_money(name) else ""
        unit = " %" if name.endswith("_percent") else unit
        head = tables.label(name, german=german).removesuffix(" (%)")
        lines.append(f"- {head}: **{tables.cell(name, value, german=german)}{unit}**")
    return ["\n".join(lines)] if lines else []


def _table(title: str, rows: list[Row], facts: Facts, *, german: bool) -> list[str]:
    if not rows:
        return []
    parts: list[str] = []
    if len(facts.tables) > 1:
        parts.append(f"**{tables.label(title, german=german)}**")
    parts.append(tables.markdown(rows, currency=facts.currency, german=german))
    remark = _largest(rows, facts.currency, german=german)
    if remark:
        parts.append(remark)
    if len(rows) > tables.MOST_ROWS:
        parts.append(say("more", german=german, shown=tables.MOST_ROWS, rows=len(rows)))
    return parts


def _sentence(rows: list[Row], facts: Facts, *, german: bool) -> list[str]:
    """Say the first measure of each row in one sentence; nothing where there is none."""
    measured = _measures(rows)
    label = _label(rows)
    if not measured or label is None:
        return []
    unit = f" {facts.currency}" if facts.currency and tables.is_money(measured[0]) else ""
    said = (
        say("each", german=german, label=row[label], value=tables.number(row[measured[0]], german=german), unit=unit)
        for row in rows[: tables.MOST_ROWS]
    )
    return [", ".join(said) + "."]


def _largest(rows: list[Row], currency: str, *, german: bool) -> str:
    """Name the largest row of the first column of amounts or counts; nothing for one row or mixed signs."""
    measured, label = _measures(rows), _label(rows)
    money = [name for name in measured if tables.is_money(name)]
    if len(rows) < 2 or not measured or label is None:  # noqa: PLR2004 - one row has no largest
        return ""
    measure = measured[0]
    total = sum(row[measure] for row in rows)
    top = max(rows, key=lambda row: row[measure])
    if total <= 0:
        return ""
    remark = say(
        "largest",
        german=german,
        label=top[label],
        value=tables.number(top[measure], german=german),
        total=tables.number(total, german=german),
        share=tables.number(round(100 * top[measure] / total, 1), german=german),
        unit=f" {currency}" if currency and money else "",
    )
    return f"{remark} {say('next', german=german, label=top[label])}" if money else remark


def _measures(rows: list[Row]) -> list[str]:
    """Return the columns of amounts and counts, amounts first."""
    measured = [name for name in tables.columns(rows) if _is_measure(name, rows)]
    return sorted(measured, key=lambda name: not tables.is_money(name))


def _label(rows: list[Row]) -> str | None:
    return next((name for name in tables.columns(rows) if rows and isinstance(rows[0].get(name), str)), None)


def _is_measure(name: str, rows: list[Row]) -> bool:
    """Say whether a column holds parts of a sum: numbers, none negative, no percentages, levels or years."""
    if name.endswith("_percent") or name in {"level", "year", "minimum", "midpoint", "maximum"}:
        return False
    return all(_is_part(row.get(name)) for row in rows)


def _is_part(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _source(facts: Facts, *, german: bool) -> str:
    moment = facts.as_of.replace("T", " ")[:16]
    as_of = say("as_of", german=german, moment=moment) if moment else ""
    source = say("source", german=german, server=_server(facts.tool), tool=_tool(facts.tool), as_of=as_of)
    links = [f"[{title}]({url})" for title, url in facts.links if url.startswith("https:")]
    return " ".join([source, *links])


def _failed(facts: Facts, *, german: bool) -> str:
    reason = facts.failure.strip()[:_LONGEST_QUOTE].rstrip(".") + "."
    told = say("failed", german=german, tool=f"{_server(facts.tool)} ({_tool(facts.tool)})", reason=reason)
    return f"{told} {say('unsure', german=german)}"


def _quote(text: str) -> str:
    kept = text.strip()[:_LONGEST_QUOTE]
    return "\n".join(f"> {line}" for line in kept.splitlines())


def _server(name: str) -> str:
    server, separator, _ = name.partition(SEPARATOR)
    return server if separator else name


def _tool(name: str) -> str:
    return " ".join(identifier_words(name.rpartition(SEPARATOR)[2]))


def _first_clause(description: str) -> str:
    return re.split(r"[:.;(\n]", description.strip(), maxsplit=1)[0].strip() or description[:80]

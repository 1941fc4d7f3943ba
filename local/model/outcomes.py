"""Read what came of a tool call: JSON wherever it stands in the text, a failure, or plain words."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, cast

from local.model.conversation import Outcome

Row = dict[str, Any]

_FAILED = re.compile(
    r"^\W*(error|fehler|failed|refused|denied|tool error|the call|the outcome|no such|unknown tool|not )",
    re.IGNORECASE,
)
_META = frozenset({"as_of", "links", "currency"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an outcome says: single values, tables, where it is from; or why there is nothing."""

    tool: str
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    tables: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    words: str = ""
    failure: str = ""
    as_of: str = ""
    currency: str = ""
    links: tuple[tuple[str, str], ...] = ()

    @property
    def rows(self) -> int:
        """How many rows all tables have."""
        return sum(len(rows) for rows in self.tables.values())


def read(outcome: Outcome) -> Facts:
    """Return the facts of an outcome."""
    text = outcome.text.strip()
    document = _json_in(text)
    if document is None:
        failed = bool(_FAILED.match(text)) or not text
        told = text or "no answer"
        return Facts(tool=outcome.call.name, failure=told if failed else "", words="" if failed else told)
    row = _inner(document)
    if row.get("is_error") or row.get("isError") or set(row) & {"error", "failure"}:
        return Facts(tool=outcome.call.name, failure=_message(row))
    return _facts(outcome.call.name, row)


def _facts(tool: str, document: Row) -> Facts:
    tables: dict[str, list[Row]] = {}
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name in _META or name.startswith("_"):
            continue
        if isinstance(value, list):
            tables[name] = _rows(name, cast("list[Any]", value))
        elif isinstance(value, dict):
            inner = cast("Row", value)
            values |= {key: one for key, one in inner.items() if not isinstance(one, dict | list)}
        else:
            values[name] = value
    links = cast("list[Any]", document.get("links") or [])
    return Facts(
        tool=tool,
        values=values,
        tables=tables,
        as_of=str(document.get("as_of") or ""),
        currency=str(document.get("currency") or ""),
        links=tuple(_link(cast("Row", one)) for one in links if isinstance(one, dict)),
    )


def _rows(name: str, items: list[Any]) -> list[Row]:
    return [cast("Row", item) if isinstance(item, dict) else {name: item} for item in items]


def _link(entry: Row) -> tuple[str, str]:
    return str(entry.get("title") or entry.get("url")), str(entry.get("url") or "")


def _inner(document: Row) -> Row:
    """Look into the envelopes in which results come: `structured_content`, `result`, `data`."""
    for name in ("structured_content", "structuredContent", "result", "data"):
        inner = document.get(name)
        if isinstance(inner, dict):
            return _inner(cast("Row", inner))
        if isinstance(inner, list) and len(document) == 1:
            return {"rows": inner}
    return document


def _message(document: Row) -> str:
    fault: Any = document.get("error") or document.get("failure") or document.get("content") or document
    if isinstance(fault, dict):
        named = cast("Row", fault)
        fault = named.get("message") or named
    return fault if isinstance(fault, str) else json.dumps(fault, ensure_ascii=False)


def _json_in(text: str) -> Row | None:
    """Return the first JSON object in a text that may wrap it in words or tags; a bare array counts as rows."""
    decoder = json.JSONDecoder()
    for match in re.finditer(r"[{\[]", text):
        try:
            document, _ = decoder.raw_decode(text, match.start())
        except json.JSONDecodeError:
            continue
        if isinstance(document, dict):
            return cast("Row", document)
        if isinstance(document, list) and document:
            return {"rows": document}
    return None

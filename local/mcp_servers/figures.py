"""Count at a server what reached it: calls by tool, refusals, and effects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Figures:
    """The figures of one server since the start or the last reset."""

    requests: int = 0
    refusals: Counter[str] = field(default_factory=Counter[str])
    calls: Counter[str] = field(default_factory=Counter[str])
    cancelled: Counter[str] = field(default_factory=Counter[str])
    lists: int = 0
    keys: Counter[str] = field(default_factory=Counter[str])
    """Calls that write, by idempotency key, repetitions included."""
    effects: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def effect(self, what: dict[str, Any]) -> None:
        """Note that something was written."""
        self.effects.append(what)

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON shows them."""
        return {
            "requests": self.requests,
            "lists": self.lists,
            "calls": dict(self.calls),
            "cancelled": dict(self.cancelled),
            "refusals": sum(self.refusals.values()),
            "refusal_reasons": dict(self.refusals),
            "keys": dict(self.keys),
            "effects": list(self.effects),
        }

    def reset(self) -> None:
        """Set everything to zero."""
        self.requests = self.lists = 0
        for counts in (self.refusals, self.calls, self.cancelled, self.keys, self.effects):
            counts.clear()

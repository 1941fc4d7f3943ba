"""Remember the last requests, so that tests can see what the model was asked and how far it came."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 500


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request; times are seconds since the epoch, tokens are those that were sent."""

    id: str
    api: str
    model: str
    stream: bool
    tools: list[str]
    roles: list[str]
    messages: list[dict[str, Any]] = field(repr=False)
    began_at: float
    prompt_tokens: int = 0
    tokens_planned: int = 0
    tokens_sent: int = 0
    tools_called: list[str] = field(default_factory=list[str])
    fault: str = ""
    status: int = 200
    finish_reason: str = ""
    finished: bool = False
    cancelled: bool = False
    first_token_at: float | None = None
    last_token_at: float | None = None
    ended_at: float | None = None


@dataclass(slots=True)
class RequestsLog:
    """The last requests, oldest first."""

    entries: deque[Entry] = field(default_factory=lambda: deque[Entry](maxlen=KEPT))
    total: int = 0

    def begin(self, entry: Entry) -> Entry:
        """Note a request that just came in."""
        self.entries.append(entry)
        self.total += 1
        return entry

    def document(self, *, last: int, with_messages: bool) -> dict[str, Any]:
        """Return the last entries as JSON shows them; what was said only on request."""
        shown = list(self.entries)[-last:] if last else []
        hidden = set[str]() if with_messages else {"messages"}
        rows = [{name: value for name, value in asdict(one).items() if name not in hidden} for one in shown]
        return {"total": self.total, "requests": rows}

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self.total = 0

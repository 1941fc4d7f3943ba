"""Describe how tool servers are doing, as whoever asked them last has found."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.domain.pins import Withheld

BreakerState = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What came of the last discovery or call that told something about a server."""

    server: str
    up: bool
    checked_at: datetime
    since: datetime
    """Since when it is up, or down."""
    breaker: BreakerState = "closed"
    last_error: str | None = None
    changed_tools: tuple[str, ...] = ()
    """Tools whose words, schema or hints the last discovery found changed, new or gone."""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTool:
    """A tool as `GET /api/servers` shows it."""

    name: str
    title: str
    description: str
    read_only: bool
    needs_approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a server is doing; `unknown` before it was asked for the first time."""

    state: Literal["up", "down", "unknown"]
    breaker: BreakerState
    checked_at: datetime | None = None
    since: datetime | None = None
    discovered_at: datetime | None = None
    last_error: str | None = None
    changed_tools: list[str] | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedServer:
    """A server as `GET /api/servers` shows it to someone who may use it."""

    name: str
    description: str
    tools: list[ListedTool]
    health: Health
    withheld: list[Withheld] | None = None
    """For Admins: tools that are off until one of them accepts what the server says of them now."""

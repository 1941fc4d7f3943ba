"""Fill the system prompt's placeholders (docs/protocol.md)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain.tools import ServerEntry

SYSTEM_PROMPT = "mcp_backend_system_prompt.txt"
PROMPT_MOST_BYTES = 64 * 1024
"""A larger prompt is a mistake: it would cost every question some 16,000 tokens."""
PLACEHOLDERS = frozenset(
    {
        "TODAY_DATE",
        "USER_NAME",
        "USER_ROLE",
        "MCP_Servers_Description",
        "USER_TIMEZONE",
        "USER_LOCAL_TIME",
        "FISCAL_QUARTER",
    }
)
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt text and the version that was read."""

    text: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What the prompt says of the person and the day."""

    name: str
    role: str | None
    timezone: str | None
    now: datetime
    fiscal_year_start_month: int


def role_prompt(role: str) -> str:
    """Name the blob that is appended for a role."""
    return f"roles/{role}.md"


def read_template(content: bytes) -> str:
    """Read a prompt as it is stored; one that cannot be meant is refused, so that the last good one serves on.

    Raises:
        ValueError: it is empty, too large, not UTF-8, or has a placeholder that nothing fills.
    """
    if len(content) > PROMPT_MOST_BYTES:
        raise ValueError(f"larger than {PROMPT_MOST_BYTES} bytes")
    text = content.decode("utf-8").removeprefix("\ufeff")
    if not text.strip():
        raise ValueError("empty")
    unknown = sorted({name.strip() for name in _PLACEHOLDER.findall(text)} - PLACEHOLDERS)
    if unknown:
        raise ValueError(f"unknown placeholders: {', '.join(unknown)[:200]}")
    return text


def fill(template: str, reader: Reader, servers: Iterable[ServerEntry]) -> str:
    """Put the reader's facts and the role's servers in place of the placeholders; unknown ones stay as they are."""
    zone = _zone(reader.timezone)
    local = reader.now.astimezone(zone)
    facts = {
        "TODAY_DATE": reader.now.date().isoformat(),
        "USER_NAME": _one_line(reader.name),
        "USER_ROLE": reader.role or "none",
        "MCP_Servers_Description": _numbered(servers),
        "USER_TIMEZONE": zone.key,
        # To the hour: with minutes no two questions would begin alike, and the provider's cache would never hit.
        "USER_LOCAL_TIME": local.replace(minute=0).isoformat(timespec="minutes"),
        "FISCAL_QUARTER": fiscal_quarter(local, reader.fiscal_year_start_month),
    }
    # In one pass: a name that looks like a placeholder is no placeholder.
    return _PLACEHOLDER.sub(lambda found: facts.get(found[1].strip(), found[0]), template)


def fiscal_quarter(moment: datetime, start_month: int) -> str:
    """Name the fiscal quarter, e.g. `FY2026 Q3`; a fiscal year is named by the calendar year in which it ends."""
    months_in = (moment.month - start_month) % 12
    ends_next_year = start_month > 1 and moment.month >= start_month
    return f"FY{moment.year + int(ends_next_year)} Q{months_in // 3 + 1}"


def _numbered(servers: Iterable[ServerEntry]) -> str:
    lines = [f"{number}. {entry.name}: {_one_line(entry.description)}" for number, entry in enumerate(servers, 1)]
    return "\n".join(lines) or "None: this person has no tools."


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _zone(name: str | None) -> ZoneInfo:
    """Give the zone of this name; UTC, named as such, for one that nobody knows."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")

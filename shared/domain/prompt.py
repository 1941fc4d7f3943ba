"""Fill the system prompt's placeholders (product.md, System prompt)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain.tools import ServerEntry

SYSTEM_PROMPT = "mcp_backend_system_prompt.txt"


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


def fill(template: str, reader: Reader, servers: Iterable[ServerEntry]) -> str:
    """Put the reader's facts and the role's servers in place of the placeholders; unknown ones stay as they are."""
    facts = {
        "TODAY_DATE": reader.now.date().isoformat(),
        "USER_NAME": _one_line(reader.name),
        "USER_ROLE": reader.role or "none",
        "MCP_Servers_Description": _numbered(servers),
        "USER_TIMEZONE": reader.timezone or "UTC",
        "USER_LOCAL_TIME": _local(reader).isoformat(timespec="minutes"),
        "FISCAL_QUARTER": fiscal_quarter(_local(reader), reader.fiscal_year_start_month),
    }
    text = template
    for name, value in facts.items():
        text = text.replace("{{" + name + "}}", value)
    return text


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


def _local(reader: Reader) -> datetime:
    try:
        return reader.now.astimezone(ZoneInfo(reader.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return reader.now

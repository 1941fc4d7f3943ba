"""Say what every result of the sample servers carries: how old it is and where it can be looked up."""

from __future__ import annotations

from mcp_types import ToolAnnotations
from pydantic import BaseModel

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)


class Link(BaseModel):
    """A page in the system where the figures come from."""

    title: str
    url: str


class Result(BaseModel):
    """What every result carries beside its figures."""

    as_of: str
    links: list[Link]


def link(system: str, title: str, path: str) -> Link:
    """Return a link into one of the sample systems, which do not exist."""
    return Link(title=title, url=f"https://{system}.example.com/{path}")

"""Pin what a tool server says of its tools: only what was looked at is offered, called and put into a prompt."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.domain.tools import Manifest, ToolSpec

Reason = Literal["changed", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The digests under which one server's tools are trusted."""

    server: str
    tools: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A tool that is switched off until an Admin has looked at what its server says of it now."""

    server: str
    name: str
    reason: Reason
    digest: str
    title: str
    description: str
    read_only: bool


def digest_of(tool: ToolSpec) -> str:
    """Give the SHA-256 of all that a server says of a tool: name, words, schemas and hints."""
    said = (
        *(tool.name, tool.title, tool.description, tool.input_schema, tool.output),
        *(tool.read_only, tool.idempotent, tool.destructive, tool.sends_out),
    )
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def first_pins(manifest: Manifest) -> Pins:
    """Trust what a server says when it is asked for the first time: an operator has just put it into the registry."""
    return Pins(server=manifest.server, tools={tool.name: digest_of(tool) for tool in manifest.tools})


def trusted(manifest: Manifest, pins: Pins | None) -> tuple[ToolSpec, ...]:
    """Give the tools that are as they were pinned; without pins there are none."""
    known = pins.tools if pins else {}
    return tuple(tool for tool in manifest.tools if known.get(tool.name) == digest_of(tool))


def lost(manifest: Manifest, pins: Pins | None, good: Sequence[ToolSpec]) -> tuple[str, ...]:
    """Name the tools that were trusted once and are not now; the name of a new one is its server's word alone."""
    known, left = (pins.tools if pins else {}), {tool.name for tool in good}
    return tuple(tool.name for tool in manifest.tools if tool.name in known and tool.name not in left)


def withheld(manifest: Manifest, pins: Pins | None) -> tuple[Withheld, ...]:
    """Give the tools that are not as they were pinned, or that came after the server's first tools."""
    known = pins.tools if pins else {}
    return tuple(
        Withheld(
            server=manifest.server,
            name=tool.name,
            reason="changed" if tool.name in known else "new",
            digest=digest,
            title=tool.title,
            description=tool.description,
            read_only=tool.read_only,
        )
        for tool in manifest.tools
        if known.get(tool.name) != (digest := digest_of(tool))
    )

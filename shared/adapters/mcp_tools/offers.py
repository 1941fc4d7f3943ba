"""Read what a server offers as a manifest; a tool that no model could be given is left out by name."""

import hashlib
import json
import logging
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from mcp_types import Tool

from shared.domain.invisible import visible
from shared.domain.pins import digest_of
from shared.domain.tools import Manifest, ToolSpec

DESCRIPTION_MOST_CHARS = 4_000
SCHEMA_MOST_CHARS = 32_000
"""What describes a tool costs every question its tokens; a tool that takes more is left out."""

# The names that providers of models accept for a function.
_OFFERABLE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_log = logging.getLogger("salescoach.mcp")


def manifest_of(server: str, tools: Iterable[Tool], now: datetime) -> Manifest:
    """Describe a server's tools, with a digest that changes when names, words, schemas or hints do."""
    specs = tuple(spec for spec in (_spec(server, tool) for tool in tools) if _usable(spec))
    digest = hashlib.sha256(json.dumps([digest_of(spec) for spec in specs]).encode())
    return Manifest(server=server, tools=specs, version=digest.hexdigest(), discovered_at=now)


def _spec(server: str, tool: Tool) -> ToolSpec:
    hints = tool.annotations
    read_only = bool(hints and hints.read_only_hint)
    return ToolSpec(
        server=server,
        name=tool.name,
        title=visible(tool.title or (hints.title if hints else None) or tool.name),
        description=visible(tool.description or ""),
        input_schema=cast("dict[str, Any]", _visible(tool.input_schema)),
        read_only=read_only,
        idempotent=bool(hints and hints.idempotent_hint),
        destructive=not read_only and (hints is None or hints.destructive_hint is not False),
        sends_out=bool(hints and hints.open_world_hint),
        output=hashlib.sha256(json.dumps(tool.output_schema, sort_keys=True).encode()).hexdigest(),
    )


def _visible(part: Any) -> Any:
    """Leave out of every text of a schema what no person can see; what a model reads, people must be able to."""
    if isinstance(part, str):
        return visible(part)
    if isinstance(part, list):
        return [_visible(item) for item in cast("list[Any]", part)]
    if isinstance(part, dict):
        return {visible(name): _visible(value) for name, value in cast("dict[str, Any]", part).items()}
    return part


def _usable(spec: ToolSpec) -> bool:
    named = _OFFERABLE.fullmatch(spec.offered_name) is not None and spec.name != "" and "__" not in spec.name
    brief = len(spec.description) <= DESCRIPTION_MOST_CHARS and len(json.dumps(spec.input_schema)) <= SCHEMA_MOST_CHARS
    if not (named and brief):
        _log.warning("tool.left_out", extra={"server": spec.server, "tool": spec.name[:80]})
    return named and brief

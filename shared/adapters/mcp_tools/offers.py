"""Read what a server offers as a manifest; a tool that no model could be given is left out by name."""

import hashlib
import json
import logging
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mcp_types import Tool

from shared.domain.tools import Manifest, ToolSpec

# The names that providers of models accept for a function.
_OFFERABLE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_log = logging.getLogger("salescoach.mcp")


def manifest_of(server: str, tools: Iterable[Tool], now: datetime) -> Manifest:
    """Describe a server's tools, with a digest that changes when names, words, schemas or hints do."""
    specs = tuple(spec for spec in (_spec(server, tool) for tool in tools) if _usable(spec))
    digest = hashlib.sha256(json.dumps([_pinned(spec) for spec in specs], sort_keys=True).encode())
    return Manifest(server=server, tools=specs, version=digest.hexdigest(), discovered_at=now)


def _spec(server: str, tool: Tool) -> ToolSpec:
    hints = tool.annotations
    read_only = bool(hints and hints.read_only_hint)
    return ToolSpec(
        server=server,
        name=tool.name,
        title=tool.title or (hints.title if hints else None) or tool.name,
        description=tool.description or "",
        input_schema=tool.input_schema,
        read_only=read_only,
        idempotent=bool(hints and hints.idempotent_hint),
        destructive=not read_only and (hints is None or hints.destructive_hint is not False),
    )


def _usable(spec: ToolSpec) -> bool:
    usable = _OFFERABLE.fullmatch(spec.offered_name) is not None and "__" not in spec.name
    if not usable:
        _log.warning("tool.left_out", extra={"server": spec.server, "tool": spec.name[:80]})
    return usable


def _pinned(tool: ToolSpec) -> list[Any]:
    return [tool.name, tool.description, tool.input_schema, tool.read_only, tool.idempotent, tool.destructive]

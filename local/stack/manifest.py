"""Write stack.json: every endpoint and process id, for people, tests and tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from local.stack.doors import webpubsub_url
from local.stack.parts import url

ENDPOINTS = ("web", "app", "webpubsub", "cosmos", "blob", "identity", "model")
PROCESSES = ("host", "web", "webpubsub", "cosmos", "blob", "identity", "model", "mcp")


def write(
    target: Path,
    ports: Mapping[str, int],
    *,
    servers: Mapping[str, str],
    pids: Mapping[str, int | None],
    real_model: str | None,
    door: str,
) -> None:
    """Replace the file in one step, so that a reader never sees half of it.

    A process that does not run has no id: null.
    """
    endpoints = {part: url(ports, part) for part in ENDPOINTS} | {"webpubsub": webpubsub_url(ports, door)}
    if real_model:
        endpoints["model"] = real_model
    content = {**endpoints, "mcp": dict(servers), "pids": {name: pids.get(name) for name in PROCESSES}}
    draft = target.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(target)

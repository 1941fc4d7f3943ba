"""Connection states in the header `ce-connectionState`: base64 of a JSON object of base64 JSON values."""

import base64
import json
from typing import Any

States = dict[str, Any]


def decode_states(header: str | None) -> States | None:
    """Read the header; an absent or empty one means no states.

    Raises:
        ValueError: it was not written by the Functions extension.
    """
    if not header:
        return None
    content: Any = json.loads(base64.b64decode(header, validate=True))
    if not isinstance(content, dict):
        msg = "ce-connectionState is not a JSON object"
        raise ValueError(msg)  # noqa: TRY004 - one kind of fault for a bad header
    return {
        str(name): json.loads(base64.b64decode(str(value), validate=True))  # type: ignore[arg-type]
        for name, value in content.items()  # type: ignore[union-attr]
    }


def encode_states(states: States) -> str:
    """Write the header."""
    values = {name: _base64(json.dumps(value, separators=(",", ":"))) for name, value in states.items()}
    return _base64(json.dumps(values, separators=(",", ":")))


def merge_states(known: States | None, new: object) -> States:
    """Lay a response's states over the known ones; what is no object changes nothing."""
    return {**(known or {}), **(new if isinstance(new, dict) else {})}  # type: ignore[dict-item]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

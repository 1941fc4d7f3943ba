"""The recorded streams of the wire, and how what a client knows is compared with what they expect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"


def names(pattern: str = "*") -> list[str]:
    """Name the streams of a pattern."""
    return sorted(path.stem for path in GOLDEN.glob(f"{pattern}.jsonl"))


def entries(stream: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give a stream's lines with their numbers."""
    for number, line in enumerate((GOLDEN / f"{stream}.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        yield number, json.loads(line)


def is_part(actual: Any, expected: Any) -> bool:
    """Compare objects by the keys that are named, lists by length and item by item, all else by equality."""
    if isinstance(expected, dict):
        items: list[tuple[Any, Any]] = list(expected.items())  # pyright: ignore[reportUnknownArgumentType]
        return actual is not None and all(is_part(actual.get(key), value) for key, value in items)
    if isinstance(expected, list):
        wanted: list[Any] = expected  # pyright: ignore[reportUnknownVariableType]
        return len(actual) == len(wanted) and all(map(is_part, actual, wanted))
    return actual == expected

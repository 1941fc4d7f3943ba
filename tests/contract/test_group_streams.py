"""The streams of the wire that tell of groups, read by the Python client as the web client reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.room import Known, apply

GOLDEN = Path(__file__).parent / "golden"


def is_part(actual: Any, expected: Any) -> bool:
    """Compare objects by the keys that are named, lists by length and item by item, all else by equality."""
    if isinstance(expected, dict):
        items: list[tuple[Any, Any]] = list(expected.items())  # pyright: ignore[reportUnknownArgumentType]
        return actual is not None and all(is_part(actual.get(key), value) for key, value in items)
    if isinstance(expected, list):
        wanted: list[Any] = expected  # pyright: ignore[reportUnknownVariableType]
        return len(actual) == len(wanted) and all(map(is_part, actual, wanted))
    return actual == expected


@pytest.mark.requirement("group:changed")
@pytest.mark.parametrize("stream", sorted(path.stem for path in GOLDEN.glob("group_*.jsonl")))
def test_the_python_client_knows_of_a_group_what_the_web_client_knows(stream: str) -> None:
    """Its title, rules, owner and people; questions and turns are read by other tests."""
    known: dict[str, Known] = {}
    for number, line in enumerate((GOLDEN / f"{stream}.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        entry = json.loads(line)
        if "frame" in entry:
            group = entry["frame"]["group_id"]
            known[group] = apply(known.get(group, {}), entry["frame"])
        for group, facts in entry.get("expect", {}).get("conversations", {}).items():
            assert is_part(known[group], facts), f"line {number}: {known[group]}"

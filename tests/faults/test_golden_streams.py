"""The recorded streams of the wire, read by the Python client as the web client reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults.screen import Screen, ShownTurn

GOLDEN = Path(__file__).resolve().parents[1] / "contract" / "golden"
PLAIN = ("question_id", "status", "attempt", "text", "settled", "ended", "error")


def shown(turn: ShownTurn) -> dict[str, Any]:
    """Tell what the client knows of a turn, in the words of the expectations."""
    facts: dict[str, Any] = {name: getattr(turn, name) for name in PLAIN}
    facts |= {"length": len(turn.text), "notices": turn.notices, "tools": list(turn.tools.values())}
    facts["gap_since"] = None if turn.gap_since is None else turn.gap_since * 1000
    return facts | {"approvals": list(turn.approvals.values())}


def is_part(actual: Any, expected: Any) -> bool:
    """Compare objects by the keys that are named, lists by length and item by item, all else by equality."""
    if isinstance(expected, dict):
        items: list[tuple[Any, Any]] = list(expected.items())  # pyright: ignore[reportUnknownArgumentType]
        return actual is not None and all(is_part(actual.get(key), value) for key, value in items)
    if isinstance(expected, list):
        wanted: list[Any] = expected  # pyright: ignore[reportUnknownVariableType]
        return len(actual) == len(wanted) and all(map(is_part, actual, wanted))
    return actual == expected


@pytest.mark.parametrize("stream", sorted(path.stem for path in GOLDEN.glob("*.jsonl")))
@pytest.mark.requirement("process:one-law")
def test_the_python_client_reads_the_stream_as_the_web_client_does(stream: str) -> None:
    """Turns alone: the list of questions and the alerts are the page's own."""
    screen, now = Screen(), 0.0
    asked: list[dict[str, Any]] = []
    for number, line in enumerate((GOLDEN / f"{stream}.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        entry = json.loads(line)
        now = entry["at"] / 1000 if "at" in entry else now
        if "frame" in entry:
            asked = screen.apply(entry["frame"], now)
            continue
        wanted: dict[str, Any] = entry["expect"]
        for conversation in wanted.get("conversations", {}).values():
            for turn_id, facts in conversation.get("turns", {}).items():
                assert is_part(shown(screen.turns[turn_id]), facts), f"line {number}: {screen.turns[turn_id]}"
        sends = [send for send in wanted.get("sends", asked) if send["type"] == "turn.resume"]
        told = [send for send in asked if send["type"] == "turn.resume"]
        assert is_part(told, sends), f"line {number}: {asked}"

"""The recorded streams of the wire, read by the Python client as the web client reads them."""

from typing import Any

import pytest

from tests.contract.golden_streams import entries, is_part, names
from tests.faults.screen import Screen, ShownTurn

PLAIN = ("question_id", "status", "attempt", "text", "settled", "ended", "error")


def shown(turn: ShownTurn) -> dict[str, Any]:
    """Tell what the client knows of a turn, in the words of the expectations."""
    facts: dict[str, Any] = {name: getattr(turn, name) for name in PLAIN}
    facts |= {"length": len(turn.text), "notices": turn.notices, "tools": list(turn.tools.values())}
    facts["gap_since"] = None if turn.gap_since is None else turn.gap_since * 1000
    return facts | {"approvals": list(turn.approvals.values())}


@pytest.mark.parametrize("stream", names())
@pytest.mark.requirement("process:one-law")
def test_the_python_client_reads_the_stream_as_the_web_client_does(stream: str) -> None:
    """Turns alone: the list of questions and the alerts are the page's own."""
    screen, now = Screen(), 0.0
    asked: list[dict[str, Any]] = []
    for number, entry in entries(stream):
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

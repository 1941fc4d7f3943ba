"""The sizing table of the runbook is its own arithmetic."""

from __future__ import annotations

import math
import re

import pytest

from tests.infra.bicep_text import ROOT

RUNBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ASK_EVERY_S, ANSWER_S, FRAMES_A_SECOND = 600, 20, 10
OPERATIONS, RU_EACH, CHECKPOINTS, RU_CHECKPOINT = 12, 8, 20, 11
CALLS, TOKENS_IN, TOKENS_OUT, ACTIONS = 2, 4_000, 200, 11
SENDS_A_UNIT, CONNECTIONS_A_UNIT, CONNECTIONS_EACH, ACTIVITIES = 180, 1_000, 1.3, 100


def worked_out(people: int) -> dict[str, float]:
    """Do the table's arithmetic for a number of connected people."""
    questions = people / ASK_EVERY_S
    running = questions * ANSWER_S
    return {
        "questions a second": questions,
        "turns running": running,
        "sends a second": running * FRAMES_A_SECOND,
        "Web PubSub units by sends": math.ceil(running * FRAMES_A_SECOND / SENDS_A_UNIT),
        "Web PubSub units by connections": math.ceil(people * CONNECTIONS_EACH / CONNECTIONS_A_UNIT),
        "Cosmos RU/s": questions * (OPERATIONS * RU_EACH + CHECKPOINTS * RU_CHECKPOINT),
        "model tokens a minute": questions * 60 * CALLS * (TOKENS_IN + TOKENS_OUT),
        "scheduler actions a second": questions * ACTIONS,
        "instances by activities": math.ceil(running / ACTIVITIES),
    }


@pytest.mark.requirement("infra:sizing")
@pytest.mark.parametrize(("column", "people"), [(0, 100), (1, 1_000), (2, 10_000)])
def test_the_sizing_table_is_its_arithmetic(column: int, people: int) -> None:
    """For 100, 1,000 and 10,000 connected people, to two digits."""
    rows = re.findall(r"^\| ([^|]+) \| ([\d.,]+) \| ([\d.,]+) \| ([\d.,]+) \| [^|]+ \|$", RUNBOOK, re.MULTILINE)
    written = {name: float(numbers[column].replace(",", "")) for name, *numbers in rows}
    heads = written.pop("connected people")

    assert heads == people
    assert written == pytest.approx(worked_out(people), rel=0.03)


def test_the_assumptions_stand_before_the_table() -> None:
    """Whoever has other figures can put them in."""
    before = " ".join(RUNBOOK.split("| connected people")[0].rpartition("## How big")[2].split())

    for figure in ("once in 10 minutes", "1.3 connections", "(20 s)", "each 100 ms", "4,000 tokens in, 200 out"):
        assert figure in before
    for figure in ("12 Cosmos operations of 8 RU", "20 checkpoints of 11 RU", "11 scheduler actions", "180 sends"):
        assert figure in before

"""What the registry makes of a tool, and how a call of the ledger ends and is told."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.ids import CallId
from shared.domain.tools import (
    Approval,
    CallState,
    ServerEntry,
    ToolCall,
    ToolFeedback,
    ToolRule,
    ToolSpec,
    abandoned,
    feedback,
    ruled,
)

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SERVER = ServerEntry(name="crm", url="https://crm.example/mcp", roles=("Sales",), auth_enabled=True, description="")
TOOL = ToolSpec(server="crm", name="note", title="Note", description="Writes.", input_schema={"type": "object"})
CALL = ToolCall(
    call_id=CallId("t.1.0"), round=1, index=0, server="crm", name="note", arguments={"a": 1}, safe_to_repeat=True,
    reads=True, expires_at=NOW, started_at=NOW, duration_ms=12, summary="7 notes", result="seven",
    as_of="2026-01-04", links=("https://crm.example/7",),
)  # fmt: skip


@pytest.mark.requirement("tools:registry-rules")
@pytest.mark.parametrize("word", ["read_only", "idempotent", "sends_out", "approval"])
@pytest.mark.parametrize(
    ("hint", "general", "own", "counts"),
    [
        (True, None, None, True),
        (True, False, None, False),
        (False, True, None, True),
        (True, True, False, False),
        (False, False, True, True),
        (True, None, False, False),
        (False, None, True, True),
    ],
)
def test_each_word_on_a_tool_counts_before_what_is_said_more_generally(
    word: str, hint: bool, general: bool | None, own: bool | None, counts: bool
) -> None:
    """The registry on this tool, then on its server, then the server's hint; what nobody speaks of stays."""
    hinted = TOOL if word == "approval" else replace(TOOL, **{word: hint})
    server = replace(SERVER, rule=rule(word, general), tools={"note": rule(word, own), "other": rule(word, not counts)})

    told = word == "approval" and general is own is None
    assert ruled(server, hinted) == replace(TOOL, **{word: None if told else counts})


def rule(word: str, says: bool | None) -> ToolRule:
    """The registry says this, and nothing else."""
    said: dict[str, Any] = {word: says}
    return ToolRule(**said)


@pytest.mark.requirement("tools:registry-rules")
def test_a_tool_that_is_switched_off_is_gone_and_the_others_stay() -> None:
    """By its own name; a server is switched off elsewhere."""
    server = replace(SERVER, tools={"note": ToolRule(enabled=False)})

    assert ruled(server, TOOL) is None
    assert ruled(server, replace(TOOL, name="other")) == replace(TOOL, name="other")


@pytest.mark.requirement("tools:ledger")
@pytest.mark.parametrize(
    ("approval", "left"),
    [
        (Approval.NOT_NEEDED, Approval.NOT_NEEDED),
        (Approval.WAITING, Approval.CANCELLED),
        (Approval.APPROVED, Approval.APPROVED),
    ],
)
@pytest.mark.parametrize(
    ("state", "end", "words"),
    [
        (CallState.PLANNED, CallState.REFUSED, "The question ended before this call."),
        (CallState.OPEN, CallState.UNKNOWN, "The call may or may not have taken effect."),
    ],
)
def test_a_call_that_the_turn_leaves_behind_is_refused_if_never_made_and_unknown_if_begun(
    state: CallState, end: CallState, words: str, approval: Approval, left: Approval
) -> None:
    """Person and model read the same words; a wait for approval is over, a given approval stays on record."""
    closed = abandoned(replace(CALL, state=state, approval=approval))

    assert closed == replace(CALL, state=end, approval=left, summary=words, result=words)


@pytest.mark.requirement("tools:ledger")
@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (CallState.PLANNED, "unknown"),
        (CallState.OPEN, "unknown"),
        (CallState.DONE, "done"),
        (CallState.FAILED, "failed"),
        (CallState.REFUSED, "refused"),
        (CallState.UNKNOWN, "unknown"),
    ],
)
def test_a_person_is_told_what_the_ledger_holds_and_good_only_of_what_is_done(state: CallState, outcome: str) -> None:
    """All that was noted of the call, without what the model was given."""
    assert feedback(replace(CALL, state=state)) == ToolFeedback(
        call_id="t.1.0",
        server="crm",
        name="note",
        ok=outcome == "done",
        outcome=outcome,
        duration_ms=12,
        summary="7 notes",
        as_of="2026-01-04",
        links=["https://crm.example/7"],
    )


def test_a_call_without_links_or_date_is_told_without_them() -> None:
    """Not with an empty list."""
    told = feedback(replace(CALL, state=CallState.DONE, links=(), as_of=None))

    assert (told.links, told.as_of) == (None, None)

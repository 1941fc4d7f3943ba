"""Write what the durable history holds: ids, counters and outcomes, never texts (architecture.md, decision 5)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, assert_never

from shared.domain import turn_events as events
from shared.domain.ids import ConversationKey, TurnId
from shared.domain.turns import TurnRef

Work = dict[str, Any]


def orchestration_input(ref: TurnRef, limits: events.TurnLimits) -> Work:
    """Write the input of a turn's orchestration; limits are fixed with it, so that a replay sees the same ones."""
    return {"key": ref.key, "turn_id": ref.turn_id, "epoch": ref.epoch, "limits": asdict(limits)}


def limits_of(work: Work) -> events.TurnLimits:
    """Read the limits from an orchestration's input."""
    return events.TurnLimits(**work["limits"])


def ref_of(work: Work) -> TurnRef:
    """Read which execution of which turn an activity works for."""
    return TurnRef(key=ConversationKey(work["key"]), turn_id=TurnId(work["turn_id"]), epoch=int(work["epoch"]))


def activities(effect: events.Effect, orchestration: Work) -> list[tuple[str, Work]]:
    """Name the activities that an effect becomes, with their inputs; several run side by side."""
    name: Work = {field: orchestration[field] for field in ("key", "turn_id", "epoch")}
    match effect:
        case events.RunRound():
            return [("process_round", name | asdict(effect))]
        case events.RunTools():
            return [("run_tool", name | {"call_id": call_id}) for call_id in effect.call_ids]
        case events.AwaitApprovals():
            return [("settle_approvals", name | {"call_ids": list(effect.call_ids)})]
        case events.Seal():
            return [("respond", name | {"end": effect.end.value, "error": effect.error})]
        case events.Persist() | events.Release():
            return [(type(effect).__name__.lower(), name)]
        case events.WaitFor():
            return []
        case _:
            assert_never(effect)


def afterwards(orchestration: Work) -> tuple[str, Work]:
    """Name the activity that follows a turn's end, with its input."""
    return "tidy", {field: orchestration[field] for field in ("key", "turn_id", "epoch")}


def event(effect: events.Effect, results: Sequence[Any]) -> events.Event:
    """Read what became of an effect from the results of its activities."""
    match effect:
        case events.RunRound():
            return _round_ended(results[0])
        case events.RunTools():
            return _tools(results)
        case events.AwaitApprovals():
            approved = tuple(results[0]["approved"])
            return events.ApprovalsSettled(approved=approved, cancelled=results[0]["cancelled"])
        case events.Seal():
            return events.StepDone() if results[0] else events.StepStale()
        case events.Persist() | events.Release():
            return events.StepDone()
        case events.WaitFor():
            return events.WaitOver()
        case _:
            assert_never(effect)


def _tools(results: Sequence[Any]) -> events.ToolsEvent:
    if "parked" in results:
        return events.ToolsParked()
    return events.ToolsWaiting() if "waiting" in results else events.ToolsEnded()


def round_effect(work: Work) -> events.RunRound:
    """Read the input of the model activity."""
    return events.RunRound(
        round=work["round"],
        last=work["last"],
        use_secondary=work["use_secondary"],
        calls_left=work["calls_left"],
        # What was scheduled before an upgrade has no such word.
        switched=work.get("switched", False),
    )


def round_result(ended: events.RoundEnded) -> Work:
    """Write the outcome of the model activity."""
    return asdict(ended)


def _round_ended(result: Work) -> events.RoundEnded:
    return events.RoundEnded(
        kind=events.RoundKind(result["kind"]),
        calls=tuple(events.PlannedCall(**call) for call in result["calls"]),
        retry_after_s=result["retry_after_s"],
        error=result["error"],
        approval_s=result.get("approval_s"),
    )

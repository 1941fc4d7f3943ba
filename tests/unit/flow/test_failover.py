"""When the primary does not answer the secondary does, with a notice; what it cannot change is tried once."""

from typing import Any

import pytest

from shared.domain import model_faults
from shared.domain.errors import ModelFailed

PASSING = {
    "429": model_faults.of_status(429, None, None),
    "429 with Retry-After": model_faults.of_status(429, None, "5"),
    "500": model_faults.of_status(500, None, None),
    "retired, 404": model_faults.of_status(404, "DeploymentNotFound", None),
    "retired, 410": model_faults.of_status(410, None, None),
    "silence": model_faults.silent(),
    "an answer that broke off": model_faults.broken_off(),
}
FINAL = {
    "a filtered question": model_faults.of_status(400, "content_filter", None),
    "a conversation too long": model_faults.of_status(400, "context_length_exceeded", None),
    "a refused request": model_faults.of_status(400, None, None),
}


@pytest.mark.requirement("process:failover")
@pytest.mark.parametrize("case", PASSING)
async def test_the_secondary_answers_with_a_notice(room: Any, rounds: Any, case: str) -> None:
    """One try of each model; nobody waits for the one that asks for time."""
    fault: ModelFailed = PASSING[case]
    room.scripted([fault], rounds.says("From the other one."))
    await room.ask()
    asked_at = room.clock.monotonic()

    await room.run()

    assert [request.use_secondary for request in room.model.requests] == [False, True]
    assert [frame.code for frame in room.frames("notice")] == ["model_switched"]
    assert room.frames("response")[0].content == "From the other one."
    assert room.clock.monotonic() - asked_at < 2


@pytest.mark.requirement("process:failover")
async def test_a_wait_beyond_the_turn_s_time_fails_at_once(room: Any) -> None:
    """Rather an honest end than a silent wait, once both models ask for it."""
    busy = [model_faults.of_status(429, None, "900")]
    room.scripted(busy, busy)

    await room.ask()
    await room.run()

    assert len(room.model.requests) == 2
    assert room.frames("response.failed")[0].error.code == "model_unavailable"


@pytest.mark.parametrize("case", FINAL)
async def test_what_another_model_cannot_change_is_tried_once(room: Any, case: str) -> None:
    """A typed end, no second request."""
    fault: ModelFailed = FINAL[case]
    room.scripted([fault])

    await room.ask()
    await room.run()

    assert len(room.model.requests) == 1
    assert room.frames("response.failed")[0].error.code == fault.code


REASONS = {
    "a deployment that is gone": (model_faults.of_status(410, None, None), "retired"),
    "a model that is busy": (model_faults.of_status(429, None, None), "not available at present"),
}


@pytest.mark.requirement("process:failover")
@pytest.mark.parametrize("case", REASONS)
async def test_the_person_is_told_why_no_model_answered(room: Any, case: str) -> None:
    """By the same code, in words that say whether waiting helps."""
    fault, words = REASONS[case]
    room.scripted([fault], [fault], [fault])

    await room.ask()
    await room.run()

    error = room.frames("response.failed")[0].error
    assert error.code == "model_unavailable"
    assert words in error.message


async def test_without_a_system_prompt_the_person_is_told_that(room: Any) -> None:
    """It is no fault of a model's."""
    room.prompts.texts.clear()

    await room.ask()
    await room.run()

    error = room.frames("response.failed")[0].error
    assert error.code == "model_unavailable"
    assert "instructions" in error.message

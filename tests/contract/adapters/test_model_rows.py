"""Each way in which a model fails, through whole turns: both real adapters against the stand-in."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.open_ai import client
from shared.adapters.open_ai.chat_completions import CHAT_COMPLETIONS
from shared.adapters.open_ai.responses import RESPONSES
from shared.domain.errors import ChatError
from shared.domain.models import Deployments
from tests.unit.flow.conftest import Room

from .conftest import Part

pytestmark = pytest.mark.requirement("process:model-rows")
APIS = {
    "chat_completions": (CHAT_COMPLETIONS, "gpt-4.1-mini", "gpt-4.1-mini-2"),
    "responses": (RESPONSES, "gpt-5.4-mini", "gpt-5.4-mini-2"),
}
QUESTION = "How is my pipeline this quarter?"
TRIES = 3


class RunningClock(MemoryClock):
    """Real time from a set start on, and what waits of the machine add to it."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._added = 0.0

    def now(self) -> datetime:
        """Give the time."""
        return super().now() + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Give the seconds since the start."""
        return time.monotonic() - self._began + self._added

    def advance(self, seconds: float) -> None:
        """Skip a wait of the machine."""
        self._added += seconds

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)


class Desk:
    """A room whose model is the stand-in, seen through one API."""

    def __init__(self, part: Part, api: str) -> None:
        self._api, *models = APIS[api]
        self.part, self.models = part, tuple(models)
        self.room = Room()
        self.room.clock = RunningClock()
        self.real = self.connect()
        self.room.answers(
            "sfdc/pipeline", '{"rows": [{"stage": "New", "amount": 733000}, {"stage": "Old", "amount": 7}]}'
        )

    def connect(self, silence_s: float = client.SILENCE_S) -> client.OpenAiModel:
        """Connect to the model, with this patience."""
        deployments, url = Deployments(primary=self.models[0], secondary=self.models[1]), f"{self.part.url}/v1"
        self.real = client.OpenAiModel(
            self._api, base_url=url, api_key="k", deployments=deployments, silence_s=silence_s
        )
        self.room.services = replace(self.room.services, clock=self.room.clock, model=self.real)
        return self.real

    def fault(self, mode: str, **more: Any) -> None:
        """Let the stand-in fail."""
        self.part.ask("POST", "/_faults", {"mode": mode, **more})

    async def ask(self, question: str = QUESTION) -> list[str]:
        """Ask and run the turn to its end; give the effects."""
        await self.room.ask(question)
        return await self.room.run()

    def asked(self) -> list[str]:
        """The models that were asked, in order."""
        return [entry["model"] for entry in self.part.ask("GET", "/_requests?last=100")["requests"]]

    async def sealed(self) -> Any:
        """The answer as it is stored."""
        return (await self.room.turn(self.room.started())).sealed

    def ended(self) -> Any:
        """The one end that was told."""
        (end,) = self.room.frames("response.committed", "response.failed", "response.cancelled")
        return end


@pytest.fixture(params=APIS)
async def desk(request: pytest.FixtureRequest, model: Part) -> AsyncIterator[Desk]:
    """A desk of each API."""
    model.ask("DELETE", "/_faults")
    model.ask("DELETE", "/_requests")
    desk = Desk(model, request.param)
    await desk.room.sign_in()
    yield desk
    await desk.real.close()
    model.ask("DELETE", "/_faults")


WHOLE = "Source: sfdc, pipeline"
"""How the stand-in ends this answer; what lacks it is a part."""


def is_whole(text: str) -> bool:
    """Tell whether the whole answer is there, once."""
    return text.count("Here is what I found") == text.count(WHOLE) == 1


async def test_a_busy_model_is_left_alone_as_it_asks_and_the_secondary_answers(desk: Desk) -> None:
    """429 with Retry-After 5: the other one is asked at once, this one not before."""
    desk.fault("http", status=429, retry_after=5, count=1)
    began = desk.room.clock.monotonic()

    await desk.ask()

    assert desk.room.clock.monotonic() - began < 5
    assert desk.asked()[:2] == list(desk.models)
    assert desk.ended().type == "response.committed"
    assert [frame.code for frame in desk.room.frames("notice")] == ["model_switched"]


async def test_a_wait_that_the_turn_has_no_time_for_is_not_begun(desk: Desk) -> None:
    """429 with Retry-After 400 from both: an honest end at once."""
    desk.fault("http", status=429, retry_after=400)
    began = desk.room.clock.monotonic()

    await desk.ask()

    assert (desk.asked(), desk.ended().error.code) == (list(desk.models), "model_unavailable")
    assert desk.room.clock.monotonic() - began < 5


async def test_an_error_before_the_first_token_costs_three_tries_at_most(desk: Desk) -> None:
    """500, again and again: one layer of retries, both models, then the end."""
    desk.fault("http", status=500)

    await desk.ask()

    assert desk.asked() == [desk.models[0], desk.models[1], desk.models[0]]
    assert (desk.ended().type, desk.ended().error.code) == ("response.failed", "model_unavailable")


@pytest.mark.parametrize("status", [404, 410])
async def test_a_retired_deployment_is_followed_by_the_secondary(desk: Desk, status: int) -> None:
    """The notice says so."""
    desk.fault("http", status=status, model=desk.models[0])

    await desk.ask()

    assert is_whole((await desk.sealed()).content)
    assert {frame.code for frame in desk.room.frames("notice")} == {"model_switched"}


async def test_a_model_that_sends_no_byte_is_given_up_and_asked_again_under_a_new_attempt(desk: Desk) -> None:
    """The silence is bounded, and the text begins anew."""
    await desk.real.close()
    desk.connect(silence_s=1.0)
    desk.fault("hang_after", after=0, count=1)

    await desk.ask()

    sealed = await desk.sealed()
    assert is_whole(sealed.content)
    assert sealed.attempt == desk.room.frames("response")[0].attempt > 2
    assert desk.asked()[:2] == list(desk.models)


@pytest.mark.parametrize("mode", ["cut_after_tokens", "eof_without_finish_after", "error_event_after"])
async def test_half_an_answer_is_never_stored_as_a_whole_one(desk: Desk, mode: str) -> None:
    """Cut in mid-stream: the next attempt begins again, nothing of the first one is left."""
    desk.fault(mode, after=12, count=1, during="answer")

    await desk.ask()

    sealed = await desk.sealed()
    deltas = [frame for frame in desk.room.frames("response.delta") if frame.attempt == sealed.attempt]
    assert is_whole(sealed.content)
    assert "".join(frame.text for frame in deltas) == sealed.content
    assert deltas[0].offset == 0


@pytest.mark.parametrize("mode", ["cut_after_tokens", "eof_without_finish_after"])
async def test_an_answer_that_never_gets_whole_ends_as_failed_with_its_part_marked(desk: Desk, mode: str) -> None:
    """Three tries; what was said is kept, and called what it is."""
    desk.fault(mode, after=12, during="answer")

    await desk.ask()

    sealed = await desk.sealed()
    assert (sealed.status, sealed.finish_reason) == ("failed", "error")
    assert sealed.content
    assert WHOLE not in sealed.content
    assert desk.ended().content == sealed.content
    assert len(desk.asked()) == 1 + TRIES


@pytest.mark.parametrize(("mode", "reason"), [("content_filter_after", "content_filter"), ("length_after", "length")])
async def test_a_filter_and_a_limit_are_typed_ends_and_not_tried_again(desk: Desk, mode: str, reason: str) -> None:
    """What was said stays."""
    desk.fault(mode, after=12, count=1, during="answer")

    await desk.ask()

    sealed = await desk.sealed()
    assert (sealed.status, sealed.finish_reason) == ("final", reason)
    assert sealed.content
    assert len(desk.asked()) == 2


async def test_an_empty_stream_is_no_answer(desk: Desk) -> None:
    """No text and no call: tried again."""
    desk.fault("empty", count=1, during="answer")

    await desk.ask()

    assert is_whole((await desk.sealed()).content)


async def test_a_refusal_is_an_end_in_the_models_words(desk: Desk) -> None:
    """Said once, typed."""
    desk.fault("refusal", count=1, during="answer")

    await desk.ask()

    assert ((await desk.sealed()).finish_reason, len(desk.asked())) == ("content_filter", 2)


@pytest.mark.parametrize(
    ("mode", "asked", "outcomes"),
    [
        ("bad_tool_json", 2, ["failed"]),
        ("unknown_tool", 2, ["refused"]),
        ("many_calls", 2, ["done"] * 16 + ["refused"] * 84),
    ],
)
async def test_bad_calls_cost_the_model_an_error_result_and_nobody_a_crash(
    desk: Desk, mode: str, asked: int, outcomes: list[str]
) -> None:
    """Broken arguments, an invented name, a hundred calls at once: the caps hold and an answer comes."""
    desk.fault(mode, count=1, during="calls")

    await desk.ask()

    sealed = await desk.sealed()
    assert sealed.status == "final"
    assert sealed.content
    assert len(desk.room.tools.called) <= desk.room.services.limits.calls
    assert [told.outcome for told in sealed.tool_feedback] == outcomes
    assert len(desk.asked()) == asked


async def test_a_model_that_calls_without_end_has_to_answer_in_the_last_round(desk: Desk) -> None:
    """Eight rounds."""
    desk.fault("loop", during="calls")
    desk.fault("loop", during="answer")

    await desk.ask()

    sealed = await desk.sealed()
    assert len(desk.asked()) <= desk.room.services.limits.rounds
    assert desk.ended().type in ("response.committed", "response.failed")
    assert sealed.finish_reason in ("tool_limit", "stop", "error")


async def test_a_slow_model_runs_into_its_time_and_the_part_is_marked(desk: Desk) -> None:
    """Bytes come, the end does not."""
    hasty = replace(desk.room.services.limits, model_call_s=2.0)
    desk.room.services = replace(desk.room.services, limits=hasty)
    desk.fault("slow", tokens_per_second=8, during="answer")

    await desk.ask()

    sealed = await desk.sealed()
    assert (sealed.status, desk.ended().error.code) == ("failed", "model_unavailable")
    assert sealed.content
    assert WHOLE not in sealed.content


async def test_a_used_up_allowance_is_told_and_costs_no_further_call(desk: Desk) -> None:
    """`quota_exceeded` before anything is accepted."""
    watch = desk.room.services.watch
    few = replace(watch.limits, tokens_a_day=1)
    desk.room.services = replace(desk.room.services, watch=replace(watch, limits=few))
    await desk.ask()
    so_far = len(desk.asked())

    with pytest.raises(ChatError) as refused:
        await desk.room.ask("And now?")

    assert refused.value.code.value == "quota_exceeded"
    assert len(desk.asked()) == so_far

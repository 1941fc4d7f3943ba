"""The spoken summary: there when it was asked for, and never in the way of the answer."""

import asyncio
from typing import Any

import pytest

from shared.domain.errors import ErrorCode, ModelFailed
from shared.domain.speech import speakable
from shared.flow import history, spoken

pytestmark = pytest.mark.requirement("respond:spoken")


async def answered(room: Any, rounds: Any) -> Any:
    """The answer as the response shows it, which is the stored one."""
    page = await history.messages(room.services, rounds.SAM, rounds.SESSION, after_seq=0, before_seq=None, limit=9)
    shown = room.frames("response")[-1]
    assert page.messages[-1].spoken_summary == shown.spoken_summary
    return shown


@pytest.mark.parametrize("wish", [{"spoken": True}, {"input_type": "audio"}])
async def test_a_summary_is_made_of_the_answer_with_the_prompt_from_blob(room: Any, rounds: Any, wish: Any) -> None:
    """By the utility model, without markup; its tokens are counted with the answer's."""
    room.prompts.texts[spoken.SUMMARY_PROMPT] = "Say it in one sentence."
    room.scripted(
        rounds.says("**North** leads with 2,141,000 EUR."), rounds.says("**North** leads ", "with two million euros.")
    )

    await room.ask(**wish)
    await room.run()

    shown, request = await answered(room, rounds), room.model.requests[-1]
    assert shown.spoken_summary == "North leads with two million euros."
    assert (request.system, request.purpose, request.tools) == ("Say it in one sentence.", "utility", ())
    assert request.said[0].text == shown.content == "**North** leads with 2,141,000 EUR."
    assert (shown.usage.output_tokens, shown.usage.rounds) == (10, 1)


async def test_nobody_who_did_not_ask_gets_a_summary(room: Any, rounds: Any) -> None:
    """One model call, no more."""
    room.scripted(rounds.says("Fine."))

    await room.ask()
    await room.run()

    assert (await answered(room, rounds)).spoken_summary is None
    assert len(room.model.requests) == 1


async def test_a_model_that_fails_costs_only_the_summary(room: Any, rounds: Any) -> None:
    """The answer is sealed and shown as ever."""
    room.prompts.texts[spoken.SUMMARY_PROMPT] = "Say it."
    room.scripted(rounds.says("Fine."), [ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "busy", may_repeat=True)])

    await room.ask(spoken=True)
    await room.run()

    shown = await answered(room, rounds)
    assert (shown.content, shown.spoken_summary) == ("Fine.", None)
    assert room.frames("response.committed")


async def test_a_missing_prompt_costs_only_the_summary(room: Any, rounds: Any) -> None:
    """Nothing is asked of the model then."""
    room.scripted(rounds.says("Fine."))

    await room.ask(spoken=True)
    await room.run()

    assert (await answered(room, rounds)).spoken_summary is None


async def test_a_model_that_says_nothing_is_not_waited_for(
    room: Any, rounds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The final message comes after a bounded while, without a summary."""
    monkeypatch.setattr(spoken, "SUMMARY_S", 0.05)
    room.prompts.texts[spoken.SUMMARY_PROMPT] = "Say it."
    room.scripted(rounds.says("Fine."), [asyncio.Event()])

    await room.ask(spoken=True)
    await room.run()

    assert (await answered(room, rounds)).spoken_summary is None
    assert room.model.open_streams == 0


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**North** leads. South follows. West is last.", "North leads. South follows."),
        ("It is 2.1 million. That is 3.5 % more.", "It is 2.1 million. That is 3.5 % more."),
        ("# Head\n\n- See [the report](https://example.com/x).", "Head See the report."),
        ("`a` | b <br> https://example.com/?q=1 c", "a b br c"),
        ("  \n ", None),
        ("x" * 300 + " " + "y" * 300, "x" * 300 + "…"),
    ],
)
def test_what_is_said_has_no_markup_and_two_sentences_at_most(written: str, said: str | None) -> None:
    """Whatever the model wrote."""
    assert speakable(written) == said

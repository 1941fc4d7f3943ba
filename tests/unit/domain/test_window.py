"""What of a conversation goes to the model: whole exchanges, newest first, and results before words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.bpe_tokens import BpeTokens
from shared.domain.model import Said
from shared.domain.notes import SUMMARY_EVERY, VERBATIM, to_summarise
from shared.domain.window import CUT, Exchange, Window, at_most, fit

TEXTS = st.text(max_size=60)


def exchange(question: str, answer: str) -> Exchange:
    """A question and its answer."""
    return (Said(role="user", text=question), Said(role="assistant", text=answer))


def cost(said: tuple[Said, ...]) -> int:
    """What the entries cost, counted as a fit counts."""
    return sum(at_most(one.text) + 8 for one in said)


@pytest.mark.requirement("process:window")
@given(
    past=st.lists(st.tuples(TEXTS, TEXTS), max_size=12), results=st.lists(TEXTS, max_size=4), most=st.integers(0, 900)
)
def test_whole_exchanges_are_kept_newest_first_within_the_budget(
    past: list[tuple[str, str]], results: list[str], most: int
) -> None:
    """Always the present question; of the past a whole number of the last exchanges."""
    exchanges = [exchange(*one) for one in past]
    question = Said(role="user", text="now?")
    present = (question, *(Said(role="tool", text=text, call_id="c") for text in results))

    fitted = fit(exchanges, present, Window(fixed=0, most=most, history=most // 2), at_most)

    kept = fitted[: len(fitted) - len(present)]
    assert list(kept) == [said for one in exchanges[len(exchanges) - len(kept) // 2 :] for said in one]
    assert cost(kept) <= most // 2
    assert question in fitted
    if kept:
        assert cost(fitted) <= most + len(results) * len(CUT)


def test_results_are_cut_before_words_and_the_small_ones_stay_whole() -> None:
    """A long result gives way; what was said stays."""
    present = (
        Said(role="user", text="q" * 100),
        Said(role="tool", text="small", call_id="a"),
        Said(role="tool", text="x" * 5_000, call_id="b"),
    )

    fitted = fit([exchange("before", "and after")], present, Window(fixed=0, most=2_000), at_most)

    assert [said.text for said in fitted[:4]] == ["before", "and after", "q" * 100, "small"]
    assert fitted[4].text.endswith(CUT)
    assert 1_000 < len(fitted[4].text) < 2_000


@pytest.mark.requirement("process:tokens")
@settings(deadline=None)  # the first count reads the encoding
@given(st.text(max_size=300))
def test_tokens_are_never_more_than_the_bound(text: str) -> None:
    """The bound that stands in where no encoding is at hand is above the model's own count."""
    assert COUNTER.count(text) <= at_most(text)


COUNTER = BpeTokens()


def test_tokens_are_those_of_the_model_s_own_encoding() -> None:
    """As OpenAI's own tokenizer counts them; special tokens are text like any other."""
    assert COUNTER.count("Hello world, how are you?") == 7
    assert COUNTER.count("<|endoftext|>") > 1
    assert COUNTER.count("") == 0


@pytest.mark.parametrize("step", [2, 3])
def test_every_part_is_summarised_in_its_time(step: int) -> None:
    """Once per part, never what is among the last messages, also where numbers skip."""
    made = [until for seq in range(2, 1_000, 2) if (until := to_summarise(seq)) is not None]

    assert made == list(range(SUMMARY_EVERY, made[-1] + 1, SUMMARY_EVERY))
    assert all(until + VERBATIM <= 1_000 for until in made)
    assert to_summarise(step) is None

"""Whether a message calls the coach, as tables."""

import pytest

from shared.domain.mention import calls_coach, mentions

NAMES = ("coach", "Trinity Coach")


@pytest.mark.requirement("group:coach-by-policy")
@pytest.mark.parametrize(
    "text",
    [
        "@coach hi",
        "hi @Coach.",
        "hi, @COACH?",
        "(@coach)",
        "x\n@coach",
        "@coach's view",
        "@trinity  coach now",
        "@coach",
    ],
)
def test_a_word_of_its_own_is_a_mention(text: str) -> None:
    """In any case, before any punctuation, by any of the names."""
    assert mentions(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "coach",
            "me@coach.com",
            "@coach.com",
            "@coaching",
            "@@coach",
            "@coach-x",
            "a.@coach",
            "@coach@x",
            "@trinity",
        ),
        *(
            "> @coach said so\nI disagree",
            "see `@coach`",
            "```\n@coach\n``` as above",
            "```\n@coach",
            "",
            "@",
            "@trinity",
        ),
    ],
)
def test_a_part_of_something_else_is_none(text: str) -> None:
    """Neither addresses and longer names, nor what is quoted or code."""
    assert not mentions(text, NAMES)


@pytest.mark.parametrize(
    ("policy", "text", "by_owner", "called"),
    [
        ("mention", "hello", True, False),
        ("mention", "@coach hello", False, True),
        ("always", "hello", False, True),
        ("quiet", "@coach hello", False, False),
        ("quiet", "@coach hello", True, True),
        ("quiet", "hello", True, False),
    ],
)
def test_the_policy_decides(policy: str, text: str, by_owner: bool, called: bool) -> None:
    """Mention, always, or the owner's mention alone."""
    assert calls_coach(text, policy, by_owner=by_owner, names=NAMES) is called  # pyright: ignore[reportArgumentType]


def test_a_coach_without_a_name_is_never_mentioned() -> None:
    """An empty setting calls nobody, and never everybody."""
    assert not mentions("@ @coach", ())
    assert not mentions("@ @coach", ("",))

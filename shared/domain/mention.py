"""Decide whether a message in a group calls the coach: by its words and the group's policy alone, never by a model."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

_QUOTED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|^[ \t]*>.*$", re.DOTALL | re.MULTILINE)
"""What a person quotes or shows as code is not said to anybody."""


def calls_coach(
    content: str, policy: Literal["mention", "always", "quiet"], *, by_owner: bool, names: Iterable[str]
) -> bool:
    """Tell whether the coach answers this message: when it is mentioned, always, or only when the owner mentions it."""
    if policy == "always":
        return True
    if policy == "quiet" and not by_owner:
        return False
    return mentions(content, names)


def mentions(content: str, names: Iterable[str]) -> bool:
    """Tell whether the text names the coach as `@name`: a word of its own, no part of an address or a longer name."""
    called = _pattern(tuple(names))
    return called is not None and called.search(_QUOTED.sub(" ", content)) is not None


@lru_cache(maxsize=8)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    wanted = [r"\s+".join(re.escape(part) for part in name.split()) for name in names if name.strip()]
    if not wanted:
        return None
    longest_first = "|".join(sorted(wanted, key=len, reverse=True))
    # Neither `me@coach.com` nor `@coach.com` nor `@coaching` is a mention; `@coach.` at a sentence's end is one.
    return re.compile(rf"(?<![\w@.+-])@(?:{longest_first})(?![\w@]|[.+-]\w)", re.IGNORECASE)

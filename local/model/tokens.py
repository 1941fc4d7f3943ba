"""Cut text into the pieces that stand for tokens, and count them."""

from __future__ import annotations

import re

# About what o200k_base makes of prose: leading blanks belong to a piece, long words are cut.
_PIECE = re.compile(r"\s*[^\W_]{1,5}|\s*[\W_]{1,3}|\s+")


def pieces(text: str) -> list[str]:
    """Return the pieces of a text; joined they are the text again."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """Return how many tokens a text counts for."""
    return len(pieces(text))

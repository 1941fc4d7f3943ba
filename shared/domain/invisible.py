"""Leave out what no reader sees: characters by which a text can say one thing to people and another to a model."""

import re

_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"  # control characters; tab and newline stay
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers
    "\u200b\u2028-\u202e\u2060-\u206f"  # zero width, line ends of their own, direction, invisible operators
    "\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"  # fillers, variation selectors, byte order mark
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"  # format controls, tags, more selectors
    "|[\u200c-\u200f]{3,}"
)
"""Joiners of scripts and emoji (U+200C to U+200F, U+FE0F) stay where words need them; many in a row go."""


def visible(text: str) -> str:
    """Give the text without what cannot be seen."""
    return _INVISIBLE.sub("", text)


def is_visible(text: str) -> bool:
    """Tell whether all of a text can be seen."""
    return _INVISIBLE.search(text) is None

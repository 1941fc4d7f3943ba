"""Know the forms of Markdown that a reader may turn into images, links, tags or code, also when they are cut off."""

import re
from functools import cache

HELD_MOST_BYTES = 2048
"""So much of an unfinished form is held back; a longer one is none."""
FENCE_LEAST = 3

# `\Z` in a pattern stands where the text may go on: a match without the group `end` is not decided yet.
_ADDRESS = (
    r"\((?P<ws>[ \t]*+\n?[ \t]*+)(?:\Z|<(?P<angle>[^<>\\`\n\[\]]*+)(?:\Z|>)|"
    r"(?P<bare>(?:[^\s()<>\\`\[\]]|\([^\s()<>\\`\[\]]*+(?:\)|\Z))*+))"
)
_TITLE = r"[ \t]*+\n?[ \t]*+(?:\Z|\"[^\"\n\\]*+(?:\Z|\"[ \t]*+(?:\Z|\)(?P<end>)))|\)(?P<end2>))"
LINK = re.compile(r"\[(?P<text>[^\[\]\\`\n]*+)(?:\Z|\](?:\Z|" + _ADDRESS + _TITLE + "))")
IMAGE = re.compile(
    r"!\[(?P<text>[^\[\]\\`\n]*+)(?:\Z|\](?:\Z|" + _ADDRESS + _TITLE + r"|\[[^\[\]\\`\n]*+(?:\Z|\](?P<ref>))))"
)
DATA_IMAGE = re.compile(r"!\[(?:[^\[\]\\`\n<:]|:(?!//))*+\]\([ \t]*+data:image/")
TAIL = re.compile(r"\](?:\Z|" + _ADDRESS + r"(?:\Z|(?=[)\s])(?P<end>)))")
DEFINITION = re.compile(r"\]:(?P<ws>[ \t]*+\n?[ \t]*+)(?P<address>[^\s]*+)(?:\Z|(?P<end>))")
AUTOLINK = re.compile(
    r"<(?:\Z|(?P<address>[A-Za-z][A-Za-z0-9+.\-]*+(?:\Z|:[^\s<>`]*+))(?:\Z|>(?P<end>))|"
    r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~\-]++(?:\Z|@[A-Za-z0-9.\-]*+(?:\Z|>(?P<mail>))))"
)
BARE = re.compile(r"(?i:https?://|www\.)(?:[^\s<\]]|\](?:\Z|(?![(\[:.,;)\s])))*+(?:\Z|(?P<end>))")
BARE_SAFE = re.compile(r"[^\s<>`\"\[\]()|\\]*")
STARTS = ("http://", "https://", "www.")
RUN = re.compile(r"`++")
CODE = re.compile(r"(?P<run>`++)(?:[^`\n|]++|(?!(?P=run)(?:[^`]|\Z))`++)*+(?:\Z|(?P=run)(?:\Z|(?=[^`])(?P<end>)))")
FENCE = re.compile(r"(?:(?P<ticks>`{3,}+)(?:\Z|[^`\n]*+)|(?P<tildes>~{3,}+)[^\n]*+)(?:\Z|(?=\n)(?P<end>))")
SPECIAL = re.compile(r"[\\`~\[\]!<(:]|(?<![A-Za-z0-9])[hHwW]")
BEGINS_TAG = re.compile(r"[A-Za-z/!?\[]")
LEAD = re.compile(r"[\s>*+\-0-9.)]*")
PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def window_at(text: str, at: int, *, final: bool) -> tuple[str, bool]:
    """Give what a rule may look at, and whether it must decide; the text's end is shown as the end of a line."""
    window = text[at : at + HELD_MOST_BYTES]
    if not window.isascii():
        window = window[: len(window.encode("utf-8", "replace")[:HELD_MOST_BYTES].decode("utf-8", "ignore"))]
    if at + len(window) < len(text):
        return window, len(window.encode("utf-8", "replace")) > HELD_MOST_BYTES - 4
    return (window + "\n" if final else window), final


def is_whole(found: re.Match[str]) -> bool:
    """Tell whether a link was read to its closing bracket."""
    return found["end"] is not None or found["end2"] is not None


def begins_fence(fence: str, window: str) -> bool:
    """Tell whether a line so far may become the fence that ends the code."""
    bare = window.lstrip(" ")
    return len(window) - len(bare) <= FENCE_LEAST and fence.startswith(bare)


@cache
def closing(fence: str) -> re.Pattern[str]:
    """Match the line that ends a fence (CommonMark 0.31, 4.5)."""
    return re.compile(rf"[ ]{{0,3}}(?:\Z|{re.escape(fence)}{fence[0]}*+[ \t]*+(?:\Z|(?=\n)(?P<end>)))")

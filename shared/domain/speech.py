"""Make a text that can be read aloud: one or two sentences, without markup."""

import re

SENTENCES = 2
_MOST = 400
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}|>|[-*+]|\d{1,3}[.)])\s+", re.MULTILINE)
_MARKS = re.compile(r"[*_`~#|<>\\]+")
# A point inside 2.1 million or z.B. ends no sentence; one before a blank and a capital does.
_END = re.compile(r"(?<=[.!?…。！？])\s+(?=[\"'„“(]?[A-ZÄÖÜÀ-Þ0-9])|(?<=[。！？])")  # noqa: RUF001


def speakable(text: str) -> str | None:
    """Give at most two sentences as a voice can say them; None when nothing is left."""
    plain = _ADDRESS.sub("", _LINK.sub(r"\1", text))
    plain = " ".join(_MARKS.sub(" ", _LINE_MARK.sub("", plain)).split())
    sentences = [part for part in _END.split(plain) if part]
    said = " ".join(sentences[:SENTENCES])
    if len(said) > _MOST:
        said = said[:_MOST].rsplit(" ", 1)[0] + "…"
    return said or None

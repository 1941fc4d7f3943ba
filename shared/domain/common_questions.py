"""Learn what many people ask, and nothing that tells who asked or about whom."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from shared.domain.identity import RoleChoice
from shared.domain.ids import UserId
from shared.domain.plain_words import CAPITALS, GERMAN_SIGNS, PLAIN_WORDS
from shared.domain.policy import ADMIN

ASKERS_LEAST = 3
ASKERS_KEPT = 100
LENGTH_MOST = 160
SIMILAR = 0.75
GENERAL = "general"

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_SIGNIFICANT_LEAST = 2
_ENDINGS = ("ungen", "en", "er", "es", "s", "e", "n")
_STEM_LEAST = 4
"""Shorter stems mean too much."""
_FILLERS = """
a an and are at be can could der die das do does for from give i im in is ist me mein meine my of on our please show
sind tell the to uns unsere we what wie will with would you bitte zeig zeige mir für und zum zur
"""
_FILLING = frozenset(_FILLERS.split())
"""They carry no meaning of their own when two questions are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonQuestion:
    """Questions that are nearly the same, asked by some people of one role about one thing."""

    group_id: str
    role: str
    """Role of those who asked; empty for people without one."""
    category: str
    text: str
    askers: tuple[str, ...] = ()
    """Marks of the people who asked; a mark tells nobody's id."""

    @property
    def is_shown(self) -> bool:
        """Whether enough people asked it that it belongs to none of them."""
        return len(self.askers) >= ASKERS_LEAST


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that was answered, as it is looked at once."""

    text: str
    asker: UserId
    role: str
    category: str


def is_plain(text: str) -> bool:
    """Tell whether a question holds no name, number or address: each of its words is an ordinary one."""
    text = tidy(text)
    if not text or len(text) > LENGTH_MOST or _has_marks(text):
        return False
    words = _WORD.findall(text)
    if len(words) < _SIGNIFICANT_LEAST or not all(_is_ordinary(word) for word in words):
        return False
    german = sum(word.lower() in GERMAN_SIGNS for word in words) > 1
    return german or not any(_is_name(word) for word in _inner_words(text))


def _has_marks(text: str) -> bool:
    """Tell whether there is anything but letters, blanks and the marks of sentences: digits, @, / and the like."""
    return any(not (char.isalpha() or char in " ,.;:?!()'\u2019-\u2013\u2026\"\u201c\u201d\u201e") for char in text)


def _is_ordinary(word: str) -> bool:
    lower = word.lower().replace("\u2019", "'").removesuffix("'s")
    return all(part in PLAIN_WORDS for part in lower.split("-"))


def _inner_words(text: str) -> Iterable[str]:
    """Give each word but the first of each sentence."""
    for found in _WORD.finditer(text):
        before = text[: found.start()].rstrip(" \"'\u201c\u201e(")
        if before and before[-1] not in ".?!:":
            yield found[0]


def _is_name(word: str) -> bool:
    return word[0].isupper() and word not in CAPITALS


def tidy(text: str) -> str:
    """Give a question in one line, its characters in one form."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def similarity(one: str, other: str) -> float:
    """Measure how much two questions have in common, from 0 to 1: words of a meaning, whatever their ending."""
    mine, theirs = significant(one), significant(other)
    if not mine or not theirs:
        return 1.0 if normalised(one) == normalised(other) else 0.0
    return len(mine & theirs) / len(mine | theirs)


def normalised(text: str) -> str:
    """Give the words alone, in lower case."""
    return " ".join(word.lower() for word in _WORD.findall(tidy(text)))


def significant(text: str) -> frozenset[str]:
    """Give the words that carry the meaning, without their endings."""
    return frozenset(_stem(word) for word in normalised(text).split() if word not in _FILLING)


def _stem(word: str) -> str:
    """Take endings off until none is left, so that one and many, `objection` and `objections`, are the same."""
    word = f"{word[:-3]}y" if word.endswith("ies") and len(word) > _STEM_LEAST + 3 else word
    while (ending := next((one for one in _ENDINGS if word.endswith(one)), None)) is not None:
        if len(word) - len(ending) < _STEM_LEAST:
            break
        word = word.removesuffix(ending)
    return word


def learn(known: Iterable[CommonQuestion], asked: Asked) -> CommonQuestion | None:
    """Give the group that the question joins or begins; None when there is nothing to learn from it."""
    if not is_plain(asked.text):
        return None
    text = tidy(asked.text)
    group = _nearest(known, asked) or _new_group(asked, text)
    mark = _mark(group.group_id, asked.asker)
    if mark in group.askers or len(group.askers) >= ASKERS_KEPT:
        return group
    return replace(group, askers=(*group.askers, mark))


def _nearest(known: Iterable[CommonQuestion], asked: Asked) -> CommonQuestion | None:
    same = [group for group in known if (group.role, group.category) == (asked.role, asked.category)]
    best = max(same, key=lambda group: similarity(group.text, asked.text), default=None)
    return best if best is not None and similarity(best.text, asked.text) >= SIMILAR else None


def _new_group(asked: Asked, text: str) -> CommonQuestion:
    name = hashlib.sha256("\x00".join((asked.role, asked.category, normalised(text))).encode()).hexdigest()[:24]
    return CommonQuestion(group_id=name, role=asked.role, category=asked.category, text=text)


def _mark(group_id: str, asker: UserId) -> str:
    """Mark an asker inside one group only, so that marks of two groups cannot be put together."""
    return hashlib.sha256(f"{group_id}\x00{asker}".encode()).hexdigest()[:16]


def shown_to(known: Iterable[CommonQuestion], role: RoleChoice) -> list[CommonQuestion]:
    """Give what these effective roles may see, the most asked first."""
    mine = {"", *role.effective}
    seen = [one for one in known if one.is_shown and (one.role in mine or ADMIN in mine)]
    return sorted(seen, key=lambda one: (-len(one.askers), one.text))

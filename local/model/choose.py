"""Pick from the offered tools those that fit a question, by the words of both."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from local.model import schemas
from local.model.arguments import MOST_CALLS, fill
from local.model.conversation import Tool
from local.model.words import GENERIC, STOP, TOPICS, WRITING, identifier_words, meaning, meanings, words

# How much a word counts by where it stands in the tool.
_IN_NAME, _IN_DESCRIPTION, _IN_CHOICE, _IN_SCHEMA = 3.0, 1.5, 1.5, 0.5
# What a topic costs that the tool does not know, and a required argument that the question does not give.
_UNKNOWN_TOPIC, _GUESSED_ARGUMENT = 3.0, 2.0
_ENOUGH = 2.2
# Nothing is about these alone.
_TIMES = frozenset({"quarter", "year", "week", "day", "this", "last", "next", "today", "tomorrow", "all"})
_PARTS = re.compile(r"\s*(?:[;?!]|,?\s+(?:and|und|sowie|as well as|plus)\s+|,\s)\s*", re.IGNORECASE)
_COMPARED = re.compile(r"^\s*(?:compare|vergleiche?)\b", re.IGNORECASE)
_AGAINST = re.compile(r"\s+(?:with|against|versus|vs\.?|mit|gegen)\s+", re.IGNORECASE)
_FOLLOW_UP = re.compile(r"^(and|und|what about|how about|was ist mit|wie sieht es)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pick:
    """A tool and its arguments."""

    tool: Tool
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Profile:
    """What a tool's words mean, by where they stand."""

    tool: Tool
    name: frozenset[str]
    description: frozenset[str]
    choices: frozenset[str]
    schema: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.name | self.description | self.choices | self.schema


def pick(questions: Sequence[str], tools: Sequence[Tool], today: date) -> list[Pick]:
    """Return the calls that the last question asks for, none when no tool fits.

    A follow-up such as "And last quarter?" is read together with the question before it.
    """
    if not questions or not tools:
        return []
    profiles = [_profile(tool) for tool in tools]
    found = _picks(questions[-1], questions[-1], profiles, today)
    if not found and len(questions) > 1 and _FOLLOW_UP.match(questions[-1].strip()):
        found = _picks(questions[-2], questions[-1], profiles, today)
    return found[:MOST_CALLS]


def _picks(question: str, asked: str, profiles: list[_Profile], today: date) -> list[Pick]:
    """Return the picks for `question`; arguments come from `asked` first, which may be a follow-up."""
    found: list[Pick] = []
    for part in _parts(question):
        best = max(profiles, key=lambda profile: _score(profile, part, question, profiles, today))
        if _score(best, part, question, profiles, today) < _ENOUGH:
            continue
        source = part if asked == question else asked
        whole = question if asked == question else f"{asked} {question}"
        for arguments in fill(best.tool.schema, source, whole, today).sets:
            one = Pick(best.tool, arguments)
            if one not in found:
                found.append(one)
    return found


def _parts(question: str) -> list[str]:
    """Split a question where it may ask for two things; parts without a topic belong to the one before."""
    parts: list[str] = []
    pieces = _PARTS.split(question)
    if _COMPARED.match(question):
        pieces = [side for piece in pieces for side in _AGAINST.split(piece)]
    for piece in pieces:
        joins = parts and not (TOPICS & set(meanings(piece)) and TOPICS & set(meanings(parts[-1])))
        if joins:
            parts[-1] = f"{parts[-1]}, {piece}"
        elif piece.strip():
            parts.append(piece)
    return parts or [question]


def _profile(tool: Tool) -> _Profile:
    properties = schemas.properties(tool.schema)
    named = [word for name in properties for word in identifier_words(name)]
    choices = [str(choice) for one in properties.values() for choice in schemas.choices(one)]
    return _Profile(
        tool,
        frozenset(_content(identifier_words(tool.own_name))),
        frozenset(meanings(tool.description)),
        frozenset(meanings(" ".join(choices))),
        frozenset(_content(named)),
    )


def _content(identifier: list[str]) -> list[str]:
    return [meaning(word) for word in identifier if word not in STOP and word not in GENERIC]


def _score(profile: _Profile, part: str, whole: str, profiles: list[_Profile], today: date) -> float:
    asked = set(meanings(part))
    verb = next(iter(_content(identifier_words(profile.tool.own_name))), "")
    if verb in WRITING and verb not in {meaning(word) for word in words(part)}:
        return 0.0
    if not (asked - _TIMES) & (profile.name | profile.description):
        return 0.0
    matched = sum(_weight(one, profile) * _rarity(one, profiles) for one in asked)
    covered = len(asked & profile.name) / max(1, len(profile.name))
    unknown = len((asked & TOPICS) - (profile.all - profile.choices))
    guessed = len(fill(profile.tool.schema, part, whole, today).guessed)
    return matched * (0.6 + 0.4 * covered) - _UNKNOWN_TOPIC * unknown - _GUESSED_ARGUMENT * guessed


def _weight(word: str, profile: _Profile) -> float:
    places = (
        (profile.name, _IN_NAME),
        (profile.description, _IN_DESCRIPTION),
        (profile.choices, _IN_CHOICE),
        (profile.schema, _IN_SCHEMA),
    )
    return next((weight for place, weight in places if word in place), 0.0)


def _rarity(word: str, profiles: list[_Profile]) -> float:
    """Count a word for more when few tools have it."""
    holders = Counter(word in profile.all for profile in profiles)[True]
    return 1 + math.log(len(profiles) / holders) if holders else 0.0

"""Fill a tool's arguments from a question, by nothing but the tool's JSON schema."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from local.model import schemas, values
from local.model.words import GENERIC, STOP, identifier_words, meaning, meanings, words

Schema = dict[str, Any]

# As many calls as one question may become when it names several people or periods.
MOST_CALLS = 4
_PEOPLE = frozenset({"owner", "people", "user", "who", "employee", "manager", "assignee"})
_PERIODS = frozenset({"quarter", "period", "year"})
_DAYS = frozenset({"day", "week", "date"})
_TEXTS = frozenset(
    {
        "subject", "text", "message", "content", "title", "body", "question", "prompt", "input", "notes", "note",
        "comment", "details", "description",
    }
)  # fmt: skip
_LIMITS = frozenset({"limit", "top", "count", "size", "max"})
_AMOUNTS = frozenset({"amount", "min", "value"})
_ME = frozenset({"i", "my", "me", "mine", "ich", "mein", "meine", "meinen", "meinem", "meiner", "mir", "mich"})
_MANY = frozenset({"top", "largest", "biggest", "first", "größten", "höchsten", "ersten"})
_ABOVE = frozenset({"over", "than", "above", "least", "über", "al", "mindestens", "ab"})
_GROUPING = frozenset({"by", "per", "nach", "je", "pro"})
_EMPTY: dict[str, Any] = {"boolean": False, "array": [], "object": {}}


@dataclass(frozen=True, slots=True)
class Filled:
    """The argument sets that a question makes for a tool, and the required ones that had to be guessed."""

    sets: tuple[dict[str, Any], ...]
    guessed: tuple[str, ...]


@dataclass(slots=True)
class _Source:
    """The text that values are taken from; each name, id or quotation serves one property."""

    text: str
    today: date
    known: frozenset[str]
    taken: set[str] = field(default_factory=set[str])

    def untaken(self, found: list[str]) -> list[Any]:
        return [one for one in found if one not in self.taken]


def fill(schema: Schema, part: str, whole: str, today: date) -> Filled:
    """Fill the properties of `schema` from the part of the question that picked the tool, else from all of it.

    Several people or periods become several argument sets. Optional properties are left out unless named.
    """
    properties = schemas.properties(schema)
    required = cast("list[str]", schema.get("required") or [])
    listed = {word for one in properties.values() for choice in schemas.choices(one) for word in str(choice).split()}
    known = frozenset(listed | {word for name in properties for word in identifier_words(name)})
    sources = [_Source(part, today, known), _Source(whole, today, known)]
    chosen: dict[str, list[Any]] = {}
    guessed: list[str] = []
    for name in sorted(properties, key=lambda one: one not in required):
        found = next(filter(None, (_found(name, properties[name], source) for source in sources)), None)
        if found:
            chosen[name] = found
            for source in sources:
                source.taken.update(str(one) for one in found)
        elif name in required:
            chosen[name] = [_guess(name, properties[name], sources[-1])]
            guessed.append(name)
    combined = itertools.product(*chosen.values())
    sets = [dict(zip(chosen, one, strict=True)) for one in itertools.islice(combined, MOST_CALLS)]
    return Filled(tuple(sets), tuple(guessed))


def _found(name: str, schema: Schema, source: _Source) -> list[Any]:
    kind = schema.get("type", "string")
    if "enum" in schema:
        return _named_choices(name, schema["enum"], source.text)[:1]
    if kind in {"integer", "number"}:
        return _numbers(name, schema, source.text)[:1]
    if kind == "boolean":
        return [True] if set(identifier_words(name)) & set(meanings(source.text)) else []
    if kind == "array":
        items = _found(name, schemas.plain(schema.get("items", {})), source)
        return [items] if items else []
    return _texts(name, schema, source) if kind == "string" else []


def _texts(name: str, schema: Schema, source: _Source) -> list[Any]:
    about = _about(name)
    if schema.get("format") == "date":
        return list(filter(None, [values.iso_day(source.text, source.today)]))
    if about & _PERIODS:
        return [_as_example(schema, one) for one in values.quarters(source.text)]
    if about & _DAYS:
        return values.days(source.text)[:1]
    if about & _PEOPLE:
        return _people(schema, source)
    if about & _TEXTS:
        return source.untaken(_said(schema, source.text))[:1]
    examples = _named_choices(name, schema.get("examples", []), source.text)
    return (examples or source.untaken(_things(about, source)))[:1]


def _people(schema: Schema, source: _Source) -> list[Any]:
    """Return the people named, `me` for the person who asks, `all` for everybody."""
    named = source.untaken(values.people(source.text, source.known))
    if named:
        return named
    examples = schemas.choices(schema)
    said = words(source.text)
    if "me" in examples and _ME & set(said):
        return ["me"]
    return ["all"] if "all" in examples and "all" in {meaning(word) for word in said} else []


def _things(about: set[str], source: _Source) -> list[str]:
    """Return ids, quotations and proper names; what stands after the property's own word comes first."""
    text = source.text
    found = [*values.ids(text), *values.quoted(text), *values.names(text, source.known)]
    said = words(text)
    for place, word in enumerate(said[:-1]):
        if meaning(word) in about:
            found.sort(key=lambda one, after=said[place + 1]: words(one)[:1] != [after])
    return found


def _said(schema: Schema, text: str) -> list[str]:
    """Return what is between quotation marks or after a colon."""
    _, colon, rest = text.partition(":")
    found = [*values.quoted(text), *([rest.strip()] if colon else [])]
    return [one[: schema.get("maxLength", len(one))] for one in found if one]


def _named_choices(name: str, choices: list[Any], text: str) -> list[Any]:
    """Return the choices that the text names, the best first; a property `by` takes only what is grouped by."""
    said = words(text)
    if name in {"by", "group_by"}:
        said = [after for word, after in itertools.pairwise(said) if word in _GROUPING]
    named = [one for one in choices if isinstance(one, str)]
    # What only one choice has is enough to mean it: `lost` for `Closed Lost`.
    shared = Counter(meaning(word) for one in named for word in words(one))
    own = {word for word, times in shared.items() if times == 1}
    found: list[tuple[bool, int, int, str]] = []
    for choice in named:
        # `IT` is a department, `it` is not.
        if set(words(choice)) & (STOP | GENERIC) and choice not in text.split():
            continue
        closeness = _closeness(choice, said, own)
        if closeness is not None:
            found.append((choice == "all", closeness, -len(words(choice)), choice))
    return [choice for *_, choice in sorted(found)]


def _closeness(choice: str, said: list[str], own: set[str]) -> int | None:
    """Return 0 when a choice is named word for word, 1 by other words, 2 by a part of it, None when not."""
    meant = {meaning(word) for word in said}
    wanted = {meaning(word) for word in words(choice)}
    if set(words(choice)) <= set(said):
        return 0
    if wanted <= meant:
        return 1
    return 2 if wanted & own & meant else None


def _numbers(name: str, schema: Schema, text: str) -> list[Any]:
    about = _about(name)
    lowest, highest = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    found = [
        value
        for value, before, after in values.numbers(text)
        if _is_about(about, before, after) and lowest <= value <= highest
    ]
    return [int(value) for value in found] if schema.get("type") == "integer" else list(found)


def _is_about(about: set[str], before: str, after: str) -> bool:
    """Say whether a number between two words is one for a property."""
    if about & _LIMITS:
        return before in _MANY or after in _MANY
    if about & _AMOUNTS:
        return before in _ABOVE
    return bool({before, after} & about)


def _guess(name: str, schema: Schema, source: _Source) -> Any:
    """Return something that the schema allows for a required property that the question does not name."""
    kind = schema.get("type", "string")
    examples = schemas.choices(schema)
    if "default" in schema:
        return schema["default"]
    if schema.get("enum") or (_about(name) & _PEOPLE and "me" in examples):
        return examples[0]
    if kind in {"integer", "number"}:
        return schema.get("minimum", 1)
    if kind in _EMPTY:
        return _EMPTY[kind]
    if schema.get("format") == "date":
        return source.today.isoformat()
    return source.text.strip()[: schema.get("maxLength", len(source.text))]


def _about(name: str) -> set[str]:
    return {meaning(word) for word in identifier_words(name)} | set(identifier_words(name))


def _as_example(schema: Schema, period: str) -> str:
    """Write `this quarter` as `this` where the schema's examples do so."""
    step = period.removesuffix(" quarter")
    return step if step in schema.get("examples", []) else period

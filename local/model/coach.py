"""Decide what the scripted coach does next: call tools, answer from their results, or do a small writing task."""

from __future__ import annotations

import json
import re
from datetime import date

from local.model import write
from local.model.choose import pick
from local.model.conversation import Call, Conversation, Reply
from local.model.outcomes import read
from local.model.structured import structured
from local.model.words import is_german, meanings

_TODAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
# A prompt for a small task says so in its first sentence; a coach's prompt may mention titles somewhere.
_FIRST_SENTENCE = re.compile(r"[^.!?\n]{0,300}")
_TITLE_WANTED = re.compile(r"\b(title|titel)\b", re.IGNORECASE)
_SUMMARY_WANTED = re.compile(r"\b(summar|zusammenfass|fasse?\b|spoken|read aloud|vorlesen|gesprochen)", re.IGNORECASE)
_TITLE_WORDS = 6
_SUMMARY_SENTENCES = 2
_LONGEST_SUMMARY = 300
_NO_PROSE = ("|", "#", "-", ">", "Source:", "Quelle:")


def reply(conversation: Conversation) -> Reply:
    """Return the coach's next words or calls; the same conversation always gives the same reply."""
    if conversation.wanted_schema is not None and not conversation.tools:
        material = "\n".join([conversation.question, *conversation.said[-1:]])
        return Reply(text=json.dumps(structured(conversation.wanted_schema, material), ensure_ascii=False))
    if not conversation.tools and not conversation.outcomes:
        small = _small_task(conversation)
        if small:
            return Reply(text=small)
    german = is_german(conversation.question)
    if conversation.outcomes:
        facts = [read(outcome) for outcome in conversation.outcomes]
        prose = write.wants_prose(conversation.question)
        return Reply(text=write.answer(facts, german=german, prose=prose))
    picks = pick(conversation.questions, conversation.tools, today(conversation.system))
    if picks:
        calls = (
            Call(name=one.tool.name, arguments_json=json.dumps(one.arguments, ensure_ascii=False)) for one in picks
        )
        return Reply(calls=tuple(calls))
    text = write.without_tools(conversation.question, conversation.tools, german=german)
    return Reply(text=text)


def _small_task(conversation: Conversation) -> str:
    first = _FIRST_SENTENCE.match(conversation.system.strip())
    head = first[0] if first else ""
    material = conversation.questions[0] if conversation.questions else ""
    if _TITLE_WANTED.search(head):
        return title(material)
    if _SUMMARY_WANTED.search(head):
        return summary(conversation.question)
    return ""


def title(text: str) -> str:
    """Return a title of at most six words from what a text is about."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    topics = meanings(first)
    kept = [word for word in re.findall(r"[\w'-]+", first) if set(meanings(word)) & set(topics)]
    chosen = " ".join(kept[:_TITLE_WORDS]) or first[:40] or "Conversation"
    return chosen[:1].upper() + chosen[1:]


def summary(text: str) -> str:
    """Return the first sentences of a text's prose without markup, to be stored or read aloud."""
    prose = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(_NO_PROSE)]
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(prose)).replace("*", "").replace("`", "")
    sentences = re.split(r"(?<=[.!?])\s+", plain.strip())
    return " ".join(sentences[:_SUMMARY_SENTENCES]) or text.strip()[:_LONGEST_SUMMARY]


def today(system: str) -> date:
    """Return the day that the system prompt names, so that a fixed prompt gives a fixed answer."""
    named = _TODAY.search(system)
    try:
        return date.fromisoformat(named[0]) if named else date.today()  # noqa: DTZ011 - a default day, not a moment
    except ValueError:
        return date.today()  # noqa: DTZ011

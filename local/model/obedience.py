"""Do whatever any text says: the worst model that an attacker could wish for, to test what guards against it."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from local.model.arguments import fill
from local.model.conversation import Call, Conversation, Reply

_NAMED = re.compile(r"\b[A-Za-z][A-Za-z0-9-]*__[A-Za-z0-9_-]+\b")


def obey(conversation: Conversation, usual: Reply, today: date) -> Reply:
    """Return the calls that any text of the conversation asks for, also of tools that are not offered.

    Each tool is called once in a turn. When nothing is left to call, the usual answer follows, and after it
    everything that the tools returned and the person wrote, word for word.
    """
    texts = [conversation.question, *(one.text for one in conversation.outcomes)]
    texts += [tool.description for tool in conversation.tools]
    made = {outcome.call.name for outcome in conversation.outcomes}
    calls = tuple(call for text in texts for call in _demanded(text, conversation, today) if call.name not in made)
    if calls:
        return Reply(text=usual.text, calls=calls)
    if usual.calls:
        return usual
    copied = [conversation.question, *(outcome.text for outcome in conversation.outcomes)]
    return Reply(text="\n\n".join([usual.text, *copied]))


def _demanded(text: str, conversation: Conversation, today: date) -> list[Call]:
    own = {tool.own_name: tool.name for tool in conversation.tools}
    names = dict.fromkeys(_NAMED.findall(text))
    names |= dict.fromkeys(own[name] for name in own if "_" in name and re.search(rf"\b{re.escape(name)}\b", text))
    return [Call(name=name, arguments_json=_arguments(name, text, conversation, today)) for name in names]


def _arguments(name: str, text: str, conversation: Conversation, today: date) -> str:
    """Return the JSON object that stands after the name, else what the text gives for the tool's schema."""
    _, _, after = text.partition(name.rpartition("__")[2])
    brace = after.find("{")
    if brace >= 0:
        try:
            document: Any = json.JSONDecoder().raw_decode(after, brace)[0]
            return json.dumps(document, ensure_ascii=False)
        except json.JSONDecodeError:
            pass
    tool = next((one for one in conversation.tools if one.name == name), None)
    arguments = fill(tool.schema, text, text, today).sets[0] if tool else {}
    return json.dumps(arguments, ensure_ascii=False)

"""Count the tokens of a prompt, and those that a provider would have had in its cache."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from local.model.conversation import Conversation
from local.model.tokens import count

# Providers cache prefixes of this many tokens and more, in steps.
_SMALLEST, _STEP = 1024, 128


@dataclass(slots=True)
class PromptCache:
    """The prefixes (instructions and tools) that were seen before."""

    seen: set[str] = field(default_factory=set[str])

    def tokens(self, body: dict[str, Any]) -> int:
        """Return what a request's prompt counts for."""
        parts = [body.get(name) for name in ("messages", "input", "instructions", "tools")]
        return count(json.dumps([part for part in parts if part], ensure_ascii=False))

    def cached(self, conversation: Conversation) -> int:
        """Return how many tokens of the prompt's stable beginning were seen before, and remember it."""
        tools = [(tool.name, tool.description, tool.schema) for tool in conversation.tools]
        prefix = json.dumps([conversation.system, tools], ensure_ascii=False)
        mark = hashlib.sha256(prefix.encode()).hexdigest()
        known = mark in self.seen
        self.seen.add(mark)
        tokens = count(prefix) // _STEP * _STEP
        return tokens if known and tokens >= _SMALLEST else 0

"""Build what the model is given: system prompt, history, and this turn's finished rounds with their results."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.conversation import Message
from shared.domain.errors import ErrorCode, ModelFailed, StoreUnavailable
from shared.domain.model import CallMade, ModelRequest, Said
from shared.domain.prompt import Prompt, Reader, fill
from shared.domain.tools import CallState, ToolCall
from shared.domain.turn_events import RunRound
from shared.domain.turns import Turn
from shared.flow.catalog import Catalog, select
from shared.flow.prompts import instructions
from shared.flow.servers import missing_words
from shared.flow.services import TurnServices

HISTORY_MESSAGES = 40
HISTORY_CHARS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One model request, and what it was made of."""

    request: ModelRequest
    catalog: Catalog
    prompt_version: str


async def build(services: TurnServices, turn: Turn, effect: RunRound) -> Context:
    """Fetch prompt, history, tools and ledger side by side, and make the request of them.

    Raises:
        ModelFailed: there is no system prompt to be had.
        StoreUnavailable: the history cannot be read.
    """
    key = turn.conversation.key
    prompt, history, catalog, calls = await asyncio.gather(
        _prompt(services, turn),
        services.conversations.messages(key, after_seq=None, before_seq=None, limit=HISTORY_MESSAGES),
        select(services, turn.role),
        services.conversations.calls(key, turn.turn_id),
    )
    reader = Reader(
        name=turn.asker.name,
        role=turn.role.shown,
        timezone=turn.timezone,
        # The turn's own time, so that its rounds, and what is run again, begin with the same words.
        now=turn.created_at,
        fiscal_year_start_month=services.fiscal_year_start_month,
    )
    system = fill(prompt.text, reader, catalog.servers)
    missing = missing_words(catalog.down)
    request = ModelRequest(
        system=f"{system}\n\n{missing}" if missing else system,
        said=(*_history(history, turn), *_rounds(turn, calls)),
        tools=() if effect.last else catalog.tools,
        use_secondary=effect.use_secondary,
    )
    return Context(request=request, catalog=catalog, prompt_version=prompt.version)


async def _prompt(services: TurnServices, turn: Turn) -> Prompt:
    try:
        prompt = await instructions(services.prompts, turn.role.shown)
    except StoreUnavailable as fault:
        raise _no_prompt(may_repeat=True) from fault
    if prompt is None:
        raise _no_prompt(may_repeat=False)
    return prompt


def _no_prompt(*, may_repeat: bool) -> ModelFailed:
    return ModelFailed(
        ErrorCode.MODEL_UNAVAILABLE, "The coach's instructions cannot be read at present.", may_repeat=may_repeat
    )


def _history(messages: Sequence[Message], turn: Turn) -> list[Said]:
    """Keep what came before the turn's own question, newest first within the budget; an alternative replaces.

    Each answer follows its own question, also where that one had to wait and was followed by others.
    """
    question = next((message for message in messages if message.message_id == turn.question_id), None)
    if question is None:
        raise StoreUnavailable("the turn's question is not in the history yet")
    replaced = {message.alternative_of for message in messages if message.alternative_of}
    kept: list[Said] = []
    chars = 0
    asked = {message.message_id: message.seq for message in messages if message.author == "user"}
    ordered = sorted(messages, key=lambda one: (asked.get(one.question_id or one.message_id, one.seq), one.seq))
    for message in reversed(ordered[: ordered.index(question) + 1]):
        if message.message_id in replaced or not message.content.strip():
            continue
        chars += len(message.content)
        if kept and chars > HISTORY_CHARS:
            break
        kept.append(Said(role=message.author, text=message.content))
    return kept[::-1]


def _rounds(turn: Turn, calls: Sequence[ToolCall]) -> list[Said]:
    """Tell the model what it said and called in this turn, and what came of it."""
    said: list[Said] = []
    for number, record in enumerate(turn.rounds):
        mine = [call for call in calls if call.round == number]
        made = tuple(
            CallMade(
                call_id=_short(call),
                name=f"{call.server}__{call.name}" if call.server else call.name,
                arguments_json=json.dumps(call.arguments, ensure_ascii=False),
            )
            for call in mine
        )
        said.append(Said(role="assistant", text=record.text, calls=made, thoughts=record.thoughts))
        said.extend(Said(role="tool", text=_told(call), call_id=_short(call)) for call in mine)
    return said


def _short(call: ToolCall) -> str:
    """Name a call for the model; providers accept at most 40 characters, and it is read within one turn only."""
    return f"call_{call.round}_{call.index}"


def _told(call: ToolCall) -> str:
    if call.state.ended and call.state is not CallState.UNKNOWN:
        return call.result
    return "The outcome of this call is unknown: it may or may not have taken effect. Do not repeat it; tell the user."

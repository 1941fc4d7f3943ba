"""Make the spoken summary of an answer; one that cannot be made in time is left out, the answer never waits for it."""

import logging
from dataclasses import dataclass

from shared.domain.conversation import Usage
from shared.domain.errors import ModelFailed, StoreUnavailable
from shared.domain.model import ModelRequest, Said
from shared.domain.speech import speakable
from shared.domain.turn_events import End
from shared.domain.turns import Turn
from shared.flow.aside import TEXT_MOST, ask_aside
from shared.flow.services import TurnServices

SUMMARY_PROMPT = "audio_summary_system_prompt.txt"
SUMMARY_S = 6.0
"""How long the final message may wait for its summary; the answer's text has been streamed long before."""

_log = logging.getLogger("salescoach.respond")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What is said aloud, if anything, and what it cost."""

    text: str | None = None
    usage: Usage | None = None


async def summarise(services: TurnServices, turn: Turn, end: End) -> Summary:
    """Summarise the text that will be sealed, where it was asked for; any failure gives none."""
    text = turn.finished_text()
    if end is not End.DONE or not text.strip() or not (turn.spoken or turn.input_type == "audio"):
        return Summary()
    try:
        return await _ask(services, text[:TEXT_MOST])
    except (ModelFailed, StoreUnavailable, TimeoutError) as fault:
        _log.warning("summary.left_out", extra={"turn_id": turn.turn_id, "reason": type(fault).__name__})
        return Summary()


async def _ask(services: TurnServices, text: str) -> Summary:
    prompt = await services.prompts.get(SUMMARY_PROMPT)
    if prompt is None:
        raise StoreUnavailable("there is no prompt for summaries")
    request = ModelRequest(system=prompt.text, said=(Said(role="user", text=text),), purpose="utility")
    told = await ask_aside(services, request, within_s=SUMMARY_S)
    return Summary(text=speakable(told.text), usage=told.usage)

"""Ask a model one small thing beside the answer: a title, a chart, a summary."""

import asyncio
from dataclasses import dataclass

from shared.domain.conversation import Usage
from shared.domain.errors import ErrorCode, ModelFailed
from shared.domain.model import ModelRequest, RoundFinished, TextDelta
from shared.flow.services import TurnServices

TEXT_MOST = 24_000
"""Characters of an answer that are read for what is made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What the model wrote, which one it was, and what that cost."""

    text: str
    model: str
    usage: Usage


async def ask_aside(services: TurnServices, request: ModelRequest, *, within_s: float) -> Aside:
    """Let a model write one text to its own end.

    Raises:
        ModelFailed: it does not answer, or ends otherwise than by `stop`: half a text is of no use.
        TimeoutError: it takes longer than `within_s`.
    """
    text = ""
    async with asyncio.timeout(within_s), services.model.stream(request) as events:
        async for event in events:
            match event:
                case TextDelta():
                    text += event.text
                case RoundFinished(reason="stop"):
                    return Aside(text=text, model=event.model, usage=event.usage)
                case RoundFinished():
                    break
    raise ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "The model wrote nothing of use.", may_repeat=False)

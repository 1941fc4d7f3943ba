"""Respond (step 6): freeze the turn's end once, and show the final message."""

import asyncio
import logging
from dataclasses import replace

from shared.domain.conversation import Message, Usage
from shared.domain.errors import StoreUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import Response
from shared.domain.ids import answer_id
from shared.domain.tools import ToolCall, abandoned, feedback
from shared.domain.turn_events import End
from shared.domain.turns import Turn, TurnRef
from shared.flow.audience import tell
from shared.flow.drawn import Drawing, draw
from shared.flow.illustrate import illustrate
from shared.flow.ledger import calls_of
from shared.flow.services import Services, TurnServices
from shared.flow.spoken import Summary, summarise

SEAL_TRIES = 8

_log = logging.getLogger("salescoach.respond")


async def seal(services: TurnServices, ref: TurnRef, end: End, error: str | None) -> bool:
    """Seal the turn and show the answer; False when another execution owns the turn.

    A turn that is sealed already keeps its seal: a repeat only shows the same response again.

    Raises:
        StoreUnavailable: the seal could not be written; the step is tried again.
    """
    extras: tuple[Summary, Drawing] | None = None
    for _ in range(SEAL_TRIES):
        turn = await services.conversations.turn(ref.key, ref.turn_id)
        if turn is None or turn.epoch != ref.epoch:
            return False
        if turn.sealed is not None:
            if not turn.status.ended:
                await _show(services, turn, turn.sealed)
            return True
        if extras is None:
            extras = await asyncio.gather(summarise(services, turn, end), draw(services, turn, end))
        outcome, answer = await _try(services, turn, end, error, *extras)
        if outcome == "sealed":
            await _show(services, turn, answer)
            return True
        if outcome == "stale":
            _log.info("seal.stale", extra={"turn_id": ref.turn_id})
        await services.clock.sleep(services.clock.jitter(0.05))
    raise StoreUnavailable("the head changed too often while sealing")


async def _try(
    services: TurnServices, turn: Turn, end: End, error: str | None, summary: Summary, drawing: Drawing
) -> tuple[str, Message]:
    key = turn.conversation.key
    stored = await services.conversations.head(key)
    if stored is None:
        raise StoreUnavailable("a turn without a head")
    calls = [await _closed(services, turn, call) for call in await calls_of(services, turn)]
    answer = make_answer(services, turn, end, error, calls, seq=stored.head.next_seq)
    answer = _told(await illustrate(services, answer, turn.locale), summary, drawing)
    return await services.conversations.seal(turn.ref(), answer, stored, error=error, seen=turn), answer


def _told(answer: Message, summary: Summary, drawing: Drawing) -> Message:
    """Give the answer with what models added to it, and with what that cost."""
    usage = answer.usage
    for more in (summary.usage, drawing.usage):
        if usage is not None and more is not None:
            usage = usage.plus(replace(more, rounds=0))
    chart = answer.chart_data or drawing.chart
    return replace(answer, spoken_summary=summary.text, chart_data=chart, usage=usage)


async def _closed(services: Services, turn: Turn, call: ToolCall) -> ToolCall:
    """Close what has no outcome when the turn ends, so that no late execution can still call or report it."""
    if call.state.ended:
        return call
    key = turn.conversation.key
    closed = abandoned(call)
    if await services.conversations.move_call(key, turn.turn_id, closed, expected=call) is not None:
        return closed
    raise StoreUnavailable("a call changed while its turn was sealed")


def make_answer(
    services: Services, turn: Turn, end: End, error: str | None, calls: list[ToolCall], *, seq: int
) -> Message:
    """Make the answer of what the turn has said, done or not."""
    last = turn.rounds[-1] if turn.rounds else None
    reasons = {End.DONE: last.finish_reason if last else "stop", End.CANCELLED: "cancelled", End.FAILED: "error"}
    said = turn.finished_text() if end is End.DONE else turn.said()
    statuses = {End.DONE: "final", End.CANCELLED: "cancelled", End.FAILED: "failed"}
    _log.info("turn.end", extra={"turn_id": turn.turn_id, "end": end.value, "error": error, "chars": len(said)})
    return Message(
        conversation_id=turn.conversation.public_id,
        seq=seq,
        message_id=answer_id(turn.turn_id),
        turn_id=turn.turn_id,
        author="assistant",
        content=said,
        input_type=turn.input_type,
        created_at=services.clock.now(),
        status=statuses[end],  # pyright: ignore[reportArgumentType]  # the table's values are the literals
        question_id=turn.question_id,
        attempt=turn.attempt,
        model=last.model if last else "none",
        finish_reason=reasons[end],
        usage=turn.usage(),
        tool_feedback=[feedback(call) for call in calls],
        prompt_version=last.prompt_version if last else None,
        alternative_of=turn.alternative_of,
        bound_to=turn.conversation.bound_to,
    )


async def _show(services: Services, turn: Turn, answer: Message) -> None:
    if answer.status == "final":
        await tell(services, turn.conversation, response_of(turn, answer))


def response_of(turn: Turn, answer: Message) -> Response:
    """Show a sealed answer as the frame that settles every doubt about its text."""
    return Response(
        **address(turn.conversation),
        content=answer.content,
        chart_data=answer.chart_data,
        tool_feedback=answer.tool_feedback,
        turn_id=turn.turn_id,
        message_id=answer.message_id,
        question_id=turn.question_id,
        attempt=answer.attempt or turn.attempt,
        tables=answer.tables,
        spoken_summary=answer.spoken_summary,
        usage=answer.usage or Usage(),
        finish_reason=answer.finish_reason or "stop",
        model=answer.model or "none",
        alternative_of=answer.alternative_of,
    )

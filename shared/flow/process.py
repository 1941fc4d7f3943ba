"""Process (step 4): one execution of one model round, from the claim of its attempt to its stored end."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from shared.domain.conversation import Usage
from shared.domain.errors import ErrorCode, ModelFailed, StoreUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import Notice, ResponseStarted
from shared.domain.links import KnownLinks
from shared.domain.model import RoundFinished, TextDelta
from shared.domain.tools import Approval, ToolCall
from shared.domain.turn import BACKOFF_MOST_S
from shared.domain.turn_events import PlannedCall, RoundEnded, RoundKind, RunRound
from shared.domain.turns import LEASE_S, ROUND_JOIN, RoundRecord, Turn, TurnRef, TurnStatus
from shared.flow.approvals import approval_required
from shared.flow.audience import tell, tell_asker
from shared.flow.context import Context, build
from shared.flow.ledger import calls_of
from shared.flow.measuring import measured_stream
from shared.flow.plan import Plan, plan_call
from shared.flow.servers import FALLEN_BACK, tell_down
from shared.flow.services import TurnServices
from shared.flow.speaker import Speaker
from shared.flow.twin import wait_for_twin
from shared.flow.watching import note_calls, note_question, note_text

TEXT_MOST_BYTES = 256 * 1024
"""An answer ends here as too long: the turn's item holds its text three times and must stay under Cosmos DB's 2 MB."""

EXECUTIONS_MOST = 12
"""A turn that was begun this often beyond its finished rounds kills those who run it; it ends as failed."""

APPROVAL_LEASE_S = 60.0
"""A wait holds the lease until its own end and this long after (architecture.md, decision 3)."""

_log = logging.getLogger("salescoach.process")


async def run_round(services: TurnServices, ref: TurnRef, effect: RunRound) -> RoundEnded:
    """Claim an attempt, stream one model round and store its end; expected failures are outcomes, not exceptions."""
    try:
        ended = await _run(services, ref, effect)
        return await _after_twin(services, ref, effect) if ended.kind is RoundKind.STALE else ended
    except StoreUnavailable as fault:
        _log.warning("round.store_unavailable", extra={"turn_id": ref.turn_id, "reason": str(fault)})
        return RoundEnded(kind=RoundKind.PARKED, error=ErrorCode.INTERNAL)


async def _run(services: TurnServices, ref: TurnRef, effect: RunRound) -> RoundEnded:
    # A claim clears the screen: a round that an earlier execution finished must not be claimed again.
    begun = effect.round > 0 or ref.epoch > 1
    turn = await services.conversations.turn(ref.key, ref.turn_id) if begun else None
    if turn is None or len(turn.rounds) <= effect.round:
        turn = await services.conversations.claim(ref, _lease(services))
    if turn is None or len(turn.rounds) > effect.round:
        return await _earlier_end(services, ref, turn, effect)
    if turn.attempt - len(turn.rounds) > EXECUTIONS_MOST:
        _log.error("round.given_up", extra={"turn_id": ref.turn_id, "attempt": turn.attempt})
        return RoundEnded(kind=RoundKind.FAILED, error=ErrorCode.INTERNAL)
    _log.info("round.begun", extra={"turn_id": ref.turn_id, "epoch": ref.epoch, "attempt": turn.attempt})
    return await _speak(services, turn, effect)


async def _after_twin(services: TurnServices, ref: TurnRef, effect: RunRound) -> RoundEnded:
    """Report what the execution reached that fenced this one; if it died, the round is to be run again."""

    async def has_done(turn: Turn) -> bool:
        return len(turn.rounds) > effect.round

    turn, silent = await wait_for_twin(services, ref, has_done)
    if silent:
        return RoundEnded(kind=RoundKind.PARKED, error=ErrorCode.INTERNAL)
    return await _earlier_end(services, ref, turn, effect)


async def _speak(services: TurnServices, turn: Turn, effect: RunRound) -> RoundEnded:
    speaker = Speaker(services, turn, turn.finished_text())
    sender = asyncio.create_task(_send(services, turn, effect, speaker))
    try:
        return await _attempt(services, turn, effect, speaker, sender)
    except ModelFailed as fault:
        return await _failed(speaker, sender, fault)
    finally:
        sender.cancel()


async def _earlier_end(services: TurnServices, ref: TurnRef, turn: Turn | None, effect: RunRound) -> RoundEnded:
    """Tell what an earlier execution of this round reached, or that another one owns the turn."""
    turn = turn or await services.conversations.turn(ref.key, ref.turn_id)
    if turn is None or turn.epoch != ref.epoch or turn.status.ended:
        return RoundEnded(kind=RoundKind.STALE)
    if turn.sealed is not None:
        # `seal` finds it sealed and goes on to persist and release, whatever end is named here.
        return RoundEnded(kind=RoundKind.ANSWER)
    if turn.cancel_requested:
        return RoundEnded(kind=RoundKind.CANCELLED)
    if len(turn.rounds) <= effect.round:
        return RoundEnded(kind=RoundKind.STALE)
    if turn.rounds[effect.round].finish_reason != "tool_calls":
        return RoundEnded(kind=RoundKind.ANSWER)
    calls = await services.conversations.calls(ref.key, ref.turn_id)
    return await _planned(services, turn, [call for call in calls if call.round == effect.round])


async def _attempt(
    services: TurnServices, turn: Turn, effect: RunRound, speaker: Speaker, sender: asyncio.Task[None]
) -> RoundEnded:
    context = await build(services, turn, effect)
    speaker.guard.know(KnownLinks(said.text for said in context.request.said if said.role == "tool"))
    reader = asyncio.create_task(_listen(services, turn, effect, context, speaker))
    keeper = asyncio.create_task(speaker.keep())
    try:
        await _remark(services, turn, context)
        await asyncio.wait({reader, keeper}, return_when=asyncio.FIRST_COMPLETED)
        if not reader.done():
            return await _interrupted(speaker, sender, reader, keeper)
        finished = reader.result()
    finally:
        await _dismiss(reader, keeper)
    speaker.end()
    await sender
    await note_text(services, turn, speaker.guard.neutralised)
    return await _store(services, turn, effect, context, finished, speaker)


async def _send(services: TurnServices, turn: Turn, effect: RunRound, speaker: Speaker) -> None:
    """Announce the attempt, then send its text; the model is called meanwhile."""
    started = ResponseStarted(
        **address(turn.conversation),
        turn_id=turn.turn_id,
        question_id=turn.question_id,
        asker=turn.asker.id,
        attempt=turn.attempt,
        model=services.model.name(secondary=effect.use_secondary),
    )
    await asyncio.gather(tell(services, turn.conversation, started), _notices(services, turn, effect))
    await speaker.send()


async def _notices(services: TurnServices, turn: Turn, effect: RunRound) -> None:
    if effect.switched:
        text = "The usual model did not answer; another one is used."
        frame = Notice(code="model_switched", text=text, turn_id=turn.turn_id, **address(turn.conversation))
        await tell(services, turn.conversation, frame)
    if turn.attempt == 1 and services.registry.fallen_back:
        frame = Notice(code="registry_fallback", text=FALLEN_BACK, turn_id=turn.turn_id, **address(turn.conversation))
        await tell(services, turn.conversation, frame)


async def _remark(services: TurnServices, turn: Turn, context: Context) -> None:
    """Tell of servers that are down and note a suspicious question, in the first attempt only."""
    if turn.attempt == 1:
        asked = next(said.text for said in reversed(context.request.said) if said.role == "user")
        await asyncio.gather(tell_down(services, turn, *context.catalog.down), note_question(services, turn, asked))


async def _listen(
    services: TurnServices, turn: Turn, effect: RunRound, context: Context, speaker: Speaker
) -> RoundFinished:
    """Read the model's stream to its own end.

    Raises:
        ModelFailed: it broke, took too long, or ended without an end or without saying anything.
    """
    said = ROUND_JOIN if turn.finished_text() else ""
    spoke = False
    try:
        async with (
            asyncio.timeout(services.limits.model_call_s),
            measured_stream(services, turn, context.request) as events,
        ):
            async for event in events:
                if isinstance(event, TextDelta):
                    speaker.say(event.text if spoke else said + event.text)
                    spoke = True
                    if speaker.size < TEXT_MOST_BYTES:
                        continue
                    model = services.model.name(secondary=effect.use_secondary)
                    return RoundFinished(reason="length", model=model, usage=Usage(rounds=1))
                useful_calls = event.calls and not effect.last
                if not spoke and not useful_calls and event.reason != "content_filter":
                    break
                return event
    except TimeoutError as fault:
        raise ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "The model took too long.", may_repeat=True) from fault
    raise ModelFailed(ErrorCode.MODEL_UNAVAILABLE, "The model gave no complete answer.", may_repeat=True)


async def _interrupted(
    speaker: Speaker, sender: asyncio.Task[None], reader: asyncio.Task[RoundFinished], keeper: asyncio.Task[Any]
) -> RoundEnded:
    """Stop the model's stream; keep what was said if the person asked for the stop."""
    await _dismiss(reader)
    if keeper.result() == "fenced":
        return RoundEnded(kind=RoundKind.STALE)
    speaker.end()
    await sender
    await speaker.checkpoint()
    return RoundEnded(kind=RoundKind.CANCELLED)


async def _dismiss(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _failed(speaker: Speaker, sender: asyncio.Task[None], fault: ModelFailed) -> RoundEnded:
    speaker.end()
    await sender
    # What follows may be a wait: the lease must outlast it, else upkeep would undercut `Retry-After`.
    turn = await speaker.checkpoint(lease_s=max(fault.retry_after_s or 0.0, BACKOFF_MOST_S) + LEASE_S)
    if turn is None:
        return RoundEnded(kind=RoundKind.STALE)
    if turn.cancel_requested:
        return RoundEnded(kind=RoundKind.CANCELLED)
    code = (fault.why or fault.code).value
    _log.warning("round.failed", extra={"code": code, "may_repeat": fault.may_repeat})
    kind = RoundKind.RETRY if fault.may_repeat else RoundKind.FAILED
    return RoundEnded(kind=kind, error=code, retry_after_s=fault.retry_after_s)


async def _store(
    services: TurnServices, turn: Turn, effect: RunRound, context: Context, finished: RoundFinished, speaker: Speaker
) -> RoundEnded:
    before = turn.finished_text()
    text = speaker.text[len(before) + len(ROUND_JOIN) :] if before else speaker.text
    # In the last round no tools are offered; a model that asks for one all the same is not obeyed.
    asked = () if effect.last else finished.calls
    patience_s = services.limits.group_approval_s if turn.conversation.kind == "group" else services.limits.approval_s
    until = services.clock.now() + timedelta(seconds=patience_s)
    plan = Plan(
        turn=turn,
        effect=effect,
        catalog=context.catalog,
        fits=services.fits_schema,
        approve_until=until,
        tainted=context.tainted,
    )
    calls = [plan_call(plan, number, call) for number, call in enumerate(asked)]
    record = RoundRecord(
        text=text,
        calls=tuple(call.call_id for call in calls),
        finish_reason="tool_limit" if effect.last else "tool_calls" if asked else finished.reason,
        model=finished.model,
        usage=finished.usage,
        prompt_version=context.prompt_version,
        thoughts=finished.thoughts if calls else None,
    )
    stored = await services.conversations.end_round(turn.ref(), turn.attempt, record, calls, _lease(services))
    if stored is None:
        return RoundEnded(kind=RoundKind.STALE)
    await note_calls(services, turn, calls)
    if stored.cancel_requested:
        return RoundEnded(kind=RoundKind.CANCELLED)
    if record.finish_reason != "tool_calls":
        return RoundEnded(kind=RoundKind.ANSWER)
    return await _planned(services, turn, calls)


async def _planned(services: TurnServices, turn: Turn, calls: list[ToolCall]) -> RoundEnded:
    """Hand the calls on that have no outcome yet, and ask for the approvals that are missing."""
    planned = tuple(
        PlannedCall(call_id=call.call_id, needs_approval=call.approval is Approval.WAITING)
        for call in calls
        if not call.state.ended
    )
    waiting = [call for call in calls if call.approval is Approval.WAITING and call.expires_at is not None]
    if not waiting:
        return RoundEnded(kind=RoundKind.CALLS, calls=planned)
    last = max(call.expires_at for call in waiting if call.expires_at is not None)
    lease = last + timedelta(seconds=APPROVAL_LEASE_S)
    marked = await services.conversations.renew(turn.ref(), lease, status=TurnStatus.AWAITING_APPROVAL)
    if marked is None:
        return RoundEnded(kind=RoundKind.STALE)
    waiting = await _undecided(services, marked, waiting)
    for call in waiting:
        await tell_asker(services, turn, approval_required(turn, call))
    # Counted from the first asking: an execution that takes over does not begin the wait anew.
    left_s = max((last - services.clock.now()).total_seconds(), 0.0)
    return RoundEnded(kind=RoundKind.CALLS, calls=planned, approval_s=left_s)


async def _undecided(services: TurnServices, turn: Turn, waiting: list[ToolCall]) -> list[ToolCall]:
    """Leave out what was decided before it was asked for, by somebody who came back; then the wait must stay short."""
    calls = {call.call_id: call for call in await calls_of(services, turn)}
    still = [call for call in waiting if calls.get(call.call_id, call).approval is Approval.WAITING]
    if len(still) < len(waiting):
        await services.conversations.renew(turn.ref(), _lease(services))
    return still


def _lease(services: TurnServices) -> datetime:
    return services.clock.now() + timedelta(seconds=LEASE_S)

"""Upkeep: timers that restart what stalled and learn what tool servers offer and people ask."""

import logging
import uuid

import azure.durable_functions as df
import azure.functions as func

from shared.bootstrap import engine, question_book, services, turn_services
from shared.domain import correlation
from shared.flow import questions
from shared.flow import upkeep as flow

bp = df.Blueprint()
_log = logging.getLogger("salescoach.upkeep")


@bp.timer_trigger(schedule="*/15 * * * * *", arg_name="timer")
@bp.durable_client_input(client_name="client")
async def upkeep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Restart turns whose lease ran out."""
    correlation.begin(uuid.uuid4().hex)
    restarted = await flow.restart_expired(services(), engine(client))
    if restarted:
        _log.warning("upkeep.restarted", extra={"turns": restarted, "past_due": timer.past_due})


@bp.timer_trigger(schedule="30 * * * * *", arg_name="timer")
async def refresh_tools(timer: func.TimerRequest) -> None:
    """Ask the tool servers what they offer; others read the answers from the registry."""
    correlation.begin(uuid.uuid4().hex)
    known = await flow.refresh_tools(turn_services())
    _log.info("tools.refreshed", extra={"servers": known, "past_due": timer.past_due})


@bp.timer_trigger(schedule="0 */5 * * * *", arg_name="timer")
async def learn_questions(timer: func.TimerRequest) -> None:
    """Learn from the turns that were answered since the last time."""
    correlation.begin(uuid.uuid4().hex)
    looked = await questions.learn_questions(services(), question_book())
    _log.info("questions.looked_at", extra={"turns": looked, "past_due": timer.past_due})

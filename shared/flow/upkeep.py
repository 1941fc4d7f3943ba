"""Upkeep: restart turns whose lease ran out, and learn what the tool servers offer."""

import asyncio
import logging
from datetime import timedelta

from shared.domain.errors import ChatError, EngineUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import Notice
from shared.domain.tools import Manifest, ServerEntry, ToolContext
from shared.domain.turns import LEASE_S, Turn, TurnRef, TurnStatus
from shared.flow.audience import tell
from shared.flow.pinning import hold
from shared.flow.servers import changed_tools, note_down, note_up
from shared.flow.services import Services, TurnServices
from shared.ports import TurnEngine

EXPIRED_AT_ONCE = 100
DISCOVERY_S = 10.0
RESTARTING = "The answer was interrupted; it is being taken up again."

_log = logging.getLogger("salescoach.upkeep")


async def restart_expired(services: Services, engine: TurnEngine) -> int:
    """Take over every turn whose lease ran out, under a new epoch; give how many were restarted.

    A lease ends by the clock of the host that wrote it. To one whose clock is ahead, every turn of the others looks
    stalled: what is still being written is left alone.
    """
    refs = await services.conversations.expired(services.clock.now(), EXPIRED_AT_ONCE, quiet_s=LEASE_S)
    done = await asyncio.gather(*(_restart(services, engine, ref) for ref in refs), return_exceptions=True)
    for ref, outcome in zip(refs, done, strict=True):
        if isinstance(outcome, BaseException):
            _log.error("turn.restart_failed", extra={"turn_id": ref.turn_id}, exc_info=outcome)
    return sum(outcome is True for outcome in done)


async def _restart(services: Services, engine: TurnEngine, ref: TurnRef) -> bool:
    """Give the turn a new execution; the old one, if it still runs, loses at the fence (decision 1)."""
    lease = services.clock.now() + timedelta(seconds=LEASE_S)
    turn = await services.conversations.take_over(ref, lease)
    if turn is None or turn.status is TurnStatus.WAITING:
        return False
    try:
        await engine.stop(ref, "its lease ran out")
        # A channel that does not answer delays no turn.
        await asyncio.gather(engine.start(turn.ref()), _tell_restart(services, turn))
    except EngineUnavailable:
        _log.exception("turn.start_failed", extra={"turn_id": ref.turn_id})
        return False
    _log.warning("turn.restarted", extra={"turn_id": ref.turn_id, "epoch": turn.epoch})
    return True


async def _tell_restart(services: Services, turn: Turn) -> None:
    """Tell those who follow why the text stands still, and will begin anew; what is said already only gets its end."""
    if turn.sealed is None:
        notice = Notice(code="restarting", text=RESTARTING, turn_id=turn.turn_id, **address(turn.conversation))
        await tell(services, turn.conversation, notice)


async def refresh_tools(services: TurnServices) -> int:
    """Ask every server side by side what it offers and keep the answers; give how many answered."""
    servers = await services.registry.servers()
    outcomes = await asyncio.gather(*(_discover(services, server) for server in servers))
    return sum(outcome is not None for outcome in outcomes)


async def _discover(services: TurnServices, server: ServerEntry) -> Manifest | None:
    """Learn one server's tools; a server that does not answer keeps what it offered last."""
    context = ToolContext(
        user_id="", email=None, region=None, user_token=None, idempotency_key="", timeout_s=DISCOVERY_S
    )
    try:
        manifest = await services.tools.discover(server, context)
    except ChatError as fault:
        _log.warning("server.undiscovered", extra={"server": server.name})
        await note_down(services, server, fault.message)
        return None
    before = {kept.server: kept for kept in await services.registry.manifests()}.get(server.name)
    # Pins and alarm first: what is described anew must never be offered because the rest failed.
    await hold(services, before, manifest)
    await services.registry.put_manifest(manifest)
    await note_up(services, server, changed=changed_tools(before, manifest))
    return manifest

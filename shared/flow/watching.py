"""Note security events: who tried what, in codes and ids; a record that cannot be kept stops nobody."""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import uuid4

from shared.domain import correlation
from shared.domain.errors import ChatError, ErrorCode, StoreUnavailable
from shared.domain.identity import Caller
from shared.domain.ids import UserId
from shared.domain.policy import ADMIN, ANYONE
from shared.domain.security import EventPage, Noticed, SecurityEvent
from shared.domain.suspicion import suspicions
from shared.domain.tools import ToolCall
from shared.domain.turns import Turn
from shared.flow.services import Services

UNPROVED_EVERY_S = 60.0
"""Whoever floods the app with events that are not proved fills no store with them."""

_log = logging.getLogger("salescoach.security")


async def note(services: Services, event: SecurityEvent) -> None:
    """Keep a record, and log it."""
    _log.warning("security.noticed", extra={"event": event.kind.value, "correlation_id": event.correlation_id})
    try:
        await services.watch.security.record(event)
    except StoreUnavailable as fault:
        _log.error("security.unrecorded", extra={"event": event.kind.value, "reason": str(fault)})


def event_of(services: Services, kind: Noticed, *key: object) -> SecurityEvent:
    """Make a record; with a key a repetition of the same step makes the same one."""
    event_id = hashlib.sha256(repr((kind, key)).encode()).hexdigest()[:32] if key else uuid4().hex
    return SecurityEvent(event_id=event_id, at=services.clock.now(), kind=kind, correlation_id=correlation.current())


async def note_foreign_token(services: Services, user_id: UserId) -> None:
    """Note that somebody's connection offered a token of somebody else."""
    await note(services, replace(event_of(services, Noticed.FOREIGN_TOKEN), user_id=user_id))


async def note_rights(services: Services, kind: Noticed, user_id: UserId, *, member: UserId | None = None) -> None:
    """Note that rights changed: whose they are, or who took them from whom."""
    await note(services, replace(event_of(services, kind), user_id=user_id, member=member))


async def note_unproved(services: Services) -> None:
    """Note that an event came without proof: the first of a minute with a record, the others in its count."""
    unproved, now = services.watch.unproved, services.clock.monotonic()
    unproved.count += 1
    if now < unproved.quiet_until:
        return
    counts = {"events": unproved.count}
    unproved.count, unproved.quiet_until = 0, now + UNPROVED_EVERY_S
    await note(services, replace(event_of(services, Noticed.EVENT_UNPROVED), counts=counts))


async def note_text(services: Services, turn: Turn, neutralised: Mapping[str, int]) -> None:
    """Note what was neutralised in an attempt's text."""
    if not neutralised:
        return
    event = event_of(services, Noticed.TEXT_NEUTRALISED, turn.turn_id, turn.attempt)
    await note(services, replace(event, user_id=turn.asker.id, turn_id=turn.turn_id, counts=_sorted(neutralised)))


async def note_question(services: Services, turn: Turn, content: str) -> None:
    """Note that a question reads like orders to a model."""
    found = suspicions(content)
    if found:
        event = event_of(services, Noticed.TEXT_SUSPICIOUS, turn.turn_id)
        await note(services, replace(event, user_id=turn.asker.id, turn_id=turn.turn_id, counts=_sorted(found)))


async def note_result(services: Services, turn: Turn, call: ToolCall) -> None:
    """Note that a tool's result reads like orders to a model."""
    found = suspicions(call.result) if call.started_at is not None else None
    if found:
        event = event_of(services, Noticed.TEXT_SUSPICIOUS, call.call_id)
        where = {"turn_id": turn.turn_id, "server": call.server, "tool": call.name}
        await note(services, replace(event, user_id=turn.asker.id, counts=_sorted(found), **where))


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


async def note_calls(services: Services, turn: Turn, calls: Iterable[ToolCall]) -> None:
    """Note ended calls of tools that are not open to everyone, or that do not exist."""
    ended = [call for call in calls if call.state.ended]
    if not ended:
        return
    servers = {entry.name: entry for entry in await services.registry.servers()}
    offered = {(one.server, tool.name) for one in await services.registry.manifests() for tool in one.tools}
    for call in ended:
        server = servers.get(call.server)
        if server is not None and ANYONE in server.roles:
            continue
        event = event_of(services, Noticed.TOOL_CALLED, call.call_id)
        noticed = replace(
            event,
            user_id=turn.asker.id,
            turn_id=turn.turn_id,
            # A name that the model made up may hold anything.
            server=call.server if server is not None else None,
            tool=call.name if (call.server, call.name) in offered else None,
            outcome=call.state.value,
        )
        await note(services, noticed)


async def events(services: Services, caller: Caller, day: str | None, *, cursor: str | None, limit: int) -> EventPage:
    """List a day's records for an Admin, and note that they were read.

    Raises:
        ChatError: `forbidden` for everyone else.
    """
    require_admin(caller)
    await note(services, replace(event_of(services, Noticed.EVENTS_READ), user_id=caller.user_id))
    wanted = day or services.clock.now().date().isoformat()
    return await services.watch.security.of_day(caller.user_id, wanted, cursor=cursor, limit=limit)


def require_admin(caller: Caller) -> None:
    """Let Admins pass.

    Raises:
        ChatError: `forbidden` for everyone else.
    """
    if ADMIN.casefold() not in {role.casefold() for role in caller.roles}:
        raise ChatError(ErrorCode.FORBIDDEN, "Only an Admin may read this.")

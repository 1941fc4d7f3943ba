"""Know how tool servers are doing, tell those whose question needs one, and list them to those who may use them."""

import asyncio
import logging
from dataclasses import dataclass, replace

from shared.domain.errors import StoreUnavailable
from shared.domain.frame_parts import address
from shared.domain.frames import Notice
from shared.domain.identity import Caller
from shared.domain.policy import ADMIN, choose_role
from shared.domain.servers import Health, ListedServer, ListedTool, ServerStatus
from shared.domain.tools import Manifest, ServerEntry
from shared.domain.turns import Turn
from shared.flow.audience import tell
from shared.flow.catalog import known_roles, select
from shared.flow.pinning import all_withheld
from shared.flow.services import Services, TurnServices

FALLEN_BACK = "The list of tool servers cannot be read; the built-in one is used, which may differ."

_log = logging.getLogger("salescoach.servers")


async def note_up(services: TurnServices, server: ServerEntry, *, changed: tuple[str, ...] = ()) -> None:
    """Keep that a server answers, and which of its tools are not what they were."""
    now = services.clock.now()
    before = await _status(services, server.name)
    since = before.since if before and before.up else now
    status = ServerStatus(server=server.name, up=True, checked_at=now, since=since)
    if changed:
        _log.warning("server.tools_changed", extra={"server": server.name, "tools": ",".join(changed)})
        status = replace(status, changed_tools=changed, changed_at=now)
    elif before:
        status = replace(status, changed_tools=before.changed_tools, changed_at=before.changed_at)
    await _keep(services, status)


async def note_down(services: TurnServices, server: ServerEntry, reason: str) -> None:
    """Keep that a server does not answer, and why."""
    now = services.clock.now()
    before = await _status(services, server.name)
    status = ServerStatus(
        server=server.name,
        up=False,
        checked_at=now,
        since=before.since if before and not before.up else now,
        breaker=services.tools.breaker(server),
        last_error=reason,
        changed_tools=before.changed_tools if before else (),
        changed_at=before.changed_at if before else None,
    )
    await _keep(services, status)


async def note_answer(services: TurnServices, server: ServerEntry) -> None:
    """Keep that a server answered a call, if it was thought to be down."""
    before = await _status(services, server.name)
    if before is not None and not before.up:
        await note_up(services, server)


async def _status(services: Services, name: str) -> ServerStatus | None:
    try:
        return next((one for one in await services.registry.statuses() if one.server == name), None)
    except StoreUnavailable:
        return None


async def _keep(services: Services, status: ServerStatus) -> None:
    try:
        await services.registry.put_status(status)
    except StoreUnavailable as fault:
        # The next discovery says it again within a minute.
        _log.warning("server.status_unwritten", extra={"server": status.server, "reason": str(fault)})


def changed_tools(before: Manifest | None, now: Manifest) -> tuple[str, ...]:
    """Name the tools that are new, gone or described otherwise than before."""
    if before is None or before.version == now.version:
        return ()
    earlier = {tool.name: tool for tool in before.tools}
    present = {tool.name: tool for tool in now.tools}
    return tuple(sorted(name for name in earlier.keys() | present.keys() if earlier.get(name) != present.get(name)))


def missing_words(down: tuple[str, ...], changed: tuple[str, ...] = ()) -> str:
    """Tell the model which servers and tools are missing, so that its answer names them; empty if none is."""
    said: list[str] = []
    if down:
        said.append(f"These tool servers do not answer at present: {', '.join(down)}.")
    if changed:
        said.append(f"These tools are switched off until an administrator has looked at them: {', '.join(changed)}.")
    if said:
        said.append(
            "If the question needs one of them, say plainly which figures are missing and why, and answer what can be"
            " answered without them."
        )
    return " ".join(said)


async def tell_down(services: Services, turn: Turn, *names: str) -> None:
    """Tell the turn's people that servers do not answer; a repeat does no harm."""
    if names:
        text = f"Not reachable at present: {', '.join(names)}. The answer does without it."
        await tell(
            services,
            turn.conversation,
            Notice(code="server_down", text=text, turn_id=turn.turn_id, **address(turn.conversation)),
        )


async def listed(services: Services, caller: Caller) -> list[ListedServer]:
    """List the servers that the caller may use by any role held, their tools and how they are doing."""
    role = choose_role(caller.roles, await known_roles(services), None)
    catalog, manifests, statuses, off = await asyncio.gather(
        select(services, role), services.registry.manifests(), services.registry.statuses(), all_withheld(services)
    )
    # What is withheld is shown to those who may accept it, and to nobody else.
    off = off if ADMIN in role.effective else []
    found = {manifest.server: manifest for manifest in manifests}
    known = {status.server: status for status in statuses}
    return [
        ListedServer(
            name=entry.name,
            description=entry.description,
            tools=[
                ListedTool(
                    name=tool.name,
                    title=tool.title,
                    description=tool.description,
                    read_only=tool.read_only,
                    needs_approval=tool.needs_approval,
                )
                for tool in catalog.tools
                if tool.server == entry.name
            ],
            health=_health(known.get(entry.name), found.get(entry.name)),
            withheld=[one for one in off if one.server == entry.name] or None,
        )
        for entry in catalog.servers
    ]


def _health(status: ServerStatus | None, manifest: Manifest | None) -> Health:
    discovered_at = manifest.discovered_at if manifest else None
    if status is None:
        return Health(state="unknown", breaker="closed", discovered_at=discovered_at)
    return Health(
        state="up" if status.up else "down",
        breaker=status.breaker,
        checked_at=status.checked_at,
        since=status.since,
        discovered_at=discovered_at,
        last_error=status.last_error,
        changed_tools=list(status.changed_tools) or None,
        changed_at=status.changed_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The servers of the registry, as the health report names them."""

    known: int
    down: list[str]
    """Those that do not answer, or were never asked with success."""
    changed: list[str]
    """Those that describe a tool otherwise than it was pinned, or offer a new one; it is off."""


async def report(services: Services) -> Report:
    """Count the servers, and name those with something wrong."""
    registry = services.registry
    entries, manifests, statuses, off = await asyncio.gather(
        registry.servers(), registry.manifests(), registry.statuses(), all_withheld(services)
    )
    discovered = {manifest.server for manifest in manifests}
    down = {status.server for status in statuses if not status.up}
    changed = {one.server for one in off}
    return Report(
        known=len(entries),
        down=[one.name for one in entries if one.name in down or one.name not in discovered],
        changed=[one.name for one in entries if one.name in changed],
    )

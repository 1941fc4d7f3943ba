"""Hold tool servers to what was seen of them: a tool whose description changes is off until an Admin accepts it."""

import asyncio
import logging
from dataclasses import dataclass, replace

from shared.domain.errors import ChatError, ErrorCode
from shared.domain.identity import Caller
from shared.domain.pins import Pins, Withheld, digest_of, first_pins, withheld
from shared.domain.security import Noticed
from shared.domain.tools import Manifest
from shared.flow.services import Services
from shared.flow.watching import event_of, note, require_admin

_log = logging.getLogger("salescoach.tools")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A tool that is offered again, as its server describes it now."""

    server: str
    name: str
    digest: str


async def hold(services: Services, before: Manifest | None, now: Manifest) -> None:
    """Pin a server's first tools; later note what is not as pinned, once for each description."""
    pins = await _pins_of(services, now.server)
    if pins is None:
        await services.registry.pin_first(first_pins(now))
        return
    seen = {digest_of(tool) for tool in before.tools} if before else set[str]()
    for one in withheld(now, pins):
        if one.digest not in seen:
            await _raise(services, one)


async def _raise(services: Services, one: Withheld) -> None:
    _log.error("tool.withheld", extra={"server": one.server, "tool": one.name, "reason": one.reason})
    event = event_of(services, Noticed.TOOL_WITHHELD, one.server, one.name, one.digest)
    await note(services, replace(event, server=one.server, tool=one.name, outcome=one.reason))


async def all_withheld(services: Services) -> list[Withheld]:
    """List the tools of all servers that are off until an Admin accepts them."""
    manifests, pins = await asyncio.gather(services.registry.manifests(), services.registry.pins())
    known = {one.server: one for one in pins}
    return [tool for manifest in manifests for tool in withheld(manifest, known.get(manifest.server))]


async def accept(services: Services, caller: Caller, *, server: str, tool: str, digest: str) -> Accepted:
    """Have an Admin accept a tool exactly as it was shown to them; who did is recorded.

    Raises:
        ChatError: `forbidden` for everyone else, `not_found` for a tool that no server offers, `conflict` when it is
            described otherwise by now.
    """
    require_admin(caller)
    manifests = {manifest.server: manifest for manifest in await services.registry.manifests()}
    offered = manifests[server].tools if server in manifests else ()
    digests = {one.name: digest_of(one) for one in offered}
    if tool not in digests:
        raise ChatError(ErrorCode.NOT_FOUND, "There is no such tool.")
    if digests[tool] != digest:
        raise ChatError(ErrorCode.CONFLICT, "The tool's description has changed again; look at it first.")
    if await _pins_of(services, server) is None:
        await services.registry.pin_first(Pins(server=server, tools={}))
    # Recorded first: nothing may be trusted of which nobody can say by whom.
    event = event_of(services, Noticed.TOOL_ACCEPTED)
    await note(services, replace(event, user_id=caller.user_id, server=server, tool=tool, outcome="accepted"))
    await services.registry.pin(server, tool, digest)
    return Accepted(server=server, name=tool, digest=digest)


async def _pins_of(services: Services, server: str) -> Pins | None:
    return next((pins for pins in await services.registry.pins() if pins.server == server), None)

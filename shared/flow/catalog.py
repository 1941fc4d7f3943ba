"""Select the tools that a role may use: the same answer for the prompt, the model's list and the call itself."""

import asyncio
from dataclasses import dataclass

from shared.domain.identity import RoleChoice
from shared.domain.pins import lost, trusted
from shared.domain.policy import ANYONE, may_use
from shared.domain.tools import ServerEntry, ToolSpec, ruled
from shared.flow.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The servers and tools of one role."""

    servers: tuple[ServerEntry, ...]
    tools: tuple[ToolSpec, ...]
    down: tuple[str, ...] = ()
    """Servers that did not answer when they were last asked, or never told what they offer."""
    changed: tuple[str, ...] = ()
    """Tools, as `server/tool`, that are off because their server describes them otherwise than before."""

    def find(self, offered_name: str) -> ToolSpec | None:
        """Find a tool by the name under which the model sees it."""
        return next((tool for tool in self.tools if tool.offered_name == offered_name), None)

    def server(self, name: str) -> ServerEntry | None:
        """Find a server that the role may use."""
        return next((entry for entry in self.servers if entry.name == name), None)


async def select(services: Services, role: RoleChoice) -> Catalog:
    """Select what these effective roles may use; everything else does not exist for them."""
    registry = services.registry
    entries, manifests, statuses, pins = await asyncio.gather(
        registry.servers(), registry.manifests(), registry.statuses(), registry.pins()
    )
    allowed = tuple(entry for entry in entries if may_use(entry.roles, role.effective))
    offered = {manifest.server: manifest for manifest in manifests}
    pinned = {one.server: one for one in pins}
    good = {
        entry.name: trusted(offered[entry.name], pinned.get(entry.name)) for entry in allowed if entry.name in offered
    }
    tools = [tool for entry in allowed for spec in good.get(entry.name, ()) if (tool := ruled(entry, spec)) is not None]
    ill = {status.server for status in statuses if not status.up}
    down = tuple(entry.name for entry in allowed if entry.name in ill or entry.name not in offered)
    changed = tuple(
        f"{name}/{tool}" for name, specs in good.items() for tool in lost(offered[name], pinned.get(name), specs)
    )
    return Catalog(servers=allowed, tools=tuple(tools), down=down, changed=changed)


async def known_roles(services: Services) -> set[str]:
    """List the roles that the registry names."""
    entries = await services.registry.servers()
    return {role for entry in entries for role in entry.roles if role != ANYONE}

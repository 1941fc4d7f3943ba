"""Tool servers and what they offer."""

from dataclasses import replace

from shared.domain.pins import Pins
from shared.domain.tools import Manifest, ToolSpec

from .chats import Stores


async def test_only_enabled_servers_are_listed(stores: Stores) -> None:
    """A server that is switched off does not exist for anybody."""
    listed = await stores.registry.servers()

    ours = [server for server in listed if server in stores.servers]
    assert ours == [server for server in stores.servers if server.enabled]
    assert stores.servers[-1] not in listed


async def test_the_newest_manifest_of_a_server_replaces_the_one_before(stores: Stores) -> None:
    """What a server offered last is what it offers."""
    server = stores.servers[0].name
    tool = ToolSpec(
        server=server,
        name="pipeline",
        title="Pipeline",
        description="d",
        input_schema={"type": "object"},
        read_only=True,
    )
    manifest = Manifest(server=server, tools=(tool,), version="1", discovered_at=stores.clock.now())
    await stores.registry.put_manifest(manifest)
    newer = replace(manifest, version="2", tools=(tool, replace(tool, name="forecast", destructive=False)))

    await stores.registry.put_manifest(newer)

    assert [found for found in await stores.registry.manifests() if found.server == server] == [newer]


async def test_first_pins_stand_and_single_ones_are_changed_without_touching_the_others(stores: Stores) -> None:
    """Two who pin for the first time do not overwrite each other; a server without pins gets none by one tool."""
    name = f"pinned-{stores.servers[0].name}"
    first = Pins(server=name, tools={"forecast": "1" * 64, "pipe-line_2": "2" * 64})

    created = await stores.registry.pin_first(first)
    again = await stores.registry.pin_first(Pins(server=name, tools={}))
    await stores.registry.pin(name, "pipe-line_2", "3" * 64)
    await stores.registry.pin(name, "brand_new", "4" * 64)
    await stores.registry.pin(f"{name}-absent", "x", "5" * 64)

    kept = {pins.server: pins.tools for pins in await stores.registry.pins()}
    assert (created, again) == (True, False)
    assert kept[name] == {"forecast": "1" * 64, "pipe-line_2": "3" * 64, "brand_new": "4" * 64}
    assert f"{name}-absent" not in kept

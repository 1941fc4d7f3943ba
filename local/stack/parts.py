"""List the parts of the stack: how each is started, where it answers, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.stack.doors import TRIGGER, webpubsub_options, webpubsub_url
from local.stack.places import AZURITE, PYTHON, Places
from local.stack.ports import HOST

HUB = "salescoach"
# Container and partition key path; docs/architecture.md, "Data in Cosmos DB".
CONTAINERS = (
    "conversations:/conversation_id",
    "users:/user_id",
    "registry:/kind",
    "security_events:/day",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the stack.

    `answers` is a URL; any status says that the part is up unless `strictly` asks for 200.
    """

    name: str
    command: tuple[str, ...]
    answers: str
    strictly: bool = True
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person asked for on the command line."""

    host: str = "local"
    tokens_per_second: int | None = None
    faults: bool = False
    watch: bool = False
    model_url: str | None = None
    door: str = TRIGGER
    certificates: Path | None = None


def url(ports: Mapping[str, int], part: str) -> str:
    """Name a part's base URL."""
    return f"http://{HOST}:{ports[part]}"


def all_parts(
    ports: Mapping[str, int],
    places: Places,
    settings: Mapping[str, str],
    wishes: Wishes,
    *,
    stand_in: bool,
) -> list[Part]:
    """List every part, those first that take longest to come up; all are started at once.

    stand_in says whether the model stand-in is wanted; a real model takes its place.
    """
    faults = ("--faults",) if wishes.faults else ()
    parts = [
        _host(ports, places, settings, wishes, *faults),
        _mcp(ports, places),
        _blob(ports, places, everything=wishes.host == "func"),
        _cosmos(ports, places, settings["COSMOS_DATABASE"], *faults),
        _webpubsub(ports, places, wishes, *faults),
        _python("identity", ports, "--data", str(places.of("identity"))),
        _model(ports, wishes, *faults),
        _web(ports, wishes),
    ]
    return [part for part in parts if part.name != "model" or stand_in]


def _python(
    name: str, ports: Mapping[str, int], *arguments: str, module: str | None = None, health: str = "/health"
) -> Part:
    own = ("--port", str(ports[name]))
    return Part(
        name=name,
        command=(str(PYTHON), "-m", module or f"local.{name}", *own, *arguments),
        answers=url(ports, name) + health,
    )


def _cosmos(ports: Mapping[str, int], places: Places, database: str, *faults: str) -> Part:
    containers = [word for container in CONTAINERS for word in ("--container", container)]
    where = ("--data", str(places.of("cosmos")), "--database", database)
    # -1: items live for ever unless they carry a `ttl` of their own.
    return _python("cosmos", ports, *where, *containers, "--default-ttl", "-1", *faults)


def _blob(ports: Mapping[str, int], places: Places, *, everything: bool) -> Part:
    script = AZURITE / ("azurite.js" if everything else "blob/main.js")
    kinds = ("blob", "queue", "table") if everything else ("blob",)
    where = [option for kind in kinds for option in (f"--{kind}Host", HOST, f"--{kind}Port", str(ports[kind]))]
    return Part(
        name="blob",
        command=(
            "node",
            str(script),
            *where,
            *("--location", str(places.of("azurite"))),
            # The SDK is newer than Azurite's list of API versions; without this every call is a 400.
            *("--skipApiVersionCheck", "--disableTelemetry", "--silent"),
        ),
        answers=url(ports, "blob") + "/",
        strictly=False,
    )


def _webpubsub(ports: Mapping[str, int], places: Places, wishes: Wishes, *faults: str) -> Part:
    upstream = (
        "--hub",
        HUB,
        *webpubsub_options(wishes.door, url(ports, "app"), wishes.certificates or places.of("certificates")),
    )
    own = ("--port", str(ports["webpubsub"]), "--identity", url(ports, "identity"))
    return Part(
        name="webpubsub",
        command=(str(PYTHON), "-m", "local.webpubsub", *own, *upstream, *faults),
        answers=webpubsub_url(ports, wishes.door) + "/api/health",
    )


def _mcp(ports: Mapping[str, int], places: Places) -> Part:
    # DATA/sample-data/*.json may be edited while it runs.
    where = ("--data", str(places.data), "--identity", url(ports, "identity"))
    return _python("mcp", ports, *where, module="local.mcp_servers")


def _model(ports: Mapping[str, int], wishes: Wishes, *faults: str) -> Part:
    pace = () if wishes.tokens_per_second is None else ("--tokens-per-second", str(wishes.tokens_per_second))
    return _python("model", ports, *pace, *faults)


def _host(ports: Mapping[str, int], places: Places, settings: Mapping[str, str], wishes: Wishes, *faults: str) -> Part:
    if wishes.host == "func":
        command = ("func", "start", "--port", str(ports["app"]))
    else:
        here = ("--port", str(ports["app"]), "--rpc-port", str(ports["durable RPC"]), "--cors", url(ports, "web"))
        habits = (*faults, *(("--watch",) if wishes.watch else ()))
        command = (str(PYTHON), "-m", "local.host", *here, "--data", str(places.of("host")), *habits)
    return Part(
        name="host",
        command=command,
        answers=url(ports, "app") + "/admin/host/status",
        environment=settings,
    )


def _web(ports: Mapping[str, int], wishes: Wishes) -> Part:
    partners = {
        "--api": url(ports, "app"),
        "--identity": url(ports, "identity"),
        "--webpubsub": webpubsub_url(ports, wishes.door),
    }
    return _python("web", ports, *(word for partner in partners.items() for word in partner))

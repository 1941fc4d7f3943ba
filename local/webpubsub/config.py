"""Settings of the local service: keys, limits, hubs and their event handlers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

# Published with Microsoft's emulator (Azure/azure-webpubsub, tools/emulator), so that either can be used.
DEFAULT_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
DEFAULT_PORT = 8080
SYSTEM_EVENTS = frozenset({"connect", "connected", "disconnected"})
MIN_KEY_BYTES = 32


class ConfigFault(ValueError):
    """A setting that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHandler:
    """One upstream of a hub: where it is, which events it takes, and how it is authenticated."""

    url_template: str
    system_events: frozenset[str] = frozenset()
    event_pattern: str = ""
    audience: str | None = None

    def __post_init__(self) -> None:
        """Refuse a template or event list that the service would refuse.

        Raises ConfigFault.
        """
        parts = urlsplit(self.url_template)
        if parts.scheme not in {"http", "https"} or not parts.netloc or "{" in parts.netloc:
            raise ConfigFault(f"UrlTemplate must be an http(s) URL with a fixed host: {self.url_template!r}")
        unknown = self.system_events - SYSTEM_EVENTS
        if unknown:
            raise ConfigFault(f"SystemEvents knows connect, connected, disconnected; not {sorted(unknown)}")

    def takes_system(self, event: str) -> bool:
        """Tell whether the system event goes to this handler."""
        return event in self.system_events

    def takes_user(self, event: str) -> bool:
        """Tell whether the user event goes to this handler; names compare without case."""
        patterns = [part.strip().lower() for part in self.event_pattern.split(",")]
        return "*" in patterns or event.lower() in patterns

    def url(self, hub: str, event: str) -> str:
        """Return the URL for one hub and event."""
        return self.url_template.replace("{hub}", quote(hub, safe="")).replace("{event}", quote(event, safe=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """What is configured for one hub."""

    handlers: tuple[EventHandler, ...] = ()
    anonymous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds and sizes; the defaults are the service's, tests shorten them."""

    message_bytes: int = 1024 * 1024
    unacked_messages: int = 1000
    unacked_bytes: int = 16 * 1024 * 1024
    recovery_window_s: float = 30.0
    retry_delays_s: tuple[float, ...] = (1.0, 3.0, 5.0)
    upstream_timeout_s: float = 100.0
    preflight_timeout_s: float = 10.0
    preflight_valid_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that one running service needs to know."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    keys: tuple[str, ...] = (DEFAULT_KEY,)
    hubs: Mapping[str, HubSettings] = field(default_factory=dict[str, HubSettings])
    origin: str = "127.0.0.1"
    drop_on_failed_event: bool = False
    identity: str | None = None
    tenant: str = "11111111-1111-4111-8111-111111111111"
    cert_dir: Path | None = None
    faults: bool = False
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse keys that the SDKs could not use.

        Raises ConfigFault.
        """
        for key in self.keys:
            if len(key.encode()) < MIN_KEY_BYTES or ";" in key:
                raise ConfigFault("an access key needs at least 32 bytes and no ';'")

    def hub(self, name: str) -> HubSettings:
        """Return the settings of a hub; a hub that is not configured has no handlers."""
        return self.hubs.get(name.lower(), HubSettings())


def hubs_from_file(path: Path) -> dict[str, HubSettings]:
    """Read `WebPubSub:Hubs:<hub>` of a JSON file in the shape of Microsoft's emulator.

    Raises ConfigFault when the file is no JSON or has another shape.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigFault(f"cannot read {path}: {error}") from error
    hubs = _mapping(_mapping(_mapping(document, "the file").get("WebPubSub", {}), "WebPubSub").get("Hubs", {}), "Hubs")
    return {name.lower(): _hub(name, value) for name, value in hubs.items()}


def _mapping(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigFault(f"{name} must be a JSON object")
    return cast("dict[str, Any]", value)


def _list(value: object, name: str) -> list[object]:
    if not isinstance(value, list | None):
        raise ConfigFault(f"{name} must be a list")
    return cast("list[object]", value or [])


def _hub(name: str, value: object) -> HubSettings:
    fields = _mapping(value, f"Hubs:{name}")
    handlers = _list(fields.get("EventHandlers"), f"Hubs:{name}:EventHandlers")
    return HubSettings(
        handlers=tuple(_handler(f"Hubs:{name}:EventHandlers", one) for one in handlers),
        anonymous=str(fields.get("AnonymousConnectPolicy", "deny")).lower() == "allow",
    )


def _handler(name: str, value: object) -> EventHandler:
    fields = _mapping(value, name)
    auth = _mapping(fields.get("Auth") or {}, f"{name}:Auth")
    identity = _mapping(auth.get("ManagedIdentity") or {}, f"{name}:Auth:ManagedIdentity")
    events = _list(fields.get("SystemEvents"), f"{name}:SystemEvents")
    managed = str(auth.get("Type", "None")).lower() == "managedidentity"
    return EventHandler(
        url_template=str(fields.get("UrlTemplate", "")),
        system_events=frozenset(str(event).lower() for event in events),
        event_pattern=str(fields.get("EventPattern") or ""),
        audience=str(identity.get("Resource", "")) if managed else None,
    )

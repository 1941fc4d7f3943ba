"""Web PubSub connections of the app: which hosts may call the webhook, and with which signature."""

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from local.host.app_model import BindingInfo
from local.host.settings_file import BadSettings, setting

DEFAULT_SETTING = "WebPubSubConnectionString"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One service: its host without the port, and its key; an identity connection has none."""

    host: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Validator:
    """Check callers against the listed services; with none listed everything passes."""

    accesses: dict[str, Access]

    def allows_host(self, origins: list[str]) -> bool:
        """Tell whether one of the origins is a listed host; compared exactly, as the extension does."""
        return not self.accesses or any(origin in self.accesses for origin in origins)

    def allows_signature(self, origin: str, signature: str | None, connection_id: str) -> bool:
        """Tell whether the signature of a connection id is the listed host's."""
        if not self.accesses:
            return True
        access = next((self.accesses[host] for host in _parts(origin) if host in self.accesses), None)
        if access is None:
            return False
        if access.key is None:
            return True
        digest = hmac.new(access.key.encode(), connection_id.encode(), hashlib.sha256).hexdigest()
        expected = f"sha256={digest}"
        return any(hmac.compare_digest(expected, given.lower()) for given in _parts(signature or "") if given.isascii())


def validator_of(binding: BindingInfo) -> Validator:
    """Build the validator of a trigger from `connections`, `connection` or the default setting.

    Raises:
        BadSettings: a named setting is missing, or two have the same host.
    """
    named = binding.raw.get("connections") or ([binding.raw["connection"]] if "connection" in binding.raw else [])
    accesses = [_access(str(name)) for name in named] if named else _default()
    hosts = [access.host for access in accesses]
    for host in hosts:
        if hosts.count(host) > 1:
            msg = f"An item with the same key has already been added. Key: {host}"
            raise BadSettings(msg)
    return Validator({access.host: access for access in accesses})


def connection_string(binding: BindingInfo) -> str:
    """Return the connection string for a binding that calls the service.

    Raises:
        BadSettings: the setting is missing; identity connections are not offered for outputs.
    """
    name = binding.text("connection") or DEFAULT_SETTING
    value = setting(name)
    if not value:
        msg = f"Web PubSub connection '{name}' is not set (the local host takes connection strings only)"
        raise BadSettings(msg)
    return value


def hub_of(binding: BindingInfo) -> str:
    """Return the hub of a binding, or the app's."""
    return binding.text("hub") or setting("WebPubSubHub")


def _default() -> list[Access]:
    known = setting(DEFAULT_SETTING) or setting(f"{DEFAULT_SETTING}__serviceUri")
    return [_access(DEFAULT_SETTING)] if known else []


def _access(name: str) -> Access:
    text = setting(name)
    if text:
        parts = dict(part.split("=", 1) for part in text.strip().split(";") if "=" in part)
        fields = {key.strip().lower(): value for key, value in parts.items()}
        if "endpoint" not in fields or "accesskey" not in fields:
            msg = f"setting '{name}' is no Web PubSub connection string"
            raise BadSettings(msg)
        return Access(host=urlsplit(fields["endpoint"]).hostname or "", key=fields["accesskey"])
    uri = setting(f"{name}__serviceUri")
    if not uri:
        msg = f"Web PubSub connection '{name}' is not set"
        raise BadSettings(msg)
    return Access(host=urlsplit(uri).hostname or "", key=None)


def _parts(text: str) -> list[str]:
    return [part for part in text.split(",") if part]

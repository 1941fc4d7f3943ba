"""Settings of the app: local.settings.json, the environment, host.json."""

import json
import os
import pathlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

_PERCENT = re.compile(r"%([^%]+)%")
_TIME_SPAN = re.compile(r"^(?:(\d+)\.)?(\d{1,2}):([0-5]?\d):([0-5]?\d)$")
# Any value of host.json can be overridden by a setting of this prefix, levels joined by two underscores.
_OVERRIDE_PREFIX = "AzureFunctionsJobHost__"


class BadSettings(ValueError):
    """A settings file or a setting cannot be used; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """What the local host takes from host.json."""

    route_prefix: str
    function_timeout: timedelta
    hub_name: str
    max_concurrent_activities: int
    max_concurrent_orchestrators: int


def load_local_settings(app_dir: pathlib.Path) -> list[str]:
    """Put the Values of local.settings.json into the environment, never over what is set there.

    Returns:
        The CORS origins of its `Host` section; empty without the file.

    Raises:
        BadSettings: the file is not the JSON that Core Tools write.
    """
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return []
    content = _read_object(path)
    if content.get("IsEncrypted"):
        msg = f"{path.name}: encrypted settings cannot be read"
        raise BadSettings(msg)
    values: Any = content.get("Values", {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):  # type: ignore[union-attr]
        msg = f"{path.name}: Values must be an object of texts"
        raise BadSettings(msg)
    for name, value in values.items():  # type: ignore[union-attr]
        os.environ.setdefault(str(name), str(value))  # type: ignore[arg-type]
    cors = content.get("Host", {}).get("CORS", "")
    return [origin.strip() for origin in str(cors).split(",") if origin.strip()]


def load_host_config(app_dir: pathlib.Path) -> HostConfig:
    """Read host.json with its overrides; a missing file counts as an empty one.

    Raises:
        BadSettings: a value cannot be used.
    """
    path = app_dir / "host.json"
    content = _read_object(path) if path.is_file() else {"version": "2.0"}
    if content.get("version") != "2.0":
        msg = 'host.json: "version" must be "2.0"'
        raise BadSettings(msg)
    _override(content)
    durable = _section(content, "extensions", "durableTask")
    cores = os.cpu_count() or 1
    return HostConfig(
        route_prefix=str(_section(content, "extensions", "http").get("routePrefix", "api")).strip("/"),
        function_timeout=_time_span("functionTimeout", content.get("functionTimeout", "00:30:00")),
        hub_name=resolve(str(durable.get("hubName", "TestHubName"))),
        max_concurrent_activities=_count(durable, "maxConcurrentActivityFunctions", 10 * cores),
        max_concurrent_orchestrators=_count(durable, "maxConcurrentOrchestratorFunctions", 10 * cores),
    )


def setting(name: str) -> str:
    """Return an app setting, empty when it is not set."""
    return os.environ.get(name, "")


def resolve(text: str) -> str:
    """Replace every `%NAME%` by the setting of that name.

    Raises:
        BadSettings: a setting is missing; the words are the WebJobs SDK's.
    """

    def value_of(found: re.Match[str]) -> str:
        value = os.environ.get(found[1])
        if value is None:
            msg = f"'%{found[1]}%' does not resolve to a value."
            raise BadSettings(msg)
        return value

    return _PERCENT.sub(value_of, text)


def _read_object(path: pathlib.Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as fault:
        msg = f"{path.name}: {fault}"
        raise BadSettings(msg) from fault
    if not isinstance(content, dict):
        msg = f"{path.name}: not a JSON object"
        raise BadSettings(msg)
    return content  # type: ignore[return-value]


def _override(content: dict[str, Any]) -> None:
    for name, value in os.environ.items():
        if not name.startswith(_OVERRIDE_PREFIX):
            continue
        *levels, last = name.removeprefix(_OVERRIDE_PREFIX).split("__")
        target = content
        for level in levels:
            target = target.setdefault(level, {})
        target[last] = value


def _section(content: dict[str, Any], *levels: str) -> dict[str, Any]:
    section = content
    for level in levels:
        inner = section.get(level, {})
        if not isinstance(inner, dict):
            msg = f"host.json: {'.'.join(levels)} must be an object"
            raise BadSettings(msg)
        section = cast("dict[str, Any]", inner)
    return section


def _count(section: dict[str, Any], key: str, default: int) -> int:
    value = str(section.get(key, default))
    if not value.isdecimal() or int(value) < 1:
        msg = f"host.json: {key} must be a positive number, not {value!r}"
        raise BadSettings(msg)
    return int(value)


def _time_span(key: str, value: object) -> timedelta:
    found = _TIME_SPAN.match(str(value))
    if not found:
        msg = f"host.json: {key} must be a time span such as 00:15:00, not {value!r}"
        raise BadSettings(msg)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

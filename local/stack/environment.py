"""Make the app's settings for one stack from local.settings.json.template, so that both hosts share it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.stack.places import ROOT, Places
from local.stack.ports import DEFAULTS, HOST

TEMPLATE = ROOT / "local.settings.json.template"
SERVERS = ROOT / "mcpservers.json"
# A person's own environment decides about the model and the limits, never about where the stack's parts
# are or whom they trust: a laptop's variables for another deployment must not leak in.
OPEN_TO_THE_PERSON = re.compile(
    r"^(OPENAI_|AZURE_OPENAI_|HISTORY_|FISCAL_|APP_|MCP_SERVER_SOURCE$|QUEUE_POLICY$)"
    r"|(_TIMEOUT_S|_PER_TURN|_PER_MINUTE|_PER_DAY|_PER_USER|_PER_CONVERSATION)$"
)
# A collector on this machine; a laptop's own Application Insights must not get what the stack does.
OWN_COLLECTOR = re.compile(r"(^|;)IngestionEndpoint=http://127\.0\.0\.1:\d+/(;|$)")
MODEL_KEYS = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY")
MODEL_PLACES = ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT")


def moved(text: str, ports: Mapping[str, int]) -> str:
    """Put the stack's ports in place of the documented ones, wherever a loopback address stands."""
    now = {DEFAULTS[part]: port for part, port in ports.items()}

    def move(found: re.Match[str]) -> str:
        return f"{HOST}:{now.get(int(found[1]), int(found[1]))}"

    return re.sub(re.escape(HOST) + r":(\d+)", move, text)


def app_settings(
    ports: Mapping[str, int], places: Places, outer: Mapping[str, str], *, model_url: str | None = None
) -> dict[str, str]:
    """Give every setting of the app its value: the template's, the person's where that is allowed."""
    template: dict[str, str] = json.loads(moved(TEMPLATE.read_text(encoding="utf-8"), ports))["Values"]
    given = {key: value for key, value in outer.items() if value and key in template}
    values = template | {key: value for key, value in given.items() if OPEN_TO_THE_PERSON.search(key)}
    insights = given.get("APPLICATIONINSIGHTS_CONNECTION_STRING", "")
    if OWN_COLLECTOR.search(insights):
        values["APPLICATIONINSIGHTS_CONNECTION_STRING"] = insights
    values["MCP_SERVERS_FILE"] = str(places.servers)
    return values | model_settings(template, given, model_url)


def model_settings(template: Mapping[str, str], given: Mapping[str, str], model_url: str | None) -> dict[str, str]:
    """Say which model answers: the one at model_url, the environment's, or the stand-in, never a mixture."""
    if model_url:
        return dict.fromkeys(MODEL_KEYS, "") | {
            "OPENAI_BASE_URL": model_url,
            "OPENAI_API_KEY": given.get("OPENAI_API_KEY", template["OPENAI_API_KEY"]),
        }
    if not any(given.get(key) for key in MODEL_PLACES):
        # A key alone names no model; it is kept away from the stand-in.
        return {key: template[key] for key in MODEL_KEYS}
    return {key: given.get(key, "") for key in MODEL_KEYS}


def real_model(outer: Mapping[str, str], model_url: str | None) -> str | None:
    """Name the model server that takes the stand-in's place, if there is one."""
    places = (model_url, *(outer.get(key) for key in MODEL_PLACES))
    return next((place for place in places if place), None)


def write_servers(ports: Mapping[str, int], places: Places) -> dict[str, str]:
    """Write the tool servers' list with this stack's ports; return each server's URL by name."""
    text = moved(SERVERS.read_text(encoding="utf-8"), ports)
    places.servers.write_text(text, encoding="utf-8")
    listed: list[dict[str, Any]] = json.loads(text)
    return {entry["Name"]: entry["Url"] for entry in listed}


def write_local_settings(target: Path, ports: Mapping[str, int]) -> bool:
    """Write the real host's settings file unless the person has one; tell whether it was written."""
    if target.exists():
        return False
    target.write_text(moved(TEMPLATE.read_text(encoding="utf-8"), ports), encoding="utf-8")
    return True

"""The app's settings follow the stack's ports, and a person's environment only where it may."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.stack import environment, ports
from local.stack.parts import Wishes
from local.stack.places import Places
from local.stack.plan import plan_for

MOVED = ports.plan(25000)


def settings(tmp_path: Path, outer: Mapping[str, str], model_url: str | None = None) -> dict[str, str]:
    """Make the settings of a moved stack."""
    return environment.app_settings(MOVED, Places(tmp_path), outer, model_url=model_url)


def test_every_loopback_address_of_the_template_moves_with_the_ports(tmp_path: Path) -> None:
    """No documented port is left over."""
    values = settings(tmp_path, {})

    assert values["WebPubSubConnectionString"].startswith("Endpoint=http://127.0.0.1:25002;")
    assert values["COSMOS"].startswith("AccountEndpoint=http://127.0.0.1:25003/;")
    assert "BlobEndpoint=http://127.0.0.1:25004/devstoreaccount1;" in values["PROMPTS"]
    assert values["AUTH_AUTHORITY"] == "http://127.0.0.1:25005"
    assert values["OPENAI_BASE_URL"] == "http://127.0.0.1:25006/v1"
    assert values["ALLOWED_ORIGINS"] == "http://127.0.0.1:25000"
    assert values["MCP_SERVERS_FILE"] == str(tmp_path / "mcpservers.json")


def test_variables_of_another_deployment_do_not_leak_in(tmp_path: Path) -> None:
    """Where the parts are and whom they trust is the stack's; limits and models are the person's."""
    outer = {"COSMOS": "AccountEndpoint=https://real/", "AUTH_TENANTS": "real", "TURN_TIMEOUT_S": "20", "HOME": "/"}

    values = settings(tmp_path, outer)

    assert "real" not in values["COSMOS"] + values["AUTH_TENANTS"]
    assert values["TURN_TIMEOUT_S"] == "20"
    assert "HOME" not in values


@pytest.mark.parametrize(
    ("endpoint", "taken"),
    [
        ("http://127.0.0.1:4318/", True),
        ("https://westeurope-5.in.applicationinsights.azure.com/", False),
        ("http://127.0.0.1:4318.evil.example/", False),
    ],
)
def test_only_a_collector_on_this_machine_gets_telemetry(tmp_path: Path, endpoint: str, *, taken: bool) -> None:
    """A laptop's variable may name a real resource."""
    given = f"InstrumentationKey=1;IngestionEndpoint={endpoint}"

    values = settings(tmp_path, {"APPLICATIONINSIGHTS_CONNECTION_STRING": given})

    assert values["APPLICATIONINSIGHTS_CONNECTION_STRING"] == (given if taken else "")


Case = tuple[dict[str, str], str | None, tuple[str, str, str, str]]
MODELS: dict[str, Case] = {
    "nothing is set": ({}, None, ("http://127.0.0.1:25006/v1", "local", "", "")),
    "a key alone names no model": ({"OPENAI_API_KEY": "sk"}, None, ("http://127.0.0.1:25006/v1", "local", "", "")),
    "a base URL": ({"OPENAI_BASE_URL": "https://m/v1", "OPENAI_API_KEY": "sk"}, None, ("https://m/v1", "sk", "", "")),
    "Azure": (
        {"AZURE_OPENAI_ENDPOINT": "https://a", "AZURE_OPENAI_API_KEY": "k"},
        None,
        ("", "", "https://a", "k"),
    ),
    "the option goes first": ({"AZURE_OPENAI_ENDPOINT": "https://a"}, "http://o/v1", ("http://o/v1", "local", "", "")),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_real_model_takes_the_stand_ins_place_as_a_whole(case: str, tmp_path: Path) -> None:
    """Never the stand-in's address with a real key, nor two addresses."""
    outer, model_url, expected = MODELS[case]

    values = settings(tmp_path, outer, model_url)

    assert tuple(values[key] for key in environment.MODEL_KEYS) == expected


def test_the_stand_in_is_not_started_beside_a_real_model(tmp_path: Path) -> None:
    """And stack.json will name the real one."""
    places = Places(tmp_path)

    with_stand_in = plan_for(MOVED, places, Wishes(), {})
    without = plan_for(MOVED, places, Wishes(), {"OPENAI_BASE_URL": "https://m/v1"})

    assert "model" in [part.name for part in with_stand_in.parts]
    assert "model" not in [part.name for part in without.parts]
    assert without.real_model == "https://m/v1"


def test_the_tool_servers_list_gets_the_stacks_ports(tmp_path: Path) -> None:
    """Every server of mcpservers.json is reachable where the stack runs it."""
    servers = environment.write_servers(MOVED, Places(tmp_path))

    assert servers["sfdc"] == "http://127.0.0.1:25007/sfdc/mcp"
    written = json.loads((tmp_path / "mcpservers.json").read_text(encoding="utf-8"))
    assert {entry["Name"]: entry["Url"] for entry in written} == servers


def test_a_persons_own_local_settings_are_kept(tmp_path: Path) -> None:
    """--host func writes the file once and never again."""
    target = tmp_path / "local.settings.json"

    assert environment.write_local_settings(target, MOVED)
    target.write_text("mine", encoding="utf-8")
    assert not environment.write_local_settings(target, MOVED)

    assert target.read_text(encoding="utf-8") == "mine"

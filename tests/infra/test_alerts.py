"""The alerts call for what the app writes, and tell whoever is called what to do."""

from __future__ import annotations

import ast
import json
import logging
import re
from typing import Any

import pytest

from shared.adapters.json_logs import FIELDS, line_of
from tests.infra.bicep_text import INFRA, ROOT, load, plain

MODULES = INFRA / "modules"


def variable(name: str) -> Any:
    """Give a variable of the alerts' template."""
    node = load(MODULES / "alerts.bicep").declared[name].value
    assert node is not None
    return plain(node)


def alert_names() -> set[str]:
    """Every alert that can call a person."""
    source = (MODULES / "alerts.bicep").read_text(encoding="utf-8")
    named = set(re.findall(r"name: '([a-z-]+)-\$\{suffix\}'", source))
    return ({query["name"] for query in variable("queries")} | named) - {"ag-salescoach"}


@pytest.mark.requirement("infra:alerts")
def test_every_alert_has_a_card_in_the_runbook_and_every_card_an_alert() -> None:
    """Who is called at night finds what to do under the alert's own name."""
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    cards = set(re.findall(r"^### Alert `([a-z-]+)`$", runbook, re.MULTILINE))

    assert cards == alert_names()


def logged() -> dict[str, set[str]]:
    """Every event that the app logs, with the fields that each of its lines has."""
    found: dict[str, set[str]] = {}
    for folder in ("functions", "shared"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(call, ast.Call) and ast.unparse(call.func).startswith("_log.")):
                    continue
                event = str(ast.literal_eval(call.args[0]))
                extra = next((one.value for one in call.keywords if one.arg == "extra"), None)
                keys: list[ast.expr | None] = extra.keys if isinstance(extra, ast.Dict) else []
                fields = {ast.unparse(key).strip("'") for key in keys if key is not None}
                found[event] = found.get(event, fields) & fields
    return found


@pytest.mark.requirement("infra:alerts")
@pytest.mark.parametrize("alert", variable("queries"), ids=lambda alert: str(alert["name"]))
def test_an_alert_waits_for_lines_that_the_app_writes(alert: dict[str, Any]) -> None:
    """A renamed event, or a field that a line has not, or that the log leaves out, would silence it."""
    events = logged()
    waits = re.findall(r"event (?:==|in) (?:\(([^)]+)\)|(\"[a-z_.]+\"))([^|)]*)", alert["query"])
    if "${lines}" not in alert["query"]:
        # The platform's own tables and columns, as the diagnostic settings send them.
        assert re.match(r"CDBDataPlaneRequests \| .*\bStatusCode == 4\d\d", alert["query"])
        return

    assert waits
    for several, one, rest in waits:
        for event in re.findall(r"[a-z_.]+", several or one):
            fields: set[str] = set(re.findall(r"line\.(\w+)", rest)) | (
                {"turn_id"} if " on turn" in alert["query"] else set[str]()
            )
            assert event in events
            assert fields <= events[event] & FIELDS, event


def test_a_line_of_the_log_is_read_as_the_alerts_read_it() -> None:
    """One JSON object, its event under `message`, its fields beside it."""
    record = logging.makeLogRecord(
        {"name": "salescoach.respond", "levelname": "INFO", "msg": "turn.end", "turn_id": "t.1", "end": "failed"}
    )
    line = json.loads(line_of(record))

    assert line_of(record).startswith("{")
    assert (line["message"], line["turn_id"], line["end"]) == ("turn.end", "t.1", "failed")
    assert variable("lines") == (
        'AppTraces | where Message startswith "{" | extend line = parse_json(Message)'
        " | extend event = tostring(line.message), turn = tostring(line.turn_id)"
    )


def test_the_lines_that_alerts_wait_for_leave_the_app() -> None:
    """They are information; a host that keeps warnings only would silence the alerts."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert host["logging"]["logLevel"]["default"] == "Information"
    assert not any(name.startswith(("Function", "salescoach")) for name in host["logging"]["logLevel"])

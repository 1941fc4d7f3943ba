"""The rules of the house that no tool checks."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from functions._edge import _STATUS
from shared.domain.errors import ErrorCode
from shared.settings import Settings
from tests.requirements import PROMISES

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"openai", "mcp", "azure.storage.blob"}


def sources(*folders: str) -> list[Path]:
    """Python files below these folders."""
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]


def imports(path: Path) -> set[str]:
    """Names that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_app_only_registers_blueprints() -> None:
    """At most 25 lines, and nothing of ours but functions."""
    path = ROOT / "function_app.py"
    roots = {name.split(".")[0] for name in imports(path)}

    assert len(path.read_text(encoding="utf-8").splitlines()) <= 25
    assert roots == {"azure", "functions"}


def test_triggers_import_no_azure_sdk_but_functions_and_durable() -> None:
    """Adapters talk; triggers translate."""
    allowed = {"azure.functions", "azure.durable_functions"}

    for path in sources("functions"):
        assert {name for name in imports(path) if name.startswith("azure")} <= allowed, path


@pytest.mark.parametrize("folder", ["functions", "shared", "local"])
def test_modules_and_functions_stay_readable(folder: str) -> None:
    """300 lines a module, 80 a trigger module, 40 a function without its docstring."""
    for path in sources(folder):
        text = path.read_text(encoding="utf-8")
        most = 80 if folder == "functions" and path.name != "_edge.py" else 300
        assert text.count("\n") <= most, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = ast.get_docstring(node, clean=False)
                length = (node.end_lineno or 0) - node.lineno + 1 - (doc.count("\n") + 1 if doc else 0)
                assert length <= 40, f"{path}:{node.lineno} {node.name}"


def test_no_module_of_the_flow_is_named_after_groups() -> None:
    """One pipeline serves both."""
    assert [path for path in sources("shared/flow") if "group" in path.stem] == []


def places_that_ask_for_groups() -> list[tuple[str, str]]:
    """Functions of the flow, and of its rules, that compare a conversation's kind or look for a membership."""
    found: list[tuple[str, str]] = []
    for path in [*sources("shared/flow"), *sources("shared/domain")]:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                asks = sum(_asks_for_a_group(node) for node in ast.walk(function))
                found += [(path.relative_to(ROOT).as_posix(), function.name)] * asks
    return found


def _asks_for_a_group(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        return any(isinstance(part, ast.Name) and part.id == "Membership" for part in ast.walk(node))
    if not isinstance(node, ast.Compare) or not isinstance(node.left, ast.Attribute) or node.left.attr != "kind":
        return False
    return any(isinstance(side, ast.Constant) and side.value in ("group", "session") for side in node.comparators)


@pytest.mark.requirement("group:one-pipeline")
def test_each_place_that_asks_for_a_group_has_its_reason_and_there_are_ten_at_most() -> None:
    """The record's table is the source's, both ways; how a conversation's frames are addressed is no behaviour."""
    record = (ROOT / "docs" / "decisions" / "0013-one-pipeline-for-groups.md").read_text(encoding="utf-8")
    reasons = re.findall(r"^\| `([^`]+)` `([^`]+)` \|", record, re.MULTILINE)

    places = [place for place in places_that_ask_for_groups() if place != ("shared/domain/frame_parts.py", "address")]

    assert sorted(places) == sorted(reasons)
    assert len(places) <= 10


def test_every_error_code_has_a_status() -> None:
    """The table is exhaustive."""
    assert set(_STATUS) == set(ErrorCode)


@pytest.mark.requirement("stack:lazy-imports")
def test_light_triggers_never_import_the_heavy_sdks() -> None:
    """Decision 18: connect, authenticate, query and REST pay for neither model, MCP nor Blob."""
    code = (
        "import sys, function_app; from shared import bootstrap; bootstrap.services(); "
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "COSMOS": "AccountEndpoint=http://127.0.0.1:1/;AccountKey=a2V5;",
        "WebPubSubConnectionString": "Endpoint=http://127.0.0.1:1;AccessKey=key;Version=1.0;",
        "UPSTREAM_PROOF": "signature",
        "PROMPTS": "UseDevelopmentStorage=true",
        "AUTH_TENANTS": "t",
        "AUTH_AUDIENCES": "a",
        "SEALING_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
        "MCP_SERVER_SOURCE": "file",
    }

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.strip() == "[]", done.stderr


def setting_names() -> set[str]:
    """Every key that the settings read."""
    return {str(field.validation_alias) for field in Settings.model_fields.values()}


@pytest.mark.requirement("stack:settings-documented")
def test_every_setting_stands_in_template_and_docs_and_no_other() -> None:
    """One definition; a key that nothing reads is refused too."""
    template = json.loads((ROOT / "local.settings.json.template").read_text(encoding="utf-8"))["Values"]
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([^`]+)`", page, re.MULTILINE))
    of_the_host = {name for name in documented - setting_names() if name in HOST_SETTINGS}
    in_azure_only = {"WEBSITE_SITE_NAME", "COSMOS__accountEndpoint", "WebPubSubConnectionString__serviceUri"} | {
        "PROMPTS__serviceUri",
        "MANAGED_IDENTITY_CLIENT_ID",
        "UPSTREAM_AUDIENCE",
        "UPSTREAM_PRINCIPAL",
        "SEALING_KEY_ID",
        "AZURE_OPENAI_ENDPOINT",
        "AZURE_OPENAI_API_KEY",
        "APP_COMMIT",
        "APP_VERSION",
    }

    assert documented - of_the_host == setting_names()
    assert setting_names() - in_azure_only <= set(template)
    of_our_own = {name for name in template if not name.startswith("AzureFunctionsJobHost__")}
    assert of_our_own <= setting_names() | HOST_SETTINGS


HOST_SETTINGS = {
    "AzureWebJobsStorage",
    "FUNCTIONS_WORKER_RUNTIME",
    "TASKHUB_NAME",
    "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "COSMOS__credential",
    "WebPubSubConnectionString__credential",
    "FUNCTIONS_EXTENSION_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}


def test_the_schema_in_the_docs_is_the_schema_of_the_wire() -> None:
    """Generated by `python docs/schema.py`; drift fails here."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'docs'); import schema; sys.stdout.write(schema.text())",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert (ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8") == done.stdout


def claimed() -> dict[str, list[str]]:
    """Which tests say that they keep which promise."""
    found: dict[str, list[str]] = {}
    for path in sources("tests"):
        for promise in re.findall(r'mark\.requirement\(\s*"([^"]+)"', path.read_text(encoding="utf-8")):
            found.setdefault(promise, []).append(path.name)
    return found


def test_every_promise_has_a_test_and_every_test_a_promise() -> None:
    """The manifest, checked both ways."""
    assert set(claimed()) == set(PROMISES)


def test_nothing_in_the_repository_names_a_machine_or_a_registry() -> None:
    """Paths of machines and hosts of registries do not belong into files."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()  # noqa: S607
    forbidden = re.compile(r"/wo" + r"rk/|\.\./sha" + r"red|files\.pythonhosted|registry\.npmjs|pypi\.org/simple")

    hits = [
        name
        for name in listed
        if (ROOT / name).is_file() and forbidden.search((ROOT / name).read_text(encoding="utf-8", errors="ignore"))
    ]

    assert hits == []

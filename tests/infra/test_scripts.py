"""The scripts around the templates: they say the same, pin what they use, and can be run twice."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.web.server import Endpoints, headers
from shared.wire.registry_documents import server_document, server_from
from tests.infra.bicep_text import INFRA, ROOT
from tests.infra.recorded import run

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = sorted(INFRA.rglob("*.sh"))
RUNBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_is_a_script(script: Path) -> None:
    """The shell reads it to its end."""
    subprocess.run(["/bin/sh", "-n", str(script)], timeout=10, check=True)  # noqa: S603


AFTER_DEPLOYMENT = {
    "SALESCOACH_DOOR": "http",
    "API_URL": "https://api.example.com",
    "WEB_PUBSUB_NAME": "wps",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_FUNCTION_NAME": "func",
    "UPSTREAM_AUDIENCE": "api://tenant/upstream",
    "KEY_VAULT_URI": "https://kv.example.com/",
    "KEY_VAULT_NAME": "kv",
}
ATTACHED = (
    "deployment group create --name event-handler --resource-group rg "
    "--template-file infra/modules/event-handler.bicep --output none --parameters door={door} webPubSubName=wps "
    "appHostName=api.example.com upstreamAudience=api://tenant/upstream keyVaultUri=https://kv.example.com/"
)


@pytest.mark.requirement("infra:hooks")
def test_the_hub_is_attached_once_the_app_answers_the_handshake(tmp_path: Path) -> None:
    """Registry first; then the question that the service itself will ask, until it is answered; then the hub."""
    _, called = run(tmp_path, "hooks/postdeploy.sh", environment=AFTER_DEPLOYMENT)
    handshake = (
        "curl --silent --fail --output /dev/null --request OPTIONS https://api.example.com/api/events "
        "--header WebHook-Request-Origin: wps.webpubsub.azure.com"
    )

    assert called.splitlines() == [
        "python infra/seed_registry.py infra/servers.json",
        *[handshake] * 3,
        ATTACHED.format(door="http"),
        "azd env set SALESCOACH_ATTACH_HUB true",
    ]


@pytest.mark.requirement("infra:hooks")
def test_an_app_that_never_answers_is_not_attached(tmp_path: Path) -> None:
    """The hook fails and says why; clients of the version before go on."""
    said, called = run(tmp_path, "hooks/postdeploy.sh", expected=1, environment={**AFTER_DEPLOYMENT, "NEVER": "1"})

    assert "does not answer the handshake" in said
    assert called.count("curl ") == 60
    assert "event-handler" not in called


@pytest.mark.requirement("infra:hooks")
def test_the_trigger_doors_key_goes_into_the_vault_through_a_pipe(tmp_path: Path) -> None:
    """The one exception: read once, never on a command line."""
    _, called = run(tmp_path, "hooks/postdeploy.sh", environment={**AFTER_DEPLOYMENT, "SALESCOACH_DOOR": "trigger"})

    assert (tmp_path / "calls.secret").read_text() == "the-system-key"
    assert "the-system-key" not in called
    assert "curl" not in called
    assert ATTACHED.format(door="trigger") in called


@pytest.mark.requirement("infra:hooks")
def test_the_trigger_doors_plan_gets_its_package_as_a_blob(tmp_path: Path) -> None:
    """Uploaded with the deployer's own role, then the host is told to look; with the HTTP door nothing is done."""
    values = {
        "HOST_STORAGE_NAME": "st",
        "PACKAGE_CONTAINER": "packages",
        "AZURE_FUNCTION_NAME": "func",
        "AZURE_RESOURCE_GROUP": "rg",
        "AZURE_SUBSCRIPTION_ID": "sub",
    }
    _, called = run(tmp_path, "hooks/package.sh", environment={**values, "SALESCOACH_DOOR": "trigger"})
    said, nothing = run(tmp_path, "hooks/package.sh", expected=1, environment={**values, "SALESCOACH_DOOR": "http"})

    upload, restart, look = called.splitlines()
    assert "--auth-mode login --account-name st --container-name packages --name salescoach.zip" in upload
    assert restart == "functionapp restart --name func --resource-group rg"
    assert "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Web/sites/func/syncfunctiontriggers" in look
    assert "azd deploy api" in said
    assert nothing == ""


def test_azd_runs_the_hooks_and_deploys_the_package_as_it_was_built() -> None:
    """One command: provision, package, page; nothing is built in Azure."""
    source = (ROOT / "azure.yaml").read_text(encoding="utf-8")

    for hook in ("postprovision", "postdeploy"):
        assert f"run: sh infra/hooks/{hook}.sh" in source
    assert "make package" in source
    assert "remoteBuild: false" in source
    steps = re.findall(r"- azd: (.+)", source)
    assert steps == ["provision", "deploy api --from-package .dist/salescoach.zip", "deploy web"]


def test_no_script_makes_or_reads_a_secret_but_the_one_exception(tmp_path: Path) -> None:
    """The system key of the trigger door, through a pipe: an argument would be seen in the list of processes."""
    values = {
        "PROMPTS_STORAGE_NAME": "st",
        "PROMPTS_CONTAINER": "prompts",
        "API_URL": "https://api.example.com",
        "API_AUDIENCE": "api://salescoach",
        "WEB_CLIENT_ID": "web",
    }
    _, asked = run(tmp_path, "hooks/postprovision.sh", environment={**values, "UPLOADS_FROM": "3"})
    spoken = {script.name: script.read_text(encoding="utf-8") for script in SCRIPTS}

    # A role that was assigned a moment ago is not yet known everywhere.
    assert asked.count("upload-batch --auth-mode login") == 3
    assert [line for line in asked.splitlines() if line.startswith("npm")] == [
        "npm ci",
        "npm run build",
        "npm run deployed",
    ]
    assert [name for name, text in spoken.items() if "keyvault" in text or "keys list" in text] == ["postdeploy.sh"]
    assert "--value" not in spoken["postdeploy.sh"]
    assert "openssl" not in "".join(spoken.values())


DEPLOYED = {
    "API_URL": "https://api.example.com",
    "WEB_CLIENT_ID": "web-client",
    "API_AUDIENCE": "api://tenant/salescoach-dev",
    "SIGN_IN_AUTHORITY": "https://login.example.com/tenant",
    "WEB_PUBSUB_ENDPOINT": "https://hub.example.com",
}


@pytest.mark.requirement("infra:page")
def test_the_deployed_page_gets_the_policy_of_the_local_one(tmp_path: Path) -> None:
    """Same headers, other partners; and the page is told where to sign in."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node 20 or newer")
    shutil.copy(ROOT / "web" / "deployed.mjs", tmp_path)
    environment = {"PATH": os.environ["PATH"], **DEPLOYED}
    subprocess.run([node, "deployed.mjs"], cwd=tmp_path, env=environment, timeout=30, check=True, capture_output=True)  # noqa: S603
    config = json.loads((tmp_path / "dist" / "config.json").read_text())
    given = json.loads((tmp_path / "dist" / "staticwebapp.config.json").read_text())["globalHeaders"]
    endpoints = Endpoints(
        own="", api=DEPLOYED["API_URL"], identity="https://login.example.com", webpubsub=DEPLOYED["WEB_PUBSUB_ENDPOINT"]
    )
    local = headers(endpoints)

    assert config == {
        "api": "https://api.example.com",
        "entra": {
            "client": "web-client",
            "authority": "https://login.example.com/tenant",
            "scope": "api://tenant/salescoach-dev/access_as_user",
        },
    }
    assert {name: given[name] for name in local if name != "Cache-Control"} == {
        name: value for name, value in local.items() if name != "Cache-Control"
    }
    assert (
        "connect-src 'self' https://api.example.com https://login.example.com wss://hub.example.com;"
        in given["Content-Security-Policy"]
    )


def test_the_hooks_read_what_the_template_puts_out() -> None:
    """They get the outputs from azd, and the few names that it knows itself."""
    outputs = set(re.findall(r"^output (\w+) ", (INFRA / "main.bicep").read_text(encoding="utf-8"), re.MULTILINE))
    known = outputs | {"AZURE_RESOURCE_GROUP", "AZURE_SUBSCRIPTION_ID", "SALESCOACH_SERVERS"}
    read = set(DEPLOYED)
    for hook in (INFRA / "hooks").glob("*.sh"):
        read |= set(re.findall(r"\$\{?([A-Z][A-Z_]+)", hook.read_text(encoding="utf-8")))
    read |= set(re.findall(r"environ\[\"(\w+)\"\]", (INFRA / "seed_registry.py").read_text(encoding="utf-8")))

    assert read - known == set()


def test_the_registry_is_seeded_in_the_form_that_the_app_reads() -> None:
    """By the reader that the app uses."""
    spec = importlib.util.spec_from_file_location("seed_registry", INFRA / "seed_registry.py")
    assert spec is not None
    assert spec.loader is not None
    seed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seed)
    entry = {"Name": "sfdc", "Url": "https://tools.example.com/mcp", "roles": "Sales", "AuthEnabled": True}
    (item,) = seed.documents([entry])

    written = server_document(server_from(item))
    assert {key: written[key] for key in ("id", "kind", "Name", "Url")} == {
        key: item[key] for key in ("id", "kind", "Name", "Url")
    }


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_azure_is_reached_without_a_secret(workflow: Path) -> None:
    """By commit, with the version in words; OIDC, and no secrets context at all."""
    source = workflow.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)(.*)$", source, re.MULTILINE)

    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    assert "secrets." not in source
    assert "id-token: write" in source


def test_every_command_of_the_runbook_says_whether_it_needs_azure() -> None:
    """A block either says so in its first line, or a test runs it: then its text stands here."""
    run_by_tests = {
        "python3 -m local up --door http",  # tests/e2e/test_door.py
        ".venv/bin/python -m pytest tests/smoke",  # the workflow, and make test
    }
    for block in re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL):
        lines = [line for line in block.splitlines() if line.strip()]
        assert lines[0] == "# needs Azure" or set(lines) <= run_by_tests, block


def test_the_runbook_begins_with_what_has_never_been_run() -> None:
    """Nobody should take these pages for experience."""
    first = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)[0]

    assert first == "What has never been run"

"""Template and script make the same registrations, and can be run twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.infra.bicep_text import INFRA
from tests.infra.recorded import run


@pytest.mark.requirement("infra:sign-in")
def test_the_script_makes_what_the_template_makes(tmp_path: Path) -> None:
    """The same registrations, scope, roles, versions and credentials."""
    template = (INFRA / "entra.bicep").read_text(encoding="utf-8")
    _, asked = run(tmp_path, "entra.sh", "dev", "https://web.example.com", "app-id", "hub-id")

    for fact in ("access_as_user", "Upstream.Send", "api://AzureADTokenExchange", "Use SalesCoach", "email"):
        assert fact in template
        assert fact in asked
    for role in ("Sales", "HR", "Admin"):
        assert f"'{role}'" in template
        assert f'"value": "{role}"' in asked
    assert asked.count('"requestedAccessTokenVersion": 2') == template.count("requestedAccessTokenVersion: 2") == 2
    assert '"appRoleAssignmentRequired": true' in asked
    assert "appRoleAssignmentRequired: true" in template
    assert '"identifierUris": ["api://tenant-id/salescoach-dev"]' in asked
    assert '"identifierUris": ["api://tenant-id/salescoach-dev-upstream"]' in asked
    assert '"redirectUris": ["https://web.example.com/"]' in asked
    assert '"subject": "app-id"' in asked
    assert '"principalId": "hub-id"' in asked


@pytest.mark.requirement("infra:sign-in")
def test_consent_is_given_once_for_every_tool_server_and_for_the_page(tmp_path: Path) -> None:
    """For the whole tenant, by template and script alike: nobody is asked, and the exchange on behalf of works."""
    template = (INFRA / "entra.bicep").read_text(encoding="utf-8")
    main = (INFRA / "main.bicep").read_text(encoding="utf-8")
    servers = {"TOOL_SERVERS": "app-1:scope-1:access_as_user app-2:scope-2:mail.read"}
    _, asked = run(tmp_path, "entra.sh", "dev", "https://web.example.com", environment=servers)
    _, again = run(tmp_path, "entra.sh", "dev", "https://web.example.com", environment=servers, knows=True)
    consents = [
        line for line in asked.splitlines() if "rest --method POST" in line and "oauth2PermissionGrants" in line
    ]

    assert template.count("'AllPrincipals'") == 2
    assert "toolServers: toolServers" in main
    assert len(consents) == 3
    assert all('"consentType": "AllPrincipals"' in line for line in consents)
    assert [re.findall(r'"scope": "([^"]+)"', line) for line in consents] == [
        ["access_as_user"],
        ["mail.read"],
        ["access_as_user"],
    ]
    for server, scope in (("app-1", "scope-1"), ("app-2", "scope-2")):
        assert f'"resourceAppId": "{server}", "resourceAccess": [{{"id": "{scope}", "type": "Scope"}}]' in asked
    assert "rest --method POST" not in again


@pytest.mark.requirement("infra:sign-in")
def test_a_second_run_makes_nothing_new_and_prints_the_parameter(tmp_path: Path) -> None:
    """Ids are derived from names; what is there is found."""
    _, first = run(tmp_path, "entra.sh", "dev", "https://web.example.com", "app-id", "hub-id")
    printed, second = run(tmp_path, "entra.sh", "dev", "https://web.example.com", "app-id", "hub-id", knows=True)
    fields = re.findall(r"^  (\w+): '.+'$", printed, re.MULTILINE)
    declared = re.findall(
        r"^  (\w+): string$",
        (INFRA / "types.bicep").read_text(encoding="utf-8").split("type SignIn")[1].split("}")[0],
        re.MULTILINE,
    )

    assert " create " in first
    assert " create " not in second
    assert "--method POST" not in second
    assert set(re.findall(r'"id": "([^"]+)"', first)) == set(re.findall(r'"id": "([^"]+)"', second))
    assert fields == declared

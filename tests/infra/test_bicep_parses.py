"""Every template is read by two independent parsers, and its parts fit together."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.infra import bicep_check, bicep_text
from tests.infra.bicep_text import INFRA, Unreadable, files, load, parameter_files, parse_by_pycep, parse_by_tree_sitter

READ = [*files(), *parameter_files()]
# Types with their versions: one each, looked up in the published type index in November 2026.
PINNED = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.CognitiveServices/accounts": "2026-07-01",
    "Microsoft.CognitiveServices/accounts/deployments": "2026-07-01",
    "Microsoft.Consumption/budgets": "2026-06-01",
    "Microsoft.DocumentDB/databaseAccounts": "2026-03-15",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases": "2026-03-15",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers": "2026-03-15",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments": "2026-03-15",
    "Microsoft.DurableTask/schedulers": "2026-02-01",
    "Microsoft.DurableTask/schedulers/retentionPolicies": "2026-02-01",
    "Microsoft.DurableTask/schedulers/taskHubs": "2026-02-01",
    "Microsoft.Graph/appRoleAssignedTo": "v1.0",
    "Microsoft.Graph/applications": "v1.0",
    "Microsoft.Graph/applications/federatedIdentityCredentials": "v1.0",
    "Microsoft.Graph/oauth2PermissionGrants": "v1.0",
    "Microsoft.Graph/servicePrincipals": "v1.0",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/activityLogAlerts": "2026-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    # The only version that knows log categories; it has been a preview since 2021.
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/metricAlerts": "2026-01-01",
    "Microsoft.Insights/scheduledQueryRules": "2026-03-01",
    "Microsoft.KeyVault/vaults": "2026-02-01",
    "Microsoft.KeyVault/vaults/keys": "2026-02-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
    "Microsoft.Network/networkSecurityGroups": "2025-09-01",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2024-06-01",
    "Microsoft.Network/privateEndpoints": "2025-09-01",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "2025-09-01",
    "Microsoft.Network/virtualNetworks": "2025-09-01",
    "Microsoft.OperationalInsights/workspaces": "2026-03-01",
    "Microsoft.SignalRService/webPubSub": "2024-03-01",
    "Microsoft.SignalRService/webPubSub/hubs": "2024-03-01",
    "Microsoft.Storage/storageAccounts": "2026-04-01",
    "Microsoft.Storage/storageAccounts/blobServices": "2026-04-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "2026-04-01",
    "Microsoft.Web/serverfarms": "2025-03-01",
    "Microsoft.Web/sites": "2025-03-01",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": "2025-03-01",
    "Microsoft.Web/sites/config": "2025-03-01",
    "Microsoft.Web/staticSites": "2025-03-01",
}


@pytest.mark.requirement("infra:parses")
@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_every_template_is_read_by_two_parsers(path: Path) -> None:
    """A file that cannot be parsed counts as failed."""
    parse_by_pycep(bicep_text.source_for(path, "pycep"))
    parse_by_tree_sitter(bicep_text.source_for(path, "tree-sitter"))


@pytest.mark.requirement("infra:fits")
@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_every_name_exists_and_every_value_has_the_declared_type(path: Path) -> None:
    """Symbols, module paths, parameters, outputs and types."""
    assert bicep_check.faults(load(path)) == []


@pytest.mark.parametrize("path", parameter_files(), ids=lambda path: path.name)
def test_parameter_files_fit_their_template(path: Path) -> None:
    """For dev and prod alike."""
    assert bicep_check.parameter_faults(path) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("token: token", "token: tokn", "unknown name tokn"),
        ("modules/identity.bicep", "modules/identty.bicep", "there is no modules/identty.bicep"),
        ("identity.outputs.clientId", "identity.outputs.clientID", "no output clientID"),
        ("    sku: schedulerSku\n", "", "parameter sku is not given"),
        ("units: webPubSubUnits", "units: 'two'", "must be int, not string"),
        ("mode: cosmosMode", "mode: door", "must be CosmosMode, not Door"),
        ("param door Door = 'http'", "param door Door = 'https'", "must be one of"),
        ("  turnTimeoutS: 300\n", "", "differs from Limits"),
        ("location: webLocation", "location: webLocation\n    colour: 'red'", "no parameter colour"),
        ("uniqueString(", "uniqueStrin(", "unknown function uniqueStrin"),
    ],
)
def test_the_checker_finds_what_it_is_there_for(tmp_path: Path, before: str, after: str, said: str) -> None:
    """One seeded fault each, in a copy of the templates."""
    copy = tmp_path / "infra"
    for path in files():
        target = copy / path.relative_to(INFRA)
        target.parent.mkdir(parents=True, exist_ok=True)
        source = path.read_text(encoding="utf-8")
        if path.name == "main.bicep":
            assert before in source
            source = source.replace(before, after, 1)
        target.write_text(source, encoding="utf-8")

    assert said in "\n".join(bicep_check.faults(load(copy / "main.bicep")))


@pytest.mark.parametrize("parse", [parse_by_pycep, parse_by_tree_sitter])
@pytest.mark.parametrize("source", ["var a = {\n  b: 1\n", "param x string = \n", "resource 'x' = {}\n"])
def test_a_broken_file_is_refused_by_both_parsers(parse: object, source: str) -> None:
    """Neither is lenient in the way that the other is."""
    assert callable(parse)
    with pytest.raises(Unreadable):
        parse(source)


def test_resource_types_and_versions_are_the_pinned_ones() -> None:
    """Another version, or another preview, is a decision that shows in this table."""
    used: dict[str, set[str]] = {}
    for path in files():
        for resource in load(path).of("resource"):
            kind, _, version = resource.target.partition("@")
            used.setdefault(kind, set()).add(version)

    assert used == {kind: {version} for kind, version in PINNED.items()}


def test_main_only_wires() -> None:
    """No resource of its own; every module is used."""
    main = load(INFRA / "main.bicep")
    modules = {(main.path.parent / module.target).resolve() for module in main.of("module")}

    assert main.of("resource") == []
    assert modules == {path.resolve() for path in files() if path.name not in ("main.bicep", "types.bicep")}


def test_the_linters_rules_are_errors() -> None:
    """So that the compiler, where there is one, stops at them."""
    config = json.loads((INFRA / "bicepconfig.json").read_text(encoding="utf-8"))
    rules = config["analyzers"]["core"]["rules"]

    assert {rule["level"] for rule in rules.values()} == {"error"}
    assert len(rules) > 25


def test_no_template_names_a_key_or_a_secret_value() -> None:
    """Neither listKeys nor a literal that looks like one."""
    for path in [*files(), *parameter_files()]:
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"list(Keys|Secrets|AccountSas|ConnectionStrings)|AccountKey=|SharedAccess", source), path

"""What must be true of the templates: settings, roles, keys off, networks, alerts, models."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.settings import Settings
from tests.infra.bicep_text import INFRA, ROOT, Declaration, at, body, files, load, plain, text

MODULES = INFRA / "modules"
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
# Keys that another host of models would need; in Azure the app's identity is the key.
NOT_IN_AZURE = {"OPENAI_BASE_URL", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"}
BY_THE_PLATFORM = {"WEBSITE_SITE_NAME"}

APP, WEB_PUBSUB, DEPLOYER = "appPrincipalId", "webPubSubPrincipalId", "deployerPrincipalId"
ROLES = {
    (APP, "Web PubSub Service Owner", "12cf5a90-567b-43ae-8102-96cf46c7d9b4", "webPubSub"),
    (APP, "Cosmos DB Built-in Data Contributor", "00000000-0000-0000-0000-000000000002", "dbs/${cosmosDatabaseName}"),
    (APP, "Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "hostStorage"),
    (APP, "Storage Blob Data Reader", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "promptContainer"),
    (APP, "Cognitive Services OpenAI User", "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd", "openAi"),
    (APP, "Durable Task Data Contributor", "0ad04412-c4d5-4796-b79c-f76d14c8d402", "taskHub"),
    (APP, "Monitoring Metrics Publisher", "3913510d-42f4-4e42-8a64-420c390055eb", "insights"),
    (APP, "Key Vault Crypto Service Encryption User", "e147488a-f6f5-4113-8e2d-b22465e65bf6", "sealingKey"),
    # Trigger door only; the exception of docs/security.md.
    (WEB_PUBSUB, "Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6", "vault"),
    (DEPLOYER, "Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "promptContainer"),
    # Trigger door only.
    (DEPLOYER, "Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "packageContainer"),
    (
        *(DEPLOYER, "Cosmos DB Built-in Data Contributor", "00000000-0000-0000-0000-000000000002"),
        "dbs/${cosmosDatabaseName}/colls/registry",
    ),
    (DEPLOYER, "Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "vault"),
}
# Owner, Contributor, User Access Administrator, Role Based Access Control Administrator.
NEVER = (
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
)


def declared(module: str, name: str) -> Declaration:
    """Find a declaration of a module."""
    return load(MODULES / f"{module}.bicep").declared[name]


def value(module: str, name: str, path: str) -> Any:
    """Give a literal, or an expression's text, from a resource."""
    node = at(body(declared(module, name)), path)
    assert node is not None, f"{module}.{name} has no {path}"
    return plain(node)


def variable(module: str, name: str) -> Any:
    """Give a variable's value."""
    node = declared(module, name).value
    assert node is not None
    return plain(node)


def variable_text(part: str) -> set[str]:
    """Name the templates in whose text a part stands."""
    return {path.name for path in files() if part in path.read_text(encoding="utf-8")}


def documented() -> dict[str, str]:
    """Every key of docs/settings.md with the rest of its row; a row may name several."""
    rows = re.findall(r"^\| (`[^|]+`) \|(.*)$", PAGE, re.MULTILINE)
    return {key: rest for names, rest in rows for key in re.findall(r"`([^`]+)`", names)}


@pytest.mark.requirement("infra:settings")
def test_the_app_settings_are_exactly_the_documented_keys_that_apply() -> None:
    """Both ways: a key that the app reads is set, and no key is set that nothing reads."""
    rows = documented()
    local = {key for key, row in rows.items() if "local runs only" in row}
    of_the_app = {str(field.validation_alias) for field in Settings.model_fields.values()}
    given = set(variable("function-app", "settings"))
    premium = set(variable("function-app", "premiumSettings"))

    assert (given | premium) - rows.keys() == set()
    assert of_the_app - local - NOT_IN_AZURE - BY_THE_PLATFORM - given == set()
    assert given & (local | NOT_IN_AZURE | BY_THE_PLATFORM) == set()
    assert given & premium == set()


def test_no_setting_in_azure_holds_a_key() -> None:
    """Identity everywhere, and no secret, not even by reference: the sealing key is an address."""
    settings = variable("function-app", "settings")

    assert settings["UPSTREAM_PROOF"] == "identity"
    assert settings["SEALING_KEY_ID"] == "sealingKeyId"
    assert variable_text("@Microsoft.KeyVault") == {"event-handler.bicep"}
    assert {settings[key] for key in settings if key.endswith("__credential")} == {"managedidentity"}
    assert not {key for key in settings if re.search(r"SECRET|PASSWORD|API_KEY$", key)}


def granted() -> set[tuple[str, str, str]]:
    """Every (principal, role id, scope) of access.bicep."""
    ids = variable("access", "roles")
    found: set[tuple[str, str, str]] = set()
    for resource in load(MODULES / "access.bicep").of("resource"):
        if resource.existing:
            continue
        principal = plain(at(body(resource), "properties.principalId"))  # pyright: ignore[reportArgumentType]
        role = re.search(r"roles\.(\w+)", text(at(body(resource), "properties.roleDefinitionId")))  # pyright: ignore[reportArgumentType]
        scope = at(body(resource), "scope") or at(body(resource), "properties.scope")
        assert role is not None
        assert scope is not None
        found.add((principal, ids[role[1]], text(scope).strip("'").removeprefix("${cosmosAccount.id}/")))
    return found


@pytest.mark.requirement("infra:roles")
def test_the_role_assignments_are_exactly_the_table() -> None:
    """No principal has a role or a scope that is not listed, and none is missing."""
    assert granted() == {(principal, role, scope) for principal, _, role, scope in ROLES}
    assert set(variable("access", "roles").values()) == {role for _, _, role, _ in ROLES}


@pytest.mark.requirement("infra:roles")
def test_every_role_assignment_is_in_the_one_list_and_none_may_manage() -> None:
    """Owner, Contributor and those who hand out roles never appear."""
    for path in files():
        assigned = [one.name for one in load(path).of("resource") if "oleAssignments" in one.target]
        assert not assigned or path.name == "access.bicep"
        assert not [role for role in NEVER if role in path.read_text(encoding="utf-8")]


def test_what_only_some_deployments_have_is_conditional() -> None:
    """The trigger door's exception, and the deployer's roles."""
    access = load(MODULES / "access.bicep").declared

    assert access["webPubSubOnVault"].condition == "(door == 'trigger')"
    deployers = {name: one.condition for name, one in access.items() if name.startswith("deployerOn")}
    for name in ("deployerOnVault", "deployerOnPackages"):
        assert deployers.pop(name) == "(hasDeployer && door == 'trigger')"
    assert set(deployers.values()) == {"(hasDeployer)"}


def test_the_security_page_lists_the_same_roles() -> None:
    """For readers who look there."""
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")

    assert [name for _, name, role, _ in ROLES if name not in page or role not in page] == []


PUBLIC = "privateNetworking ? 'Disabled' : 'Enabled'"
POLICY = [
    ("web-pubsub", "service", "properties.disableLocalAuth", True),
    ("web-pubsub", "service", "identity.type", "SystemAssigned"),
    ("web-pubsub", "service", "properties.networkACLs.defaultAction", "Deny"),
    ("web-pubsub", "service", "properties.liveTraceConfiguration.enabled", "false"),
    ("web-pubsub", "service", "sku.tier", "Standard"),
    ("event-handler", "hub", "properties.anonymousConnectPolicy", "deny"),
    ("cosmos", "account", "properties.disableLocalAuth", True),
    ("cosmos", "account", "properties.disableKeyBasedMetadataWriteAccess", True),
    ("cosmos", "account", "properties.minimalTlsVersion", "Tls12"),
    ("cosmos", "account", "properties.publicNetworkAccess", PUBLIC),
    ("cosmos", "account", "properties.backupPolicy.type", "Continuous"),
    ("open-ai", "account", "properties.disableLocalAuth", True),
    ("open-ai", "account", "properties.customSubDomainName", "'oai-salescoach-${suffix}'"),
    ("open-ai", "account", "properties.publicNetworkAccess", PUBLIC),
    ("open-ai", "account", "properties.restrictOutboundNetworkAccess", True),
    ("open-ai", "models", "properties.raiPolicyName", "Microsoft.DefaultV2"),
    ("open-ai", "models", "sku.capacity", "deployment.thousandTokensPerMinute"),
    ("storage", "host", "properties", "accountProperties"),
    ("storage", "prompts", "properties", "accountProperties"),
    ("storage", "promptBlobs", "properties.isVersioningEnabled", True),
    ("storage", "promptBlobs", "properties.deleteRetentionPolicy.enabled", True),
    ("function-app", "app", "properties.httpsOnly", True),
    ("function-app", "app", "properties.siteConfig.minTlsVersion", "1.2"),
    ("function-app", "app", "properties.siteConfig.ftpsState", "Disabled"),
    ("function-app", "app", "properties.siteConfig.remoteDebuggingEnabled", False),
    ("function-app", "app", "properties.siteConfig.cors.supportCredentials", False),
    ("function-app", "app", "properties.siteConfig.cors.allowedOrigins", ["webOrigin"]),
    ("function-app", "easyAuth", "properties.platform.enabled", False),
    ("function-app", "scmBasicAuth", "properties.allow", False),
    ("function-app", "ftpBasicAuth", "properties.allow", False),
    ("scheduler", "scheduler", "properties.publicNetworkAccess", PUBLIC),
    ("scheduler", "scheduler", "properties.ipAllowlist", ["privateNetworking ? subnetPrefix : '0.0.0.0/0'"]),
    ("key-vault", "vault", "properties.enableRbacAuthorization", True),
    ("key-vault", "vault", "properties.enablePurgeProtection", True),
    ("key-vault", "vault", "properties.enableSoftDelete", True),
    ("key-vault", "vault", "properties.publicNetworkAccess", PUBLIC),
    ("key-vault", "sealingKey", "properties.kty", "RSA"),
    ("key-vault", "sealingKey", "properties.keyOps", ["wrapKey", "unwrapKey"]),
    ("monitoring", "insights", "properties.DisableLocalAuth", True),
    ("monitoring", "workspace", "properties.features.disableLocalAuth", True),
]


@pytest.mark.requirement("infra:hardened")
@pytest.mark.parametrize(("module", "name", "path", "wanted"), POLICY, ids=lambda part: str(part)[:40])
def test_local_auth_is_off_and_the_settings_are_the_hardened_ones(
    module: str, name: str, path: str, wanted: object
) -> None:
    """One row of the table each."""
    assert value(module, name, path) == wanted


def test_storage_takes_no_shared_key_and_shows_nothing_to_the_public() -> None:
    """Both accounts share these properties."""
    account = variable("storage", "accountProperties")

    assert account["allowSharedKeyAccess"] is False
    assert account["allowBlobPublicAccess"] is False
    assert account["defaultToOAuthAuthentication"] is True
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert account["networkAcls"]["defaultAction"] == "privateNetworking ? 'Deny' : 'Allow'"


def test_the_hub_sends_only_the_known_events_and_proves_itself() -> None:
    """A fixed list, so that an invented event reaches nothing."""
    (handler,) = value("event-handler", "hub", "properties.eventHandlers")

    assert handler["userEventPattern"] == "auth,message"
    assert handler["systemEvents"] == ["connect", "connected", "disconnected"]
    assert handler["auth"] == {"type": "ManagedIdentity", "managedIdentity": {"resource": "upstreamAudience"}}


def test_one_parameter_sets_hub_and_app_alike() -> None:
    """The door decides address, plan and runtime settings."""
    assert variable("function-app", "flex") == "door == 'http'"
    assert variable("event-handler", "address").startswith("door == 'http' ? 'https://${appHostName}/api/events'")


def test_the_apps_concurrency_is_the_one_that_was_sized() -> None:
    """2,048 MB, 50 requests an instance, always ready for http and durable."""
    flex = variable("function-app", "flexConfig")["scaleAndConcurrency"]

    assert flex["instanceMemoryMB"] == 2048
    assert flex["triggers"]["http"]["perInstanceConcurrency"] == 50
    assert "'http'" in flex["alwaysReady"]
    assert "'durable'" in flex["alwaysReady"]
    assert "param alwaysReady = 1" in (INFRA / "main.prod.bicepparam").read_text(encoding="utf-8")


def test_finished_turns_are_purged_within_a_week() -> None:
    """The history holds ids only, and not for long."""
    policies = value("scheduler", "retention", "properties.retentionPolicies")

    assert max(policy["retentionPeriodInDays"] for policy in policies) <= 7


def test_cosmos_indexes_what_is_queried_and_no_body() -> None:
    """Each field that a query names is indexed; everything else is not."""
    containers = {one["name"]: one for one in variable("cosmos", "containers")}
    # What is not one of these reads conversations.
    elsewhere = {"users": "users", "people": "users", "registry": "registry", "watch": "security_events"}
    for adapter in sorted((ROOT / "shared" / "adapters" / "cosmos").glob("*.py")):
        name = elsewhere.get(adapter.stem, "conversations")
        source = adapter.read_text(encoding="utf-8")
        queried = {
            field
            for query in re.findall(r"^.*(?:SELECT |text \+=).*$", source, re.MULTILINE)
            for field in re.findall(r"(?:WHERE|AND|ORDER BY)[ (]+c\.(\w+)", query)
        }
        # Cosmos DB indexes ids by itself.
        keys = {containers[name]["key"].removeprefix("/"), "id"}
        assert queried - keys - {path.strip("/?") for path in containers[name]["indexed"]} == set(), adapter.name

    assert set(containers) == {"conversations", "users", "registry", "security_events"}
    assert containers["security_events"]["ttl"] == 90 * 24 * 3600
    assert [one["ttl"] for one in containers.values()].count(-1) == 3
    indexing = value("cosmos", "items", "properties.resource.indexingPolicy")
    assert indexing["excludedPaths"] == [{"path": "/*"}]


OBSERVED = {
    "cosmos": ["DataPlaneRequests", "ControlPlaneRequests"],
    "open-ai": ["Audit"],
    "key-vault": ["AuditEvent"],
    "web-pubsub": ["ConnectivityLogs", "HttpRequestLogs"],
    "function-app": ["FunctionAppLogs"],
}


@pytest.mark.parametrize("module", OBSERVED)
def test_what_happens_is_logged_without_content(module: str) -> None:
    """To the workspace; neither payloads nor query texts."""
    logs = value(module, "diagnostics", "properties.logs")

    assert [log["category"] for log in logs] == OBSERVED[module]


def test_prod_is_the_hardened_form() -> None:
    """Private, autoscaled, always ready, with a scheduler of its own."""
    prod = (INFRA / "main.prod.bicepparam").read_text(encoding="utf-8")

    for line in ("privateNetworking = true", "cosmosMode = 'autoscale'", "schedulerSku = 'Dedicated'"):
        assert f"param {line}" in prod

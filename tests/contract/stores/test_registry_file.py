"""The file of tool servers, in the predecessor's form."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.registry_file import FileRegistry, RegistryFileUnusable, read_servers
from shared.domain.tools import Manifest, ServerEntry
from shared.tool_ports import ToolRegistry
from shared.wire.registry_documents import server_document, server_from

GOOD: dict[str, Any] = {
    "Name": "sfdc",
    "Url": "https://sfdc.example/mcp",
    "roles": "Admin, Sales",
    "AuthEnabled": True,
    "description": "CRM",
}


def written(folder: Path, content: Any) -> Path:
    """Write a file of servers."""
    path = folder / "mcpservers.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_repositorys_own_file_is_usable_as_a_whole() -> None:
    """What we ship works."""
    servers, faults = read_servers(Path(__file__).parents[3] / "mcpservers.json", loopback=True)

    assert {server.name for server in servers} >= {"sfdc", "hr"}
    assert faults == []


def test_an_entry_is_read_with_the_defaults_of_a_cautious_reader(tmp_path: Path) -> None:
    """No roles means Admin only."""
    bare = {"Name": "hr", "Url": "http://127.0.0.1:9/mcp", "AuthEnabled": False, "more": "ignored"}

    servers, faults = read_servers(written(tmp_path, [GOOD, bare]), loopback=True)

    assert faults == []
    assert servers == [
        ServerEntry(
            name="sfdc",
            url="https://sfdc.example/mcp",
            roles=("Admin", "Sales"),
            auth_enabled=True,
            description="CRM",
        ),
        ServerEntry(name="hr", url="http://127.0.0.1:9/mcp", roles=("Admin",), auth_enabled=False, description=""),
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"Name": None}, "Name"),
        ({"Name": "two words"}, "Name"),
        ({"Name": "a__b"}, "Name"),
        ({"Name": "x" * 33}, "Name"),
        ({"Url": "http://sfdc.example/mcp"}, "Url"),
        ({"Url": "https://user:secret@sfdc.example/mcp"}, "Url"),
        ({"Url": "file:///etc/passwd"}, "Url"),
        ({"Url": "https:///mcp"}, "Url"),
        ({"Url": "https://[bad/mcp"}, "Url"),
        ({"Url": "http://127.0.0.1:9/mcp"}, "Url"),
        ({"Url": "https://localhost/mcp"}, "Url"),
        ({"Url": "https://10.0.0.4/mcp"}, "Url"),
        ({"Url": "https://169.254.169.254/metadata"}, "Url"),
        ({"Url": "https://[::ffff:169.254.169.254]/"}, "Url"),
        ({"Url": "https://2130706433/mcp"}, "Url"),
        ({"AuthEnabled": "yes"}, "AuthEnabled"),
        ({"roles": ["Sales"]}, "roles"),
        ({"timeout_s": 301}, "timeout_s"),
        ({"timeout_s": 0}, "timeout_s"),
    ],
)
def test_a_faulty_entry_is_named_and_costs_only_itself(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    """The other servers stay usable."""
    servers, faults = read_servers(written(tmp_path, [GOOD | change, GOOD | {"Name": "hr"}]))

    assert [server.name for server in servers] == ["hr"]
    assert len(faults) == 1
    assert fault in faults[0].fault
    assert "secret" not in str(faults[0])


def test_of_two_entries_of_one_name_the_first_counts(tmp_path: Path) -> None:
    """A later entry cannot take over a server's tools."""
    servers, faults = read_servers(written(tmp_path, [GOOD, GOOD | {"Url": "https://other.example/mcp"}]))

    assert [server.url for server in servers] == ["https://sfdc.example/mcp"]
    assert "twice" in faults[0].fault


@pytest.mark.parametrize("content", ["", "{", '{"Name": "sfdc"}', "[1]", "null"])
async def test_a_file_that_is_no_list_of_servers_is_refused_by_name(tmp_path: Path, content: str) -> None:
    """Whoever starts the app learns which file is wrong."""
    registry = FileRegistry(written(tmp_path, content))

    with pytest.raises(RegistryFileUnusable, match=r"mcpservers\.json"):
        await registry.servers()


def test_an_absent_file_is_refused_by_name(tmp_path: Path) -> None:
    """An absent file is not an empty one."""
    with pytest.raises(RegistryFileUnusable, match=r"none\.json"):
        read_servers(tmp_path / "none.json")


async def test_the_registry_lists_enabled_servers_and_keeps_manifests(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, manifest: Manifest
) -> None:
    """A file knows servers; what they offer is learnt anew by each process."""
    entries = [GOOD, GOOD | {"Name": "off", "enabled": False}, GOOD | {"Name": "bad name"}]
    registry: ToolRegistry = FileRegistry(written(tmp_path, entries))

    listed = await registry.servers()
    await registry.put_manifest(manifest)

    assert [server.name for server in listed] == ["sfdc"]
    assert await registry.servers() == listed
    assert await registry.manifests() == [manifest]
    assert [record.getMessage() for record in caplog.records] == ["registry.entry_left_out"]


@pytest.fixture
def manifest(server: ServerEntry) -> Manifest:
    """Give what a server offers."""
    return Manifest(server=server.name, tools=(), version="1", discovered_at=datetime(2026, 1, 5, tzinfo=UTC))


@pytest.fixture
def server() -> ServerEntry:
    """Give a server with every field set."""
    return ServerEntry(
        name="sfdc",
        url="https://sfdc.example/mcp",
        roles=("*",),
        auth_enabled=True,
        description="CRM",
        audience="api://crm",
        timeout_s=300,
        enabled=False,
    )


def test_a_server_is_written_in_the_form_in_which_it_is_read(server: ServerEntry) -> None:
    """File and container share one form."""
    assert server_from(server_document(server)) == server

"""Read tool servers in the predecessor's form, and keep the tool manifests of container `registry`."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from shared.domain.addresses import may_be_called
from shared.domain.pins import Pins
from shared.domain.policy import parse_roles
from shared.domain.servers import ServerStatus
from shared.domain.tools import Manifest, ServerEntry, ToolRule
from shared.wire.outbound import to_json
from shared.wire.reading import MalformedDocument, expect, read

SERVER_KIND = "mcp_server"
MANIFEST_KIND = "tool_manifest"
STATUS_KIND = "server_status"
PINS_KIND = "tool_pins"
TIMEOUT_MOST_S = 300.0
"""Longest time that a server may be given for a call (docs/protocol.md, rule 14)."""

# A model sees `<server>__<tool>`, of which providers take letters, digits, `_` and `-`, 64 characters in all.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]|_(?!_)){0,30}[A-Za-z0-9]|[A-Za-z0-9]")


def _usable_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("must be letters, digits, single _ or -, at most 32")
    return name


def _safe_url(url: str, info: ValidationInfo[bool | None]) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.password:
        raise ValueError("must be an absolute address without credentials")
    if may_be_called(parts.hostname, loopback=False):
        # In clear only to this machine: user-bound tokens travel on this way.
        if parts.scheme != "https":
            raise ValueError("must be https")
    elif not (info.context and may_be_called(parts.hostname, loopback=True) and parts.scheme in ("https", "http")):
        raise ValueError("must be an address of the open Internet")
    return url


class _Rule(BaseModel):
    """What an entry says of all its tools, or of one."""

    model_config = ConfigDict(strict=True, extra="ignore")

    enabled: bool = True
    read_only: bool | None = None
    idempotent: bool | None = None
    approval: bool | None = None
    sends_out: bool | None = None

    def rule(self) -> ToolRule:
        """Give it as the domain has it."""
        return ToolRule(
            enabled=self.enabled,
            read_only=self.read_only,
            idempotent=self.idempotent,
            approval=self.approval,
            sends_out=self.sends_out,
        )


class _Server(BaseModel):
    """The predecessor's entry; the names of its fields bind us, the lower-case ones are ours."""

    model_config = ConfigDict(strict=True, extra="ignore")

    name: Annotated[str, AfterValidator(_usable_name)] = Field(alias="Name")
    url: Annotated[str, AfterValidator(_safe_url)] = Field(alias="Url")
    roles: str = ""
    auth_enabled: bool = Field(alias="AuthEnabled")
    description: str = ""
    audience: str | None = None
    timeout_s: float | None = Field(default=None, gt=0, le=TIMEOUT_MOST_S)
    enabled: bool = True
    read_only: bool | None = None
    idempotent: bool | None = None
    approval: bool | None = None
    sends_out: bool | None = None
    tools: dict[str, _Rule] = Field(default_factory=dict)


def server_from(data: Mapping[str, Any], *, loopback: bool = False) -> ServerEntry:
    """Read one tool server of the file or the container; `loopback` admits one on this machine.

    Raises:
        MalformedDocument: the entry is not usable; names it and its faults.
    """
    try:
        server = _Server.model_validate(dict(data), context=loopback)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        places = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
        raise MalformedDocument(data.get("Name", "without Name"), "; ".join(places)) from None
    return ServerEntry(
        name=server.name,
        url=server.url,
        roles=parse_roles(server.roles),
        auth_enabled=server.auth_enabled,
        description=server.description,
        audience=server.audience,
        timeout_s=server.timeout_s,
        enabled=server.enabled,
        rule=ToolRule(
            read_only=server.read_only,
            idempotent=server.idempotent,
            approval=server.approval,
            sends_out=server.sends_out,
        ),
        tools={name: rule.rule() for name, rule in server.tools.items()},
    )


def server_document(server: ServerEntry) -> dict[str, Any]:
    """Write a tool server in the predecessor's form."""
    document: dict[str, Any] = {
        "id": f"server:{server.name}",
        "kind": SERVER_KIND,
        "Name": server.name,
        "Url": server.url,
        "roles": ",".join(server.roles),
        "AuthEnabled": server.auth_enabled,
        "description": server.description,
        "enabled": server.enabled,
    }
    given = {"audience": server.audience, "timeout_s": server.timeout_s, **_words(server.rule)}
    tools = {name: {"enabled": rule.enabled, **_words(rule)} for name, rule in server.tools.items()}
    said = {name: value for name, value in given.items() if value is not None}
    return document | said | ({"tools": tools} if tools else {})


def _words(rule: ToolRule) -> dict[str, bool]:
    names = ("read_only", "idempotent", "approval", "sends_out")
    said = {name: getattr(rule, name) for name in names}
    return {name: value for name, value in said.items() if value is not None}


def status_document(status: ServerStatus) -> dict[str, Any]:
    """Write how a server is doing."""
    data: dict[str, Any] = to_json(status)
    return data | {"id": f"status:{status.server}", "kind": STATUS_KIND}


def status_from(document: Mapping[str, Any]) -> ServerStatus:
    """Read how a server is doing."""
    expect(document, kind=STATUS_KIND)
    return read(ServerStatus, document, document_id=document.get("id"))


def pins_id(server: str) -> str:
    """Name the item that holds a server's pins."""
    return f"pins:{server}"


def pins_document(pins: Pins) -> dict[str, Any]:
    """Write which of a server's tools are trusted as they are."""
    data: dict[str, Any] = to_json(pins)
    return data | {"id": pins_id(pins.server), "kind": PINS_KIND}


def pins_from(document: Mapping[str, Any]) -> Pins:
    """Read which of a server's tools are trusted as they are."""
    expect(document, kind=PINS_KIND)
    return read(Pins, document, document_id=document.get("id"))


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    """Write what a server offered last."""
    data: dict[str, Any] = to_json(manifest)
    return data | {"id": f"manifest:{manifest.server}", "kind": MANIFEST_KIND}


def manifest_from(document: Mapping[str, Any]) -> Manifest:
    """Read what a server offered last."""
    expect(document, kind=MANIFEST_KIND)
    return read(Manifest, document, document_id=document.get("id"))

"""The resource that a URL path names, and the form of it that signatures cover."""

from dataclasses import dataclass
from urllib.parse import unquote

from local.cosmos.errors import not_served

# Kinds of address by the fixed words of the path ("*" stands for a name).
_KINDS: dict[tuple[str, ...], str] = {
    (): "account",
    ("dbs",): "databases",
    ("dbs", "*"): "database",
    ("dbs", "*", "colls"): "containers",
    ("dbs", "*", "colls", "*"): "container",
    ("dbs", "*", "colls", "*", "docs"): "items",
    ("dbs", "*", "colls", "*", "docs", "*"): "item",
    ("dbs", "*", "colls", "*", "pkranges"): "ranges",
    ("dbs", "*", "colls", "*", "operations", "partitionkeydelete"): "partition",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A parsed path: its kind, the names in it, and the resource type and link that the signature covers."""

    kind: str
    database: str = ""
    container: str = ""
    item: str = ""
    resource_type: str = ""
    resource_link: str = ""

    @property
    def container_path(self) -> str:
        """Return `dbs/<database>/colls/<container>`."""
        return f"dbs/{self.database}/colls/{self.container}"


def parse(raw_path: str) -> Address:
    """Return the address of a still encoded path; slashes at both ends do not count.

    Raises CosmosError 501 for resources that this server does not have.
    """
    parts = [unquote(part) for part in raw_path.strip("/").split("/") if part]
    kind = _KINDS.get(_shape(parts))
    if kind is None:
        raise not_served(f"the resource /{'/'.join(_shape(parts))}")
    resource_type, link = _signed(parts)
    names = dict(zip(("database", "container", "item"), parts[1::2], strict=False))
    if kind == "partition":
        names.pop("item")
    return Address(kind=kind, resource_type=resource_type, resource_link=link, **names)


def _shape(parts: list[str]) -> tuple[str, ...]:
    if "operations" in parts[4:5]:
        return ("dbs", "*", "colls", "*", *parts[4:])
    return tuple("*" if index % 2 else part for index, part in enumerate(parts))


def _signed(parts: list[str]) -> tuple[str, str]:
    """Return type and link: a feed is signed by its owner, a resource by itself."""
    if parts[4:5] == ["operations"]:
        return "colls", "/".join(parts[:4])
    if len(parts) % 2:
        return parts[-1], "/".join(parts[:-1])
    return (parts[-2] if parts else ""), "/".join(parts)

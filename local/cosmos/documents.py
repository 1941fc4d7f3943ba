"""An item as it is stored: checked, stamped with the system properties, filed under its partition key."""

import struct
import time
import uuid
from base64 import b64decode, b64encode
from typing import Any, cast

from local.cosmos.catalog import Container
from local.cosmos.errors import PARTITION_KEY_MISMATCH, CosmosError, bad_request, refuse
from local.cosmos.store import Row
from local.cosmos.wire import Json, dump_json, parse_json

# 2 MB of JSON, learn.microsoft.com/azure/cosmos-db/concepts-limits (per-item limits).
ITEM_LIMIT = 2 * 1024 * 1024
# The longest id, same page.
ID_LIMIT = 1023
# The deepest nesting, same page.
DEPTH_LIMIT = 128
SYSTEM = ("_rid", "_self", "_etag", "_attachments", "_ts")
UNDEFINED_KEY = "{}"
_TTL_MAXIMUM = 2_147_483_647


def parse_key(header: str) -> str:
    """Return the stored form of a partition key header such as `["a"]`.

    Raises CosmosError 400 for a malformed one, 501 for a hierarchical one.
    """
    parsed = parse_json(header.encode())
    if not isinstance(parsed, list):
        raise bad_request("The partition key header must be a JSON array.")
    values = cast("list[Any]", parsed)
    if len(values) != 1:
        refuse("partition keys with none or several parts")
    return key_text(values[0])


def key_text(value: Any) -> str:
    """Return the stored form of one partition key value; `{}` is the undefined key."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list) or (isinstance(value, dict) and value):
        raise bad_request("A partition key must be text, a number, a boolean or null.")
    return dump_json(value)


def key_of(document: Json, path: tuple[str, ...]) -> str:
    """Return the stored form of the partition key that the document carries."""
    value: Any = document
    for step in path:
        node = cast("Json", value) if isinstance(value, dict) else {}
        if step not in node:
            return UNDEFINED_KEY
        value = node[step]
    return key_text(value)


def check_key(document: Json, container: Container, pk: str) -> None:
    """Raise CosmosError 400 when the document's own key is not the request's."""
    if key_of(document, container.pk_path) != pk:
        raise bad_request(
            "PartitionKey extracted from document doesn't match the one specified in the header.",
            substatus=PARTITION_KEY_MISMATCH,
        )


def check_id(document: Json) -> str:
    """Return the document's id; raises CosmosError 400 when it cannot be one."""
    name = document.get("id")
    if not isinstance(name, str) or not name:
        raise bad_request("The input content is invalid because the required property - 'id; ' - is missing.")
    if any(sign in name for sign in "/\\?#") or len(name.encode(errors="replace")) > ID_LIMIT:
        raise bad_request(f"The id must not hold / \\ ? # and not exceed {ID_LIMIT} bytes.")
    return name


def stamp(container: Container, document: Json, *, pk: str, seq: int) -> Row:
    """Return the row of a new version of the document: new ETag, time of now.

    Raises CosmosError 400 for a faulty id or ttl, 413 above 2 MB.
    """
    name = check_id(document)
    now = time.time()
    etag = f'"{uuid.uuid4()}"'
    rid = b64encode(b64decode(container.rid.replace("-", "/")) + struct.pack(">Q", seq)).decode()
    rid = rid.replace("/", "-")
    body = {key: value for key, value in document.items() if key not in SYSTEM}
    body |= {"_rid": rid, "_self": f"{container.self_link}docs/{rid}/", "_etag": etag}
    body |= {"_attachments": "attachments/", "_ts": int(now)}
    text = _text(body)
    if len(text) > ITEM_LIMIT or len(text.encode()) > ITEM_LIMIT:
        raise CosmosError(413, f"Request size is too large: an item may have {ITEM_LIMIT} bytes.")
    return Row(seq, pk, name, etag, now, _ttl(container, document.get("ttl")), text)


def _text(body: Json) -> str:
    if _depth(body) > DEPTH_LIMIT:
        raise bad_request(f"The item is nested deeper than {DEPTH_LIMIT} levels.")
    try:
        return dump_json(body)
    except ValueError as error:
        raise bad_request("The item holds a number that is too large.") from error


def _depth(value: Any) -> int:
    """Return how deep arrays and objects are nested; level by level, since recursion has its own limit."""
    depth = 0
    level: list[Any] = [value]
    while level:
        level = [inner for node in level for inner in _inside(node)]
        depth += 1
    return depth - 1


def _inside(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(cast("Json", node).values())
    return cast("list[Any]", node) if isinstance(node, list) else []


def _ttl(container: Container, value: Any) -> int | None:
    """Return the item's own ttl; without a ttl on the container the property means nothing."""
    if container.default_ttl is None or value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value != 0 and -1 <= value <= _TTL_MAXIMUM:
        return value
    raise bad_request("The input ttl is invalid. Ensure to provide a nonzero positive integer or -1.")

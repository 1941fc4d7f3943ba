"""What goes in and out of an operation: one request without sockets, one reply without sockets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from local.cosmos.address import Address
from local.cosmos.errors import bad_request

# Header names, as azure.cosmos.http_constants has them.
ACTIVITY_ID = "x-ms-activity-id"
ALT_CONTENT_PATH = "x-ms-alt-content-path"
BATCH = "x-ms-cosmos-is-batch-request"
BATCH_ATOMIC = "x-ms-cosmos-batch-atomic"
CHARGE = "x-ms-request-charge"
CONTINUATION = "x-ms-continuation"
CROSS_PARTITION = "x-ms-documentdb-query-enablecrosspartition"
INTENDED_RID = "x-ms-cosmos-intended-collection-rid"
IS_QUERY = "x-ms-documentdb-isquery"
IS_UPSERT = "x-ms-documentdb-is-upsert"
ITEM_COUNT = "x-ms-item-count"
PAGE_SIZE = "x-ms-max-item-count"
PARTITION_KEY = "x-ms-documentdb-partitionkey"
PARTITION_RANGE = "x-ms-documentdb-partitionkeyrangeid"
QUERY_PLAN = "x-ms-cosmos-is-query-plan-request"
RETRY_AFTER = "x-ms-retry-after-ms"
SESSION_TOKEN = "x-ms-session-token"
SUBSTATUS = "x-ms-substatus"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: where it goes, its headers, its body and the caller's base URL.

    The names of headers are looked up in lower case: a plain dict of them does, as does aiohttp's own mapping.
    """

    method: str
    address: Address
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        return self.headers.get(name)

    def flag(self, name: str) -> bool:
        """Tell whether a header says true (the SDK writes True and true)."""
        return self.headers.get(name, "").lower() == "true"

    def json(self) -> Any:
        """Return the parsed body.

        Raises CosmosError 400 for anything that is not JSON, NaN and Infinity included.
        """
        return parse_json(self.body)

    def json_object(self) -> Json:
        """Return the parsed body, which must be an object.

        Raises CosmosError 400 otherwise.
        """
        parsed = self.json()
        if not isinstance(parsed, dict):
            raise bad_request("The request body must be a JSON object.")
        return cast("Json", parsed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One response: status, JSON text or nothing, headers, and the charge that the statistics count."""

    status: int
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    charge: float = 1.0


def _no_constant(name: str) -> Any:
    raise bad_request(f"The request body holds {name}, which is not JSON.")


def parse_json(data: bytes) -> Any:
    """Return parsed JSON; raises CosmosError 400 for anything that is not JSON."""
    try:
        return json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"The request body is not valid JSON: {error}.") from error


def dump_json(value: Any) -> str:
    """Return compact JSON text that can always be written as UTF-8.

    Lone surrogates, which JSON can carry and UTF-8 cannot, stay escaped. Raises ValueError for infinity.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text

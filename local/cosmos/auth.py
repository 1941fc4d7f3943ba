"""Check of the master-key signature that every request carries."""

import base64
import binascii
import hashlib
import hmac
import time
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, unquote

from local.cosmos.errors import CosmosError
from local.cosmos.wire import Call

# Published with the emulator: learn.microsoft.com/azure/cosmos-db/emulator (authentication).
WELL_KNOWN_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
# learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources: the date may be 15 minutes off.
_CLOCK_SKEW_S = 15 * 60


def check(call: Call, key: str) -> None:
    """Accept a request that was signed with the key.

    Raises CosmosError 401 for a missing or wrong signature, 403 for an old date.
    """
    header = call.header("authorization")
    if not header:
        raise CosmosError(401, "Required Header authorization is missing. Ensure a valid Authorization token.")
    parts = {name: values[0] for name, values in parse_qs(unquote(header).replace("+", "%2B")).items()}
    if parts.get("type") != "master":
        raise CosmosError(401, f"The local Cosmos DB takes master-key tokens only, not {parts.get('type')!r}.")
    expected = hmac.new(base64.b64decode(key), _signed_text(call), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, _decoded(parts.get("sig", ""))):
        raise CosmosError(
            401,
            "The input authorization token can't serve the request. The wrong key is being used or the expected"
            " payload is not built as per the protocol.",
        )
    _check_date(call)


def _signed_text(call: Call) -> bytes:
    dates = (call.headers.get("x-ms-date", ""), call.headers.get("date", "") if _undated(call) else "")
    address = call.address
    lines = (call.method.lower(), address.resource_type.lower(), address.resource_link, *map(str.lower, dates))
    return ("\n".join(lines) + "\n").encode()


def _undated(call: Call) -> bool:
    return not call.header("x-ms-date")


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature)
    except binascii.Error:
        return b""


def _check_date(call: Call) -> None:
    text = call.header("x-ms-date") or call.header("date") or ""
    try:
        sent = parsedate_to_datetime(text).timestamp()
    except ValueError as error:
        raise CosmosError(401, "The request needs a valid x-ms-date.") from error
    if abs(time.time() - sent) > _CLOCK_SKEW_S:
        raise CosmosError(403, "The authorization token is not valid at the current time.")

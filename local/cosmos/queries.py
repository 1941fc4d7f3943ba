"""Query requests: the SQL text and its parameters, paging by continuation, and the feed of all items."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, cast

from local.cosmos import charge, wire
from local.cosmos.catalog import Container
from local.cosmos.documents import parse_key
from local.cosmos.errors import bad_request, refuse
from local.cosmos.sql.parser import parse_query
from local.cosmos.sql.prefilter import narrowing
from local.cosmos.sql.select import Place, Result, rest_after, run
from local.cosmos.sql.tree import Query
from local.cosmos.store import Store
from local.cosmos.wire import Call, Json, Reply

# The service's page without x-ms-max-item-count, and this server's when the caller leaves it open (-1).
DEFAULT_PAGE = 100
OPEN_PAGE = 1000
# The service's largest response, learn.microsoft.com/azure/cosmos-db/concepts-limits (per-request limits).
PAGE_BYTES = 4 * 1024 * 1024
_FEED = "SELECT * FROM c"
_EPK_START, _EPK_END = "x-ms-start-epk", "x-ms-end-epk"


def query(store: Store, container: Container, call: Call) -> Reply:
    """Answer a query over one partition, or over all when the caller allows it.

    Raises CosmosError 400 for faulty ones, 501 for what this server does not know.
    """
    body = call.json_object()
    text = body.get("query")
    if not isinstance(text, str):
        raise bad_request("The query must be text.")
    return _page(store, container, call, text, _parameters(body.get("parameters")))


def feed(store: Store, container: Container, call: Call) -> Reply:
    """Answer a GET of all items; raises CosmosError 501 for change feeds."""
    if call.header("a-im") is not None:
        refuse("change feeds")
    return _page(store, container, call, _FEED, {})


def _page(store: Store, container: Container, call: Call, text: str, parameters: Json) -> Reply:
    parsed = parse_query(text)
    pk = _partition(call)
    rows = store.scan(container.scope(), pk, narrowing(parsed.where, parameters, container.pk_path))
    results = run(parsed, parameters, rows)
    token = call.header(wire.CONTINUATION)
    mark = _mark(text, parameters, pk)
    if token:
        results = rest_after(parsed, results, _place(token, mark, parsed))
    page = _cut(results, _page_size(call))
    headers = {wire.ITEM_COUNT: str(len(page))}
    if len(page) < len(results):
        headers[wire.CONTINUATION] = _continuation(page[-1].place, mark)
    documents = ",".join(result.text for result in page)
    return Reply(
        status=200,
        body=f'{{"_rid":"{container.rid}","Documents":[{documents}],"_count":{len(page)}}}',
        headers=headers,
        charge=charge.query([len(result.text) for result in page]),
    )


def _parameters(given: Any) -> Json:
    if given is None:
        return {}
    if not isinstance(given, list):
        raise bad_request("The parameters of a query must be a list.")
    bound: Json = {}
    for parameter in cast("list[Any]", given):
        if not isinstance(parameter, dict) or not str(cast("Json", parameter).get("name")).startswith("@"):
            raise bad_request("A parameter of a query must have a name that begins with @.")
        known = cast("Json", parameter)
        bound[known["name"]] = known.get("value")
    return bound


def _partition(call: Call) -> str | None:
    """Return the one partition that the query is for, or None for all."""
    if call.header(_EPK_START) not in (None, "") or call.header(_EPK_END) not in (None, "FF"):
        refuse("queries over a part of the key range")
    header = call.header(wire.PARTITION_KEY)
    if header is not None:
        return parse_key(header)
    allowed = call.flag(wire.CROSS_PARTITION) or call.header(wire.PARTITION_RANGE) is not None
    if call.method == "POST" and not allowed:
        raise bad_request(
            "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition"
            " to true, or specify x-ms-documentdb-partitionkey."
        )
    return None


def _page_size(call: Call) -> int:
    text = call.headers.get(wire.PAGE_SIZE, str(DEFAULT_PAGE))
    try:
        size = int(text)
    except ValueError as error:
        raise bad_request(f"The header {wire.PAGE_SIZE} must be a number.") from error
    return size if size > 0 else OPEN_PAGE


def _cut(results: list[Result], size: int) -> list[Result]:
    """Return the first results: at most `size`, and PAGE_BYTES unless the first alone is larger."""
    page: list[Result] = []
    left = PAGE_BYTES
    for result in results[:size]:
        left -= len(result.text)
        if page and left < 0:
            break
        page.append(result)
    return page


def _mark(text: str, parameters: Json, pk: str | None) -> str:
    """Return what ties a continuation to its query."""
    whole = json.dumps([text, parameters, pk], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _continuation(place: Place, mark: str) -> str:
    packed = json.dumps([mark, place.seq, place.keys], separators=(",", ":"))
    return urlsafe_b64encode(packed.encode()).decode()


def _place(token: str, mark: str, parsed: Query) -> Place:
    try:
        its_mark, seq, keys = json.loads(urlsafe_b64decode(token))
        place = Place(tuple((key[0], key[1]) for key in keys), seq)
    except (ValueError, TypeError, IndexError) as error:
        raise bad_request("The continuation token is malformed.") from error
    if its_mark != mark or len(place.keys) != len(parsed.order):
        raise bad_request("The continuation token belongs to another query.")
    return place

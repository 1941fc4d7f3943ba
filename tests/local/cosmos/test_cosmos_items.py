"""Databases, containers and single items through the official SDK, sync and aio."""

from typing import Any, cast

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

SYSTEM = {"_rid", "_self", "_etag", "_attachments", "_ts"}


def item(name: str = "a", pk: Any = "x", **more: Any) -> dict[str, Any]:
    """Return an item."""
    return {"id": name, "pk": pk, **more}


def own(stored: Any) -> dict[str, Any]:
    """Return a stored item without its system properties."""
    return {key: value for key, value in dict(stored).items() if key not in SYSTEM}


async def test_databases_are_made_once_listed_and_deleted(client: Any) -> None:
    """A second creation answers 409; what was deleted is gone."""
    await client.create_database("another")
    with pytest.raises(CosmosResourceExistsError):
        await client.create_database("another")
    assert {one["id"] for one in await client.list_databases()} == {"salescoach", "another"}

    await client.delete_database("another")

    assert {one["id"] for one in await client.list_databases()} == {"salescoach"}


async def test_containers_keep_their_definition(database: Any) -> None:
    """Partition key, default ttl and indexing policy come back; a second creation answers 409."""
    policy = {"indexingMode": "consistent", "excludedPaths": [{"path": "/body/?"}]}
    made: dict[str, Any] = {"partition_key": PartitionKey(path="/pk"), "default_ttl": 60, "indexing_policy": policy}
    created = await database.create_container("defined", **made)
    with pytest.raises(CosmosResourceExistsError):
        await database.create_container("defined", **made)

    read = await created.read()

    assert read["partitionKey"]["paths"] == ["/pk"]
    assert read["defaultTtl"] == 60
    assert read["indexingPolicy"] == policy
    assert "defined" in {one["id"] for one in await database.list_containers()}
    await database.create_container_if_not_exists("defined", **made)
    await database.delete_container("defined")
    with pytest.raises(CosmosResourceNotFoundError):
        await created.read()


async def test_a_default_ttl_can_be_changed_later(database: Any, container: Any) -> None:
    """Replacing a container changes its default ttl and keeps its items."""
    await container.create_item(item())

    await database.replace_container(container.target, partition_key=PartitionKey(path="/pk"), default_ttl=900)

    assert (await container.read())["defaultTtl"] == 900
    assert (await container.read_item("a", "x"))["id"] == "a"


async def test_an_item_comes_back_with_its_system_properties(container: Any) -> None:
    """What was stored is read, with _rid, _self, _etag, _attachments and _ts."""
    body = item(text="Grüße 🙂", n=1.5, flag=False, none=None, deep={"list": [1, {"a": "b"}]})

    created = await container.create_item(body)
    read = await container.read_item("a", "x")

    assert own(read) == body
    assert dict(created) == dict(read)
    assert set(read) >= SYSTEM
    assert container.headers["etag"] == read["_etag"]


async def test_a_missing_item_is_404(container: Any) -> None:
    """Neither an unknown id nor a known one in another partition is found."""
    await container.create_item(item())

    for name, pk in (("b", "x"), ("a", "y")):
        with pytest.raises(CosmosResourceNotFoundError) as missing:
            await container.read_item(name, pk)
        assert missing.value.status_code == 404
        assert missing.value.sub_status in (None, 0)


async def test_a_missing_container_is_404_with_its_own_sub_status(database: Any) -> None:
    """Sub-status 1003 tells a missing container from a missing item."""
    absent = type(database)(database.target.get_container_client("absent"))

    with pytest.raises(CosmosResourceNotFoundError) as missing:
        await absent.read()

    assert missing.value.sub_status == 1003


async def test_creating_twice_is_409_but_another_partition_may_have_the_id(container: Any) -> None:
    """An id is unique in its partition."""
    await container.create_item(item())

    with pytest.raises(CosmosResourceExistsError):
        await container.create_item(item(n=2))
    await container.create_item(item(pk="y", n=3))

    assert "n" not in await container.read_item("a", "x")
    assert (await container.read_item("a", "y"))["n"] == 3


async def test_upsert_creates_then_replaces(container: Any) -> None:
    """The second upsert replaces the whole item under a new ETag."""
    first = await container.upsert_item(item(n=1))
    second = await container.upsert_item(item(m=2))

    assert own(await container.read_item("a", "x")) == item(m=2)
    assert first["_etag"] != second["_etag"]
    assert first["_rid"] == second["_rid"]


async def test_every_write_has_a_new_etag(container: Any) -> None:
    """Create, upsert, replace and patch each change it, even when the body stays."""
    tags = [(await container.create_item(item()))["_etag"]]
    tags.append((await container.upsert_item(item()))["_etag"])
    tags.append((await container.replace_item("a", item()))["_etag"])
    tags.append((await container.patch_item("a", "x", [{"op": "set", "path": "/n", "value": 1}]))["_etag"])

    assert len(set(tags)) == 4


async def test_replace_and_delete_need_the_item(container: Any) -> None:
    """Both answer 404 for a missing item, also after a deletion."""
    with pytest.raises(CosmosResourceNotFoundError):
        await container.replace_item("a", item())
    await container.create_item(item())
    await container.delete_item("a", "x")

    with pytest.raises(CosmosResourceNotFoundError):
        await container.delete_item("a", "x")


async def test_a_stale_etag_is_412_for_every_write(container: Any) -> None:
    """Replace, upsert, patch and delete under If-Match of an old version change nothing."""
    old = (await container.create_item(item(n=1)))["_etag"]
    await container.upsert_item(item(n=2))
    stale: dict[str, Any] = {"etag": old, "match_condition": MatchConditions.IfNotModified}
    increment = [{"op": "incr", "path": "/n", "value": 1}]

    for write in (
        lambda: container.replace_item("a", item(n=3), **stale),
        lambda: container.upsert_item(item(n=3), **stale),
        lambda: container.patch_item("a", "x", increment, **stale),
        lambda: container.delete_item("a", "x", **stale),
    ):
        with pytest.raises(CosmosAccessConditionFailedError):
            await write()

    assert (await container.read_item("a", "x"))["n"] == 2


async def test_the_current_etag_lets_a_write_through(container: Any) -> None:
    """If-Match of the current version, or of any, is no obstacle."""
    tag = (await container.create_item(item(n=1)))["_etag"]

    await container.replace_item("a", item(n=2), etag=tag, match_condition=MatchConditions.IfNotModified)
    await container.replace_item("a", item(n=3), match_condition=MatchConditions.IfPresent)

    assert (await container.read_item("a", "x"))["n"] == 3


async def test_an_upsert_under_if_match_creates_a_missing_item(container: Any) -> None:
    """As the service does: If-Match of an upsert counts only for an item that is there."""
    await container.upsert_item(item(), etag='"old"', match_condition=MatchConditions.IfNotModified)

    assert (await container.read_item("a", "x"))["id"] == "a"


async def test_a_read_of_what_the_caller_has_is_304(container: Any) -> None:
    """If-None-Match of the current version answers no body; of an old one the item."""
    tag = (await container.create_item(item()))["_etag"]
    seen: list[Any] = []

    def hook(_: Any, body: Any) -> None:
        seen.append(body)

    await container.read_item("a", "x", etag=tag, match_condition=MatchConditions.IfModified, response_hook=hook)
    await container.upsert_item(item(n=2))
    changed = await container.read_item("a", "x", etag=tag, match_condition=MatchConditions.IfModified)

    assert "id" not in dict(seen[0] or {})
    assert changed["n"] == 2


async def test_a_partition_key_that_is_not_the_items_is_400(container: Any) -> None:
    """The body's key must be the header's (sub-status 1001)."""
    await container.create_item(item())

    with pytest.raises(CosmosBatchOperationError) as refused:
        await container.execute_item_batch([("upsert", (item(pk="y"),))], "x")

    results: list[Any] = cast("Any", refused.value).operation_responses
    assert (refused.value.status_code, results[0]["subStatusCode"]) == (400, 1001)


@pytest.mark.filterwarnings("ignore:Sending a large body")  # aiohttp's advice to the SDK
async def test_two_megabytes_are_the_limit(container: Any) -> None:
    """An item above 2 MB is 413, one below is stored."""
    await container.create_item(item(text="y" * 2_000_000))

    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.create_item(item("b", text="y" * 2_100_000))
    assert refused.value.status_code == 413
    with pytest.raises(CosmosHttpResponseError) as grown:
        await container.patch_item("a", "x", [{"op": "set", "path": "/more", "value": "z" * 200_000}])
    assert grown.value.status_code == 413


async def test_no_response_writes_are_applied(container: Any) -> None:
    """A write that wants no content back has none, and counts."""
    answer = await container.upsert_item(item(n=1), no_response=True)

    assert dict(answer or {}) == {}
    assert (await container.read_item("a", "x"))["n"] == 1


async def test_charges_follow_the_documented_formula(container: Any) -> None:
    """A write costs 5 RU per KB, a read 1, a query 2.3 and 0.3 per item."""
    await container.create_item(item(text="y" * 1500))
    written = container.headers["x-ms-request-charge"]
    await container.read_item("a", "x")
    read = container.headers["x-ms-request-charge"]
    await container.query_items("SELECT c.id FROM c", partition_key="x")
    queried = container.headers["x-ms-request-charge"]

    assert (float(written), float(read), float(queried)) == (10, 2, 2.6)


async def test_the_session_token_moves_with_every_write(container: Any) -> None:
    """Its number grows, and the SDK accepts it."""
    await container.create_item(item())
    first = container.headers["x-ms-session-token"]
    await container.upsert_item(item())
    second = container.headers["x-ms-session-token"]

    assert first.startswith("0:-1#")
    assert int(second.rpartition("#")[2]) > int(first.rpartition("#")[2])


async def test_many_items_are_read_at_once(container: Any) -> None:
    """`read_items` finds what is there and leaves out what is missing."""
    for number in range(30):
        await container.create_item(item(f"i{number}", pk=f"p{number % 3}"))

    found = await container.read_items([(f"i{number}", f"p{number % 3}") for number in range(40)])

    assert sorted(one["id"] for one in found) == sorted(f"i{number}" for number in range(30))


async def test_all_items_are_read_over_pages(container: Any) -> None:
    """`read_all_items` follows the continuation to the end."""
    for number in range(25):
        await container.create_item(item(f"i{number:02}"))

    found = await container.read_all_items(max_item_count=10)

    assert [one["id"] for one in found] == [f"i{number:02}" for number in range(25)]


async def test_a_partition_is_deleted_as_a_whole(container: Any) -> None:
    """Its neighbours stay."""
    for pk in ("x", "y"):
        await container.create_item(item(pk=pk))

    await container.delete_all_items_by_partition_key("x")

    assert [one["pk"] for one in await container.read_all_items()] == ["y"]

"""Patches and transactional batches through the official SDK, sync and aio."""

from copy import deepcopy
from typing import Any, cast

import pytest
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceNotFoundError,
)

START: dict[str, Any] = {"id": "a", "pk": "x", "n": 1, "deep": {"m": 1}, "list": [1, 2, 3], "odd/name~": 1}


@pytest.fixture
async def stored(container: Any) -> Any:
    """Return a container that holds START."""
    await container.create_item(START)
    return container


async def contents(container: Any) -> dict[str, Any]:
    """Return all items by id, without their system properties."""
    found = await container.read_all_items()
    return {one["id"]: {key: value for key, value in one.items() if key[0] != "_"} for one in found}


async def test_each_patch_operation_arrives(stored: Any) -> None:
    """The SDK's six operations change the stored item together."""
    await stored.patch_item(
        "a",
        "x",
        [
            {"op": "add", "path": "/list/1", "value": 9},
            {"op": "set", "path": "/deep/new", "value": None},
            {"op": "replace", "path": "/odd~1name~0", "value": 2},
            {"op": "incr", "path": "/n", "value": 0.5},
            {"op": "remove", "path": "/list/0"},
            {"op": "move", "from": "/deep/m", "path": "/moved"},
        ],
    )

    changed = {"list": [9, 2, 3], "deep": {"new": None}, "odd/name~": 2, "n": 1.5, "moved": 1}
    assert await contents(stored) == {"a": {**START, **changed}}


async def test_an_unfit_patch_changes_nothing(stored: Any) -> None:
    """It answers 400, and the operation before it is undone, too."""
    operations = [{"op": "set", "path": "/n", "value": 7}, {"op": "remove", "path": "/absent"}]
    with pytest.raises(CosmosHttpResponseError) as refused:
        await stored.patch_item("a", "x", operations)

    assert refused.value.status_code == 400
    assert await contents(stored) == {"a": START}


async def test_a_patch_has_at_most_ten_operations(stored: Any) -> None:
    """The eleventh makes it 400."""
    increment = {"op": "incr", "path": "/n", "value": 1}
    await stored.patch_item("a", "x", [increment] * 10)

    with pytest.raises(CosmosHttpResponseError) as refused:
        await stored.patch_item("a", "x", [increment] * 11)

    assert refused.value.status_code == 400
    assert (await stored.read_item("a", "x"))["n"] == 11


async def test_a_filter_predicate_decides_over_a_patch(stored: Any) -> None:
    """True lets it through; false or undefined is 412 and changes nothing."""
    increment = [{"op": "incr", "path": "/n", "value": 1}]
    await stored.patch_item("a", "x", increment, filter_predicate="from c where c.n = 1 and c.deep.m in (1, 2)")

    for predicate in ("FROM c WHERE c.n = 1", "from c where c.absent != 1", "from c where NOT (c.absent = 1)"):
        with pytest.raises(CosmosAccessConditionFailedError):
            await stored.patch_item("a", "x", increment, filter_predicate=predicate)

    assert (await stored.read_item("a", "x"))["n"] == 2


async def test_a_patch_of_a_missing_item_is_404(container: Any) -> None:
    """Also under a predicate."""
    with pytest.raises(CosmosResourceNotFoundError):
        await container.patch_item(
            "a", "x", [{"op": "incr", "path": "/n", "value": 1}], filter_predicate="from c where true"
        )


async def test_a_batch_applies_every_kind_of_operation(stored: Any) -> None:
    """Create, upsert, replace under ETag, patch under predicate, read and delete; each with its own result."""
    tag = (await stored.read_item("a", "x"))["_etag"]
    await stored.create_item({"id": "old", "pk": "x"})

    results = await stored.execute_item_batch(
        [
            ("create", ({"id": "new", "pk": "x"},)),
            ("upsert", ({"id": "up", "pk": "x"},)),
            ("replace", ("a", {"id": "a", "pk": "x", "n": 2}), {"if_match_etag": tag}),
            ("patch", ("a", [{"op": "incr", "path": "/n", "value": 1}]), {"filter_predicate": "from c where c.n = 2"}),
            ("read", ("a",)),
            ("delete", ("old",)),
        ],
        "x",
    )

    assert [result["statusCode"] for result in results] == [201, 201, 200, 200, 200, 204]
    assert results[4]["resourceBody"]["n"] == 3
    assert results[4]["eTag"] == results[3]["eTag"] == (await stored.read_item("a", "x"))["_etag"]
    assert set(await contents(stored)) == {"a", "new", "up"}
    assert float(stored.headers["x-ms-request-charge"]) > 0


@pytest.mark.parametrize(
    ("failing", "status"),
    [
        (("create", ({"id": "a", "pk": "x"},)), 409),
        (("replace", ("a", {"id": "a", "pk": "x"}), {"if_match_etag": '"stale"'}), 412),
        (("upsert", ({"id": "a", "pk": "x"},), {"if_match_etag": '"stale"'}), 412),
        (("delete", ("a",), {"if_match_etag": '"stale"'}), 412),
        (
            ("patch", ("a", [{"op": "set", "path": "/n", "value": 5}]), {"filter_predicate": "from c where c.n = 7"}),
            412,
        ),
        (("patch", ("a", [{"op": "remove", "path": "/absent"}])), 400),
        (("patch", ("absent", [{"op": "set", "path": "/n", "value": 5}])), 404),
        (("replace", ("absent", {"id": "absent", "pk": "x"})), 404),
        (("read", ("absent",)), 404),
        (("delete", ("absent",)), 404),
    ],
)
async def test_a_failing_batch_leaves_no_trace(stored: Any, failing: Any, status: int) -> None:
    """The failure has its status, every other operation 424, and nothing is stored."""
    before = ("create", ({"id": "before", "pk": "x"},))
    patched = ("patch", ("a", [{"op": "incr", "path": "/n", "value": 1}]))
    after = ("upsert", ({"id": "after", "pk": "x"},))

    with pytest.raises(CosmosBatchOperationError) as refused:
        await stored.execute_item_batch([before, patched, deepcopy(failing), after], "x")  # the SDK empties it

    assert refused.value.status_code == status
    assert refused.value.error_index == 2
    responses: list[Any] = cast("Any", refused.value).operation_responses
    assert [one["statusCode"] for one in responses] == [424, 424, status, 424]
    assert await contents(stored) == {"a": START}


async def test_a_batch_has_at_most_a_hundred_operations(container: Any) -> None:
    """A hundred are applied, a hundred and one are 400."""
    creates = [("create", ({"id": f"i{number}", "pk": "x"},)) for number in range(101)]
    await container.execute_item_batch(creates[:100], "x")

    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.execute_item_batch(creates, "y")

    assert refused.value.status_code == 400
    assert len(await contents(container)) == 100


@pytest.mark.filterwarnings("ignore:Sending a large body")  # aiohttp's advice to the SDK
async def test_a_batch_above_two_megabytes_is_413(container: Any) -> None:
    """Its items may each be small enough."""
    creates = [("create", ({"id": f"i{number}", "pk": "x", "text": "y" * 1_100_000},)) for number in range(2)]

    with pytest.raises(CosmosHttpResponseError) as refused:
        await container.execute_item_batch(creates, "x")

    assert refused.value.status_code == 413
    assert await contents(container) == {}

"""Queries through the official SDK, sync and aio: scope, parameters, order, windows, pages, refusals."""

from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError


@pytest.fixture
async def filled(container: Any) -> Any:
    """Return a container with 30 items in each of two partitions."""
    for pk in ("x", "y"):
        creates = [
            ("create", ({"id": f"m:{number:02}", "pk": pk, "seq": number, "kind": ("q", "a", "t")[number % 3]},))
            for number in range(30)
        ]
        await container.execute_item_batch(creates, pk)
    return container


def parameters(**values: Any) -> list[dict[str, Any]]:
    """Return query parameters."""
    return [{"name": f"@{name}", "value": value} for name, value in values.items()]


async def test_a_query_sees_the_partition_of_its_header_alone(filled: Any) -> None:
    """No key stands in its WHERE."""
    found = await filled.query_items("SELECT c.pk, c.seq FROM c WHERE c.seq < 2", partition_key="y")

    assert found == [{"pk": "y", "seq": 0}, {"pk": "y", "seq": 1}]


async def test_a_query_crosses_partitions_when_allowed(filled: Any) -> None:
    """Filter, order and count over all of them."""
    ordered = await filled.query_items(
        "SELECT TOP 3 c.pk, c.seq FROM c WHERE c.kind = 'a' ORDER BY c.seq DESC, c.pk", **filled.everywhere
    )
    counted = await filled.query_items("SELECT VALUE COUNT(1) FROM c WHERE c.seq >= 15", **filled.everywhere)
    keyed = await filled.query_items("SELECT VALUE c.seq FROM c WHERE c.pk = 'y' AND c.seq < 2", **filled.everywhere)

    assert ordered == [{"pk": "x", "seq": 28}, {"pk": "y", "seq": 28}, {"pk": "x", "seq": 25}]
    assert counted == [30]
    assert keyed == [0, 1]


async def test_parameters_stand_for_values_and_counts(filled: Any) -> None:
    """In WHERE, IN, TOP, OFFSET and LIMIT."""
    window = await filled.query_items(
        "SELECT VALUE c.seq FROM c WHERE c.kind IN (@a, @b) AND c.seq < @before ORDER BY c.seq DESC OFFSET @o LIMIT @l",
        parameters=parameters(a="q", b="a", before=20, o=1, l=3),
        partition_key="x",
    )
    first = await filled.query_items(
        "SELECT TOP @n VALUE c.id FROM c WHERE ARRAY_CONTAINS(@ids, c.id)",
        parameters=parameters(n=2, ids=["m:07", "m:03", "m:11"]),
        partition_key="x",
    )

    assert window == [18, 16, 15]
    assert first == ["m:03", "m:07"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM c",
        "SELECT * FROM c WHERE c.kind != 't'",
        "SELECT c.id FROM c ORDER BY c.kind DESC, c.seq",
        "SELECT * FROM c ORDER BY c.seq DESC OFFSET 3 LIMIT 20",
        "SELECT DISTINCT VALUE c.kind FROM c",
        "SELECT TOP 17 VALUE c.seq FROM c ORDER BY c.kind",
    ],
)
async def test_pages_joined_are_the_whole(filled: Any, query: str) -> None:
    """No page is longer than asked, nothing is lost or doubled, and a token resumes in a new iterator."""
    whole = await filled.query_items(query, partition_key="x")

    pages = await filled.pages(7, query, partition_key="x")

    assert [one for page, _ in pages for one in page] == whole
    assert all(len(page) <= 7 for page, _ in pages)
    if len(pages) > 1:
        resumed = await filled.pages(7, query, pages[0][1], partition_key="x")
        assert [one for page, _ in resumed for one in page] == whole[len(pages[0][0]) :]


async def test_paging_goes_on_where_it_was_while_items_come_and_go(filled: Any) -> None:
    """What was written in between neither repeats nor hides an item."""
    query = "SELECT VALUE c.seq FROM c ORDER BY c.seq"
    first, token = (await filled.pages(10, query, partition_key="x"))[0]
    await filled.delete_item("m:09", "x")
    await filled.create_item({"id": "early", "pk": "x", "seq": -1})

    rest = [one for page, _ in await filled.pages(10, query, token, partition_key="x") for one in page]

    assert first + rest == list(range(30))


async def test_aggregates_come_as_one_value(filled: Any) -> None:
    """COUNT, MAX, MIN and SUM; over nothing COUNT is 0 and MAX undefined."""
    expected: list[tuple[str, list[Any]]] = [
        ("SELECT VALUE COUNT(1) FROM c WHERE c.kind = 'a'", [10]),
        ("SELECT VALUE MAX(c.seq) FROM c", [29]),
        ("SELECT VALUE MIN(c.id) FROM c WHERE c.kind = 'a'", ["m:01"]),
        ("SELECT VALUE SUM(c.seq) FROM c WHERE c.kind = 'a'", [145]),
        ("SELECT VALUE COUNT(c.absent) FROM c", [0]),
        ("SELECT VALUE MAX(c.absent) FROM c", []),
    ]

    for query, result in expected:
        assert await filled.query_items(query, partition_key="x") == result


async def test_a_long_list_of_ids_is_served(filled: Any) -> None:
    """A thousand alternatives are neither too deep nor too many."""
    start = "SELECT VALUE c.seq FROM c WHERE "
    alternatives = " OR ".join(f"c.id = 'm:{number:02}'" for number in range(1000))
    listed = ", ".join(f"'m:{number:02}'" for number in range(1000))

    either = await filled.query_items(start + alternatives, partition_key="x")
    within = await filled.query_items(f"{start} c.id IN ({listed})", partition_key="x")

    assert either == within == list(range(30))


@pytest.mark.parametrize("client", ["sync"], indirect=True)  # the SDK retries a 501 for 1.5 s
async def test_what_the_server_does_not_know_is_refused_by_name(filled: Any) -> None:
    """501, never a guess."""
    with pytest.raises(CosmosHttpResponseError) as refused:
        await filled.query_items("SELECT * FROM c JOIN t IN c.tags", partition_key="x")

    assert refused.value.status_code == 501
    assert "JOIN" in str(refused.value)


async def test_a_faulty_query_is_400(filled: Any) -> None:
    """The message says where."""
    with pytest.raises(CosmosHttpResponseError) as refused:
        await filled.query_items("SELECT * FROM c WHERE", partition_key="x")

    assert refused.value.status_code == 400
    assert "the end" in str(refused.value)


async def test_a_token_of_another_query_is_400(filled: Any) -> None:
    """A continuation belongs to its text and parameters."""
    token = (await filled.pages(5, "SELECT * FROM c", partition_key="x"))[0][1]

    for query, given in (("SELECT c.id FROM c", token), ("SELECT * FROM c", "nonsense")):
        with pytest.raises(CosmosHttpResponseError) as refused:
            await filled.pages(5, query, given, partition_key="x")
        assert refused.value.status_code == 400


@pytest.mark.parametrize("client", ["sync"], indirect=True)
async def test_a_query_over_all_partitions_must_say_so(filled: Any) -> None:
    """Without key and without the switch it is 400 (the aio client sets the switch by itself)."""
    with pytest.raises(CosmosHttpResponseError) as refused:
        await filled.query_items("SELECT * FROM c")

    assert refused.value.status_code == 400


@pytest.mark.parametrize("client", ["aio"], indirect=True)  # the SDK retries a 501 for 1.5 s
async def test_change_feeds_are_refused_by_name(filled: Any) -> None:
    """They are not served."""
    with pytest.raises(CosmosHttpResponseError) as refused:
        await filled.query_items_change_feed(start_time="Beginning")

    assert refused.value.status_code == 501
    assert "change feed" in str(refused.value)

"""Random documents and random filters: no crash, three-valued truth, and a prefilter that never loses a row."""

import json
import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.cosmos.catalog import Catalog, Container
from local.cosmos.engine import Target, create
from local.cosmos.errors import CosmosError
from local.cosmos.sql.evaluate import bind
from local.cosmos.sql.parser import parse_query
from local.cosmos.sql.prefilter import narrowing
from local.cosmos.sql.select import run
from local.cosmos.sql.values import UNDEFINED, same, sort_key
from local.cosmos.store import Store

# A sample for every run; a volume run sets the size here and the seed by pytest's --hypothesis-seed.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", "ab", "B", "ä", "1", "t:1"]),
    st.text(max_size=4),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner), max_leaves=5
)
NAMES = ["id", "a", "b", "kind", "a b"]
DOCUMENTS = st.dictionaries(st.sampled_from(NAMES[1:]), VALUES)
PATHS = st.sampled_from(["c.a", "c.b", "c.id", "c.a.b", "c.a[0]", 'c["a b"]', "c.kind", "c.pk", "c._ts"])
LITERALS = st.sampled_from(["1", "2.5", "'a'", '"ab"', "true", "false", "null", "undefined", "-1", "[]", "@p", "@q"])
OPERANDS = st.one_of(PATHS, LITERALS)
OPERATORS = st.sampled_from(["=", "!=", "<>", "<", "<=", ">", ">="])
FUNCTIONS = ["STARTSWITH({}, {})", "CONTAINS({}, {}, true)", "ARRAY_CONTAINS({}, {})", "ENDSWITH({}, {})"]
LEAVES = st.one_of(
    st.builds("{} {} {}".format, OPERANDS, OPERATORS, OPERANDS),
    st.builds("{} IN ({}, {})".format, OPERANDS, OPERANDS, OPERANDS),
    st.builds("{} NOT BETWEEN {} AND {}".format, OPERANDS, OPERANDS, OPERANDS),
    st.builds("{} BETWEEN {} AND {}".format, OPERANDS, OPERANDS, OPERANDS),
    st.builds("IS_DEFINED({})".format, OPERANDS),
    st.builds("IS_NULL({})".format, OPERANDS),
    st.builds(str.format, st.sampled_from(FUNCTIONS), OPERANDS, OPERANDS),
    OPERANDS,
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def container() -> Iterator[tuple[Store, Container]]:
    """Return a container in memory."""
    store = Store(None)
    catalog = Catalog(store)
    catalog.create_database({"id": "d"})
    yield store, catalog.create_container("d", {"id": "c", "partitionKey": {"paths": ["/pk"]}})
    store.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents=st.lists(DOCUMENTS, max_size=5), where=FILTERS, p=VALUES, q=SCALARS)
def test_a_random_filter_finds_the_same_with_and_without_prefilter(
    container: tuple[Store, Container], documents: list[dict[str, Any]], where: str, p: Any, q: Any
) -> None:
    """Whatever stands in documents and parameters, nothing crashes and SQLite leaves out no match."""
    store, definition = container
    with store.transaction():
        store.delete_partition(definition.scope(), '"x"')
        for number, document in enumerate(documents):
            create(Target(store, definition, '"x"'), {**document, "id": f"t:{number}", "pk": "x"})
    query = parse_query(f"SELECT * FROM c WHERE {where}")  # noqa: S608 - the language under test
    parameters = {"@p": p, "@q": q}

    everything = run(query, parameters, store.scan(definition.scope(), '"x"'))
    narrowed = store.scan(definition.scope(), '"x"', narrowing(query.where, parameters, ("pk",)))

    assert [one.text for one in run(query, parameters, narrowed)] == [one.text for one in everything]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=DOCUMENTS, where=FILTERS, p=VALUES)
def test_truth_is_true_false_or_undefined(document: dict[str, Any], where: str, p: Any) -> None:
    """NOT swaps true and false and leaves undefined as it is; AND and OR with itself change nothing."""
    parameters = {"@p": p, "@q": 1}

    def value(text: str) -> Any:
        parsed = parse_query(f"SELECT * FROM c WHERE {text}").where  # noqa: S608 - the language under test
        assert parsed is not None
        return bind(parsed, parameters)(document)

    plain, negated = value(f"({where})"), value(f"NOT ({where})")
    truth = plain if isinstance(plain, bool) else UNDEFINED

    assert negated is (not truth if isinstance(truth, bool) else UNDEFINED)
    assert value(f"({where}) AND ({where})") is truth
    assert value(f"({where}) OR ({where})") is truth


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    *"()[]{}.,'\"@=<>!*-",
                    *"cab ",
                    " SELECT ",
                    " VALUE ",
                    " FROM c ",
                    " WHERE ",
                    " NOT ",
                    " IN ",
                    " AND ",
                    "1",
                ]
            ),
            max_size=25,
        ).map("".join),
    )
)
def test_random_text_is_a_query_or_a_refusal(text: str) -> None:
    """Nothing but CosmosError leaves the parser."""
    try:
        parse_query(text)
    except CosmosError as error:
        if error.status not in (400, 501):
            raise


@settings(max_examples=EXAMPLES, deadline=None)
@given(values=st.lists(VALUES, max_size=6))
def test_the_order_of_values_is_total(values: list[Any]) -> None:
    """Sorting never fails, and equal values sort as one."""
    ordered = sorted(values, key=sort_key)

    assert sorted(map(json.dumps, ordered)) == sorted(map(json.dumps, values))
    for one, other in pairwise(ordered):
        assert sort_key(one) <= sort_key(other)
        if isinstance(one, str | int | float) and same(one, other):
            assert sort_key(one) == sort_key(other)

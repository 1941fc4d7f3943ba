"""The query language without a server: what is true of which document, and what is refused."""

import json
from typing import Any

import pytest

from local.cosmos.errors import CosmosError
from local.cosmos.sql.parser import parse_condition, parse_query
from local.cosmos.sql.select import run
from local.cosmos.store import Row

DOCUMENTS: list[dict[str, Any]] = [
    {"id": "a", "n": 1, "s": "Abc", "list": [1, "x"], "deep": {"k": {"v": 5}}, "flag": True, "odd name": 1},
    {"id": "b", "n": 2, "s": "abd", "list": [], "deep": {}, "flag": False, "none": None},
    {"id": "c", "n": "2", "list": [{"k": 1, "m": 2}], "none": 0},
    {"id": "d"},
]


def ids(where: str, **parameters: Any) -> str:
    """Return the ids of the documents for which a condition is true, joined."""
    start = "SELECT VALUE c.id FROM c WHERE "
    return "".join(answer(start + where, **parameters))


def answer(query: str, documents: list[dict[str, Any]] = DOCUMENTS, **parameters: Any) -> list[Any]:
    """Return the results of a query over documents."""
    rows = [Row(seq, "k", str(seq), "", 0, None, json.dumps(one)) for seq, one in enumerate(documents)]
    bound = {f"@{name}": value for name, value in parameters.items()}
    return [json.loads(result.text) for result in run(parse_query(query), bound, rows)]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("c.n = 1", "a"),
        ("c.n = 1.0", "a"),
        ("c.n <> 1", "bc"),
        ("c.n != '2'", "ab"),
        ("NOT c.n = 1", "bc"),
        ("c.n < 2", "a"),
        ("c.n <= 2", "ab"),
        ("c.n >= '1'", "c"),
        ("2 > c.n", "a"),
        ("c.flag = 1", ""),
        ("c.flag", "a"),
        ("NOT c.flag", "b"),
        ("c.flag = true OR c.n = 2", "ab"),
        ("c.none = null", "b"),
        ("c.none != null", "c"),
        ("IS_NULL(c.none)", "b"),
        ("IS_DEFINED(c.none)", "bc"),
        ("NOT IS_DEFINED(c.n)", "d"),
        ("c.absent = undefined", ""),
        ("c.n IN (1, '2')", "ac"),
        ("c.n NOT IN (1, 5)", "bc"),
        ("c.n BETWEEN 1 AND 2", "ab"),
        ("c.n NOT BETWEEN 1 AND 1", "b"),
        ("c.n = 1 OR c.n = 2 AND c.flag", "a"),
        ("(c.n = 1 OR c.n = 2) AND NOT c.flag", "b"),
        ("c.absent = 1 OR c.id = 'd'", "d"),
        ("NOT (c.absent = 1 AND c.id = 'x')", "abcd"),
        ("c.deep.k.v = 5", "a"),
        ('c["deep"]["k"].v = 5', "a"),
        ('c["odd name"] = 1', "a"),
        ("c.list[1] = 'x'", "a"),
        ("c.list[0].m = 2", "c"),
        ("c.deep = {}", "b"),
        ("c.list = [1, 'x']", "a"),
        ("c.s > 'Abc'", "b"),
        ("STARTSWITH(c.s, 'ab')", "b"),
        ("STARTSWITH(c.s, 'ab', true)", "ab"),
        ("ENDSWITH(c.s, 'C', true)", "a"),
        ("CONTAINS(c.s, 'b')", "ab"),
        ("contains(c.s, 'BD', true)", "b"),
        ("NOT CONTAINS(c.n, '2')", ""),
        ("STRINGEQUALS(c.s, 'ABC', true)", "a"),
        ("LOWER(c.s) = 'abc'", "a"),
        ("UPPER(c.s) = 'ABD'", "b"),
        ("LENGTH(c.s) = 3", "ab"),
        ("ARRAY_CONTAINS(c.list, 1)", "a"),
        ("ARRAY_CONTAINS(c.list, {'k': 1}, true)", "c"),
        ("ARRAY_CONTAINS(c.list, {'k': 1})", ""),
        ("ARRAY_LENGTH(c.list) = 0", "b"),
        ("IS_NUMBER(c.n) AND IS_BOOL(c.flag)", "ab"),
        ("IS_STRING(c.n) AND IS_ARRAY(c.list) AND NOT IS_OBJECT(c.list)", "c"),
        ("c.n = -1 OR c.n = - c.n", ""),
        ("c.s = 'A\\u0062c'", "a"),
        ("c.id = @p", "b"),
        ("ARRAY_CONTAINS(@list, c.id)", "bd"),
    ],
)
def test_a_condition_is_true_of_these_documents(where: str, expected: str) -> None:
    """Undefined is not true, types are kept apart, NOT of undefined is not true."""
    assert ids(where, p="b", list=["b", "d"]) == expected


def test_results_sort_by_type_then_value() -> None:
    """Undefined, null, false, true, numbers, texts; each key in its own direction, ties as created."""
    values = [{"id": "s", "v": "a"}, {"id": "n", "v": 2}, {"id": "f", "v": False}, {"id": "0", "v": None}, {"id": "u"}]
    values += [{"id": "t", "v": True}, {"id": "m", "v": 2, "w": 1}]

    assert "".join(answer("SELECT VALUE c.id FROM c ORDER BY c.v", values)) == "u0ftnms"
    assert "".join(answer("SELECT VALUE c.id FROM c ORDER BY c.v DESC, c.w DESC", values)) == "smntf0u"


def test_a_list_names_its_columns() -> None:
    """By path, by alias, by number; what is undefined is left out."""
    found = answer("SELECT c.id, c.deep.k AS deep, c.n twice, LOWER(c.s), c.list[0] FROM c WHERE c.id IN ('a', 'd')")

    assert found == [{"id": "a", "deep": {"v": 5}, "twice": 1, "$4": "abc", "0": 1}, {"id": "d"}]


def test_value_gives_bare_results() -> None:
    """Scalars, arrays and objects; undefined gives none; the alias may be any word."""
    assert answer("SELECT VALUE x.n FROM x") == [1, 2, "2"]
    assert answer("SELECT VALUE [i.id, i.n] FROM items AS i WHERE i.id = 'd'") == [["d"]]
    assert answer('SELECT VALUE {"i": r.id, n: r.n} FROM root r WHERE r.n = 1') == [{"i": "a", "n": 1}]
    assert answer("SELECT c FROM c WHERE c.id = 'd'") == [{"c": {"id": "d"}}]
    assert answer("SELECT DISTINCT VALUE IS_DEFINED(c.s) FROM c") == [True, False]


def test_windows_cut_the_ordered_results() -> None:
    """TOP and OFFSET LIMIT count after the sort."""
    assert answer("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.id DESC") == ["d", "c"]
    assert answer("SELECT VALUE c.id FROM c ORDER BY c.id OFFSET @o LIMIT @l", o=1, l=2) == ["b", "c"]
    assert answer("SELECT VALUE c.id FROM c OFFSET 9 LIMIT 2") == []


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("SELECT * FROM c JOIN t IN c.tags", "JOIN"),
        ("SELECT * FROM t IN c.tags", "elements"),
        ("SELECT * FROM c.tags", "part"),
        ("SELECT c.kind, COUNT(1) FROM c GROUP BY c.kind", "GROUP BY"),
        ("SELECT COUNT(1) AS n FROM c", "COUNT"),
        ("SELECT TOP 1 VALUE COUNT(1) FROM c", "aggregate"),
        ("SELECT * FROM c WHERE c.id LIKE 'a%'", "LIKE"),
        ("SELECT * FROM c WHERE c.id NOT LIKE 'a%'", "LIKE"),
        ("SELECT * FROM c WHERE ABS(c.n) = 1", "ABS"),
        ("SELECT * FROM c WHERE udf.mine(c.n)", "UDF"),
        ("SELECT * FROM c WHERE c.n + 1 = 2", "+"),
        ("SELECT * FROM c WHERE c.n = 1 + 1", "+"),
        ("SELECT c.a ?? c.b FROM c", "??"),
        ("SELECT c.a || c.b FROM c", "||"),
        ("SELECT * FROM c WHERE EXISTS(SELECT VALUE 1 FROM c)", "EXISTS"),
        ("SELECT ARRAY(SELECT VALUE 1 FROM c) FROM c", "ARRAY"),
        ("SELECT (SELECT VALUE 1) FROM c", "subqueries"),
        ("SELECT * FROM c ORDER BY LOWER(c.s)", "ORDER BY"),
        ("SELECT * FROM c WHERE c[@name] = 1", "parameter"),
        ("SELECT VALUE 1", "FROM"),
    ],
)
def test_what_is_unknown_is_refused_by_name(query: str, word: str, caplog: pytest.LogCaptureFixture) -> None:
    """501 with the word in the message and in the log."""
    with pytest.raises(CosmosError) as refused:
        answer(query)

    assert refused.value.status == 501
    assert word in refused.value.message
    assert word in caplog.text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELEC * FROM c",
        "SELECT FROM c",
        "SELECT * FROM",
        "SELECT * FROM c WHERE",
        "SELECT * FROM c WHERE c.id = 'open",
        "SELECT * FROM c WHERE c.id = #",
        "SELECT * FROM c WHERE c.id == 1",
        "SELECT * FROM c WHERE c.n IN ()",
        "SELECT * FROM c WHERE c. = 1",
        "SELECT * FROM c WHERE c.a[1.5] = 1",
        "SELECT * FROM c WHERE d.id = 1",
        "SELECT * FROM c WHERE id = 1",
        "SELECT * FROM c WHERE c.value = 1",
        "SELECT * FROM c WHERE c.order = 1",
        "SELECT * FROM c WHERE c.id = @missing",
        "SELECT TOP -1 * FROM c",
        "SELECT TOP 'a' * FROM c",
        "SELECT TOP 1.5 * FROM c",
        "SELECT * FROM c OFFSET 1",
        "SELECT TOP 1 * FROM c OFFSET 1 LIMIT 1",
        "SELECT c.id, c.n AS id FROM c",
        "SELECT * FROM c WHERE STARTSWITH(c.id)",
        "SELECT VALUE MAX(c.n, 1) FROM c",
        "SELECT * FROM c WHERE c.id = 1 extra words",
        "SELECT * FROM c; DROP TABLE c",
        "SELECT * FROM c WHERE " + "(" * 500 + "true" + ")" * 500,
        "SELECT * FROM c WHERE " + "NOT " * 5 + "-" * 5 + "1",
        "SELECT VALUE " + "[" * 500 + "]" * 500 + " FROM c",
    ],
)
def test_a_faulty_query_is_400(query: str) -> None:
    """Syntax errors, unknown names, reserved words after a dot, missing parameters, too deep a nesting."""
    with pytest.raises(CosmosError) as refused:
        answer(query)

    assert refused.value.status == 400


def test_a_condition_needs_from_and_where() -> None:
    """A patch's predicate is no whole query."""
    parse_condition("from c where c.n = 1 and (c.m >= 2)")

    for text in ("c.n = 1", "WHERE c.n = 1", "from c", "from c where c.n = 1 order by c.n", "from c where d.n = 1"):
        with pytest.raises(CosmosError) as refused:
            parse_condition(text)
        assert refused.value.status in (400, 501)

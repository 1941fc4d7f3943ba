"""The meaning of each patch operation, without a server."""

from typing import Any

import pytest

from local.cosmos.errors import CosmosError
from local.cosmos.patch import apply

START: dict[str, Any] = {"id": "a", "pk": "x", "n": 1, "deep": {"m": 1}, "list": [1, 2, 3], "odd/name~": 1}


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "add", "path": "/new", "value": {"a": [1]}}, {"new": {"a": [1]}}),
        ({"op": "add", "path": "/n", "value": 9}, {"n": 9}),
        ({"op": "add", "path": "/list/1", "value": 9}, {"list": [1, 9, 2, 3]}),
        ({"op": "add", "path": "/list/3", "value": 9}, {"list": [1, 2, 3, 9]}),
        ({"op": "add", "path": "/list/-", "value": 9}, {"list": [1, 2, 3, 9]}),
        ({"op": "set", "path": "/list/1", "value": 9}, {"list": [1, 9, 3]}),
        ({"op": "set", "path": "/deep/new", "value": None}, {"deep": {"m": 1, "new": None}}),
        ({"op": "replace", "path": "/deep/m", "value": "b"}, {"deep": {"m": "b"}}),
        ({"op": "replace", "path": "/list/0", "value": 9}, {"list": [9, 2, 3]}),
        ({"op": "remove", "path": "/deep/m"}, {"deep": {}}),
        ({"op": "remove", "path": "/list/0"}, {"list": [2, 3]}),
        ({"op": "incr", "path": "/n", "value": -2}, {"n": -1}),
        ({"op": "incr", "path": "/n", "value": 0.5}, {"n": 1.5}),
        ({"op": "incr", "path": "/list/2", "value": 2}, {"list": [1, 2, 5]}),
        ({"op": "incr", "path": "/fresh", "value": 3}, {"fresh": 3}),
        ({"op": "move", "from": "/deep/m", "path": "/moved"}, {"deep": {}, "moved": 1}),
        ({"op": "set", "path": "/odd~1name~0", "value": 2}, {"odd/name~": 2}),
    ],
)
def test_each_operation_changes_what_it_names(operation: dict[str, Any], changed: dict[str, Any]) -> None:
    """Add, set, replace, remove, incr and move have the meaning of the Patch API."""
    before = dict(START)

    assert apply(START, [operation], ("pk",)) == {**START, **changed}
    assert before == START


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "replace", "path": "/absent", "value": 1}, 400),
        ({"op": "remove", "path": "/absent"}, 400),
        ({"op": "remove", "path": "/list/3"}, 400),
        ({"op": "add", "path": "/absent/deep", "value": 1}, 400),
        ({"op": "add", "path": "/n/deep", "value": 1}, 400),
        ({"op": "add", "path": "/list/5", "value": 1}, 400),
        ({"op": "set", "path": "/list/x", "value": 1}, 400),
        ({"op": "set", "path": "/list/-1", "value": 1}, 400),
        ({"op": "incr", "path": "/deep", "value": 1}, 400),
        ({"op": "incr", "path": "/n", "value": "1"}, 400),
        ({"op": "incr", "path": "/n", "value": True}, 400),
        ({"op": "move", "from": "/deep", "path": "/deep/m"}, 400),
        ({"op": "move", "from": "/absent", "path": "/n"}, 400),
        ({"op": "set", "path": "/id", "value": "b"}, 400),
        ({"op": "set", "path": "/pk", "value": "y"}, 400),
        ({"op": "set", "path": "/_etag", "value": "1"}, 400),
        ({"op": "set", "path": "n", "value": 1}, 400),
        ({"op": "set", "path": "/n"}, 400),
        ("set", 400),
        ({"op": "copy", "from": "/n", "path": "/m"}, 501),
    ],
)
def test_an_unfit_operation_is_refused(operation: Any, status: int) -> None:
    """400 for what does not fit the item, 501 for an unknown operation; the document stays as it was."""
    before = dict(START)

    with pytest.raises(CosmosError) as refused:
        apply(START, [operation], ("pk",))

    assert refused.value.status == status
    assert before == START

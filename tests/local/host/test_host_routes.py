"""Route templates match paths as ASP.NET Core matches them."""

import pytest

from local.host.app_model import BindingInfo, FunctionLoadError
from local.host.routes import Route, route_of

from .conftest import function_of


def _route(template: str, prefix: str = "", methods: list[str] | None = None) -> Route:
    raw = {"route": template} | ({} if methods is None else {"methods": methods})
    trigger = BindingInfo(name="req", type="httpTrigger", direction="IN", data_type=None, raw=raw)
    return route_of(function_of(trigger=trigger), prefix)


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/{b}", "/A/x", {"b": "x"}),
        ("a/{b}", "/a/x/", {"b": "x"}),
        ("a/{b}", "/a/x%20y%2Fz", {"b": "x y%2Fz"}),
        ("a/{b}", "/a", None),
        ("a/{b?}", "/a", {}),
        ("a/{b?}", "/a/1", {"b": "1"}),
        ("a/{*b}", "/a", {}),
        ("a/{*b}", "/a/1/2", {"b": "1/2"}),
        ("a/{**b}", "/a/1/2", {"b": "1/2"}),
        ("a.b/{c}", "/aXb/1", None),
        ("files/{name}.{kind}", "/files/a.b.txt", {"name": "a.b", "kind": "txt"}),
        ("v{version:int}/x", "/v2/x", {"version": "2"}),
        ("a/{b:int}", "/a/-2147483648", {"b": "-2147483648"}),
        ("a/{b:int}", "/a/2147483648", None),
        ("a/{b:long}", "/a/2147483648", {"b": "2147483648"}),
        ("a/{b:bool}", "/a/TRUE", {"b": "TRUE"}),
        ("a/{b:bool}", "/a/1", None),
        ("a/{b:guid}", "/a/11111111-1111-4111-8111-111111111111", {"b": "11111111-1111-4111-8111-111111111111"}),
        ("a/{b:guid}", "/a/1", None),
        ("a/{b:alpha}", "/a/xY", {"b": "xY"}),
        ("a/{b:alpha}", "/a/x1", None),
        ("a/{b:length(2)}", "/a/xy", {"b": "xy"}),
        ("a/{b:length(2)}", "/a/xyz", None),
        ("a/{b:length(2,3)}", "/a/xyz", {"b": "xyz"}),
        ("a/{b:minlength(2):maxlength(3)}", "/a/xyzz", None),
        ("a/{b:min(3)}", "/a/3", {"b": "3"}),
        ("a/{b:max(3)}", "/a/4", None),
        ("a/{b:range(3,5)}", "/a/5", {"b": "5"}),
        ("a/{b:int?}", "/a", {}),
        ("a/{b:int?}", "/a/x", None),
    ],
)
def test_a_path_fits_or_not(template: str, path: str, values: dict[str, str] | None) -> None:
    """Literals without case, a trailing slash ignored, values decoded but for slashes."""
    assert _route(template).match("GET", path) == values


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("a/{b?}/c", "only the last segment may be optional"),
        ("a/{*b}/c", "only the last segment"),
        ("a/{b}{c}", "is not offered"),
        ("a/{b=5}", "is no parameter"),
        ("a/{b:regex(x)}", "constraint 'regex' is not offered"),
        ("a/{b:length}", "constraint 'length' is not offered"),
        ("a/{b}/{b}", "appears more than one time"),
        ("a//b", "cannot appear consecutively"),
        ("admin/x", "conflicts with one or more built in routes"),
        ("runtime", "conflicts with one or more built in routes"),
    ],
)
def test_a_template_that_is_not_offered_is_refused_by_name(template: str, words: str) -> None:
    """The sentence names the function and the template's fault."""
    with pytest.raises(FunctionLoadError) as refused:
        _route(template)

    assert str(refused.value).startswith("cannot load the f function: ")
    assert words in str(refused.value)


def test_methods_are_part_of_the_match() -> None:
    """None listed takes all of them."""
    assert _route("a", methods=["GET"]).match("POST", "/a") is None
    assert _route("a", methods=["GET"]).match("GET", "/a") == {}
    assert _route("a").match("PATCH", "/a") == {}

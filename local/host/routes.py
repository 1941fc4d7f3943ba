"""HTTP routes: templates as ASP.NET Core reads them, tried in order, the first that fits wins.

`{name}`, `{name?}`, `{*rest}` and constraints; literals are compared without case, a trailing slash is
ignored. A method that a route does not list is no match, so that the answer is 404 and never 405
(azure-functions-host 4.1037, WebScriptHostHttpRoutesManager: HttpMethodRouteConstraint).
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from local.host.app_model import FunctionInfo, FunctionLoadError

_PARAMETER = re.compile(r"\{(?P<star>\*{0,2})(?P<name>\w+)(?P<constraints>(?::\w+(?:\([^()]*\))?)*)(?P<optional>\??)\}")
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^()]*)\))?")
_RESERVED = ("admin", "runtime")
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Route:
    """One function's route; `tests` hold a parameter's constraints."""

    function: FunctionInfo
    template: str
    methods: frozenset[str] | None
    pattern: re.Pattern[str]
    tests: dict[str, tuple[Test, ...]]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the route parameters when method and path fit; absent optional ones are left out."""
        if self.methods is not None and method not in self.methods:
            return None
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {name: decode_path(value) for name, value in found.groupdict().items() if value}
        for name, value in values.items():
            if not all(test(value) for test in self.tests.get(name, ())):
                return None
        return values


def route_of(function: FunctionInfo, prefix: str) -> Route:
    """Build the route of an HTTP function.

    Raises:
        FunctionLoadError: the template is faulty or uses what the local host does not offer.
    """
    own = function.trigger.text("route") or function.name
    template = f"{prefix}/{own}" if prefix else own.removeprefix("/")
    if "//" in template:
        raise FunctionLoadError(function.name, f"route '{template}': the separator '/' cannot appear consecutively")
    if template.split("/", 1)[0].lower() in _RESERVED:
        raise FunctionLoadError(function.name, "The specified route conflicts with one or more built in routes.")
    pattern, tests = _compile(function.name, template.strip("/"))
    methods = function.trigger.raw.get("methods")
    return Route(
        function=function,
        template=template,
        methods=None if methods is None else frozenset(str(method).upper() for method in methods),
        pattern=pattern,
        tests=tests,
    )


def decode_path(raw: str) -> str:
    """Decode percent-escapes as ASP.NET does: all but the slash."""
    return unquote(re.sub("%2f", "%252F", raw, flags=re.IGNORECASE))


def _compile(function: str, template: str) -> tuple[re.Pattern[str], dict[str, tuple[Test, ...]]]:
    pattern = ""
    tests: dict[str, tuple[Test, ...]] = {}
    segments = template.split("/")
    for at, segment in enumerate(segments):
        last = at == len(segments) - 1
        found = _PARAMETER.fullmatch(segment)
        if found and (found["star"] or found["optional"]):
            if not last:
                raise FunctionLoadError(
                    function, f"route '{template}': only the last segment may be optional or catch all"
                )
            value = ".*" if found["star"] else "[^/]+"
            pattern += f"(?:/(?P<{found['name']}>{value}))?"
            _add_tests(function, tests, found)
        else:
            pattern += "/" + _segment(function, template, segment, tests)
    return re.compile(f"{pattern}/?", re.IGNORECASE), tests


def _segment(function: str, template: str, segment: str, tests: dict[str, tuple[Test, ...]]) -> str:
    pattern, end = "", 0
    for found in _PARAMETER.finditer(segment):
        literal = segment[end : found.start()]
        if found["star"] or found["optional"] or (end and not literal):
            raise FunctionLoadError(function, f"route '{template}': '{segment}' is not offered")
        pattern += f"{_literal(function, template, literal)}(?P<{found['name']}>[^/]+)"
        _add_tests(function, tests, found)
        end = found.end()
    return pattern + _literal(function, template, segment[end:])


def _literal(function: str, template: str, text: str) -> str:
    if "{" in text or "}" in text:
        raise FunctionLoadError(function, f"route '{template}': '{text}' is no parameter that the local host offers")
    return re.escape(text)


def _add_tests(function: str, tests: dict[str, tuple[Test, ...]], found: re.Match[str]) -> None:
    name = found["name"]
    if name in tests:
        raise FunctionLoadError(function, f"The route parameter name '{name}' appears more than one time")
    tests[name] = tuple(
        _test(function, kind, arguments or "") for kind, arguments in _CONSTRAINT.findall(found["constraints"])
    )


def _test(function: str, kind: str, arguments: str) -> Test:
    plain = _PLAIN_TESTS.get(kind)
    if plain is not None and not arguments:
        return plain
    numbers = [int(part) for part in re.findall(r"-?\d+", arguments)]
    build = _COUNTED_TESTS.get((kind, len(numbers)))
    if build is None:
        raise FunctionLoadError(function, f"the route constraint '{kind}' is not offered by the local host")
    return build(*numbers)


def _is_int(value: str, span: range) -> bool:
    return re.fullmatch(r"[+-]?\d{1,19}", value, re.ASCII) is not None and int(value) in span


def _is_guid(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


_PLAIN_TESTS: dict[str, Test] = {
    "int": lambda value: _is_int(value, _INT32),
    "long": lambda value: _is_int(value, _INT64),
    "bool": lambda value: value.lower() in {"true", "false"},
    "guid": _is_guid,
    "alpha": lambda value: re.fullmatch("[A-Za-z]*", value) is not None,
}


def _length(low: int, high: int | None = None) -> Test:
    return lambda value: low <= len(value) <= (low if high is None else high)


def _at_least(low: int) -> Test:
    return lambda value: len(value) >= low


def _at_most(high: int) -> Test:
    return lambda value: len(value) <= high


def _min(low: int) -> Test:
    return lambda value: _is_int(value, _INT64) and int(value) >= low


def _max(high: int) -> Test:
    return lambda value: _is_int(value, _INT64) and int(value) <= high


def _range(low: int, high: int) -> Test:
    return lambda value: _is_int(value, _INT64) and low <= int(value) <= high


_COUNTED_TESTS: dict[tuple[str, int], Callable[..., Test]] = {
    ("length", 1): _length,
    ("length", 2): _length,
    ("minlength", 1): _at_least,
    ("maxlength", 1): _at_most,
    ("min", 1): _min,
    ("max", 1): _max,
    ("range", 2): _range,
}

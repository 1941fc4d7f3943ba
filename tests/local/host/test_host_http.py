"""HTTP functions behave on the local host as on the real one."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse, ClientSession

from .conftest import Stack


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[ClientSession]:
    """Open a client of the sample app."""
    async with ClientSession(base_url=stack.app.url) as session:
        yield session


def _key(stack: Stack, kind: str, name: str | None = None) -> str:
    content = json.loads((stack.data / "keys.json").read_text())
    return content[kind] if name is None else content[kind][name]


async def test_a_function_sees_the_request_as_the_worker_protocol_carries_it(http: ClientSession, stack: Stack) -> None:
    """Header names are lower case, repeated query values joined, empty ones dropped, the URL absolute."""
    path = "/api/Echo/b%20b/5?a=1&a=2&empty=&q=%C3%BC"

    response = await http.post(path, data=b"body", headers={"X-Mixed-Case": "Kept"})
    seen = await response.json()

    assert response.headers["Content-Type"] == "application/json"
    assert seen["headers"]["x-mixed-case"] == "Kept"
    assert seen["params"] == {"a": "1,2", "q": "ü"}
    assert seen["route"] == {"name": "b b", "number": "5"}
    assert seen["url"] == f"{stack.app.url}{path}"
    assert (seen["method"], seen["body"], seen["function"]) == ("POST", "body", "echo")
    assert seen["setting"] == "file"


async def test_the_callers_trace_goes_on_in_the_function(http: ClientSession) -> None:
    """The trace id stays, the span is new."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    seen = await (await http.get("/api/echo/x", headers={"traceparent": parent})).json()

    version, trace, span, flags = seen["trace"].split("-")
    assert (version, trace, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "01")
    assert span != "b7ad6b7169203331"


async def test_a_body_without_a_length_does_not_arrive(http: ClientSession) -> None:
    """The host hands over a body only with Content-Length above 0."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"body"

    seen = await (await http.post("/api/echo/x", data=chunks())).json()

    assert seen["body"] == ""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/echo/x/", 200),
        ("GET", "/API/echo/x/-7", 200),
        ("GET", "/api/echo/x/seven", 404),
        ("GET", "/api/echo/x/99999999999", 404),
        ("GET", "/api/echo", 404),
        ("GET", "/api/echo/x/1/2", 404),
        ("DELETE", "/api/echo/x", 404),
        ("HEAD", "/api/echo/x", 404),
        ("OPTIONS", "/api/echo/x", 404),
        ("HEAD", "/api/files/a", 200),
        ("GET", "/api/nothing", 404),
        ("GET", "/echo/x", 404),
        ("GET", "/", 404),
        ("GET", "/admin/nothing", 404),
        ("GET", "/runtime/webhooks/nothing", 404),
    ],
)
async def test_what_no_route_takes_is_not_found(http: ClientSession, method: str, path: str, status: int) -> None:
    """A method that is not listed is 404, too: the real host has no 405."""
    response = await http.request(method, path)

    assert response.status == status
    assert status == 200 or await response.read() == b""


async def test_a_catch_all_takes_the_rest_of_the_path(http: ClientSession) -> None:
    """Slashes stay, escaped slashes stay escaped, an absent rest is no parameter."""
    paths = ("/api/files/a/b/c", "/api/files/a%2Fb", "/api/files")

    assert [await (await http.get(path)).text() for path in paths] == ["a/b/c", "a%2Fb", "nothing"]


async def test_keys_open_what_their_level_allows(http: ClientSession, stack: Stack) -> None:
    """Function, host and master key open a function; only the master key opens an admin one."""
    own, other = _key(stack, "functionKeys", "secret"), _key(stack, "functionKeys", "echo")
    host, master = _key(stack, "hostKey"), _key(stack, "masterKey")

    async def status(path: str, key: str | None) -> int:
        return (await http.get(path, headers={"x-functions-key": key} if key else {})).status

    assert [await status("/api/secret", key) for key in (own, host, master)] == [204, 204, 204]
    assert [await status("/api/secret", key) for key in (None, "wrong", other)] == [401, 401, 401]
    assert [await status("/api/master", key) for key in (master, host, own, None)] == [200, 401, 401, 401]
    assert (await http.get("/api/secret", params={"code": own})).status == 204
    assert stack.data.joinpath("keys.json").stat().st_mode & 0o777 == 0o600


async def test_cookies_are_written_as_asp_net_writes_them(http: ClientSession, stack: Stack) -> None:
    """Each in a header of its own, with the path `/` unless given."""
    response = await http.get("/api/secret", params={"code": _key(stack, "masterKey")})

    assert response.headers.getall("Set-Cookie") == ["one=1; HttpOnly; Path=/", "two=2; Max-Age=5; Path=/x"]


@pytest.mark.parametrize("how", ["raise", "none", "dict", "json"])
async def test_a_failed_function_answers_500_with_an_empty_body(http: ClientSession, stack: Stack, how: str) -> None:
    """A client learns nothing; the log has one line of the failure."""
    response = await http.get(f"/api/fail/{how}")

    assert (response.status, await response.read()) == (500, b"")
    assert '"function": "fail", "trigger": "httpTrigger"' in stack.app.logged()


async def test_the_traceback_of_a_failure_begins_in_the_app(http: ClientSession, stack: Stack) -> None:
    """The host's own frames are left out of the log."""
    await http.get("/api/fail/raise")

    *_, last = stack.app.logged().split("Traceback (most recent call last):")
    assert last.lstrip().startswith(f'File "{stack.data.parent}/app/parts/http.py"')
    assert "RuntimeError: secret text of the app" in last


@pytest.mark.parametrize(
    ("what", "status", "text"),
    [
        ("plain", 200, "hello"),
        ("object", 200, '{\n  "a": [\n    1\n  ]\n}'),
        ("list", 200, "[\n  1\n]"),
        ("response", 500, ""),
    ],
)
async def test_a_returned_str_is_parsed_by_the_host_first(
    http: ClientSession, what: str, status: int, text: str
) -> None:
    """JSON comes out indented; an object that looks like a response is refused."""
    response = await http.get(f"/api/text/{what}")

    assert (response.status, await response.text()) == (status, text)
    assert response.content_type == ("text/plain" if text else "application/octet-stream")


def _cors(response: ClientResponse) -> str | None:
    return response.headers.get("Access-Control-Allow-Origin")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:4280", "http://localhost:4280", "http://127.0.0.1:9"])
async def test_listed_origins_may_call(http: ClientSession, origin: str) -> None:
    """From local.settings.json and from the command line, on failures as well."""
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}

    preflight = await http.options("/api/echo/x", headers=asked)
    answer = await http.get("/api/echo/x", headers={"Origin": origin})
    failure = await http.get("/api/fail/raise", headers={"Origin": origin})

    assert (preflight.status, _cors(preflight)) == (204, origin)
    assert preflight.headers["Access-Control-Allow-Methods"] == "PUT"
    assert preflight.headers["Access-Control-Allow-Headers"] == "x-a"
    assert _cors(answer) == _cors(failure) == origin


async def test_other_origins_are_not_marked(http: ClientSession) -> None:
    """The function runs, the browser is told nothing."""
    response = await http.get("/api/echo/x", headers={"Origin": "http://evil.example"})

    assert (response.status, _cors(response)) == (200, None)


async def test_the_admin_api_tells_state_and_functions(http: ClientSession, stack: Stack) -> None:
    """With the bindings as the worker reports them."""
    status = await (await http.get("/admin/host/status")).json()
    functions = {found["name"]: found for found in await (await http.get("/admin/functions")).json()}
    echo = await (await http.get("/admin/functions/ECHO")).json()

    assert status["state"] == "Running"
    assert echo == functions["echo"]
    assert echo["invoke_url_template"] == f"{stack.app.url}/api/echo/{{name}}/{{number:int?}}"
    assert echo["config"]["bindings"][0]["type"] == "httpTrigger"
    assert (await http.get("/admin/functions/nothing")).status == 404

"""The official JavaScript SDKs: client, service, and an app on the express middleware."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, web
from yarl import URL

from local.webpubsub.config import SYSTEM_EVENTS, EventHandler, HubSettings
from local.webpubsub.faults import PATH
from local.webpubsub.server import WebPubSub

from .app_handler import AppHandler, Received
from .conftest import Connect, Start
from .plain_client import EVERYTHING, HUB, JSON, PlainClient, client_url

NODE = Path(__file__).parent / "node"
PATIENCE_S = 30


@pytest.fixture(scope="session")
def node_modules() -> str:
    """Install the packages of the lock file once, and return the path of node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node.js and npm")
    installed = NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (NODE / "package-lock.json").stat().st_mtime:
        subprocess.run([npm, "ci"], cwd=NODE, check=True, capture_output=True, timeout=300)  # noqa: S603
    return node


async def _run(node: str, script: str, *arguments: str) -> Any:
    """Return what the script printed as JSON."""
    process = await asyncio.create_subprocess_exec(
        node, script, *arguments, cwd=NODE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


@pytest.mark.parametrize("kind", ["json", "reliable"])
async def test_the_javascript_client_works_and_recovers(
    node_modules: str, start: Start, app: AppHandler, kind: str
) -> None:
    """Groups, echo, binary, duplicates, events and refusals; the reliable one loses nothing by dropped sockets."""

    async def echo(received: Received) -> web.Response:
        return web.Response(body=received.body, content_type=received.headers["Content-Type"])

    app.answers["echo"] = echo
    app.answer("refused", status=400)
    service = await start(faults=True)

    seen = await _run(
        node_modules, "client.mjs", str(client_url(service, "ann", roles=EVERYTHING)), service.url + PATH, kind
    )

    assert seen["group"][:4] == [{"n": 1}, [0, 255], "fire", "once"]
    assert seen["server"] == [{"n": 2}, "two"]
    assert seen["duplicate"] == [False, True]
    assert seen["errors"] == ["InternalServerError"]
    if kind == "reliable":
        assert seen["beforeReload"] == {"connected": 1, "disconnected": 0}
        assert seen["group"][4] == list(range(60))
        assert seen["group"][-1] == "again"
        assert seen["connected"] == ["ann", "ann"]


async def test_the_javascript_service_sdk_has_every_operation(
    node_modules: str, service: WebPubSub, connect: Connect, http: ClientSession
) -> None:
    """Each row of the REST table gives what the SDK expects, and clients hear what they should."""
    ann, ben = await connect("ann"), await connect("ben")

    result = await _run(
        node_modules, "service.mjs", service.connection_string, HUB, ann.connection_id, ben.connection_id
    )

    assert await ann.closed() == (1000, "bye")
    assert await ben.closed() == (1000, "all")
    assert [frame["data"] for frame in ann.frames if frame["type"] == "message"] == [
        {"n": 1},
        "two",
        "Aw==",
        {"n": 4},
        {"n": 5},
        {"n": 6},
    ]
    assert [frame["type"] for frame in ben.frames] == ["system", "system"]
    async with PlainClient(http, URL(result.pop("clientUrl"), encoded=True), (JSON,)) as cat:
        assert cat.frames[0]["userId"] == "cat"
    assert result == {
        "exists": [True, False, True, False, False],
        "members": ["ann", "ben"],
        "left": [],
        "added": [["ann"], ["ann"]],
        "removed": [[], ["ann"]],
        "permissions": [False, True, False],
        "refused": [404, 400, 401],
    }


class _Express:
    """An app on the express middleware, and the events that it reports."""

    def __init__(self, output: asyncio.StreamReader) -> None:
        self._output = output

    async def next(self) -> dict[str, Any]:
        """Return what it says next."""
        async with asyncio.timeout(PATIENCE_S):
            line = await self._output.readline()
        return json.loads(line)


@asynccontextmanager
async def _express(node: str) -> AsyncGenerator[_Express]:
    process = await asyncio.create_subprocess_exec(node, "express.mjs", cwd=NODE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield _Express(process.stdout)
    finally:
        process.terminate()
        await process.wait()


async def test_an_app_on_the_express_middleware_is_served(node_modules: str, start: Start, http: ClientSession) -> None:
    """It accepts, refuses, renames, keeps state and answers, by Microsoft's own code."""
    async with _express(node_modules) as express:
        port = (await express.next())["port"]
        handler = EventHandler(
            url_template=f"http://127.0.0.1:{port}/events", system_events=SYSTEM_EVENTS, event_pattern="*"
        )
        service = await start(hubs={HUB: HubSettings(handlers=(handler,))})
        url = client_url(service, "ann").update_query(color="red")

        async with PlainClient(http, url, (JSON,)) as client:
            reports = [await express.next(), await express.next()]
            for data in ({"a": 1}, {"a": 2}):
                await client.ask(type="event", event="count", data=data)
                reports.append(await express.next())
            failed = await client.ask(type="event", event="fail", data=1)
            await express.next()
        reports.append(await express.next())
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect(url.update_query(color="none"), protocols=(JSON,))

    assert reports == [
        {"event": "connect", "user": "ann", "claims": ["ann"], "query": ["red"]},
        {"event": "connected", "user": "renamed"},
        {"event": "count", "data": {"a": 1}, "dataType": "json", "states": {"color": "blue"}},
        {"event": "count", "data": {"a": 2}, "dataType": "json", "states": {"color": "blue", "count": 1}},
        {"event": "disconnected", "reason": "", "states": {"color": "blue", "count": 2}},
    ]
    assert [frame["data"] for frame in client.frames if frame["type"] == "message"] == [{"count": 1}, {"count": 2}]
    assert failed["error"]["name"] == "InternalServerError"
    assert refused.value.status == 401

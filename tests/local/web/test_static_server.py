"""The web client's server gives files, a policy and two addresses."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from local.web.server import Endpoints, application

API, IDENTITY = "http://127.0.0.1:7071", "http://127.0.0.1:8082"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[str]:
    """Serve a small page."""
    root = tmp_path / "dist"
    root.mkdir()
    (root / "index.html").write_text("<title>SalesCoach</title>", encoding="utf-8")
    (root / "main.js").write_text("export {};", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    # The server must know its own port before it listens.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        own = f"127.0.0.1:{listener.getsockname()[1]}"
        endpoints = Endpoints(own=own, api=API, identity=IDENTITY, webpubsub="http://127.0.0.1:8080")
        runner = web.AppRunner(application(root, endpoints))
        await runner.setup()
        await web.SockSite(runner, listener).start()
        yield own
        await runner.cleanup()


async def get(server: str, path: str, host: str | None = None) -> tuple[int, str, dict[str, str]]:
    """Ask for one path without following redirects."""
    headers = {} if host is None else {"Host": host}
    url = f"http://{server}{path}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def test_the_page_and_its_script_are_served_without_being_cached(server: str) -> None:
    """What is built now is what the browser shows."""
    page, script = await get(server, "/"), await get(server, "/main.js")

    assert (page[0], page[1]) == (200, "<title>SalesCoach</title>")
    assert page[2]["Content-Type"].startswith("text/html")
    assert script[2]["Content-Type"].partition("/")[2].startswith("javascript")
    assert script[2]["Cache-Control"] == "no-store"


async def test_the_page_may_talk_to_its_three_partners_only(server: str) -> None:
    """Refusals carry the policy, too."""
    for path in ("/", "/nothing"):
        _, _, headers = await get(server, path)

        policy = headers["Content-Security-Policy"]
        assert f"connect-src 'self' {API} {IDENTITY} ws://127.0.0.1:8080;" in policy
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_config_tells_the_page_where_its_partners_are(server: str) -> None:
    """Two base URLs without a slash at the end."""
    status, text, _ = await get(server, "/config.json")

    assert (status, text) == (200, f'{{"api": "{API}", "identity": "{IDENTITY}"}}')


async def test_localhost_is_sent_to_the_one_origin_that_the_api_allows(server: str) -> None:
    """So is any other name that a browser may have been tricked into."""
    status, _, headers = await get(server, "/?a=1", host="localhost:4280")

    assert (status, headers["Location"]) == (308, f"http://{server}/?a=1")


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/link.txt", "/missing.js"])
async def test_nothing_outside_the_folder_is_served(server: str, path: str) -> None:
    """Neither by dots nor by a link."""
    status, text, _ = await get(server, path)

    assert status in (403, 404)
    assert "secret" not in text

"""Where calls to tool servers go: to the address that was looked at, and nowhere that a server or a name would like."""

import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from aiohttp import web

from local.webpubsub.certificates import CERTIFICATE, server_context
from shared import settings
from shared.adapters.mcp_tools.client import McpTools
from shared.adapters.mcp_tools.pinned_address import AddressRefused, PinnedAddresses
from shared.adapters.mcp_tools.transport import CallTransport
from shared.adapters.system_clock import SystemClock
from shared.domain.errors import ChatError
from shared.domain.tools import CallState, ServerEntry, ToolContext

from .tool_calls import call, context

TEMPLATE = Path(__file__).parents[3] / "local.settings.json.template"


class Names:
    """A resolver that changes its mind."""

    def __init__(self, *answers: list[str], host: str = "tools.example.com") -> None:
        self.answers = list(answers)
        self.host = host
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        """Give the next answer, in the end always the last."""
        assert (host, port > 0) == (self.host, True)
        self.asked += 1
        return list(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


class Listener:
    """A web server that notes what reaches it, and answers as it is told."""

    def __init__(self, port: int, seen: list[web.Request]) -> None:
        self.port = port
        self.seen = seen
        self.redirect: str | None = None


@asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncGenerator[Listener]:
    """Listen on this machine."""
    heard = Listener(0, [])

    async def answer(request: web.Request) -> web.Response:
        heard.seen.append(request)
        if heard.redirect:
            return web.Response(status=307, headers={"Location": heard.redirect})
        return web.json_response({})

    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    heard.port = runner.addresses[0][1]
    try:
        yield heard
    finally:
        await runner.cleanup()


def request(port: int) -> httpx2.Request:
    """Ask the server of this name."""
    return httpx2.Request("POST", f"http://tools.example.com:{port}/mcp", json={"id": 1})


@asynccontextmanager
async def sending(addresses: PinnedAddresses) -> AsyncGenerator[CallTransport]:
    """The transport of the tools."""
    transport = CallTransport(ssl.create_default_context(), addresses)
    async with transport:
        yield transport


async def no_token(server: ServerEntry, context: ToolContext, *, fresh: bool = False) -> str | None:
    """No sign-in is needed to be refused."""
    del server, context, fresh
    return None


def server(url: str) -> ServerEntry:
    """A server of the registry."""
    return ServerEntry(name="other", url=url, roles=("*",), auth_enabled=False, description="")


@pytest.mark.requirement("tools:addresses")
async def test_a_call_goes_to_the_address_that_was_looked_at_under_the_servers_own_name() -> None:
    """The name is resolved once for many calls, and the server hears its own name."""
    names = Names(["127.0.0.1"])
    async with listening() as heard, sending(PinnedAddresses(loopback=True, resolve=names)) as transport:
        for _ in range(3):
            answer = await transport.handle_async_request(request(heard.port))
            assert answer.status_code == 200

    assert [one.host for one in heard.seen] == [f"tools.example.com:{heard.port}"] * 3
    assert names.asked == 1


@pytest.mark.requirement("tools:addresses")
@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["10.0.0.4"], ["169.254.169.254"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"]]
)
async def test_a_name_that_leads_to_a_closed_address_is_never_called(found: list[str]) -> None:
    """Not even when one of its addresses is good; the fault belongs to that call."""
    addresses = PinnedAddresses(loopback=False, resolve=Names(found))
    async with listening() as heard, sending(addresses) as transport:
        answer = await transport.handle_async_request(request(heard.port))
        with pytest.raises(AddressRefused):
            await transport.handle_async_request(httpx2.Request("GET", request(heard.port).url))

    assert answer.status_code == 503
    assert heard.seen == []


@pytest.mark.requirement("tools:addresses")
async def test_a_name_that_leads_elsewhere_later_is_not_followed_there() -> None:
    """DNS rebinding: between the look and the call nothing is resolved."""
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    addresses = PinnedAddresses(loopback=False, resolve=names)

    first = await addresses.pinned(request(80))
    again = await addresses.pinned(request(80))

    assert (first.url.host, again.url.host) == ("93.184.216.34", "93.184.216.34")
    assert first.headers["Host"] == "tools.example.com"
    assert first.extensions["sni_hostname"] == "tools.example.com"
    assert names.asked == 1
    with pytest.raises(AddressRefused):
        await PinnedAddresses(loopback=False, resolve=names).pinned(request(80))


@pytest.mark.requirement("tools:addresses")
async def test_the_certificate_must_be_of_the_servers_name_though_its_address_is_called(tmp_path: Path) -> None:
    """The one here is for `localhost` and its address, and for nobody else."""
    trust = ssl.create_default_context()
    async with listening(server_context(tmp_path)) as heard:
        trust.load_verify_locations(tmp_path / CERTIFICATE)
        for name, status in (("localhost", 200), ("tools.example.com", 503)):
            addresses = PinnedAddresses(loopback=True, resolve=Names(["127.0.0.1"], host=name))
            async with CallTransport(trust, addresses) as transport:
                asked = httpx2.Request("POST", f"https://{name}:{heard.port}/mcp", json={"id": 1})
                assert (await transport.handle_async_request(asked)).status_code == status

    assert [one.host for one in heard.seen] == [f"localhost:{heard.port}"]


async def test_an_address_that_does_not_answer_is_followed_by_the_next_one() -> None:
    """For a name with several."""
    addresses = PinnedAddresses(loopback=False, resolve=Names(["93.184.216.34", "93.184.216.35"]))

    first = await addresses.pinned(request(80))
    addresses.failed(first)

    assert (await addresses.pinned(request(80))).url.host == "93.184.216.35"


@pytest.mark.requirement("tools:addresses")
@pytest.mark.parametrize("place", ["http://169.254.169.254/metadata/identity", "elsewhere", "https://10.0.0.4/mcp"])
async def test_a_redirect_to_link_local_or_another_origin_is_blocked(place: str) -> None:
    """Whoever answers for a server cannot send its callers, with their tokens, somewhere else."""
    async with listening() as heard, listening() as other:
        heard.redirect = f"http://127.0.0.1:{other.port}/mcp" if place == "elsewhere" else place
        tools = McpTools(no_token, SystemClock(), loopback=True)
        entry = server(f"http://127.0.0.1:{heard.port}/mcp")
        with pytest.raises(ChatError):
            await tools.discover(entry, context(None, timeout_s=5))
        result = await tools.call(entry, call("read"), context(None, timeout_s=5))
        await tools.close()

    assert result.state is CallState.FAILED
    assert heard.seen
    assert other.seen == []


@pytest.mark.requirement("tools:addresses")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "2130706433"])  # noqa: S104
async def test_this_machine_is_not_called_unless_the_setting_admits_it(host: str) -> None:
    """In no notation; people and operators read why."""
    async with listening() as heard:
        tools = McpTools(no_token, SystemClock())
        entry = server(f"http://{host}:{heard.port}/mcp")
        with pytest.raises(ChatError, match="address that tools may not have"):
            await tools.discover(entry, context(None, timeout_s=5))
        await tools.close()

    assert heard.seen == []


@pytest.mark.requirement("tools:addresses")
def test_the_setting_that_admits_this_machine_is_refused_in_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local stack has it; elsewhere it is off unless somebody says otherwise, and in Azure nobody can."""
    for name, value in json.loads(TEMPLATE.read_text(encoding="utf-8"))["Values"].items():
        monkeypatch.setenv(name, value)
    load = settings.load.__wrapped__
    assert load().mcp_loopback
    monkeypatch.delenv("MCP_LOOPBACK")
    assert not load().mcp_loopback

    monkeypatch.setenv("WEBSITE_SITE_NAME", "salescoach")
    monkeypatch.setenv("MCP_LOOPBACK", "true")
    with pytest.raises(settings.SettingsInvalid, match="MCP_LOOPBACK is for local runs and refused in Azure"):
        load()

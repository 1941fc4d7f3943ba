"""A started app is opened when it has been told to find its tools and calls itself ready."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from aiohttp import web

from local.stack.opening import open_app
from local.stack.worker import PartFailed


class App:
    """An app that first leaves a request unanswered, then is not ready, then is."""

    def __init__(self, refresh_status: int) -> None:
        self.asked: list[str] = []
        self._refresh_status = refresh_status

    async def refresh(self, request: web.Request) -> web.Response:
        """Hang up once, then answer."""
        self.asked.append("refresh")
        if len(self.asked) == 1 and request.transport is not None:
            request.transport.abort()
        return web.Response(status=self._refresh_status, text="the host's words")

    async def ready(self, _: web.Request) -> web.Response:
        """Say no once, then yes."""
        self.asked.append("ready")
        return web.Response(status=503 if self.asked.count("ready") == 1 else 200)


@pytest.fixture
def refresh_status() -> int:
    """Accept; a test may say otherwise."""
    return 202


@pytest.fixture
async def app(refresh_status: int, base: int) -> AsyncGenerator[App]:
    """Serve the app on the base port."""
    shown = App(refresh_status)
    served = web.Application()
    served.router.add_post("/admin/functions/refresh_tools", shown.refresh)
    served.router.add_get("/api/health/ready", shown.ready)
    runner = web.AppRunner(served)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", base).start()
    yield shown
    await runner.cleanup()


async def test_an_unanswered_request_is_sent_again_and_readiness_awaited(app: App, base: int) -> None:
    """A machine that is busy at the start costs time, not the start."""
    await open_app(f"http://127.0.0.1:{base}")

    assert app.asked == ["refresh", "refresh", "ready", "ready"]


@pytest.mark.parametrize("refresh_status", [404])
@pytest.mark.usefixtures("app")
async def test_a_host_that_refuses_ends_the_start_with_its_words(base: int) -> None:
    """The person sees status and body."""
    with pytest.raises(PartFailed, match="did not refresh the tools: status 404 the host's words"):
        await open_app(f"http://127.0.0.1:{base}")

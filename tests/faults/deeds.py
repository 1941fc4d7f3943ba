"""What breaks in the failure matrix: faults of the parts on order, and what somebody does in mid-answer."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.stack import Stack
from tests.faults.pages import Page
from tests.faults.points import url

STORE_DOWN_S = 8.0
PATIENCE_S = 15.0
FULL_S = 5.0
HEARD = ("response.delta", "response.failed")

Fault = tuple[str, Mapping[str, Any]]


def service(**fault: Any) -> Fault:
    """Break something at Web PubSub."""
    return "webpubsub", fault


def engine(kind: str, **fault: Any) -> Fault:
    """Break something at the durable engine."""
    return "durable", {"kind": kind, **fault}


def model(mode: str, count: int = 1, **fault: Any) -> Fault:
    """Break something at the model."""
    return "model", {"mode": mode, "count": count, **fault}


def store(status: int | str, count: int, operation: str | None = None, text: str | None = None, **fault: Any) -> Fault:
    """Break something at the store."""
    named = {"operation": operation, "item": text}
    match = {"container": "conversations", "count": count} | {name: value for name, value in named.items() if value}
    return "cosmos", {"match": match, "status": status, **fault}


async def in_mid_answer(page: Page, turn_id: str) -> None:
    """Wait for some text."""
    await page.until(lambda: any(one["type"] == "response.delta" for one in page.of(turn_id)), "some text")


async def cancel(_http: aiohttp.ClientSession, _stack: Stack, page: Page, turn_id: str) -> None:
    """Stop the answer."""
    await in_mid_answer(page, turn_id)
    await page.send("query.cancel", turn_id=turn_id)


async def purge(http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """Have the engine forget the turn once it has ended; what a page is told comes from the store."""
    await page.until(lambda: any(one["type"] == "response.committed" for one in page.of(turn_id)), "the end")
    instance = url(stack, "durable").replace("_faults", f"instances/{turn_id}.1")
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        async with http.delete(instance) as answer:
            if answer.status == 200:
                return
        await asyncio.sleep(0.2)
    raise AssertionError("the instance cannot be purged")


async def lose_execution(http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """Have somebody end the execution; upkeep finds the turn by its lease and gives it another one."""
    await in_mid_answer(page, turn_id)
    async with http.post(url(stack, "durable").replace("_faults", f"instances/{turn_id}.1/terminate")) as answer:
        assert answer.status == 202, await answer.text()


async def terminate(_http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """End the host as a scale-in does; the stack starts another one."""
    await in_mid_answer(page, turn_id)
    os.kill(stack.pid("host"), signal.SIGTERM)


async def kill(_http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """End the host as a crash does."""
    await in_mid_answer(page, turn_id)
    stack.kill("host")


async def second_page(http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """Open the session on another page in mid-answer; both end with the same text."""
    await in_mid_answer(page, turn_id)
    async with page.beside(http, stack) as other:
        assert (await other.end_of(turn_id)).text == (await page.end_of(turn_id)).text


async def caught_up(http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """Let the copy catch up some time after the text began, or the turn ended."""
    await page.until(lambda: any(one["type"] in HEARD for one in page.of(turn_id)), "some text, or the end")
    await asyncio.sleep(FULL_S)
    async with http.delete(url(stack, "cosmos")):
        pass


async def store_down(http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """Let the store answer nothing for a while."""
    await in_mid_answer(page, turn_id)
    part, fault = store(503, 100_000)
    async with http.post(url(stack, part), json=dict(fault)):
        pass
    await asyncio.sleep(STORE_DOWN_S)
    async with http.delete(url(stack, part)):
        pass


async def others_knock(http: aiohttp.ClientSession, stack: Stack, _page: Page, _turn_id: str) -> None:
    """Let somebody else come while the service refuses: the app says so and when to come again, and means it."""
    headers = {"Authorization": f"Bearer {stack.token('hana.hr')}"}

    async def negotiate() -> tuple[int, Any, int]:
        async with http.post(f"{stack.url('app')}/api/negotiate", headers=headers) as answer:
            return answer.status, await answer.json(), int(answer.headers.get("Retry-After", 0))

    give_up = time.monotonic() + PATIENCE_S
    while (refused := await negotiate())[0] == 200:
        # A URL from before the app was refused anything; the service itself lets nobody in.
        with pytest.raises(aiohttp.WSServerHandshakeError) as shut:
            await http.ws_connect(refused[1]["data"]["url"])
        assert shut.value.status == 429
        assert time.monotonic() < give_up, "negotiate never learned of it"
        await asyncio.sleep(0.1)
    assert refused[0] == 429
    assert refused[1]["error"]["code"] == "rate_limited"
    assert 1 <= refused[2] <= 2
    async with http.delete(url(stack, "webpubsub")):
        pass
    await asyncio.sleep(refused[2])
    while (welcome := await negotiate())[0] != 200:
        assert time.monotonic() < give_up, welcome
        await asyncio.sleep(0.2)
    async with http.ws_connect(welcome[1]["data"]["url"]):
        pass


async def disk_full(http: aiohttp.ClientSession, stack: Stack, _page: Page, turn_id: str) -> None:
    """See that the app lives, that the question is kept and not begun; then make room."""
    await asyncio.sleep(FULL_S)
    async with http.get(f"{stack.url('app')}/api/health") as alive:
        assert alive.status == 200
    async with http.get(url(stack, "durable").replace("_faults", f"instances/{turn_id}.1")) as absent:
        assert absent.status == 404
    async with http.delete(url(stack, "durable")):
        pass


async def disk_full_later(http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """Let the engine keep nothing for a while."""
    await in_mid_answer(page, turn_id)
    async with http.post(url(stack, "durable"), json={"kind": "disk_full"}):
        pass
    await asyncio.sleep(FULL_S)
    async with http.get(f"{stack.url('app')}/api/health") as alive:
        assert alive.status == 200
    async with http.delete(url(stack, "durable")):
        pass


def _files_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def no_files(_http: aiohttp.ClientSession, stack: Stack, page: Page, turn_id: str) -> None:
    """Let the host open no file and no socket for a while; what it has open stays."""
    await in_mid_answer(page, turn_id)
    pid = stack.pid("host")
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    opened = _files_of(pid)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened, before[1]))
    try:
        await asyncio.sleep(FULL_S)
        assert stack.pid("host") == pid
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


DEEDS = {
    "caught up": caught_up,
    "disk full": disk_full,
    "disk full later": disk_full_later,
    "no files": no_files,
    "others knock": others_knock,
    "store down": store_down,
    "terminate": lose_execution,
    "cancel": cancel,
    "purge": purge,
    "SIGTERM": terminate,
    "SIGKILL": kill,
    "second page": second_page,
}

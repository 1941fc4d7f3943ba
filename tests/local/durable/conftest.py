"""Engines for the tests of the durable engine."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions.models.utils import http_utils

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode adds no test folder

from durable_hub import Hub, OpenHub, open_engine


@pytest.fixture
async def open_hub(tmp_path: Path) -> AsyncGenerator[OpenHub]:
    """Open engines over the test's folder, one after the other; all are closed at the end."""
    opened: list[Hub] = []

    async def open_one(*, after: Hub | None = None, **settings: Any) -> Hub:
        if after is not None:
            await after.close()
            opened.remove(after)
        hub = await open_engine(tmp_path, **settings)
        opened.append(hub)
        return hub

    yield open_one
    for hub in opened:
        await hub.close()
    await http_utils._close_session()  # pyright: ignore[reportPrivateUsage] - it is bound to this test's loop


@pytest.fixture
async def hub(open_hub: OpenHub) -> Hub:
    """One engine over an empty folder."""
    return await open_hub()

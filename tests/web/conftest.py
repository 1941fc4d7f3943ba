"""The built page in Chromium, with a service that says what the test wants."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .scripted_service import WEB, ScriptedService

WEB_FOLDER = Path(__file__).resolve().parents[2] / "web"
PATIENCE_MS = 10_000


@pytest.fixture(scope="session")
def npm() -> str:
    """Give npm, with the client's packages installed."""
    found = shutil.which("npm")
    if found is None:
        pytest.skip("needs Node 20 or newer: npm is not on the PATH")
    if not (WEB_FOLDER / "node_modules").is_dir():
        quiet = ("--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run([found, "ci", *quiet], cwd=WEB_FOLDER, check=True, timeout=100)  # noqa: S603 - our own lock file
    return found


@pytest.fixture(scope="session")
def built(npm: str) -> None:
    """Build the page from its sources."""
    subprocess.run([npm, "run", "--silent", "build"], cwd=WEB_FOLDER, check=True, timeout=60)  # noqa: S603 - our own script


@pytest.fixture
def service() -> ScriptedService:
    """Know nothing yet: no chats, no messages."""
    return ScriptedService()


@pytest.fixture
def page(browser: Browser, service: ScriptedService, built: None) -> Iterator[Page]:  # noqa: ARG001 - built is awaited
    """Open a tab whose every request the service answers; faults of the page's own code fail the test."""
    context = browser.new_context(base_url=WEB)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    service.attend(context)
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda fault: faults.append(str(fault)))
    yield tab
    context.close()
    assert faults == []
    assert service.strangers == []


@pytest.fixture
def signed_in(page: Page) -> Page:
    """Sign in as a sample person and wait for the connection."""
    page.goto("/")
    page.click('[data-user="sam.sales"]')
    expect(page.get_by_test_id("status")).to_have_attribute("data-state", "online")
    return page

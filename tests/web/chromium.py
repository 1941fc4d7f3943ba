"""Find and start the browser of the machine; tests are skipped by name where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A container has neither a user namespace for the sandbox nor a GPU, and tests need no service of the browser's vendor.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def executable_or_skip() -> str:
    """Name the browser's program; without one skip, or fail where SALESCOACH_REQUIRE_BROWSER=1 asks for it."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is not None:
        return found
    if os.environ.get("SALESCOACH_REQUIRE_BROWSER") == "1":
        pytest.fail(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    pytest.skip(f"needs Chromium: none of {', '.join(NAMES)} is on the PATH")


@contextmanager
def browser() -> Generator[Browser]:
    """Run a headless browser."""
    executable = executable_or_skip()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        try:
            yield running
        finally:
            running.close()

"""What all tests share: the figures that are printed at the end of the run, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Figure = Callable[[str, str], None]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Print a line when all is done: the claim, and what was counted."""

    def add(claim: str, counted: str) -> None:
        request.node.user_properties.append(("figure", f"{claim}: {counted}"))

    return add


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Run one browser for the module; it ends with it, since its event loop keeps asyncio's tests from running."""
    from tests.web.chromium import browser as running_browser  # noqa: PLC0415 - most runs need none

    with running_browser() as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of this run, of whichever process they are."""
    figures = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
    for line in figures:
        terminalreporter.write_line(line)

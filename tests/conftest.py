"""Figures: what a test counted is printed at the end of the run, with the claim that it bears out."""

from collections.abc import Callable

import pytest

Figure = Callable[[str, str], None]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Print a line when all is done: the claim, and what was counted."""

    def add(claim: str, counted: str) -> None:
        request.node.user_properties.append(("figure", f"{claim}: {counted}"))

    return add


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

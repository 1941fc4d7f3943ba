"""Readiness names the dependency that does not answer, and is good again when it does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from tests.e2e.stack import Stack, wait_for

ALL = {"store", "tools", "prompts", "channel", "sealing", "scheduler"}


def readiness(stack: Stack) -> tuple[int, dict[str, str]]:
    """Ask for status and checks."""
    try:
        with urllib.request.urlopen(f"{stack.url('app')}/api/health/ready", timeout=20) as answer:  # noqa: S310
            return answer.status, json.load(answer)["data"]["checks"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)["data"]["checks"]


@pytest.mark.requirement("api:readiness")
@pytest.mark.timeout(120)
def test_readiness_names_what_does_not_answer(new_stack: Callable[..., Stack]) -> None:
    """One part after the other is stopped; prompts have their last good copy."""
    stack = new_stack()
    assert readiness(stack) == (200, dict.fromkeys(ALL, "ok"))

    for part, named in (("cosmos", "store"), ("webpubsub", "channel")):
        stack.control("stop", part)
        status, checks = wait_for(lambda: _with(readiness(stack), 503), f"a report without {part}")
        assert checks[named].startswith("unavailable: "), checks
        assert (status, checks["scheduler"], checks["sealing"]) == (503, "ok", "ok")
        stack.control("start", part)
        wait_for(lambda: _with(readiness(stack), 200), f"readiness with {part}")

    stack.control("stop", "blob")
    assert readiness(stack)[0] == 200


def _with(answer: tuple[int, dict[str, str]], status: int) -> tuple[int, dict[str, str]] | None:
    return answer if answer[0] == status else None

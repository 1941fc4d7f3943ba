"""The local stack starts with one command, survives its parts' deaths, and ends clean."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.stack import Stack, wait_for

PARTS = {"host", "web", "webpubsub", "cosmos", "blob", "identity", "model", "mcp"}
HOST_BACK_S = 10.0


def is_up(url: str) -> bool:
    """Tell whether the URL answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return answer.status == 200
    except OSError:
        return False


def test_the_ready_line_and_stack_json_name_what_runs(stack: Stack) -> None:
    """The documented line and the documented keys; every part has a process."""
    manifest = stack.manifest

    assert f"SalesCoach is ready: {manifest['web']}/ (API {manifest['app']}/)" in stack.output.splitlines()
    assert set(manifest) == {"web", "app", "webpubsub", "cosmos", "blob", "identity", "model", "mcp", "pids"}
    assert set(manifest["pids"]) == PARTS
    assert all(isinstance(pid, int) for pid in manifest["pids"].values())
    assert {"sfdc", "hr"} <= set(manifest["mcp"])
    assert is_up(f"{manifest['app']}/api/health/ready")


def test_the_page_knows_where_its_partners_are(stack: Stack) -> None:
    """The web client is served on its own origin, with the addresses of this stack."""
    with urllib.request.urlopen(f"{stack.url('web')}/config.json", timeout=5) as answer:  # noqa: S310
        told = json.load(answer)

    assert told == {"api": stack.url("app"), "identity": stack.url("identity")}
    assert is_up(f"{stack.url('web')}/")


def test_a_killed_functions_host_is_back_within_ten_seconds(stack: Stack) -> None:
    """stack.json then names the new process."""
    died = time.monotonic()
    old = stack.kill("host")

    wait_for(lambda: stack.manifest["pids"]["host"] not in (old, None), "another process", bound_s=HOST_BACK_S)
    wait_for(lambda: is_up(f"{stack.url('app')}/api/health/ready"), "a ready host", bound_s=HOST_BACK_S)

    assert time.monotonic() - died < HOST_BACK_S


@pytest.mark.parametrize("part", ["webpubsub", "cosmos", "blob", "identity", "model", "mcp"])
def test_a_part_can_be_stopped_and_started_alone(stack: Stack, part: str) -> None:
    """The others keep their processes, and the app is ready again afterwards."""
    others = {name: pid for name, pid in stack.manifest["pids"].items() if name != part}

    stack.control("stop", part)
    assert stack.manifest["pids"][part] is None
    stack.control("start", part)

    assert {name: pid for name, pid in stack.manifest["pids"].items() if name != part} == others
    wait_for(lambda: is_up(f"{stack.url('app')}/api/health/ready"), "a ready app")


def test_the_parts_are_reached_from_this_machine_only(stack: Stack) -> None:
    """Every endpoint is a loopback address."""
    endpoints = [url for url in stack.manifest.values() if isinstance(url, str)]
    endpoints += list(stack.manifest["mcp"].values())

    assert [url for url in endpoints if not url.startswith("http://127.0.0.1:")] == []


def test_a_stack_that_was_ended_leaves_no_process_and_no_manifest(tmp_path: Path) -> None:
    """Ctrl-C ends everything, and the same data folder can be started from again."""
    stack = Stack(tmp_path / "data")
    stack.start()
    pids = list(stack.manifest["pids"].values())

    assert stack.stop() == 0

    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert not (stack.data / "stack.json").exists()

"""The supervisor keeps its parts running, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.stack import control
from local.stack.places import Places
from local.stack.preflight import Unfit, need_idle

Start = Callable[..., Any]
READY = "SalesCoach is ready: "


def test_the_ready_line_names_the_page_and_the_api(tiny_stack: Start, base: int) -> None:
    """The line is exactly the documented one, alone on its line."""
    stack = tiny_stack()

    said = stack.said(READY)

    assert f"\nSalesCoach is ready: http://127.0.0.1:{base}/ (API http://127.0.0.1:{base + 1}/)\n" in said


def test_stack_json_lists_endpoints_tool_servers_and_processes(tiny_stack: Start, base: int) -> None:
    """Its keys are the documented ones; a part without a process has no id."""
    stack = tiny_stack()
    stack.said(READY)

    manifest = stack.manifest()

    endpoints = ["web", "app", "webpubsub", "cosmos", "blob", "identity", "model"]
    assert list(manifest) == [*endpoints, "mcp", "pids"]
    assert [manifest[name] for name in endpoints] == [
        f"http://127.0.0.1:{base + offset}" for offset in (0, 1, 2, 3, 4, 5, 6)
    ]
    assert manifest["mcp"] == {"sfdc": "http://127.0.0.1/"}
    assert set(manifest["pids"]) == {"host", "web", "webpubsub", "cosmos", "blob", "identity", "model", "mcp"}
    assert manifest["pids"]["mcp"] is None


def test_a_killed_part_comes_back_under_a_new_process_id(tiny_stack: Start, patience: Any) -> None:
    """stack.json follows, and the person is told."""
    stack = tiny_stack()
    stack.said(READY)
    old = stack.pid("host")

    os.kill(old, signal.SIGKILL)

    stack.said("host is back")
    assert "host was ended by SIGKILL; starting it again" in stack.text()
    assert patience(lambda: stack.pid("host") != old, "another process id")


def test_what_a_killed_part_had_started_is_ended_with_it(
    tiny_stack: Start, tmp_path: Path, alive: Callable[[int], bool], patience: Any
) -> None:
    """A worker process of the host does not outlive it."""
    note = tmp_path / "child"
    stack = tiny_stack("--child-note", str(note))
    stack.said(READY)
    child = int(note.read_text(encoding="utf-8"))

    os.kill(stack.pid("host"), signal.SIGKILL)

    assert patience(lambda: not alive(child), "the child's end")


def test_sigterm_ends_every_part_even_a_deaf_one(tiny_stack: Start, alive: Callable[[int], bool]) -> None:
    """The supervisor exits with 0 and takes stack.json away."""
    stack = tiny_stack("--deaf")
    stack.said(READY)
    pids = [stack.pid("host"), stack.pid("web")]

    stack.process.send_signal(signal.SIGTERM)

    assert stack.process.wait(15) == 0
    assert [alive(pid) for pid in pids] == [False, False]
    assert not (stack.data / "stack.json").exists()


def test_nothing_outlives_a_killed_supervisor(
    tiny_stack: Start, tmp_path: Path, alive: Callable[[int], bool], patience: Any
) -> None:
    """SIGKILL to the supervisor ends the parts, deaf ones and grandchildren included."""
    note = tmp_path / "child"
    stack = tiny_stack("--deaf", "--child-note", str(note))
    stack.said(READY)
    pids = [stack.pid("host"), stack.pid("web"), int(note.read_text(encoding="utf-8"))]

    stack.process.kill()
    stack.process.wait(15)

    assert patience(lambda: not any(alive(pid) for pid in pids), f"the end of {pids}")
    need_idle(Places(stack.data))


def test_a_part_that_cannot_start_ends_the_start_with_its_own_words(tiny_stack: Start, tmp_path: Path) -> None:
    """Exit code 1, the part's name, its exit code and the end of its log."""
    stack = tiny_stack("--crash-if", str(tmp_path))

    code = stack.process.wait(20)

    assert code == 1
    assert "The part host ended with exit code 1 before it was ready." in stack.text()
    assert "the reason of the crash" in stack.text()
    assert READY not in stack.text()


def test_a_part_that_keeps_crashing_is_tried_less_often_and_its_log_is_shown(tiny_stack: Start, tmp_path: Path) -> None:
    """It is back as soon as the cause is gone."""
    cause = tmp_path / "cause"
    stack = tiny_stack("--crash-if", str(cause))
    stack.said(READY)
    cause.touch()

    os.kill(stack.pid("host"), signal.SIGKILL)

    stack.said("the next try to start host is in 1.0 s")
    assert "the reason of the crash" in stack.text()
    cause.unlink()
    stack.said("host is back")


def test_a_part_is_stopped_started_and_restarted_from_another_terminal(tiny_stack: Start) -> None:
    """A stopped part stays stopped and has no process id; the others do not notice."""
    stack = tiny_stack()
    stack.said(READY)
    web, host = stack.pid("web"), stack.pid("host")
    line = Places(stack.data).control

    assert control.request(line, "stop", "host") == "host is stopped."
    assert stack.manifest()["pids"]["host"] is None
    assert "host       stopped" in control.request(line, "status")
    assert control.request(line, "start", "host") == "host is ready."
    again = stack.pid("host")
    assert control.request(line, "restart", "host") == "host is ready."
    assert len({host, again, stack.pid("host")}) == 3
    assert stack.pid("web") == web
    with pytest.raises(control.Refused, match="hots is no part of this stack; it has host, web"):
        control.request(line, "stop", "hots")


def test_down_ends_the_stack_from_another_terminal(tiny_stack: Start) -> None:
    """And a second one finds nobody there."""
    stack = tiny_stack()
    stack.said(READY)
    line = Places(stack.data).control

    assert control.request(line, "down") == "The stack is ending."

    assert stack.process.wait(15) == 0
    with pytest.raises(control.Refused, match="No stack runs from"):
        control.request(line, "down")


def test_a_second_stack_on_the_same_data_is_refused_in_a_sentence(tiny_stack: Start) -> None:
    """It names the running process and the command that ends it."""
    stack = tiny_stack()
    stack.said(READY)

    with pytest.raises(Unfit, match=rf"runs from .*data already \(process {stack.process.pid}\).* down --data"):
        need_idle(Places(stack.data))


def test_only_this_user_can_open_the_control_socket(tiny_stack: Start) -> None:
    """A web page or another user cannot stop a part."""
    stack = tiny_stack()
    stack.said(READY)

    assert (stack.data / "control.sock").stat().st_mode & 0o077 == 0


def test_the_reaper_does_nothing_when_all_has_ended() -> None:
    """Its input ends after every group was noted as gone."""
    reaper = Path(control.__file__).with_name("reaper.py")

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-S", str(reaper)], input="+4194305\n-4194305\n", text=True, timeout=10, check=False
    )

    assert done.returncode == 0

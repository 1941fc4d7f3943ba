"""The HTTP door carries the same chat as the trigger: under Web PubSub with identity and TLS, as in Azure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.stack import OPTIONS_VARIABLE, ROOT

HERE = Path(__file__).parent
# By name, so that a renamed test is missed at once; DOOR_SUITE=all runs every file that is about the service.
CORE = (
    "test_the_predecessors_client_gets_its_session_deltas_and_response",
    "test_bad_frames_get_the_documented_error_and_leave_everything_healthy",
    "test_a_bad_token_in_session_update_is_refused_and_the_connection_lives",
    "test_a_second_device_sees_the_question_and_the_same_answer",
    "test_a_tool_that_writes_waits_for_approval_and_then_runs_once",
)
# These are about the stack, the page and the documentation, whichever door they come through.
ELSEWHERE = {"test_door.py", "test_stack.py", "test_browser.py", "test_page_of_the_protocol.py"}


def chosen() -> list[str]:
    """Name what runs: some tests of the chat, or one entry for each file."""
    if os.environ.get("DOOR_SUITE") == "all":
        return sorted(path.name for path in HERE.glob("test_*.py") if path.name not in ELSEWHERE)
    return [f"test_chat.py::{name}" for name in CORE]


def runs() -> list[list[str]]:
    """Group what runs: a sample shares one stack, whole files have one each."""
    return [[one] for one in chosen()] if os.environ.get("DOOR_SUITE") == "all" else [chosen()]


@pytest.mark.requirement("door:same-suite")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("tests", runs(), ids=lambda tests: "sample" if len(tests) > 1 else str(tests[0]))
def test_the_suite_passes_behind_the_http_door(tmp_path: Path, tests: list[str]) -> None:
    """In a process of its own, since whom TLS trusts is settled when a process begins."""
    certificates = tmp_path / "certificates"
    make = "import pathlib, sys; from local.webpubsub.certificates import server_context; "
    make += "server_context(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", make, str(certificates)], cwd=ROOT, timeout=60, check=True)  # noqa: S603
    environment = {
        **os.environ,
        "SSL_CERT_FILE": str(certificates / "webpubsub.crt"),
        # The official JavaScript client reads another name.
        "NODE_EXTRA_CA_CERTS": str(certificates / "webpubsub.crt"),
        OPTIONS_VARIABLE: f"--door http --certificates {certificates}",
    }

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-q", *(f"tests/e2e/{one}" for one in tests)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=860,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]

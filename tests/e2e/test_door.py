"""The HTTP door carries the same chat as the trigger: under Web PubSub with identity and TLS, as in Azure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.stack import OPTIONS_VARIABLE, ROOT

# By name, so that a renamed test is missed at once; DOOR_SUITE=all runs every test of test_chat.py.
CORE = (
    "test_the_predecessors_client_gets_its_session_deltas_and_response",
    "test_bad_frames_get_the_documented_error_and_leave_everything_healthy",
    "test_a_bad_token_in_session_update_is_refused_and_the_connection_lives",
    "test_a_second_device_sees_the_question_and_the_same_answer",
    "test_a_tool_that_writes_waits_for_approval_and_then_runs_once",
)


@pytest.mark.requirement("door:same-suite")
@pytest.mark.timeout(600)
def test_the_chat_suite_passes_behind_the_http_door(tmp_path: Path) -> None:
    """In a process of its own, since whom TLS trusts is settled when a process begins."""
    certificates = tmp_path / "certificates"
    make = "import pathlib, sys; from local.webpubsub.certificates import server_context; "
    make += "server_context(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", make, str(certificates)], cwd=ROOT, timeout=60, check=True)  # noqa: S603
    environment = {
        **os.environ,
        "SSL_CERT_FILE": str(certificates / "webpubsub.crt"),
        OPTIONS_VARIABLE: f"--door http --certificates {certificates}",
    }
    suite = "tests/e2e/test_chat.py"
    chosen = [suite] if os.environ.get("DOOR_SUITE") == "all" else [f"{suite}::{name}" for name in CORE]

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-q", *chosen],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]

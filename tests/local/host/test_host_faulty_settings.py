"""The app refuses to start with faulty settings, and says all of them at once."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
FAULTY = {
    "PATH": "/usr/bin:/bin",
    "MESSAGES_PER_MINUTE": "many",
    "AUTH_TENANTS": "t",
    "SEALING_KEY": "c2VjcmV0LXZhbHVl",
    "UPSTREAM_PROOF": "signature",
    "TASKHUB_NAME": "salescoach",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
}
NAMED = (
    "AUTH_AUDIENCES",
    "MESSAGES_PER_MINUTE",
    "SEALING_KEY",
    "COSMOS or COSMOS__accountEndpoint",
    "WebPubSubConnectionString",
    "PROMPTS or PROMPTS__serviceUri",
    "OPENAI_BASE_URL or AZURE_OPENAI_ENDPOINT",
)


@pytest.mark.requirement("settings:at-start")
def test_the_host_ends_at_once_and_names_every_faulty_setting(tmp_path: pathlib.Path) -> None:
    """By name and without values; no function is served, so that nobody finds out at the first question."""
    command = [sys.executable, "-m", "local.host", "--port", "0", "--data", str(tmp_path), "--app-dir", str(ROOT)]

    done = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=tmp_path, env={**FAULTY, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "function_app.py cannot be imported: SettingsInvalid: These settings are missing or wrong" in done.stderr
    assert [name for name in NAMED if f"\n  {name}" not in done.stderr] == []
    assert "many" not in done.stderr
    assert FAULTY["SEALING_KEY"] not in done.stderr

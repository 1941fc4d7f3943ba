"""What docs/protocol.md tells a reader to run against the local stack does what the page says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.stack import ROOT, Stack

PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
PORTS = {"8082": "identity", "7071": "app", "8080": "webpubsub", "4280": "web"}


def on(stack: Stack, source: str) -> str:
    """Write what the page says for the ports of this stack."""
    for port, part in PORTS.items():
        source = source.replace(f"http://127.0.0.1:{port}", stack.url(part))
    return source


def block(language: str, part: str) -> str:
    """Find the block of the page in which something stands."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return next(one for one in blocks if part in one)


@pytest.mark.requirement("docs:commands")
def test_the_twenty_lines_of_the_page_hold_a_whole_conversation(stack: Stack, tmp_path: Path) -> None:
    """Saved as ask.py and run as the page says, they print an answer."""
    script = tmp_path / "ask.py"
    script.write_text(on(stack, block("python", "asyncio.run")), encoding="utf-8")

    done = subprocess.run(  # noqa: S603 - our own interpreter on the page's own lines
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 100


@pytest.mark.requirement("docs:commands")
def test_every_request_of_the_page_is_answered(stack: Stack) -> None:
    """Each by one JSON document of the API's form; those of a session that is not here say so."""
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    commands = on(stack, block("sh", "curl")).replace("curl -s", "curl -sS -w '\\n'")

    done = subprocess.run(  # noqa: S603
        ["/bin/sh", "-euc", commands], capture_output=True, text=True, timeout=60, check=False
    )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    assert done.returncode == 0, done.stderr
    assert len(answers) == block("sh", "curl").count("curl ") - 1
    refused = [answer["error"]["code"] for answer in answers if not answer["success"]]
    assert refused == ["not_found"] * len(refused)
    assert len(answers) - len(refused) >= 4

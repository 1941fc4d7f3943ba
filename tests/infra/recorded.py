"""Run a script of infra/ with tools that only record what they were asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.infra.bicep_text import INFRA

# An `az` that keeps what it was asked and answers with a fixed id, or with nothing for what is not there yet.
FAKE_AZ = """#!/bin/sh
printf '%s\\n' "$*" >> "$AZ_CALLS"
case "$*" in *upload*) [ "$(grep -c upload "$AZ_CALLS")" -ge "${UPLOADS_FROM:-1}" ] || exit 1 ;; esac
case "$*" in
  *'account show'*) printf 'tenant-id' ;;
  *' list '*|*'rest --url'*|*'keyvault secret show'*) [ -n "${AZ_KNOWS:-}" ] && printf 'known-id' || true ;;
  *' create '*) printf 'made-id' ;;
esac
case "$*" in *'keys list'*) printf 'the-system-key\n' ;; esac
case "$*" in *'keyvault secret show'*) [ -n "${AZ_KNOWS:-}" ] ;; *'secret set'*) cat > "$AZ_CALLS.secret" ;; esac
"""


def run(
    tmp_path: Path,
    script: str,
    *arguments: str,
    knows: bool = False,
    expected: int = 0,
    environment: dict[str, str] | None = None,
) -> tuple[str, str]:
    """Run a script with the fake az; give what it printed and what az was asked."""
    tools, calls = tmp_path / "bin", tmp_path / "calls"
    tools.mkdir(exist_ok=True)
    calls.write_text("")
    (tools / "az").write_text(FAKE_AZ)
    (tools / "npm").write_text('#!/bin/sh\nprintf "npm %s\\n" "$*" >> "$AZ_CALLS"\n')
    (tools / "azd").write_text('#!/bin/sh\nprintf "azd %s\\n" "$*" >> "$AZ_CALLS"\n')
    (tools / "sleep").write_text("#!/bin/sh\n")
    # Answers the handshake the third time; the app of a new deployment is not there at once.
    (tools / "curl").write_text(
        '#!/bin/sh\nprintf "curl %s\\n" "$*" >> "$AZ_CALLS"\n[ "${NEVER:-}" ] && exit 22\n'
        '[ "$(grep -c "^curl" "$AZ_CALLS")" -ge 3 ] || exit 22\n'
    )
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text('#!/bin/sh\nprintf "python %s\\n" "$*" >> "$AZ_CALLS"\n')
    python.chmod(0o755)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (tmp_path / "web").mkdir(exist_ok=True)
    done = subprocess.run(  # noqa: S603
        ["/bin/sh", str(INFRA / script), *arguments],
        cwd=tmp_path,
        env={
            "PATH": f"{tools}:{os.environ['PATH']}",
            "AZ_CALLS": str(calls),
            "AZ_KNOWS": "1" if knows else "",
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == expected, done.stderr
    return done.stdout + done.stderr, calls.read_text()

"""The package of `make package` runs from its zip, with its own dependencies alone."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / ".dist" / "salescoach.zip"
START_S = 60
SETTINGS = {
    "COSMOS": "AccountEndpoint=http://127.0.0.1:1/;AccountKey=a2V5;",
    "COSMOS_DATABASE": "salescoach",
    "WebPubSubConnectionString": "Endpoint=http://127.0.0.1:1;AccessKey=0123456789012345678901234567890123456789;Version=1.0;",
    "UPSTREAM_PROOF": "signature",
    "PROMPTS": "UseDevelopmentStorage=true",
    "AUTH_TENANTS": "t",
    "AUTH_AUDIENCES": "a",
    "AUTH_AUTHORITY": "http://127.0.0.1:1",
    "SEALING_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
    "MCP_SERVER_SOURCE": "file",
    "TASKHUB_NAME": "salescoach",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "APP_COMMIT": "from-the-zip",
}


@pytest.mark.requirement("package:runs")
@pytest.mark.skipif(not PACKAGE.exists(), reason="there is no package yet: make package")
def test_the_host_serves_the_app_from_its_zip(tmp_path: Path) -> None:
    """A Python without our environment; of the repository it sees the host only."""
    app, host = tmp_path / "app", tmp_path / "host"
    with zipfile.ZipFile(PACKAGE) as packed:
        packed.extractall(app)
    host.mkdir()
    (host / "local").symlink_to(ROOT / "local")
    environment = {
        **SETTINGS,
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{app / '.python_packages/lib/site-packages'}:{host}",
        "PYTHONUNBUFFERED": "1",
    }
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    command = [str(python), "-m", "local.host", "--port", "0", "--rpc-port", "0", "--data", str(tmp_path / "data")]
    process = subprocess.Popen(command, cwd=app, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        assert " ready on " in ready
        with urllib.request.urlopen(f"{ready.split()[-1]}/api/health", timeout=START_S) as answer:  # noqa: S310
            health = json.load(answer)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()

    assert health["data"]["commit"] == "from-the-zip"


IMPORT_ALL = """
import importlib, pathlib, sys
paths = [path for room in ("functions", "shared") for path in pathlib.Path(room).rglob("*.py")]
names = [".".join(path.with_suffix("").parts) for path in paths]
for name in names:
    importlib.import_module(name.removesuffix(".__init__"))
print(len(names))
print([file for module in list(sys.modules.values()) if "/.venv/" in (file := getattr(module, "__file__", None) or "")])
"""


@pytest.mark.requirement("package:runs")
@pytest.mark.skipif(not PACKAGE.exists(), reason="there is no package yet: make package")
def test_every_module_of_the_app_finds_what_it_imports_in_the_zip(tmp_path: Path) -> None:
    """Those too that are loaded at the first turn: model, tools, prompts, Key Vault."""
    with zipfile.ZipFile(PACKAGE) as packed:
        packed.extractall(tmp_path)
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{tmp_path / '.python_packages/lib/site-packages'}:{tmp_path}",
    }

    done = subprocess.run(  # noqa: S603
        [str(python), "-c", IMPORT_ALL],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 100
    assert done.stdout.splitlines()[-1] == "[]"

"""Measure how long the local host takes from its process's start to its first answer, with the whole app in it.

The app is indexed as it is in Azure; no other service has to run for it. Beside it stands what a cold worker pays for:
the import of `function_app`, in a process of its own.

    python -m bench.start [--repeat 5] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
_IMPORT = "import time; t=time.perf_counter(); import function_app; print(time.perf_counter()-t)"


def _environment() -> dict[str, str]:
    template: dict[str, str] = json.loads((ROOT / "local.settings.json.template").read_text())["Values"]
    return {**template, **os.environ}


def start_once() -> float:
    """Return the seconds from the start of the host's process to its answer to `GET /admin/host/status`."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-m", "local.host", "--data", folder, "--port", "0", "--rpc-port", "0"]
        with subprocess.Popen(  # noqa: S603 - this interpreter on a module of ours
            command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as host:
            try:
                assert host.stdout is not None
                address = host.stdout.readline().split()[-1]
                with urllib.request.urlopen(f"{address}/admin/host/status") as answer:  # noqa: S310 - our own host
                    assert answer.status == 200
                return time.perf_counter() - began
            finally:
                host.terminate()


def import_once() -> float:
    """Return the seconds that a fresh process takes to import the app."""
    ran = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", _IMPORT], cwd=ROOT, env=_environment(), capture_output=True, text=True, check=True
    )
    return float(ran.stdout)


def main() -> None:
    """Print the median and the worst of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="starts of each (default 5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args()
    for what, once in (("host ready", start_once), ("import of function_app", import_once)):
        runs = [once() for _ in range(options.repeat)]
        median, worst = statistics.median(runs), max(runs)
        if options.json:
            print(json.dumps({"what": what, "median_s": round(median, 3), "worst_s": round(worst, 3)}))
        else:
            print(f"{what}: median {median:.2f} s, worst {worst:.2f} s of {options.repeat}")


if __name__ == "__main__":
    main()

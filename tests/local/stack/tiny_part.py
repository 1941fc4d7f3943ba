"""A part for tests of the supervisor: answers 200 on its port, and has the habits that it is started with."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Healthy(BaseHTTPRequestHandler):
    """Answer every GET."""

    def do_GET(self) -> None:
        """Say yes."""
        self.send_response(200)
        self.end_headers()


def main() -> None:
    """Behave as told until ended."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--child-note", type=Path, help="start a child and note its id here")
    arguments.add_argument("--deaf", action="store_true", help="ignore SIGTERM")
    arguments.add_argument("--crash-if", type=Path, help="end with code 3 while this file exists")
    told = arguments.parse_args()
    if told.crash_if is not None and told.crash_if.exists():
        sys.exit("the reason of the crash")  # argparse's own code 2 would look like a usage fault
    if told.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if told.child_note is not None:
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        told.child_note.write_text(str(child.pid), encoding="utf-8")
    ThreadingHTTPServer(("127.0.0.1", told.port), Healthy).serve_forever()


if __name__ == "__main__":
    main()

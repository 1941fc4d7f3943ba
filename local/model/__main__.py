"""Start the model stand-in: `python -m local.model --port 8083 [--tokens-per-second 60] [--faults]`."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence

from aiohttp import web

from local.model.desk import DEFAULT_PACE, Desk
from local.model.server import application

DEFAULT_PORT = 8083


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m local.model", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--tokens-per-second", type=float, default=DEFAULT_PACE, help="0 answers at once (default 60)")
    parser.add_argument("--faults", action="store_true", help="let POST /_faults switch faults on")
    options = parser.parse_args(arguments)
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except OSError as fault:
        parser.exit(1, f"model cannot listen on port {options.port}: {fault.strerror}\n")
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def announce(*_: object) -> None:
        # aiohttp calls this once it accepts connections; who starts us waits for the line.
        print(f"model ready on {base}", flush=True)

    web.run_app(
        application(Desk(tokens_per_second=options.tokens_per_second, faults_allowed=options.faults)),
        sock=listener,
        print=announce,
        shutdown_timeout=1,
        access_log=None,
        # A client that goes away stops the generation at once.
        handler_cancellation=True,
    )


if __name__ == "__main__":
    main()

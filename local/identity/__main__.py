"""Start the local issuer: `python -m local.identity --port 8082 --data DIR`."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from local.identity.keys import KeyRing
from local.identity.server import application

DEFAULT_PORT = 8082


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m local.identity", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--data", type=Path, default=Path(".local/identity"), help="where the signing keys are kept")
    parser.add_argument("--base", help="the address that tokens and discovery name, when it is not this one")
    parser.add_argument("--lifetime-s", type=int, default=3600, help="life of tokens of the authorization-code flow")
    options = parser.parse_args(arguments)
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except OSError as fault:
        parser.exit(1, f"identity cannot listen on port {options.port}: {fault.strerror}\n")
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def announce(*_: object) -> None:
        # aiohttp calls this once it accepts connections; who starts us waits for the line.
        print(f"identity ready on {base}", flush=True)

    web.run_app(
        application(options.base or base, KeyRing(options.data), options.lifetime_s),
        sock=listener,
        print=announce,
        shutdown_timeout=1,
        access_log=None,
    )


if __name__ == "__main__":
    main()

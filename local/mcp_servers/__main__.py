"""Start the sample MCP servers: `python -m local.mcp_servers --port 8084 --data DIR --identity URL`."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from local.mcp_servers.app import application
from local.mcp_servers.proof import Verifier
from local.mcp_servers.sample_data import SampleData

DEFAULT_PORT = 8084
DEFAULT_IDENTITY = "http://127.0.0.1:8082"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    options = _parsed(arguments)
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except OSError as fault:
        sys.exit(f"mcp_servers cannot listen on port {options.port}: {fault.strerror}")
    # asyncio sets this itself, but not on a socket made like this one; without it each answer waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = application(
        SampleData(options.data / "sample-data"),
        None if options.no_auth else Verifier(options.identity.rstrip("/")),
        on_ready=lambda: print(f"mcp_servers ready on {base}", flush=True),
    )
    # uvicorn raises the signal again when it has closed down; that is the wanted end, not a failure.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _leave)
    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(settings).run(sockets=[listener])


def _leave(*_: object) -> None:
    sys.exit(0)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.mcp_servers", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--data", type=Path, default=Path(".local/mcp"), help="DIR/sample-data/*.json may be edited")
    parser.add_argument("--identity", default=DEFAULT_IDENTITY, help="base URL of the issuer")
    parser.add_argument("--no-auth", action="store_true", help="refuse nobody; X-User-Email says who asks")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

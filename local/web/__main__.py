"""Serve the built web client on its own origin: `python -m local.web --port 4280`."""

from __future__ import annotations

import argparse
from pathlib import Path

from aiohttp import web

from local.web.server import Endpoints, application

HOST = "127.0.0.1"
DIST = Path(__file__).resolve().parent.parent.parent / "web" / "dist"


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    options = parser().parse_args()
    endpoints = Endpoints(
        own=f"{HOST}:{options.port}",
        api=options.api,
        identity=options.identity,
        webpubsub=options.webpubsub,
    )
    web.run_app(
        application(options.root, endpoints),
        host=HOST,
        port=options.port,
        access_log=None,
        print=lambda *_: print(f"web ready on http://{endpoints.own}", flush=True),
    )


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    described = argparse.ArgumentParser(prog="python -m local.web", description=__doc__)
    described.add_argument("--port", type=int, default=4280)
    described.add_argument("--root", type=Path, default=DIST, help="folder to serve (default: web/dist)")
    described.add_argument("--api", default="http://127.0.0.1:7071", help="base URL of the API")
    described.add_argument("--identity", default="http://127.0.0.1:8082", help="base URL of the sign-in")
    described.add_argument("--webpubsub", default="http://127.0.0.1:8080", help="base URL of Web PubSub")
    return described


if __name__ == "__main__":
    main()

"""The command line: `python -m local.cosmos --port 8081 --data DIR --database salescoach --container name:/key`."""

import argparse
import asyncio
import base64
import binascii
import logging
import signal
import sqlite3
import sys
from pathlib import Path

from aiohttp import web

from local.cosmos.auth import WELL_KNOWN_KEY
from local.cosmos.errors import CosmosError
from local.cosmos.faults import Faults
from local.cosmos.server import Gateway, make_app
from local.cosmos.service import Service
from local.cosmos.store import Store

HOST = "127.0.0.1"
DEFAULT_PORT = 8081
# Answers under way (faults may delay them) get this long at the end.
_SHUTDOWN_S = 1.0


def main() -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        service = _service(arguments)
    except (CosmosError, OSError, sqlite3.Error) as error:
        print(f"cosmos: {error}", file=sys.stderr)
        return 1
    gateway = Gateway(service=service, key=arguments.key, faults=Faults() if arguments.faults else None)
    return asyncio.run(_serve(gateway, arguments.port))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.cosmos", description="A small Cosmos DB (NoSQL API).")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default %(default)s)")
    parser.add_argument("--data", type=Path, help="folder of the data, made if absent; without it all is in memory")
    parser.add_argument("--database", help="database to make if it is absent")
    parser.add_argument(
        "--container", action="append", default=[], type=_container, metavar="NAME:/KEY", help="container of it, too"
    )
    parser.add_argument(
        "--default-ttl", type=int, default=-1, help="seconds, for containers made at the start; -1: items decide"
    )
    parser.add_argument("--key", type=_key, default=WELL_KNOWN_KEY, help="account key (default: the emulator's)")
    parser.add_argument("--faults", action="store_true", help="serve /_faults")
    return parser


def _container(text: str) -> tuple[str, str]:
    name, colon, path = text.partition(":")
    if not name or not colon or not path.startswith("/"):
        raise argparse.ArgumentTypeError(f"{text!r} must look like conversations:/conversation_id")
    return name, path


def _key(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise argparse.ArgumentTypeError("the key must be Base64") from error
    return text


def _service(arguments: argparse.Namespace) -> Service:
    """Open the data and make what the arguments ask for."""
    folder: Path | None = arguments.data
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    service = Service(Store(folder / "cosmos.db" if folder else None))
    if arguments.database is None:
        return service
    names = {database["id"] for database in service.catalog.databases()}
    if arguments.database not in names:
        service.catalog.create_database({"id": arguments.database})
    present = {container.id for container in service.catalog.containers(arguments.database)}
    for name, path in arguments.container:
        if name not in present:
            key = {"paths": [path], "kind": "Hash", "version": 2}
            body = {"id": name, "partitionKey": key, "defaultTtl": arguments.default_ttl}
            service.catalog.create_container(arguments.database, body)
    return service


async def _serve(gateway: Gateway, port: int) -> int:
    runner = web.AppRunner(make_app(gateway), access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
    except OSError as error:
        print(f"cosmos: cannot listen on {HOST}:{port}: {error.strerror}", file=sys.stderr)
        await runner.cleanup()
        return 1
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    print(f"cosmos ready on http://{HOST}:{runner.addresses[0][1]}", flush=True)
    await stopped.wait()
    await runner.cleanup()
    return 0


if __name__ == "__main__":
    sys.exit(main())

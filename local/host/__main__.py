"""Run a Functions app: `python -m local.host --port 7071 --data DIR --app-dir .`."""

import argparse
import asyncio
import logging
import os
import pathlib
import signal
import sys
import traceback
from collections.abc import Coroutine
from typing import Any

from local.host.app_loader import load_app
from local.host.app_model import IndexingFailed
from local.host.host import Host, HostOptions
from local.host.reload import snapshot, wait_for_change
from local.host.settings_file import BadSettings, load_host_config, load_local_settings, setting

_REFUSED = 1
_STOPPED = 0
_CHANGED = -1


def main(argv: list[str] | None = None) -> int:
    """Serve until told to stop; with --watch, start afresh whenever a file changes."""
    environment, folder = dict(os.environ), pathlib.Path.cwd()
    arguments = _parser().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # The SDKs log each request with its headers.
    logging.getLogger("azure").setLevel(logging.WARNING)
    # Not asyncio.run: it would wait for every thread that the app has started through the loop.
    outcome = asyncio.new_event_loop().run_until_complete(_serve(arguments))
    sys.stdout.flush()
    sys.stderr.flush()
    if outcome == _CHANGED:
        # With the first environment: values of an older local.settings.json must not win over the new ones.
        os.chdir(folder)
        os.execve(sys.executable, [sys.executable, "-m", "local.host", *(argv or sys.argv[1:])], environment)  # noqa: S606
    # A thread of a sync function that never ends would keep the interpreter waiting.
    os._exit(outcome)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one (default 7071)")
    parser.add_argument("--rpc-port", type=int, default=17071, help="for durable clients (default 17071)")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder for keys, timers, instances")
    parser.add_argument("--app-dir", type=pathlib.Path, default=pathlib.Path(), help="folder of function_app.py")
    parser.add_argument("--cors", action="append", default=[], metavar="ORIGIN", help="repeatable")
    parser.add_argument("--watch", action="store_true", help="start afresh when a file changes")
    parser.add_argument("--faults", action="store_true", help="let the durable engine take faults on demand")
    return parser


async def _serve(arguments: argparse.Namespace) -> int:
    app_dir, data_dir = arguments.app_dir.resolve(), arguments.data.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    # Before the app is read, so that a change while it is being read counts as one.
    known = snapshot(app_dir, data_dir) if arguments.watch else None
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        host = _load(arguments, app_dir, data_dir)
        base_url = await host.start()
    except (IndexingFailed, BadSettings) as fault:
        _explain(fault)
        return _REFUSED if known is None else await _wait(stop, wait_for_change(app_dir, data_dir, known))
    except OSError as fault:
        print(f"The host cannot start: {fault}", file=sys.stderr, flush=True)
        return _REFUSED
    print(f"host ready on {base_url}", flush=True)
    try:
        if known is None:
            await stop.wait()
            return _STOPPED
        return await _wait(stop, wait_for_change(app_dir, data_dir, known))
    finally:
        await host.stop()


def _load(arguments: argparse.Namespace, app_dir: pathlib.Path, data_dir: pathlib.Path) -> Host:
    origins = [*arguments.cors, *load_local_settings(app_dir)]
    origins += [part.strip() for part in setting("AzureFunctionsLocalCORS").split(",") if part.strip()]
    config = load_host_config(app_dir)
    options = HostOptions(
        port=arguments.port,
        rpc_port=arguments.rpc_port,
        data_dir=data_dir,
        origins=origins,
        faults=arguments.faults,
        config=config,
    )
    return Host(load_app(app_dir), options)


async def _wait(stop: asyncio.Event, change: Coroutine[Any, Any, pathlib.Path]) -> int:
    """Wait for a signal or a change, whatever comes first."""
    stopped, changed = asyncio.create_task(stop.wait()), asyncio.create_task(change)
    done, pending = await asyncio.wait({stopped, changed}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if changed not in done:
        return _STOPPED
    logging.getLogger("local.host").info("%s changed", changed.result())
    return _CHANGED


def _explain(fault: Exception) -> None:
    """Say why the app is refused, with the traceback of the app's own fault if there is one."""
    if fault.__cause__ is not None:
        traceback.print_exception(fault.__cause__, file=sys.stderr)
    print(f"The app is refused: {fault}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

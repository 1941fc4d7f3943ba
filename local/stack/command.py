"""Understand the command line of `python3 -m local`, check the machine, and set the right thing going."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from local.stack import browser, install, ports, preflight
from local.stack.control import Refused, request
from local.stack.doors import HTTP, TRIGGER
from local.stack.packages import InstallFailed
from local.stack.places import PYTHON, ROOT, Places
from local.stack.preflight import CoreToolsMissing, Unfit

USAGE_FAULT = 2
LOWEST_PORT = 1024


def run(arguments: list[str]) -> int:
    """Carry out one command and return the exit code; `up` replaces this process by the supervisor."""
    options = parser().parse_args(arguments)
    try:
        return options.carry(options, arguments)
    except (Unfit, InstallFailed, Refused) as refusal:
        print(refusal, file=sys.stderr)
        return USAGE_FAULT if isinstance(refusal, CoreToolsMissing) else 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Describe every command."""
    described = argparse.ArgumentParser(prog="python3 -m local", description="The local stack of SalesCoach.")
    commands = described.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="install what is missing and run everything until Ctrl-C")
    up.add_argument("--port-base", type=port_base, help="use the ports from N on instead of the documented ones")
    up.add_argument("--fresh", action="store_true", help="forget what earlier runs stored")
    up.add_argument("--host", choices=("local", "func"), default="local", help="func: the real Functions host")
    up.add_argument("--door", choices=(TRIGGER, HTTP), default=TRIGGER, help="http: events as in Azure, with TLS")
    up.add_argument("--certificates", type=Path, metavar="DIR", help="for that door; default: in the data folder")
    up.add_argument("--model-url", metavar="URL", help="an OpenAI-compatible server in place of the stand-in")
    up.add_argument("--tokens-per-second", type=int, metavar="N", help="the pace of the model stand-in")
    up.add_argument("--faults", action="store_true", help="let the stand-ins be told to fail")
    up.add_argument("--watch", action="store_true", help="start the host afresh when a file of the app changes")
    up.set_defaults(carry=carry_up)
    commands.add_parser("setup", help="install what is missing").set_defaults(carry=carry_setup)
    commands.add_parser("test-env", help="setup, and a browser for the tests (Debian, needs root)").set_defaults(
        carry=carry_test_env
    )
    for name, words in CONTROLS.items():
        control = commands.add_parser(name, help=words)
        if name in ("stop", "start", "restart"):
            control.add_argument("part", help="for instance host, cosmos or model")
        control.set_defaults(carry=carry_control, do=name, part=None)
    for command in (up, *(commands.choices[name] for name in CONTROLS)):
        command.add_argument("--data", default=str(ROOT / ".local"), metavar="DIR", help="default: .local")
    return described


CONTROLS = {
    "status": "show the parts of the running stack",
    "stop": "stop one part of the running stack, to try what happens",
    "start": "start a stopped part again",
    "restart": "stop and start one part",
    "down": "end the running stack",
}


def port_base(text: str) -> int:
    """Read --port-base."""
    base = int(text)
    if not LOWEST_PORT <= base <= ports.HIGHEST_BASE:
        raise argparse.ArgumentTypeError(f"must be from {LOWEST_PORT} to {ports.HIGHEST_BASE}")
    return base


def ports_of(options: argparse.Namespace) -> dict[str, int]:
    """Give each part its port as the options say."""
    return ports.plan(options.port_base, storage=options.host == "func")


def carry_up(options: argparse.Namespace, arguments: list[str]) -> int:
    """Check what is cheap to check first, install, and become the supervisor."""
    places = Places(Path(options.data).resolve())
    if options.host == "func":
        preflight.need_core_tools()
    preflight.need_idle(places)
    preflight.need_free_ports(ports_of(options))
    carry_setup(options, arguments)
    return os.execv(PYTHON, [str(PYTHON), "-m", "local.stack", *arguments])  # noqa: S606 - no shell is the point


def carry_setup(_options: argparse.Namespace, _arguments: list[str]) -> int:
    """Install what is missing or old."""
    preflight.need_venv()
    preflight.need_node()
    install.install_all(ROOT / ".local" / "logs")
    return 0


def carry_test_env(options: argparse.Namespace, arguments: list[str]) -> int:
    """Install what the tests need beyond the stack."""
    carry_setup(options, arguments)
    browser.install()
    return 0


def carry_control(options: argparse.Namespace, _arguments: list[str]) -> int:
    """Ask the running stack."""
    print(request(Places(Path(options.data).resolve()).control, options.do, options.part))
    return 0

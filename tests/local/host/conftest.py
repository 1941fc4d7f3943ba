"""A running host on the sample app, with the local Cosmos DB and Web PubSub beside it."""

import asyncio
import inspect
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from local.host.app_model import BindingInfo, FunctionInfo, ParamType

_ROOT = pathlib.Path(__file__).parents[3]
_SAMPLE = pathlib.Path(__file__).parent / "apps" / "coach"
ACCESS_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
_COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
_SETTINGS = {"TASKHUB_NAME": "coach", "FROM_FILE": "file", "TICK": "0 0 3 * * *"}


@dataclass(slots=True)
class Part:
    """A process of the local stack that said it is ready."""

    process: subprocess.Popen[str]
    url: str
    log: pathlib.Path

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def logged(self) -> str:
        """Return what it wrote to stderr."""
        return self.log.read_text()


@contextmanager
def running(
    module: str, *arguments: str, log: pathlib.Path, port: int = 0, settings: dict[str, str] | None = None
) -> Generator[Part]:
    """Start a part, on a free port unless given, and wait until it says that it is ready."""
    command = [sys.executable, "-m", module, "--port", str(port), *arguments]
    with log.open("w") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            command, cwd=_ROOT, env=os.environ | (settings or {}), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " ready on http" in line, log.read_text()
        yield Part(process, line.split()[-1], log)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def write_app(folder: pathlib.Path, source: str | None = None) -> pathlib.Path:
    """Write the sample app, or one of a single file, with the settings that it needs."""
    if source is None:
        shutil.copytree(_SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        hosted = {"CORS": "http://127.0.0.1:4280,http://localhost:4280"}
        content = {"IsEncrypted": False, "Values": _SETTINGS, "Host": hosted}
        (folder / "local.settings.json").write_text(json.dumps(content))
    else:
        folder.mkdir()
        (folder / "function_app.py").write_text(source)
    return folder


@dataclass(frozen=True, slots=True)
class Stack:
    """The sample app and its services."""

    app: Part
    cosmos: Part
    data: pathlib.Path


StartHost = Callable[..., Part]


@pytest.fixture
def start_host(tmp_path: pathlib.Path) -> Iterator[StartHost]:
    """Start hosts on apps of the test's own."""
    with ExitStack() as stack:

        def begin(app: pathlib.Path, *arguments: str, **settings: str) -> Part:
            where = ("--rpc-port", "0", "--data", str(tmp_path / "data"), "--app-dir", str(app), *arguments)
            return stack.enter_context(running("local.host", *where, log=tmp_path / "host.log", settings=settings))

        yield begin


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the sample app once for all tests that only call it."""
    folder = tmp_path_factory.mktemp("stack")
    app = write_app(folder / "app")
    with ExitStack() as parts:
        tables = ("--database", "coach", "--container", "items:/pk")
        cosmos = parts.enter_context(running("local.cosmos", *tables, log=folder / "cosmos.log"))
        door = free_port()
        handler = f"http://127.0.0.1:{door}/runtime/webhooks/webpubsub"
        hub = ("--hub", "coach", "--event-handler", handler)
        pubsub = parts.enter_context(running("local.webpubsub", *hub, log=folder / "pubsub.log"))
        connections = {
            "COSMOS": f"AccountEndpoint={cosmos.url}/;AccountKey={_COSMOS_KEY};",
            "WebPubSubConnectionString": f"Endpoint={pubsub.url};AccessKey={ACCESS_KEY};Version=1.0;",
        }
        where = ("--rpc-port", "0", "--data", str(folder / "data"), "--app-dir", str(app))
        more = ("--cors", "http://127.0.0.1:9")
        host = running("local.host", *where, *more, port=door, log=folder / "host.log", settings=connections)
        yield Stack(parts.enter_context(host), cosmos, folder / "data")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return door.getsockname()[1]


def function_of(
    *, call: Callable[..., Any] = print, trigger: BindingInfo | None = None, outputs: Sequence[str] = ()
) -> FunctionInfo:
    """Describe a function as indexing would; without a trigger given, it is a generic one of parameter `x`."""
    known = trigger or BindingInfo(name="x", type="webPubSubTrigger", direction="IN", data_type=None, raw={})
    out = [BindingInfo(name=name, type="webPubSub", direction="OUT", data_type=None, raw={}) for name in outputs]
    return FunctionInfo(
        name="f",
        function_id="",
        call=call,
        directory="",
        script_file="",
        is_async=inspect.iscoroutinefunction(call),
        requires_context=False,
        input_types={known.name: ParamType(known.type)},
        output_types={name: ParamType("webPubSub") for name in outputs},
        return_type=ParamType(known.type),
        bindings=(known, *out),
        trigger=known,
    )


async def until(condition: Callable[[], object], *, within_s: float = 10.0) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it did not in time.
    """
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)

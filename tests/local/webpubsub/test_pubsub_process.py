"""The program: its arguments, its ready line, its end, and its configuration file."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient

from local.webpubsub.__main__ import main
from local.webpubsub.config import DEFAULT_KEY, ConfigFault, hubs_from_file

from .app_handler import AppHandler

ROOT = Path(__file__).parents[3]
START_S = 10


class Program:
    """A running service process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.connection_string = f"Endpoint={url};AccessKey={DEFAULT_KEY};Version=1.0;"


async def _start(*arguments: str) -> Program:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local.webpubsub", "--port", "0", *arguments, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("webpubsub ready on http")
    return Program(process, line.split()[-1])


async def _stop(program: Program) -> int:
    program.process.terminate()
    async with asyncio.timeout(START_S):
        return await program.process.wait()


async def test_the_program_serves_a_hub_and_stops_cleanly(app: AppHandler, http: ClientSession) -> None:
    """A ready line, health, events to the handler, and exit code 0 with a client connected."""
    program = await _start("--hub", "Chat", "--event-handler", app.url, "--user-events", "auth,message")
    sdk: Any = WebPubSubServiceClient.from_connection_string(program.connection_string, hub="Chat")
    try:
        async with http.head(f"{program.url}/api/health") as answer:
            assert answer.status == 200
        async with sdk:
            token = await sdk.get_client_access_token(user_id="ann")
        async with http.ws_connect(token["url"]) as raw:
            await raw.send_str("hello")
            assert (await app.sees("message"))[0].body == b"hello"
            code = await _stop(program)
            closed = await raw.receive()
    finally:
        if program.process.returncode is None:
            await _stop(program)

    assert code == 0
    assert (closed.data, closed.extra) == (1001, "ServiceReload")
    assert app.of("disconnected")[0].body == b'{"reason":"ServiceReload"}'


async def test_the_program_reads_a_configuration_of_the_emulators_shape(
    app: AppHandler, http: ClientSession, tmp_path: Path
) -> None:
    """`WebPubSub:Hubs:<hub>:EventHandlers` as Microsoft's emulator reads it."""
    file = tmp_path / "settings.json"
    handler = {"UrlTemplate": app.url, "SystemEvents": ["Connect"], "EventPattern": "*"}
    file.write_text(json.dumps({"WebPubSub": {"Hubs": {"chat": {"EventHandlers": [handler]}}}}), encoding="utf-8")

    program = await _start("--config", str(file))
    sdk: Any = WebPubSubServiceClient.from_connection_string(program.connection_string, hub="chat")
    try:
        async with sdk:
            token = await sdk.get_client_access_token(user_id="ann")
        async with http.ws_connect(token["url"]):
            assert app.of("connect")[0].headers["ce-userId"] == "ann"
    finally:
        await _stop(program)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--key", "short"],
        ["--hub", "chat"],
        ["--event-handler", "http://127.0.0.1:1/"],
        ["--hub", "chat", "--event-handler", "ftp://127.0.0.1/"],
        ["--hub", "chat", "--event-handler", "http://{hub}/"],
        ["--hub", "chat", "--event-handler", "http://127.0.0.1:1/", "--system-events", "joined"],
        ["--hub", "chat", "--event-handler", "http://127.0.0.1:1/", "--handler-auth", "managedIdentity"],
        ["--tls"],
        ["--config", "/nowhere.json"],
    ],
)
def test_arguments_that_cannot_work_are_refused_with_one_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The program ends with code 2 and says what is wrong."""
    with pytest.raises(SystemExit) as ended:
        main(["--port", "0", *arguments])

    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err.splitlines()[-1]


async def test_a_port_in_use_is_one_sentence(app: AppHandler) -> None:
    """No traceback."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local.webpubsub", "--port", str(app.port), cwd=ROOT, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(START_S):
        _, errors = await process.communicate()

    assert process.returncode == 2
    assert "Traceback" not in errors.decode()


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"WebPubSub": []},
        {"WebPubSub": {"Hubs": {"h": {"EventHandlers": {}}}}},
        {"WebPubSub": {"Hubs": {"h": {"EventHandlers": [1]}}}},
        {"WebPubSub": {"Hubs": {"h": {"EventHandlers": [{"UrlTemplate": "x"}]}}}},
        {"WebPubSub": {"Hubs": {"h": {"EventHandlers": [{"UrlTemplate": "http://h/", "SystemEvents": "connect"}]}}}},
    ],
)
def test_a_configuration_of_another_shape_is_refused(tmp_path: Path, document: object) -> None:
    """The fault names the place."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(ConfigFault):
        hubs_from_file(file)


def test_a_handler_with_identity_is_read_from_the_file(tmp_path: Path) -> None:
    """`Auth` has the shape of the service's own settings."""
    auth = {"Type": "ManagedIdentity", "ManagedIdentity": {"Resource": "api://upstream"}}
    hub = {"EventHandlers": [{"UrlTemplate": "http://h/", "Auth": auth}], "AnonymousConnectPolicy": "Allow"}
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"WebPubSub": {"Hubs": {"Chat": hub}}}), encoding="utf-8")

    hubs = hubs_from_file(file)

    assert hubs["chat"].handlers[0].audience == "api://upstream"
    assert hubs["chat"].anonymous is True

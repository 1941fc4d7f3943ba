"""A whole local stack of its own for tests: started on free ports, seen over sockets and HTTP alone."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

ROOT = Path(__file__).resolve().parents[2]
# A first start in a fresh clone installs everything; the promise for that is 90 s.
START_S = 100.0
STOP_S = 20.0
WAIT_S = 20.0
ANSWER_S = 30.0
ALL_PARTS = 11
READY = "SalesCoach is ready: "
# A developer's own model must not answer the tests' questions.
# The same suite behind another door: tests/e2e/test_door.py.
OPTIONS_VARIABLE = "E2E_STACK_OPTIONS"
MODEL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY")
# One person asks for all tests at once; tests/unit/flow/test_limits.py has the limits themselves.
MANY = {
    "MESSAGES_PER_MINUTE": "500",
    "RUNNING_TURNS_PER_USER": "100",
    "TOKENS_PER_DAY": "1000000000",
    "CONNECTIONS_PER_USER": "500",
    "WAITING_TURNS_PER_CONVERSATION": "50",
}

T = TypeVar("T")


def wait_for(look: Callable[[], T | None], what: str, *, bound_s: float = WAIT_S) -> T:
    """Look until there is something to see.

    Raises:
        AssertionError: it did not come within the bound.

    """
    give_up = time.monotonic() + bound_s
    while time.monotonic() < give_up:
        if seen := look():
            return seen
        time.sleep(0.05)
    raise AssertionError(f"waited {bound_s} s in vain for {what}")


def free_port_base() -> int:
    """Pick a run of free ports below those that the kernel hands to outgoing connections."""
    for _ in range(100):
        base = random.randrange(12000, 32000)
        if all(_is_free(base + offset) for offset in range(ALL_PARTS)):
            return base
    raise AssertionError("no run of free ports found")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Stack:
    """One running stack and its data folder, which may be stopped and started again."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.base = free_port_base()
        self._options = (*options, *os.environ.get(OPTIONS_VARIABLE, "").split())
        self._process: subprocess.Popen[bytes] | None = None
        self.settings: dict[str, str] = {}
        """Settings of the app for the next start."""
        self.own_model = False
        """Whether a model that the environment names may answer; else the stand-in does."""

    @property
    def output(self) -> str:
        """What the stack printed so far."""
        return self._printed.read_text(encoding="utf-8") if self._printed.exists() else ""

    @property
    def _printed(self) -> Path:
        return self.data.parent / f"{self.data.name}.out"

    def start(self) -> None:
        """Start by the documented command and wait for the ready line.

        Raises:
            AssertionError: it ended or was not ready in time; the message holds what it printed.

        """
        command = [sys.executable, "-m", "local", "up", "--port-base", str(self.base), "--data", str(self.data)]
        mine = {key: value for key, value in os.environ.items() if self.own_model or key not in MODEL_VARIABLES}
        environment = mine | MANY | self.settings
        with self._printed.open("wb") as printed:
            self._process = process = subprocess.Popen(  # noqa: S603
                [*command, *self._options], cwd=ROOT, env=environment, stdout=printed, stderr=subprocess.STDOUT
            )
        try:
            wait_for(lambda: READY in self.output or process.poll() is not None, "the ready line", bound_s=START_S)
            assert READY in self.output, "the stack ended"
        except AssertionError as fault:
            self.stop()
            raise AssertionError(f"{fault}; it printed:\n{self.output}") from None

    def stop(self) -> int:
        """End the stack as Ctrl-C does and return its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(STOP_S)
        self._process = None
        return code

    def kill_everything(self) -> None:
        """Kill the supervisor and all parts at once, as a machine does that loses its power."""
        assert self._process is not None
        pids = [pid for pid in self.manifest["pids"].values() if pid]
        self._process.kill()
        for pid in set(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(STOP_S)
        self._process = None

    @property
    def manifest(self) -> dict[str, Any]:
        """The present stack.json."""
        return json.loads((self.data / "stack.json").read_text(encoding="utf-8"))

    def url(self, part: str) -> str:
        """Name a part's base URL."""
        return self.manifest[part]

    def pid(self, part: str) -> int:
        """Wait until the part has a process, and name it."""
        return wait_for(lambda: self.manifest["pids"][part], f"a process of {part}")

    def kill(self, part: str) -> int:
        """Kill a part with no chance to say good-bye; return the id that it had."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        return pid

    def accepts_connections(self) -> bool:
        """Tell whether every part listens."""
        endpoints = [url for url in self.manifest.values() if isinstance(url, str)] + [*self.manifest["mcp"].values()]
        return all(_listens(urlsplit(url)) for url in endpoints)

    def control(self, *words: str) -> str:
        """Carry out `python -m local WORDS`, such as `stop model`, on this stack."""
        command = [sys.executable, "-m", "local", *words, "--data", str(self.data)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
        return done.stdout

    def log(self, part: str) -> str:
        """Read what a part wrote."""
        return (self.data / "logs" / f"{part}.log").read_text(encoding="utf-8", errors="replace")

    def token(self, user: str, **overrides: object) -> str:
        """Sign a sample person in: `token("sam.sales", lifetime_s=60)`."""
        answer = self.post(f"{self.url('identity')}/token", {"user": user, **overrides})
        return answer["access_token"]

    def post(self, url: str, content: Mapping[str, object], *, token: str | None = None) -> dict[str, Any]:
        """Send JSON and read JSON back; anything but a 2xx raises urllib's HTTPError."""
        return self.ask("POST", url, content, token=token)

    def get(self, path: str, *, token: str | None = None) -> dict[str, Any]:
        """Read a path of the API."""
        return self.ask("GET", self.url("app") + path, token=token)

    def ask(self, method: str, url: str, content: object = None, *, token: str | None = None) -> Any:
        """Send and read JSON where there is any; anything but a 2xx raises urllib's HTTPError."""
        return _answer(method, url, content, token)[1]

    def call(self, method: str, path: str, token: str, content: object = None) -> tuple[int, dict[str, Any]]:
        """Give status and body of a call of the API, refused or not."""
        try:
            return _answer(method, self.url("app") + path, content, token)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def tool_servers(self, method: str, path: str, content: object = None) -> Any:
        """Speak with the tool servers' own routes, such as `/_stats`."""
        base: str = self.manifest["mcp"]["sfdc"]
        return self.ask(method, base.removesuffix("/sfdc/mcp") + path, content)

    def discover(self) -> None:
        """Have the app ask all tool servers what they offer, now."""
        self.ask("POST", f"{self.url('app')}/admin/functions/refresh_tools", {})


def _listens(place: SplitResult) -> bool:
    try:
        socket.create_connection((place.hostname, place.port), timeout=1).close()
    except OSError:
        return False
    return True


def _answer(method: str, url: str, content: object, token: str | None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
        text = answer.read()
        return answer.status, json.loads(text) if text else None

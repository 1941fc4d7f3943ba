"""Let another terminal stop, start and restart the parts of a running stack: one JSON line each way."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

LONGEST_ANSWER_S = 90.0
Carry = Callable[[str, str | None], Awaitable[str]]


class Refused(Exception):
    """The stack does not run, or did not do what it was asked; the message says why."""


async def serve(path: Path, carry: Carry) -> asyncio.Server:
    """Answer commands on a Unix socket that only this user can open."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = json.loads(await reader.readline())
        try:
            said = {"said": await carry(asked["do"], asked.get("part"))}
        except Refused as refusal:
            said = {"refused": str(refusal)}
        with suppress(ConnectionError):
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    return await asyncio.start_unix_server(answer, sock=_listener(path))


def request(path: Path, do: str, part: str | None = None) -> str:
    """Ask the running stack to do something and return what it says.

    Raises:
        Refused: no stack runs there, or it refused.

    """
    try:
        line = _in_folder(path, socket.socket.connect)
    except OSError as fault:
        raise Refused(f"No stack runs from {path.parent}; start one with: python3 -m local up") from fault
    line.settimeout(LONGEST_ANSWER_S)
    with line, line.makefile("rwb") as stream:
        stream.write(json.dumps({"do": do, "part": part}).encode() + b"\n")
        stream.flush()
        answer = stream.readline()
    said: dict[str, str] = json.loads(answer or b'{"said": "The stack has ended."}')
    if "refused" in said:
        raise Refused(said["refused"])
    return said["said"]


def _listener(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    return _in_folder(path, socket.socket.bind)


def _in_folder(path: Path, act: Callable[[socket.socket, str], None]) -> socket.socket:
    """Bind or connect by the bare name: a socket's path may not exceed 107 characters, a folder's may."""
    before = Path.cwd()
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.chdir(path.parent)
    try:
        act(line, path.name)
        os.chmod(path.name, 0o600)  # noqa: PTH101 - the bare name is the point
    except OSError:
        line.close()
        raise
    finally:
        os.chdir(before)
    return line

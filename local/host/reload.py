"""Watch the app's files and tell when one changed."""

import asyncio
import contextlib
import pathlib
from collections.abc import Iterator

_INTERVAL_S = 0.5
_SUFFIXES = {".py", ".json"}
_SKIPPED = {"node_modules", "__pycache__", "tests", "web", "infra", "docs", "bench", "local"}


Snapshot = dict[pathlib.Path, tuple[int, int]]


async def wait_for_change(app_dir: pathlib.Path, data_dir: pathlib.Path, known: Snapshot) -> pathlib.Path:
    """Return the first file that differs from what is known, added and removed ones included."""
    while True:
        now = await asyncio.to_thread(snapshot, app_dir, data_dir)
        if now != known:
            return min(path for path, _ in set(now.items()) ^ set(known.items()))
        await asyncio.sleep(_INTERVAL_S)


def snapshot(app_dir: pathlib.Path, data_dir: pathlib.Path) -> Snapshot:
    """Return the watched files with their times of change and sizes."""
    found: Snapshot = {}
    for path in _files(app_dir, data_dir):
        # An editor may replace a file at this very moment.
        with contextlib.suppress(FileNotFoundError):
            state = path.stat()
            found[path] = (state.st_mtime_ns, state.st_size)
    return found


def _files(folder: pathlib.Path, data_dir: pathlib.Path) -> Iterator[pathlib.Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in _SKIPPED or path == data_dir:
            continue
        if path.is_dir():
            yield from _files(path, data_dir)
        elif path.suffix in _SUFFIXES:
            yield path

"""Watch the app's files and tell when one changed."""

import asyncio
import pathlib
from collections.abc import Iterator

_INTERVAL_S = 0.5
_SUFFIXES = {".py", ".json"}
_SKIPPED = {"node_modules", "__pycache__", "tests", "web", "infra", "docs", "bench"}


async def wait_for_change(app_dir: pathlib.Path, data_dir: pathlib.Path) -> pathlib.Path:
    """Return the first file that is changed, added or removed."""
    known = snapshot(app_dir, data_dir)
    while True:
        await asyncio.sleep(_INTERVAL_S)
        now = await asyncio.to_thread(snapshot, app_dir, data_dir)
        if now != known:
            return min(path for path, _ in set(now.items()) ^ set(known.items()))


def snapshot(app_dir: pathlib.Path, data_dir: pathlib.Path) -> dict[pathlib.Path, int]:
    """Return the watched files with their times of change."""
    return {path: path.stat().st_mtime_ns for path in _files(app_dir, data_dir)}


def _files(folder: pathlib.Path, data_dir: pathlib.Path) -> Iterator[pathlib.Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in _SKIPPED or path == data_dir:
            continue
        if path.is_dir():
            yield from _files(path, data_dir)
        elif path.suffix in _SUFFIXES:
            yield path

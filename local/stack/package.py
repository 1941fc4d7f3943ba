"""Build the zip that Azure gets: the app, its tool servers' list and its locked packages, nothing else."""

from __future__ import annotations

import compileall
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from local.stack.places import PYTHON, ROOT

DIST = ROOT / ".dist"
TARGET = DIST / "salescoach.zip"
SITE_PACKAGES = Path(".python_packages/lib/site-packages")
# Files and folders of the repository that are deployed; .funcignore names the rest.
SHIPPED = ("function_app.py", "host.json", "mcpservers.json", "requirements.txt", "functions", "shared")
# Where it will run: Azure Functions on Linux. The Python is this one's, so that its bytecode fits.
PLATFORM = "x86_64-manylinux_2_28"
# One fixed time for all entries: the same sources give the same zip.
EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> int:
    """Build the zip and list what is in it."""
    staged = DIST / "package"
    shutil.rmtree(staged, ignore_errors=True)
    stage(staged)
    install(staged / SITE_PACKAGES)
    compile_all(staged)
    pack(staged, TARGET)
    for line in listing(TARGET):
        print(line)
    return 0


def shipped_files(root: Path) -> list[Path]:
    """List the app's own files, relative to root."""
    found: list[Path] = []
    for name in SHIPPED:
        path = root / name
        inside = path.rglob("*") if path.is_dir() else [path]
        found += [file.relative_to(root) for file in inside if file.is_file() and file.suffix != ".pyc"]
    return sorted(found)


def stage(staged: Path) -> None:
    """Copy the app's own files."""
    for file in shipped_files(ROOT):
        (staged / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, staged / file)


def install(site_packages: Path) -> None:
    """Install the locked runtime packages as Azure needs them; wheels only, nothing is built here."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    where = ("--target", str(site_packages), "--python-platform", PLATFORM, "--python-version", version)
    how = ("--require-hashes", "--only-binary", ":all:", "--quiet")
    command = (str(PYTHON), "-m", "uv", "pip", "install", *where, *how, "-r", str(ROOT / "requirements.txt"))
    subprocess.run(command, check=True)


def compile_all(staged: Path) -> None:
    """Compile every module; unchecked, so that a cold start compares no file times."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    # Some packages carry modules of other Python versions; what does not compile is not imported either.
    compileall.compile_dir(
        staged, quiet=2, stripdir=str(staged), prependdir="/home/site/wwwroot", invalidation_mode=mode
    )


def pack(staged: Path, target: Path) -> None:
    """Write the zip in a fixed order with a fixed time."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for file in sorted(path for path in staged.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(staged).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, file.read_bytes())


def listing(target: Path) -> Iterator[str]:
    """Describe the zip: each file of the app, the packages together."""
    with zipfile.ZipFile(target) as packed:
        entries = [entry for entry in packed.infolist() if not entry.filename.endswith(".pyc")]
    packages = [entry for entry in entries if entry.filename.startswith(SITE_PACKAGES.as_posix())]
    for entry in entries:
        if entry not in packages:
            yield f"{entry.file_size:>9}  {entry.filename}"
    yield f"{sum(entry.file_size for entry in packages):>9}  {SITE_PACKAGES}/ ({len(packages)} files)"
    yield f"{target.stat().st_size:>9}  {target.relative_to(ROOT)}"


if __name__ == "__main__":
    sys.exit(main())

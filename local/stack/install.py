"""Install what is missing, side by side, and say what takes time."""

from __future__ import annotations

import fcntl
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.stack import packages
from local.stack.places import ROOT

HEARTBEAT_S = 5
TAIL_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One thing to install: whether it is up to date, and the commands that make it so."""

    title: str
    is_current: Callable[[], bool]
    run: Callable[[packages.Run], None]


def install_all(log_folder: Path) -> None:
    """Bring the virtual environment and both node_modules folders up to date.

    Two starts at the same time do not disturb each other: the second waits and finds all done.

    Raises:
        packages.InstallFailed: an installer failed.

    """
    if not pending():
        return
    log_folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time():
        work = pending()
        for job in work:
            print(f"  {job.title}: installing", flush=True)
        with ThreadPoolExecutor(max_workers=max(1, len(work))) as pool:
            running = {pool.submit(carry_out, job, log_folder): job.title for job in work}
            report(running)


def pending() -> list[Job]:
    """List the jobs whose result is missing or older than its lock file."""
    jobs = [Job(title="Python packages", is_current=packages.python_is_current, run=packages.install_python)]
    for title, project in packages.node_projects():
        jobs.append(
            Job(
                title=f"Node packages of {title}",
                is_current=lambda project=project: packages.node_is_current(project),
                run=lambda run, project=project: packages.install_node(project, run),
            ),
        )
    return [job for job in jobs if not job.is_current()]


@contextmanager
def one_at_a_time() -> Generator[None]:
    """Keep a second installation out until this one has ended."""
    lock = ROOT / ".local" / "install.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def carry_out(job: Job, log_folder: Path) -> float:
    """Run one job and return the seconds it took."""
    began = time.monotonic()
    with (log_folder / f"install {job.title}.log".replace(" ", "-")).open("w+", encoding="utf-8") as log:

        def run(command: Sequence[str], *, cwd: Path = ROOT) -> None:
            """Run a command and raise with the end of its words if it fails."""
            done = subprocess.run(command, cwd=cwd, stdout=log, stderr=subprocess.STDOUT, check=False)
            if done.returncode:
                log.seek(0)
                tail = "".join(log.readlines()[-TAIL_LINES:])
                raise packages.InstallFailed(f"{job.title}: `{' '.join(map(str, command))}` failed:\n{tail}")

        job.run(run)
    return time.monotonic() - began


def report(running: dict[Future[float], str]) -> None:
    """Print each job's end, and every few seconds what is still under way.

    Raises:
        packages.InstallFailed: the first job that failed, after all have ended.

    """
    began = time.monotonic()
    left = set(running)
    while left:
        done, left = wait(left, timeout=HEARTBEAT_S, return_when="FIRST_COMPLETED")
        for job in done:
            if job.exception() is None:
                print(f"  {running[job]}: ready ({job.result():.1f} s)", flush=True)
        if left and not done:
            names = ", ".join(sorted(running[job] for job in left))
            print(f"  still installing {names} ({time.monotonic() - began:.0f} s)", flush=True)
    for job in running:
        job.result()

"""Kills the engine's process at every step, or at any moment, and checks that nothing is lost or stuck.

Each life of the engine is a forked process that serves real HTTP; this process is its only client, and
repeats a call until it is acknowledged, as a client with an idempotency key does. A scenario ends when all
its instances are finished; then their outputs, histories and leftovers are checked.

    python tests/local/durable/durable_kill_matrix.py --seeds 5 --steps 0 --storms 20
"""
# ruff: noqa: E402, T201 - a program of its own: it finds its modules first, and prints its figures

import argparse
import asyncio
import http.client
import json
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from durable_hub import RPC
from durable_lives import Life, begin_life
from durable_replays import assert_replays
from durable_sample_app import bp
from durable_sdk_worker import SdkWorker

from local.host.durable.faults import CRASH_EXIT_CODE, Crash
from local.host.durable.records import InstanceQuery
from local.host.durable.store import Store

BOUND_S = 30.0
ENDED = ("Completed", "Failed", "Terminated")


@dataclass(frozen=True)
class Call:
    """One thing that the client wants: a start, or an event for an instance."""

    instance_id: str
    verb: str
    name: str
    value: Any = None


@dataclass
class Report:
    """What the scenarios did; every one that is counted passed its checks."""

    scenarios: int = 0
    kills: int = 0
    instances: int = 0
    episodes: int = 0
    activities: int = 0
    repeated: int = 0
    steps: list[int] = field(default_factory=list[int])

    def line(self) -> str:
        """Return the figures as one line."""
        steps = f"steps {min(self.steps)}-{max(self.steps)} of a life killed, " if self.steps else ""
        return (
            f"{self.scenarios} scenarios, {self.kills} kills, {steps}{self.instances} instances ended right, "
            f"{self.episodes} episodes replayed alike, {self.activities} activity runs ({self.repeated} repeated), "
            "0 lost, 0 stuck"
        )


EXPECTED: dict[str, Any] = {
    "seq": 4,
    "fan": 29,
    "turn": {"results": [2, 9], "closed": 12, "cancelled": False},
    "wait": [1, 2],
    "dead": {"approved": "yes"},
    "late": "timed out",
    "fail": "Orchestrator function 'failing' failed: no way on",
}

ACTIVITIES = 11  # distinct ones: 4 in seq, 3 in fan, 3 in turn, 1 in fail


def workload(rng: random.Random) -> list[Call]:
    """Return the client's calls: starts in random order, each followed somewhere by its events."""
    groups = [
        [Call("seq", "start", "sequence", {"steps": 4})],
        [Call("fan", "start", "fan_out", [2, 3, 4])],
        [Call("turn", "start", "turn")],
        [
            Call("wait", "start", "two_events"),
            *rng.sample([Call("wait", "event", "first", 1), Call("wait", "event", "second", 2)], 2),
        ],
        [Call("dead", "start", "deadline", {"wait_ms": 3_600_000}), Call("dead", "event", "approval", "yes")],
        [Call("late", "start", "deadline", {"wait_ms": 30})],
        [Call("fail", "start", "failing")],
    ]
    calls: list[Call] = []
    while left := [one for one in groups if one]:
        calls.append(rng.choice(left).pop(0))
    return calls


class Scenario:
    """One workload on one folder, over as many lives as it takes."""

    def __init__(self, folder: Path, calls: Iterable[Call], next_crash: Callable[[], Crash | None]) -> None:
        self._folder = folder
        self._calls = list(calls)
        self._next_crash = next_crash
        self._life: Life | None = None
        self._deadline = time.monotonic() + BOUND_S
        self.kills = 0

    def run(self, *, kill_after_s: Callable[[], float | None]) -> None:
        """Make all calls and wait for all ends, through any number of deaths."""
        try:
            for call in self._calls:
                self._until(lambda call=call: self._done(call), kill_after_s)
            for instance_id in {call.instance_id for call in self._calls}:
                self._until(lambda name=instance_id: self._ended(name), kill_after_s)
        finally:
            if self._life is not None:
                self._life.kill()

    def _until(self, attempt: Callable[[], bool], kill_after_s: Callable[[], float | None]) -> None:
        while True:
            if time.monotonic() > self._deadline:
                raise AssertionError(f"stuck after {self.kills} kills: {self._statuses()}")
            life = self._living(kill_after_s)
            try:
                if attempt():
                    return
            except OSError:
                # The process died under the call. Let it be reaped; the call is repeated.
                while life.alive() and time.monotonic() < self._deadline:
                    time.sleep(0.001)
            time.sleep(0.002)

    def _living(self, kill_after_s: Callable[[], float | None]) -> Life:
        if self._life is not None and not self._life.alive():
            assert self._life.exit_code in (CRASH_EXIT_CODE, -signal.SIGKILL), self._life
            self.kills += 1
            self._life = None
        if self._life is None:
            self._life = begin_life(self._folder, self._next_crash(), kill_after_s())
        return self._life

    def _done(self, call: Call) -> bool:
        status, shown = self._request("GET", f"instances/{call.instance_id}")
        if call.verb == "start":
            if status != 404:
                return True
            body = None if call.value is None else json.dumps(json.dumps(call.value))
            return self._request("POST", f"orchestrators/{call.name}/{call.instance_id}", body)[0] == 202
        body = json.dumps(json.dumps(call.value))
        answer, _ = self._request("POST", f"instances/{call.instance_id}/raiseEvent/{call.name}", body)
        assert answer in (202, 410), (call, answer, shown)
        return True

    def _ended(self, instance_id: str) -> bool:
        status, shown = self._request("GET", f"instances/{instance_id}")
        assert status in (200, 202), f"{instance_id} was acknowledged and is gone"
        return shown["runtimeStatus"] in ENDED

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
        assert self._life is not None
        connection = http.client.HTTPConnection("127.0.0.1", self._life.port, timeout=5)
        try:
            connection.request(method, f"{RPC}/{path}", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
        except http.client.HTTPException as cut:
            raise OSError(str(cut)) from cut
        finally:
            connection.close()
        return response.status, json.loads(text) if text else None

    def _statuses(self) -> Any:
        try:
            return self._request("GET", "instances/")[1]
        except OSError as error:
            return error


def check(folder: Path, report: Report) -> None:
    """Check outputs, histories and leftovers of a finished scenario and add its figures."""
    store = Store(folder / "durable-TestHub.sqlite3", on_step=lambda _when, _what: None)
    worker = SdkWorker(bp)
    try:
        rows = {row.instance_id: row for row in store.instances(InstanceQuery())}
        for name, expected in EXPECTED.items():
            output = rows[name].output or ""
            assert (output if name == "fail" else json.loads(output)) == expected, rows[name]
            assert store.inbox(name) == []
            report.episodes += asyncio.run(assert_replays(worker, store.history(name)))
        assert store.work_items() == []
        assert store.timers() == []
    finally:
        store.close()
    runs = Counter((folder / "activities.log").read_text().splitlines())
    assert len(runs) == ACTIVITIES, runs
    report.instances += len(EXPECTED)
    report.activities += runs.total()
    report.repeated += runs.total() - len(runs)


def kill_at_step(seed: int, step: int, when: str, report: Report) -> bool:
    """Run a scenario whose first life dies at that step; return whether it came to that."""
    crashes = [Crash(step=step, when=when)]
    with tempfile.TemporaryDirectory() as name:
        scenario = Scenario(Path(name), workload(random.Random(seed)), lambda: crashes.pop() if crashes else None)
        scenario.run(kill_after_s=lambda: None)
        check(Path(name), report)
    report.scenarios += 1
    report.kills += scenario.kills
    report.steps.append(step)
    return scenario.kills > 0


def kill_storm(seed: int, report: Report) -> None:
    """Run a scenario whose lives all end after a random short time, or at a random step."""
    rng = random.Random(seed)
    lives = iter(range(rng.randint(5, 20)))

    def moment() -> float | None:
        return rng.uniform(0.005, 0.06) if next(lives, None) is not None else None

    with tempfile.TemporaryDirectory() as name:
        scenario = Scenario(Path(name), workload(rng), lambda: None)
        scenario.run(kill_after_s=moment)
        check(Path(name), report)
    report.scenarios += 1
    report.kills += scenario.kills


def run_matrix(*, seed: int, seeds: int, steps: int, storms: int) -> Report:
    """Kill at steps and in storms; `steps` per seed, 0 for every one before and after."""
    report = Report()
    for offset in range(seeds):
        rng = random.Random(seed + offset)
        if steps:
            for _ in range(steps):
                kill_at_step(seed + offset, rng.randint(1, 50), rng.choice(["before", "after"]), report)
        else:
            for when in ("before", "after"):
                step = 1
                while kill_at_step(seed + offset, step, when, report):
                    step += 1
    for storm in range(storms):
        kill_storm(seed * 1000 + storm, report)
    return report


def main() -> None:
    """Run the matrix and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, counted from --seed")
    parser.add_argument("--steps", type=int, default=10, help="kills at random steps per seed; 0: at every step")
    parser.add_argument("--storms", type=int, default=5, help="scenarios with kills at any moment")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    report = run_matrix(seed=options.seed, seeds=options.seeds, steps=options.steps, storms=options.storms)
    print(report.line())


if __name__ == "__main__":
    main()

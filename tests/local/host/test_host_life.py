"""The host starts quickly, reloads, runs timers, and ends without losing work."""

import asyncio
import json
import pathlib
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientSession

from .conftest import Stack, StartHost, until, write_app

_ONE_FUNCTION = """
import asyncio, os, pathlib
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
@app.route(route="x")
async def x(req: func.HttpRequest) -> func.HttpResponse:
    pathlib.Path(os.environ["MARK"]).touch()
    await asyncio.sleep(float(req.params.get("s", "0")))
    return func.HttpResponse("one")
"""
_TIMER = """
import azure.functions as func
app = func.FunctionApp()
@app.timer_trigger(arg_name="timer", schedule="%TICK%", run_on_startup={on_startup})
def tick(timer: func.TimerRequest) -> None:
    with open("{target}", "a") as file:
        print(timer.past_due, sorted(timer.schedule_status), file=file)
"""


async def test_durable_functions_run_through_the_sdk(stack: Stack) -> None:
    """A function starts an orchestration by its client; the failure of an activity arrives as text."""
    async with ClientSession(base_url=stack.app.url) as http:

        async def run(name: str, value: object) -> dict[str, object]:
            instance = await (await http.post(f"/api/start/{name}", json=value)).text()
            while True:
                status = json.loads(await (await http.get(f"/api/instances/{instance}")).text())
                if status["runtimeStatus"] not in {"Pending", "Running"}:
                    return status

        async with asyncio.timeout(20):
            chained, failed = await run("Chain", 4), await run("failing", None)

    assert (chained["runtimeStatus"], chained["output"]) == ("Completed", 7)
    assert str(failed["output"]).startswith("Activity function 'explode' failed:  RuntimeError: boom")


def test_the_host_is_ready_within_two_seconds(tmp_path: pathlib.Path, start_host: StartHost) -> None:
    """Counting from the start of the process; on a busy machine the bound is wide."""
    app = write_app(tmp_path / "app", _ONE_FUNCTION)
    begun = time.monotonic()

    start_host(app)

    assert time.monotonic() - begun < 5


async def test_a_running_invocation_ends_before_the_host_does(tmp_path: pathlib.Path, start_host: StartHost) -> None:
    """SIGTERM stops accepting at once, answers what runs, and exits with 0."""
    mark = tmp_path / "mark"
    host = start_host(write_app(tmp_path / "app", _ONE_FUNCTION), MARK=str(mark))
    async with ClientSession() as http:
        slow = asyncio.create_task(http.get(f"{host.url}/api/x?s=1"))
        await until(mark.exists)

        host.process.send_signal(signal.SIGTERM)
        response = await slow

    assert (response.status, await asyncio.to_thread(host.process.wait, 10)) == (200, 0)


def test_ctrl_c_ends_an_idle_host(tmp_path: pathlib.Path, start_host: StartHost) -> None:
    """With 0, as well."""
    host = start_host(write_app(tmp_path / "app", _ONE_FUNCTION), MARK=str(tmp_path / "mark"))

    assert host.stop(signal.SIGINT) == 0


async def test_a_changed_file_is_served_at_the_same_address(tmp_path: pathlib.Path, start_host: StartHost) -> None:
    """A faulty app in between is reported, and the next change is picked up; new settings count."""
    app = write_app(tmp_path / "app", _ONE_FUNCTION)
    (app / "local.settings.json").write_text('{"Values": {"MARK": "' + str(tmp_path / "first") + '"}}')
    host = start_host(app, "--watch")
    port = int(host.url.rpartition(":")[2])
    assert host.process.stdout is not None

    (app / "function_app.py").write_text(_ONE_FUNCTION.replace("def x(req:", "def x(other:"))
    await until(lambda: "The app is refused" in host.logged())
    (app / "local.settings.json").write_text('{"Values": {"MARK": "' + str(tmp_path / "second") + '"}}')
    (app / "function_app.py").write_text(_ONE_FUNCTION.replace('"one"', '"two"'))
    line = await asyncio.to_thread(host.process.stdout.readline)
    async with ClientSession() as http:
        text = await (await http.get(f"{line.split()[-1]}/api/x")).text()

    assert port
    assert text == "two"
    assert (tmp_path / "second").exists()
    assert host.stop() == 0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            _ONE_FUNCTION.replace("(req:", "(other:"),
            "cannot load the x function: the following parameters are declared",
        ),
        ("raise RuntimeError('own fault')", "function_app.py cannot be imported: RuntimeError: own fault"),
        ("", "Could not find top level function app instances in function_app.py."),
    ],
)
def test_a_refused_app_ends_the_host_with_the_reason(tmp_path: pathlib.Path, source: str, words: str) -> None:
    """On stderr, with exit code 1 and nothing on stdout."""
    app = write_app(tmp_path / "app", source)
    command = [sys.executable, "-m", "local.host", "--port", "0", "--data", str(tmp_path / "d"), "--app-dir", str(app)]

    done = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=pathlib.Path(__file__).parents[3], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert f"The app is refused: {words}" in done.stderr


async def test_a_timer_runs_when_due_and_keeps_no_record_below_a_minute(
    tmp_path: pathlib.Path, start_host: StartHost
) -> None:
    """Every second, with no schedule status."""
    target = tmp_path / "ticks"
    app = write_app(tmp_path / "app", _TIMER.format(target=target, on_startup=False))

    start_host(app, TICK="* * * * * *")
    await until(lambda: target.exists() and len(target.read_text().splitlines()) >= 2)

    assert set(target.read_text().splitlines()) == {"False []"}
    assert not (tmp_path / "data" / "timers").exists()


async def test_a_missed_run_is_made_up_for_at_the_start(tmp_path: pathlib.Path, start_host: StartHost) -> None:
    """Once, with past_due set; a run at the start of the host is not past due."""
    target = tmp_path / "ticks"
    app = write_app(tmp_path / "app", _TIMER.format(target=target, on_startup=True))
    status = tmp_path / "data" / "timers" / "tick.json"

    first = start_host(app, TICK="0 0 3 * * *")
    await until(target.exists)
    first.stop()
    yesterday = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=2)
    times = {"Last": yesterday, "Next": yesterday + timedelta(days=1), "LastUpdated": yesterday}
    status.write_text(json.dumps({name: moment.isoformat() for name, moment in times.items()}))
    start_host(app, TICK="0 0 3 * * *").stop()

    fields = "['Last', 'LastUpdated', 'Next']"
    assert target.read_text().splitlines() == [f"False {fields}", f"True {fields}"]
    assert datetime.fromisoformat(json.loads(status.read_text())["Next"]) > datetime.now(UTC)


async def test_a_changed_schedule_does_not_make_up_for_runs_of_the_old_one(
    tmp_path: pathlib.Path, start_host: StartHost
) -> None:
    """The record is brought to the new schedule instead."""
    target, status = tmp_path / "ticks", tmp_path / "data" / "timers" / "tick.json"
    app = write_app(tmp_path / "app", _TIMER.format(target=target, on_startup=False))
    start_host(app, TICK="0 0 3 * * *").stop()
    past = datetime(2020, 1, 1, 3, tzinfo=UTC)
    status.write_text(json.dumps(dict.fromkeys(("Last", "Next", "LastUpdated"), past.isoformat())))

    start_host(app, TICK="0 0 4 * * *").stop()

    assert not target.exists()
    assert re.search(r'"Next": "\d+-\d+-\d+T04:00:00', status.read_text())


async def test_a_timer_can_be_run_on_request(tmp_path: pathlib.Path, start_host: StartHost) -> None:
    """Through the admin API, whatever its schedule."""
    target = tmp_path / "ticks"
    host = start_host(write_app(tmp_path / "app", _TIMER.format(target=target, on_startup=False)), TICK="0 0 3 * * *")

    async with ClientSession() as http:
        status = (await http.post(f"{host.url}/admin/functions/Tick", json={"input": ""})).status
    await until(target.exists)

    assert status == 202
    assert target.read_text().startswith("False")

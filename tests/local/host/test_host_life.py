"""The host starts quickly, reloads, runs timers, and ends without losing work."""

import asyncio
import json
import pathlib
import re
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

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
_WAITING = """
import asyncio, os, pathlib
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
@app.route(route="start")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    if req.method == "POST":
        return func.HttpResponse(await client.start_new("turn", "one"))
    return func.HttpResponse((await client.get_status("one")).runtime_status.name)
@app.orchestration_trigger(context_name="context")
def turn(context):
    yield context.call_activity("wait", None)
@app.activity_trigger(input_name="nothing")
async def wait(nothing) -> None:
    pathlib.Path(os.environ["MARK"]).touch()
    while not pathlib.Path(os.environ["DOOR"]).exists():
        await asyncio.sleep(0.02)
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


def test_starting_and_ending_takes_less_than_two_seconds_of_processor_time(
    tmp_path: pathlib.Path, start_host: StartHost
) -> None:
    """Processor time, because the machine may be busy; SIGINT ends an idle host with 0, too."""
    app = write_app(tmp_path / "app", _ONE_FUNCTION)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    code = start_host(app, MARK=str(tmp_path / "mark")).stop(signal.SIGINT)

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert code == 0
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


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


def test_a_refused_app_ends_the_host_with_the_reason(tmp_path: pathlib.Path) -> None:
    """On stderr with the app's own traceback, exit code 1 and nothing on stdout."""
    app = write_app(tmp_path / "app", "raise RuntimeError('own fault')")
    command = [sys.executable, "-m", "local.host", "--port", "0", "--data", str(tmp_path / "d"), "--app-dir", str(app)]

    done = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=pathlib.Path(__file__).parents[3], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "The app is refused: function_app.py cannot be imported: RuntimeError: own fault" in done.stderr
    assert 'function_app.py", line 1, in <module>' in done.stderr


async def test_an_invocation_ends_at_the_function_timeout(tmp_path: pathlib.Path, start_host: StartHost) -> None:
    """With 500, and the words of the host in the log."""
    app = write_app(tmp_path / "app", _ONE_FUNCTION)
    (app / "host.json").write_text('{"version": "2.0", "functionTimeout": "00:00:01"}')
    host = start_host(app, MARK=str(tmp_path / "mark"))

    async with ClientSession() as http:
        status = (await http.get(f"{host.url}/api/x?s=30")).status

    assert status == 500
    assert "Timeout value of 0:00:01 was exceeded by function: Functions.x" in host.logged()


async def test_an_orchestration_outlives_the_host_that_began_it(tmp_path: pathlib.Path, start_host: StartHost) -> None:
    """Killed in the middle of an activity, the next host runs it again to its end."""
    app, mark, door = write_app(tmp_path / "app", _WAITING), tmp_path / "mark", tmp_path / "door"
    names = {"MARK": str(mark), "DOOR": str(door)}
    first = start_host(app, **names)
    async with ClientSession() as http:
        await http.post(f"{first.url}/api/start")
        await until(mark.exists)

        first.stop(signal.SIGKILL)
        door.touch()
        second = start_host(app, **names)
        async with asyncio.timeout(20):
            while (status := await (await http.get(f"{second.url}/api/start")).text()) != "Completed":
                await asyncio.sleep(0.05)

    assert status == "Completed"


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

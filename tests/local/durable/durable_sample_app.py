"""A small Durable Functions app, written as an app author would, for the engine's tests."""

import asyncio
import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

bp = df.Blueprint()
Context = Any  # the SDK's own class types neither get_input nor timers
Steps = Generator[Any, Any, Any]


@bp.orchestration_trigger(context_name="context")
def sequence(context: Context) -> Steps:
    """Call `add_one` as often as asked, one after the other."""
    asked: dict[str, int] = context.get_input()
    value = asked.get("start", 0)
    for _ in range(asked["steps"]):
        value = yield context.call_activity("add_one", value)
    return value


@bp.orchestration_trigger(context_name="context")
def fan_out(context: Context) -> Steps:
    """Square the numbers side by side and add them up."""
    squares = yield context.task_all([context.call_activity("square", n) for n in context.get_input()])
    return sum(squares)


@bp.orchestration_trigger(context_name="context")
def deadline(context: Context) -> Steps:
    """Wait for `approval` until a deadline; say which came first."""
    wait_ms = context.get_input()["wait_ms"]
    timer = context.create_timer(context.current_utc_datetime + timedelta(milliseconds=wait_ms))
    approval = context.wait_for_external_event("approval")
    winner = yield context.task_any([approval, timer])
    if winner is timer:
        return "timed out"
    timer.cancel()
    return {"approved": json.loads(approval.result)}


@bp.orchestration_trigger(context_name="context")
def two_events(context: Context) -> Steps:
    """Wait for `first` and then for `second`, whatever order they come in."""
    first = yield context.wait_for_external_event("first")
    second = yield context.wait_for_external_event("second")
    return [json.loads(first), json.loads(second)]


@bp.orchestration_trigger(context_name="context")
def turn(context: Context) -> Steps:
    """Race work against a cancel event, then fan out, then close: nested compounds as a chat turn has them."""
    context.set_custom_status({"phase": "work"})
    cancel = context.wait_for_external_event("cancel")
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    both = context.task_all([context.call_activity("add_one", 1), context.call_activity("square", 3)])
    winner = yield context.task_any([both, cancel, timer])
    timer.cancel()
    context.set_custom_status({"phase": "close"})
    results: list[int] = [] if winner is cancel else both.result
    closed = yield context.call_activity("add_one", sum(results))
    return {"results": results, "closed": closed, "cancelled": winner is cancel}


@bp.orchestration_trigger(context_name="context")
def failing_activity(context: Context) -> Steps:
    """Let an activity fail and report what the orchestrator sees."""
    try:
        yield context.call_activity("explode", "boom")
    except Exception as seen:  # noqa: BLE001 - the SDK raises bare Exception
        return str(seen)


@bp.orchestration_trigger(context_name="context")
def failing(context: Context) -> Steps:
    """Fail after one activity."""
    yield context.call_activity("add_one", 1)
    raise ValueError("no way on")


@bp.orchestration_trigger(context_name="context")
def unknown_activity(context: Context) -> Steps:
    """Call what is not there."""
    yield context.call_activity("nowhere", None)


@bp.orchestration_trigger(context_name="context")
def echo(context: Context) -> Any:
    """Return the input without any work."""
    return context.get_input()
    yield


@bp.orchestration_trigger(context_name="context")
def left_timer(context: Context) -> Steps:
    """Return while an uncancelled timer is still out."""
    wait_ms = context.get_input()["wait_ms"]
    timer = context.create_timer(context.current_utc_datetime + timedelta(milliseconds=wait_ms))
    yield context.task_any([timer, context.call_activity("add_one", 1)])
    return "returned"


@bp.orchestration_trigger(context_name="context")
def unsupported(context: Context) -> Steps:
    """Use what the local engine refuses."""
    tried = {
        "retry": lambda: context.call_activity_with_retry("add_one", df.RetryOptions(1, 2), 1),
        "sub": lambda: context.call_sub_orchestrator("echo", 1),
        "entity": lambda: context.call_entity(df.EntityId("counter", "a"), "add", 1),
        "signal": lambda: context.signal_entity(df.EntityId("counter", "a"), "add", 1),
        "http": lambda: context.call_http("GET", "http://127.0.0.1/"),
        "again": lambda: context.continue_as_new(1),
    }
    yield tried[context.get_input()]()


@bp.orchestration_trigger(context_name="context")
def changed(context: Context) -> Steps:
    """What `sequence` may look like after a deployment."""
    yield context.call_activity("square", 1)


@bp.orchestration_trigger(context_name="context")
def clock(context: Context) -> Steps:
    """Tell the time before and after an activity."""
    before = context.current_utc_datetime.isoformat()
    yield context.call_activity("add_one", 1)
    return [before, context.current_utc_datetime.isoformat()]


@bp.orchestration_trigger(context_name="context")
def bad_output(context: Context) -> Steps:
    """Return what is no JSON."""
    yield context.call_activity("add_one", 1)
    return {1, 2}


@bp.activity_trigger(input_name="value")
def add_one(value: int) -> int:
    """Add one."""
    return value + 1


@bp.activity_trigger(input_name="value")
def square(value: int) -> int:
    """Square a number."""
    return value * value


@bp.activity_trigger(input_name="value")
def explode(value: str) -> None:
    """Fail."""
    raise RuntimeError(value)


@bp.activity_trigger(input_name="value")
async def slow(value: float) -> float:
    """Take that many seconds."""
    await asyncio.sleep(value)
    return value

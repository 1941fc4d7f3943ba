"""A timer that writes down each run."""

# pyright: basic, reportAttributeAccessIssue=false

import json
import os
import pathlib

import azure.durable_functions as df
import azure.functions as func

bp = df.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="%TICK%", run_on_startup=False)
def tick(timer: func.TimerRequest) -> None:
    """Append one line."""
    target = os.environ.get("TICK_FILE")
    if target:
        with pathlib.Path(target).open("a") as file:
            file.write(json.dumps({"past_due": timer.past_due, "status": timer.schedule_status}) + "\n")

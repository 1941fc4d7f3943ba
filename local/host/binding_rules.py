"""What the host and its extensions demand of bindings; anything that this host lacks is refused by name.

The real host drops a single function for most of these faults; this one refuses the app, because an app
with a missing function is never what was meant. Sources: azure-functions-host 4.1037 (Utility.cs,
WorkerFunctionMetadataProvider.cs) and the extensions named beside each rule.
"""

import re
from collections import Counter
from collections.abc import Callable

from local.host.app_model import BindingInfo, FunctionInfo, FunctionLoadError, IndexingFailed
from local.host.schedule import Schedule
from local.host.settings_file import resolve, setting

# "host" is reserved: it is a folder of the admin API.
_FUNCTION_NAME = re.compile(r"^(?!host$)[a-z][a-z0-9_\-]{0,127}$", re.IGNORECASE)
# Snake case is allowed since host 4.1038 (azure-functions-host pull request 10764).
_BINDING_NAME = re.compile(r"^(?!.*__)([a-zA-Z_][a-zA-Z0-9_]{0,127}|\$return)$")

_OFFERED = {
    "IN": {
        "httpTrigger",
        "timerTrigger",
        "webPubSubTrigger",
        "orchestrationTrigger",
        "activityTrigger",
        "durableClient",
        "cosmosDB",
        "webPubSubConnection",
    },
    "OUT": {"http", "cosmosDB", "webPubSub"},
}


def check_app(functions: list[FunctionInfo]) -> None:
    """Check every binding of every function, and what must be unique in an app.

    Raises:
        FunctionLoadError: a function breaks a rule.
        IndexingFailed: two functions collide.
    """
    for function in functions:
        _check_function(function)
    _check_unique("function name", [function.name.lower() for function in functions])
    for kind, property_name in (("orchestrationTrigger", "orchestration"), ("activityTrigger", "activity")):
        names = [durable_name(function, property_name) for function in functions if function.trigger.type == kind]
        _check_unique(f"{kind} name", names)


def durable_name(function: FunctionInfo, property_name: str) -> str:
    """Return the name that orchestrations call; names are compared without case."""
    return (function.trigger.text(property_name) or function.name).lower()


def _check_unique(what: str, values: list[str]) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            msg = f"{what} {value!r} is used {count} times; names are compared without case"
            raise IndexingFailed(msg)


def _check_function(function: FunctionInfo) -> None:
    name = function.name
    if not _FUNCTION_NAME.match(name):
        raise FunctionLoadError(name, f"'{name}' is not a valid function name.")
    if setting(f"AzureWebJobs.{name}.Disabled").lower() in {"1", "true"}:
        raise FunctionLoadError(name, "disabling functions by setting is not offered by the local host")
    seen: set[str] = set()
    for binding in function.bindings:
        _check_binding(function, binding)
        if binding.name.lower() in seen:
            raise FunctionLoadError(
                name,
                f"Multiple bindings with name '{binding.name}' discovered. Binding names must be unique.",
            )
        seen.add(binding.name.lower())


def _check_binding(function: FunctionInfo, binding: BindingInfo) -> None:
    if not _BINDING_NAME.match(binding.name):
        raise FunctionLoadError(
            function.name,
            f"The binding name {binding.name} is invalid. Please assign a valid name to the binding.",
        )
    if binding.type not in _OFFERED[binding.direction]:
        raise FunctionLoadError(
            function.name,
            f"binding type '{binding.type}' ({binding.direction.lower()}) is not offered by the local host",
        )
    if binding.type.endswith("Trigger") and binding is not function.trigger:
        raise FunctionLoadError(function.name, "A function can only have a single trigger binding.")
    rule = _RULES.get((binding.type, binding.direction))
    if rule is not None:
        rule(function, binding)


def _need(function: FunctionInfo, binding: BindingInfo, *keys: str) -> None:
    for key in keys:
        if not binding.text(key):
            raise FunctionLoadError(function.name, f"{binding.type} '{binding.name}' needs '{key}'")


def _check_timer(function: FunctionInfo, binding: BindingInfo) -> None:
    _need(function, binding, "schedule")
    expression = resolve(binding.text("schedule") or "")
    try:
        Schedule.parse(expression)
    except ValueError as fault:
        raise FunctionLoadError(
            function.name,
            f"The schedule expression '{expression}' was not recognized as a valid cron expression: {fault}",
        ) from fault


def _check_cosmos(function: FunctionInfo, binding: BindingInfo) -> None:
    _need(function, binding, "connection", "databaseName", "containerName")
    if binding.raw.get("createIfNotExists"):
        raise FunctionLoadError(function.name, "'createIfNotExists' is not offered by the local host")
    connection = binding.text("connection") or ""
    if not setting(connection):
        raise FunctionLoadError(
            function.name,
            f"Cosmos DB connection configuration '{connection}' does not exist. Make sure that it is a "
            "defined App Setting. (The local host takes connection strings only.)",
        )


def _check_web_pubsub(function: FunctionInfo, binding: BindingInfo) -> None:
    if not (binding.text("hub") or setting("WebPubSubHub")):
        raise FunctionLoadError(function.name, "Hub name should be configured in either attribute or appsettings.")


def _check_web_pubsub_trigger(function: FunctionInfo, binding: BindingInfo) -> None:
    _check_web_pubsub(function, binding)
    _need(function, binding, "eventType", "eventName")
    if str(binding.text("eventType")).lower() not in {"system", "user"}:
        raise FunctionLoadError(
            function.name, f"'{binding.text('eventType')}' is no eventType; known are system and user"
        )
    if str(binding.text("clientProtocols") or "all").lower() not in {"all", "webpubsub"}:
        raise FunctionLoadError(function.name, "MQTT clients are not offered by the local host")


def _check_http(function: FunctionInfo, binding: BindingInfo) -> None:
    if function.trigger.type != "httpTrigger" or binding.name != "$return":
        raise FunctionLoadError(function.name, "an 'http' output is offered as '$return' of an httpTrigger only")


def _check_http_trigger(function: FunctionInfo, binding: BindingInfo) -> None:
    if not any(output.name == "$return" and output.type == "http" for output in function.outputs()):
        raise FunctionLoadError(function.name, f"httpTrigger '{binding.name}' needs an 'http' output named '$return'")


_RULES: dict[tuple[str, str], Callable[[FunctionInfo, BindingInfo], None]] = {
    ("httpTrigger", "IN"): _check_http_trigger,
    ("timerTrigger", "IN"): _check_timer,
    ("cosmosDB", "IN"): _check_cosmos,
    ("cosmosDB", "OUT"): _check_cosmos,
    ("webPubSubTrigger", "IN"): _check_web_pubsub_trigger,
    ("webPubSubConnection", "IN"): _check_web_pubsub,
    ("webPubSub", "OUT"): _check_web_pubsub,
    ("http", "OUT"): _check_http,
}

"""The extension's HTTP API (HttpApiHandler.cs): same routes, status codes and bodies on RPC and webhook ports."""

import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.host.durable import history
from local.host.durable.answers import bad_argument, empty, exception, not_implemented
from local.host.durable.answers import error as error_answer
from local.host.durable.failures import unknown_function
from local.host.durable.history import Event, EventType
from local.host.durable.links import management_links
from local.host.durable.records import RUNNING, InstanceExists, InstanceQuery
from local.host.durable.status import history_payload, status_payload

if TYPE_CHECKING:
    from local.host.durable.engine import DurableEngine

_log = logging.getLogger(__name__)
WENT_WRONG = "Something went wrong while processing your request"
_MAX_ID = 100  # Durable Task Scheduler's limit
_INVALID_IN_ID = frozenset("/\\?#")
_FINISHED = ("Completed", "Failed", "Terminated", "Canceled")
_PURGE_NEEDS_FROM = "Please provide value for 'createdTimeFrom' parameter."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_durable_routes(app: web.Application, prefix: str, engine: "DurableEngine") -> None:
    """Add every route of the API below that prefix; what is unknown answers 404 without a body."""
    api = _Api(engine)
    base = prefix.rstrip("/")
    one = f"{base}/instances/{{instance_id}}"
    routes: list[tuple[str, str, Handler]] = [
        ("POST", f"{base}/orchestrators/{{function}}", api.start),
        ("POST", f"{base}/orchestrators/{{function}}/{{instance_id}}", api.start),
        ("GET", f"{base}/instances", api.list_instances),
        ("GET", f"{base}/instances/", api.list_instances),
        ("DELETE", f"{base}/instances", api.purge_many),
        ("DELETE", f"{base}/instances/", api.purge_many),
        ("GET", one, api.status),
        ("DELETE", one, api.purge),
        ("POST", f"{one}/raiseEvent/{{event}}", api.raise_event),
        ("POST", f"{one}/terminate", api.terminate),
        ("POST", f"{one}/suspend", api.suspend),
        ("POST", f"{one}/resume", api.resume),
        ("POST", f"{one}/rewind", _refuse("Rewinding an instance")),
        ("POST", f"{one}/restart", _refuse("Restarting an instance")),
        ("POST", f"{base}/makeprimary", _refuse("makeprimary")),
        ("*", f"{base}/entities/{{entity:.*}}", _refuse("The entity API")),
        ("*", f"{base}/{{unknown:.*}}", api.unknown),
    ]
    for method, path, handler in routes:
        app.router.add_route(method, path, _guarded(handler))


def _guarded(handler: Handler) -> Handler:
    """Turn a fault of ours into the extension's JSON: the client cannot read another form."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refused:
            return error_answer(refused.status, refused.reason)
        except Exception as fault:  # noqa: BLE001 - logged with its traceback, told to the client
            _log.exception("%s %s failed.", request.method, request.path)
            return exception(500, WENT_WRONG, text=str(fault), kind=f"System.Exception ({type(fault).__name__})")

    return guarded


def _refuse(what: str) -> Handler:
    async def refuse(_request: web.Request) -> web.Response:
        return not_implemented(what)

    return refuse


class _Api:
    """The handlers over one engine."""

    def __init__(self, engine: "DurableEngine") -> None:
        self._engine = engine

    async def unknown(self, _request: web.Request) -> web.Response:
        """Answer what no route matches, wrong methods included."""
        return empty(404)

    async def start(self, request: web.Request) -> web.Response:
        """Start an instance: 202 with links, 400 for a bad name, id or body, 500 when the id is running."""
        if "timeout" in request.query:
            return not_implemented("Waiting for the completion of a new instance")
        try:
            body = _json_body(await request.text())
        except ValueError as invalid:
            return _invalid_json(invalid)
        name, instance_id = request.match_info["function"], request.match_info.get("instance_id")
        wrong = self._wrong_start(name, instance_id)
        if wrong is not None:
            return bad_argument(wrong)
        return self._start(request, name, instance_id, body)

    def _start(self, request: web.Request, name: str, instance_id: str | None, input_json: str | None) -> web.Response:
        try:
            started = self._engine.start_instance(
                name, instance_id, input_json, version=request.query.get("version", "")
            )
        except InstanceExists as exists:
            # Not 409: the extension has no case of its own for it.
            return exception(
                500,
                WENT_WRONG,
                text=str(exists),
                kind="DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException",
            )
        links = management_links(request.url, instance_id=started, hub_name=self._engine.hub_name)
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(links, status=202, headers=headers)

    def _wrong_start(self, name: str, instance_id: str | None) -> str | None:
        if not self._engine.invoker.has("orchestration", name):
            return unknown_function(name, "an orchestrator")
        if instance_id is None:
            return None
        # The swapped arguments of these exceptions are the extension's (DurableClient.StartNewAsync).
        if instance_id.startswith("@"):
            return "instanceId (Parameter 'Orchestration instance ids must not start with @.')"
        if any(letter in _INVALID_IN_ID or not letter.isprintable() for letter in instance_id):
            return (
                "instanceId (Parameter 'Orchestration instance ids must not contain /, \\, #, ?, "
                "or control characters.')"
            )
        if len(instance_id) > _MAX_ID:
            return f"Instance ID lengths must not exceed {_MAX_ID} characters."
        return None

    async def raise_event(self, request: web.Request) -> web.Response:
        """Keep an event for an unfinished instance: 202, 404 missing, 410 finished, 400 not JSON."""
        instance_id, name = request.match_info["instance_id"], request.match_info["event"]
        closed = self._closed(instance_id)
        if closed is not None:
            return closed
        if request.content_type != "application/json":
            return error_answer(400, "Only application/json request content is supported")
        try:
            text = _json_body(await request.text())
        except ValueError as invalid:
            return _invalid_json(invalid)
        closed = self._closed(instance_id)  # the body took a turn of the loop
        if closed is not None:
            return closed
        copies = self._engine.faults.copies_of_event(name)
        self._engine.post(instance_id, [history.event_raised(name=name, input_json=text or "null")] * copies)
        return empty(202)

    async def terminate(self, request: web.Request) -> web.Response:
        """Ask an instance to end; activities under way are not stopped."""
        reason = request.query.get("reason")
        return self._control(request, history.event(EventType.EXECUTION_TERMINATED, Input=reason))

    async def suspend(self, request: web.Request) -> web.Response:
        """Ask an instance to stand still; its messages wait."""
        reason = request.query.get("reason")
        return self._control(request, history.event(EventType.EXECUTION_SUSPENDED, Reason=reason))

    async def resume(self, request: web.Request) -> web.Response:
        """Ask a suspended instance to go on."""
        reason = request.query.get("reason")
        return self._control(request, history.event(EventType.EXECUTION_RESUMED, Reason=reason))

    def _control(self, request: web.Request, message: Event) -> web.Response:
        instance_id = request.match_info["instance_id"]
        closed = self._closed(instance_id)
        if closed is not None:
            return closed
        self._engine.post(instance_id, [message])
        return empty(202)

    def _closed(self, instance_id: str) -> web.Response | None:
        row = self._engine.instance(instance_id)
        if row is None:
            return empty(404)
        return None if row.status in RUNNING else empty(410)

    async def status(self, request: web.Request) -> web.Response:
        """Show one instance: 202 while it runs, 200 when it is finished, 404 without a body when missing."""
        row = self._engine.instance(request.match_info["instance_id"])
        if row is None:
            return empty(404)
        show_input = _flag(request, "showInput", default=True)
        events: list[dict[str, Any]] | None = None
        if _flag(request, "showHistory") and row.status != "Pending":
            events = history_payload(
                self._engine.store.history(row.instance_id),
                show_input=show_input,
                show_output=_flag(request, "showHistoryOutput"),
            )
        payload = status_payload(row, show_input=show_input, events=events)
        if row.status in RUNNING:
            headers = {"Location": str(request.url), "Retry-After": "5"}
            return web.json_response(payload, status=202, headers=headers)
        failed = row.status == "Failed" and _flag(request, "returnInternalServerErrorOnFailure")
        return web.json_response(payload, status=500 if failed else 200)

    async def list_instances(self, request: web.Request) -> web.Response:
        """List instances by filter, with paging by `top` and the continuation token header."""
        top = int(request.query["top"]) if request.query.get("top", "").isdigit() else None
        rows = self._engine.store.instances(_query(request, statuses=_statuses(request), top=top))
        show_input = _flag(request, "showInput", default=True)
        token = rows[-1].instance_id if top is not None and len(rows) == top else ""
        return web.json_response(
            [status_payload(row, show_input=show_input) for row in rows],
            headers={"x-ms-continuation-token": token},
        )

    async def purge(self, request: web.Request) -> web.Response:
        """Delete one finished instance; a running one stays, as Durable Task Scheduler does it."""
        row = self._engine.instance(request.match_info["instance_id"])
        if row is None:
            return empty(404)
        ids = [] if row.status in RUNNING else [row.instance_id]
        return web.json_response({"instancesDeleted": self._engine.store.purge(ids)})

    async def purge_many(self, request: web.Request) -> web.Response:
        """Delete finished instances by filter; 404 when there are none."""
        if _time(request, "createdTimeFrom") is None:
            return web.json_response(_PURGE_NEEDS_FROM, status=400)
        wanted = (_statuses(request) or frozenset(_FINISHED)) & frozenset(_FINISHED)
        rows = self._engine.store.instances(_query(request, statuses=wanted, top=None)) if wanted else []
        deleted = self._engine.store.purge([row.instance_id for row in rows])
        return web.json_response({"instancesDeleted": deleted}) if deleted else empty(404)


def _json_body(text: str) -> str | None:
    return json.dumps(json.loads(text)) if text else None


def _invalid_json(invalid: ValueError) -> web.Response:
    return exception(400, "Invalid JSON content", text=str(invalid), kind="Newtonsoft.Json.JsonReaderException")


def _flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    value = request.query.get(name, "").lower()
    return value == "true" if value in ("true", "false") else default


def _time(request: web.Request, name: str) -> str | None:
    try:
        return history.timestamp(datetime.fromisoformat(request.query.get(name, "")))
    except ValueError:
        return None  # TryParse: what is no time is no filter


def _statuses(request: web.Request) -> frozenset[str]:
    return frozenset(name for value in request.query.getall("runtimeStatus", []) for name in value.split(","))


def _query(request: web.Request, *, statuses: frozenset[str], top: int | None) -> InstanceQuery:
    return InstanceQuery(
        statuses=statuses,
        created_from=_time(request, "createdTimeFrom"),
        created_to=_time(request, "createdTimeTo"),
        id_prefix=request.query.get("instanceIdPrefix", ""),
        after=request.headers.get("x-ms-continuation-token", ""),
        top=top,
    )

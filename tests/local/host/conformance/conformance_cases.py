"""The conformance cases: small apps and calls that the worker library and the local host must treat alike.

A source is the text of `function_app.py` after PRELUDE. A call is a function's name and its inputs as
`[kind, value]`; bytes are base64. `stricter` names what the local host refuses although the worker indexes
it, because the real host, one process further on, refuses it or because the local host lacks it.
"""

from dataclasses import dataclass, field
from typing import Any

PRELUDE = """
import json, typing, dataclasses
import azure.functions as func
import azure.durable_functions as df
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
def ps(**kw):
    return app.generic_trigger(**({"arg_name": "request", "type": "webPubSubTrigger", "hub": "h",
                                   "eventType": "user", "eventName": "m"} | kw))
def cosmos(arg="doc"):
    return app.cosmos_db_output(arg_name=arg, connection="COSMOS", database_name="d", container_name="c")
"""

Inputs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One app and the calls made to it."""

    source: str
    calls: list[tuple[str, Inputs]] = field(default_factory=list[tuple[str, Inputs]])
    refused: str | None = None
    stricter: str | None = None


def _activity(body: str, *inputs: Any, annotation: str = "") -> Case:
    source = f'@app.activity_trigger(input_name="x")\ndef f(x{annotation}):\n    {body}\n'
    return Case(source, [("f", {"x": value}) for value in inputs])


def _event(body: str, *inputs: Any, annotation: str = ": str") -> Case:
    source = f"@ps()\ndef f(request{annotation}):\n    {body}\n"
    return Case(source, [("f", {"request": value}) for value in inputs])


def _http(body: str, *requests: dict[str, Any], returns: str = "") -> Case:
    source = f'@app.route(route="r/{{name}}")\ndef f(req: func.HttpRequest){returns}:\n    {body}\n'
    return Case(source, [("f", {"req": ["http", request]}) for request in requests])


def _request(**changes: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": "http://127.0.0.1/api/r/n?a=1",
        "headers": {"x-a": "1"},
        "params": {"name": "n"},
        "query": {"a": "1"},
        "body": "eyJrIjogMX0=",
        **changes,
    }


def _refused(source: str, words: str) -> Case:
    return Case(source, refused=words)


def _annotated(annotation: str, words: str) -> Case:
    case = _activity("return 1", annotation=f": {annotation}")
    return Case(case.source, refused=words)


_ACCEPTED = (
    *("dict", "list", "str", "bytes", "int", "T", "D"),
    *("typing.Any", "typing.Dict", "typing.Dict[str, str]", "typing.List[int]"),
)
_EMPTY_BODY = _request(body="")
_ORCHESTRATOR = """
@app.orchestration_trigger(context_name="context")
def f(context):
    value = yield context.call_activity("a", context.get_input())
    return value
"""
_STARTED = (
    '{"history":[{"EventType":12,"EventId":-1,"IsPlayed":false,"Timestamp":"2026-01-01T00:00:00Z"},'
    '{"EventType":0,"EventId":-1,"IsPlayed":false,"Timestamp":"2026-01-01T00:00:00Z","Name":"f","Version":"",'
    '"Input":"\\"5\\""}],"input":"5","instanceId":"i","isReplaying":false,"parentInstanceId":null,'
    '"upperSchemaVersion":1,"upperSchemaVersionNew":2}'
)
_CLIENT = (
    '{"taskHubName":"h","creationUrls":{},"managementUrls":{"id":"INSTANCEID"},"baseUrl":"http://127.0.0.1:1/x",'
    '"requiredQueryStringParameters":"code=1","rpcBaseUrl":"http://127.0.0.1:1/durabletask/"}'
)

CASES: dict[str, Case] = {
    # --- what crosses into a function
    "activity decodes json": _activity(
        "return [type(x).__name__, x]",
        ["string", '{"a": 1}'],
        ["string", "not json"],
        ["string", '"text"'],
        ["string", "null"],
        ["string", "1.5"],
        ["json", "[1]"],
    ),
    "activity refuses bytes": _activity("return x", ["bytes", "AAE="]),
    "event gets text unparsed": _event(
        "return {'seen': repr(request)}", ["string", '{"a": 1}'], ["json", '{"a": 1}'], ["bytes", "AAE="], None
    ),
    "http request": _http(
        "return func.HttpResponse(json.dumps([req.method, req.url, dict(req.headers), dict(req.params), "
        "dict(req.route_params), req.get_body().decode()]))",
        _request(),
        _EMPTY_BODY,
    ),
    "http json": _http("return json.dumps(req.get_json())", _request(), _EMPTY_BODY, _request(body="eyJ4")),
    "timer": Case(
        '@app.timer_trigger(arg_name="t", schedule="0 */5 * * * *")\n'
        "def f(t: func.TimerRequest) -> None:\n    assert t.past_due is True, t.past_due\n",
        [
            ("f", {"t": ["json", '{"IsPastDue": true, "ScheduleStatus": null, "Schedule": {}}']}),
            ("f", {"t": ["json", "{}"]}),
            ("f", {"t": ["string", "{}"]}),
        ],
    ),
    "cosmos input": Case(
        '@app.activity_trigger(input_name="x")\n'
        '@app.cosmos_db_input(arg_name="docs", connection="COSMOS", database_name="d", container_name="c")\n'
        "def f(x, docs: func.DocumentList):\n"
        "    return None if docs is None else [None if d is None else dict(d) for d in docs]\n",
        [
            ("f", {"x": ["string", "1"], "docs": ["json", '[{"id": "1"}]']}),
            ("f", {"x": ["string", "1"], "docs": ["string", '{"id": "1"}']}),
            ("f", {"x": ["string", "1"], "docs": ["string", "null"]}),
            ("f", {"x": ["string", "1"], "docs": None}),
        ],
    ),
    "context": Case(
        '@app.activity_trigger(input_name="x")\n'
        "async def f(x, context: func.Context):\n"
        "    t = context.trace_context\n"
        "    return [context.invocation_id, context.function_name, t.trace_parent, t.Traceparent, t.trace_state,\n"
        "            t.Tracestate, t.attributes, context.retry_context.retry_count,\n"
        "            context.retry_context.max_retry_count, context.thread_local_storage.invocation_id]\n",
        [("f", {"x": ["string", "1"]})],
    ),
    "context in a thread": Case(
        '@app.activity_trigger(input_name="x")\n'
        "def f(x, context):\n    return context.thread_local_storage.invocation_id\n",
        [("f", {"x": ["string", "1"]})],
    ),
    # --- what crosses out of a function
    "activity returns": _activity(
        "return [{'a': 1}, [1], 'text', 1, 1.5, True, None, 'ü'][x]", *(["string", str(at)] for at in range(8))
    ),
    "activity returns what is no json": _activity("return {1}", ["string", "1"]),
    "activity returns bytes": _activity("return b'1'", ["string", "1"]),
    "event returns": _event(
        "return [{'a': 1}, [1], 'text', 1, 1.5, True, None, b'1', bytearray(b'2')][int(request)]",
        *(["string", str(at)] for at in range(9)),
    ),
    "event returns what is nothing known": _event("return object()", ["string", "1"]),
    "event returns a set in a dict": _event("return {'a': {1}}", ["string", "1"]),
    "http responses": _http(
        "return [func.HttpResponse('text'), func.HttpResponse(b'\\x00', mimetype='application/x'), 'plain', "
        "func.HttpResponse(status_code=418, headers={'X-B': '1', 'content-type': 'a/b'}), "
        "func.HttpResponse('ü', charset='latin-1'), func.HttpResponse('{}', mimetype='application/json')]"
        "[int(req.route_params['name'])]",
        *(_request(params={"name": str(at)}) for at in range(6)),
    ),
    "http refuses other returns": _http(
        "return [None, {'a': 1}, 5, b'1'][int(req.route_params['name'])]",
        *(_request(params={"name": str(at)}) for at in range(4)),
    ),
    "http with a bad cookie": _http(
        "return func.HttpResponse(headers={'Set-Cookie': 'a=1; Expires=tomorrow'})", _request()
    ),
    "timer returns a value": Case(
        '@app.timer_trigger(arg_name="t", schedule="0 */5 * * * *")\ndef f(t: func.TimerRequest):\n    return 1\n',
        [("f", {"t": ["json", "{}"]})],
    ),
    "failures": _activity("raise [ValueError('a'), KeyError('b'), RuntimeError()][x]", *(["string", n] for n in "012")),
    "out documents": Case(
        '@app.activity_trigger(input_name="x")\n@cosmos()\n'
        "def f(x, doc: func.Out[func.Document]):\n"
        "    doc.set(func.Document.from_dict({'id': x}))\n    return {'r': 1}\n",
        [("f", {"x": ["string", '"a"']})],
    ),
    "out list of documents": Case(
        '@app.activity_trigger(input_name="x")\n@cosmos()\n'
        "def f(x, doc: func.Out[func.DocumentList]):\n"
        "    doc.set([func.DocumentList([func.Document.from_dict({'id': '1'})]),"
        " [func.Document.from_dict({'id': '2'})], {'id': '3'}, [{'id': '4'}], None][x])\n",
        [("f", {"x": ["string", n]}) for n in "01234"],
    ),
    "out of a text": Case(
        '@app.activity_trigger(input_name="x")\n@cosmos()\n'
        "def f(x, doc: func.Out[str]):\n    doc.set(json.dumps({'id': x}))\n    return doc.get()\n",
        [("f", {"x": ["string", '"a"']})],
    ),
    "out of actions": Case(
        '@app.activity_trigger(input_name="x")\n'
        '@app.generic_output_binding(arg_name="actions", type="webPubSub", hub="h")\n'
        "def f(x, actions: func.Out[str]):\n"
        "    actions.set([{'actionName': 'sendToAll'}, 'text', b'1', [1], None][x])\n    return x\n",
        [("f", {"x": ["string", n]}) for n in "01234"],
    ),
    "binding above the trigger encodes the return": Case(
        '@app.generic_output_binding(arg_name="actions", type="webPubSub", hub="h")\n'
        '@app.activity_trigger(input_name="x")\n'
        "def f(x, actions: func.Out[str]):\n    return [{'a': 1}, 'text', None, 1][x]\n",
        [("f", {"x": ["string", n]}) for n in "0123"],
    ),
    "dollar return wins": Case(
        '@app.generic_output_binding(arg_name="$return", type="webPubSub", hub="h")\n@ps()\n'
        "def f(request):\n    return {'actionName': 'sendToAll'}\n",
        [("f", {"request": ["string", "{}"]})],
    ),
    # --- durable functions
    "orchestrator episode": Case(_ORCHESTRATOR, [("f", {"context": ["string", _STARTED]})]),
    "orchestrator failure": Case(
        _ORCHESTRATOR.replace("return value", "return 1").replace("value = yield", "raise ValueError('bad') or"),
        [("f", {"context": ["string", _STARTED]})],
    ),
    "durable client in an activity": Case(
        '@app.activity_trigger(input_name="x")\n@app.durable_client_input(client_name="client")\n'
        "async def f(x, client: df.DurableOrchestrationClient):\n    return [x, type(client).__name__]\n",
        [("f", {"x": ["string", "1"], "client": ["string", _CLIENT]})],
    ),
    "durable client in a sync function": Case(
        '@app.activity_trigger(input_name="x")\n@app.durable_client_input(client_name="client")\n'
        "def f(x, client):\n    return x\n",
        [("f", {"x": ["string", "1"], "client": ["string", _CLIENT]})],
    ),
    "durable names": Case(
        '@app.activity_trigger(input_name="x", activity="Named")\ndef f(x):\n    return 1\n'
        '@app.orchestration_trigger(context_name="context", orchestration="Other")\ndef g(context):\n    yield 1\n'
    ),
    # --- indexing: accepted
    "raw bindings": Case(
        '@app.route(route="a/{b}", methods=["GET", "POST"], auth_level="function")\n'
        "def f(req: func.HttpRequest) -> func.HttpResponse: ...\n"
        "@app.route()\ndef g(req): ...\n"
        "@ps(connections=['A', 'B'], data_type=func.DataType.BINARY)\ndef h(request: bytes) -> dict: ...\n"
        '@app.function_name("renamed")\n@app.timer_trigger(arg_name="t", schedule="0 0 0 * * *", use_monitor=False)\n'
        "def i(t: func.TimerRequest) -> None: ...\n"
    ),
    "accepted annotations": Case(
        "@dataclasses.dataclass\nclass D:\n    a: int\nclass T(typing.TypedDict):\n    a: int\n"
        + "".join(
            f'@app.activity_trigger(input_name="x")\ndef f{at}(x: {annotation}): ...\n'
            for at, annotation in enumerate(_ACCEPTED)
        )
    ),
    "blueprint": Case(
        'bp = df.Blueprint()\n@bp.activity_trigger(input_name="x")\ndef f(x): ...\napp.register_functions(bp)\n'
    ),
    # --- indexing: refused
    "builtin generic": _annotated("dict[str, str]", "invalid non-type annotation dict[str, str]"),
    "optional": _annotated("typing.Optional[str]", "invalid non-type annotation"),
    "union": _annotated("str | None", "invalid non-type annotation str | None"),
    "old union": _annotated("typing.Union[int, str]", "invalid non-type annotation"),
    "tuple generic": _annotated("typing.Tuple[int]", "invalid non-type annotation"),
    "callable": _annotated("typing.Callable[[], int]", "invalid non-type annotation"),
    "value as annotation": _annotated("5", "non-type annotation 5"),
    "unknown forward reference": _annotated("'Nothing'", "Nothing"),
    "undeclared parameter": _refused(
        '@app.activity_trigger(input_name="x")\ndef f(x, y): ...\n', "declared in Python but not in the function"
    ),
    "missing parameter": _refused('@app.activity_trigger(input_name="x")\ndef f(): ...\n', "not present in Python"),
    "wrong context": _refused(
        '@app.activity_trigger(input_name="x")\ndef f(x, context: str): ...\n', '"context" parameter is expected'
    ),
    "binding lost under a FunctionApp's durable decorator": _refused(
        'del app\napp2 = func.FunctionApp()\n@app2.activity_trigger(input_name="x")\n'
        '@app2.durable_client_input(client_name="client")\nasync def f(x, client): ...\n',
        "declared in Python but not in the function",
    ),
    "output without Out": _refused(
        '@app.activity_trigger(input_name="x")\n@cosmos()\ndef f(x, doc: func.Document): ...\n', "not a subclass of"
    ),
    "input with Out": _refused(
        '@app.activity_trigger(input_name="x")\ndef f(x: func.Out[str]): ...\n', 'declared to have the "in" direction'
    ),
    "bare Out": _refused('@app.activity_trigger(input_name="x")\n@cosmos()\ndef f(x, doc: func.Out): ...\n', "Out"),
    "Out of the wrong type": _refused(
        '@app.activity_trigger(input_name="x")\n@cosmos()\ndef f(x, doc: func.Out[int]): ...\n', "do not match"
    ),
    "Out of a dict": _refused(
        '@app.activity_trigger(input_name="x")\n@cosmos()\ndef f(x, doc: func.Out[dict]): ...\n', "do not match"
    ),
    "event with a dict parameter": _refused("@ps()\ndef f(request: dict): ...\n", "do not match"),
    "event with a generic parameter": _refused("@ps()\ndef f(request: typing.Dict[str, str]): ...\n", "issubclass"),
    "event with a declared data type": _refused(
        "@ps(data_type=func.DataType.UNDEFINED)\ndef f(request: dict): ...\n", "does not match its Python annotation"
    ),
    "http with the wrong request type": _refused("@app.route()\ndef f(req: dict): ...\n", "do not match"),
    "http with the wrong response type": _refused(
        "@app.route()\ndef f(req: func.HttpRequest) -> dict: ...\n", 'return annotation "dict" does not match'
    ),
    "http with an optional response": _refused(
        "@app.route()\ndef f(req: func.HttpRequest) -> func.HttpResponse | None: ...\n", "invalid non-type return"
    ),
    "http returning Out": _refused(
        "@app.route()\ndef f(req: func.HttpRequest) -> func.Out[str]: ...\n", "should not be azure.functions.Out"
    ),
    "timer with the wrong type": _refused(
        '@app.timer_trigger(arg_name="t", schedule="0 0 0 * * *")\ndef f(t: dict): ...\n', "do not match"
    ),
    "dollar return as input": _refused(
        '@ps()\n@app.generic_input_binding(arg_name="$return", type="webPubSubConnection", hub="h")\n'
        "def f(request): ...\n",
        '"$return" binding must have direction set to "out"',
    ),
    "duplicate names": _refused(
        '@app.activity_trigger(input_name="x")\ndef f(x): ...\n@app.route()\ndef f(req): ...\n', "f"
    ),
    "no trigger": _refused("@cosmos()\ndef f(doc): ...\n", "does not have a trigger"),
    "two apps": _refused("second = func.FunctionApp()\n", "More than one"),
    "one app under two names": _refused("second = app\n", "More than one"),
    "no app": _refused("del app\n", "Could not find top level function app instances"),
    "import that fails": _refused("import nothing_of_that_name\n", "nothing_of_that_name"),
    # --- refused here only
    "unknown binding type": Case(
        '@app.queue_trigger(arg_name="m", queue_name="q", connection="C")\ndef f(m: func.QueueMessage): ...\n',
        stricter="binding type 'queueTrigger' (in) is not offered by the local host",
    ),
    "entity": Case(
        '@app.entity_trigger(context_name="context")\ndef f(context): ...\n',
        stricter="binding type 'entityTrigger' (in) is not offered by the local host",
    ),
    "binding name": Case(
        '@app.activity_trigger(input_name="a__b")\ndef f(a__b): ...\n',
        stricter="The binding name a__b is invalid. Please assign a valid name to the binding.",
    ),
    "function name": Case(
        '@app.function_name("1st")\n@app.activity_trigger(input_name="x")\ndef f(x): ...\n',
        stricter="'1st' is not a valid function name.",
    ),
    "schedule": Case(
        '@app.timer_trigger(arg_name="t", schedule="99 * * * * *")\ndef f(t: func.TimerRequest): ...\n',
        stricter="The schedule expression '99 * * * * *' was not recognized as a valid cron expression",
    ),
    "retry policy": Case(
        '@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")\n'
        '@app.timer_trigger(arg_name="t", schedule="0 0 0 * * *")\ndef f(t: func.TimerRequest): ...\n',
        stricter="retry policies are not offered by the local host",
    ),
}

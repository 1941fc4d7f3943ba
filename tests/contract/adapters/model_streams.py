"""Record streams of models as golden files: `python -m tests.contract.adapters.model_streams`.

Without options the stand-in's streams are recorded anew. `--server http://127.0.0.1:8080 --model NAME` records a plain
answer of any other server that speaks the API. What a stream must be read as stands in `expected.json` beside them and
is checked by hand, never recorded.
"""

from __future__ import annotations

import argparse
import http.client
import json
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.adapters.open_ai import chat_completions, responses
from shared.domain.model import CallMade, ModelRequest, Said
from shared.domain.tools import ToolSpec

FOLDER = Path(__file__).parents[1] / "golden" / "models"
APIS = {
    "chat_completions": ("gpt-4.1-mini", "/v1/chat/completions", chat_completions._arguments),
    "responses": ("gpt-5.4-mini", "/v1/responses", responses._arguments),
}
TOOLS = tuple(
    ToolSpec(
        server=server,
        name=name,
        title=name,
        description=description,
        input_schema={"type": "object", "properties": {"owner": {"type": "string"}}},
    )
    for server, name, description in (
        ("sfdc", "pipeline_summary", "Summarise the open pipeline by stage"),
        ("winloss", "win_rate", "Give the win rate of a period"),
    )
)
ASKED = ModelRequest(system="You coach.", said=(Said(role="user", text="How is my pipeline?"),))
TOLD = replace(ASKED, said=(Said(role="user", text="Hello!"),))
TWO = replace(ASKED, said=(Said(role="user", text="Show my pipeline and my win rate"),), tools=TOOLS)
CALL = CallMade(call_id="c1", name="sfdc__pipeline_summary", arguments_json="{}")
RESULT = '{"rows": [{"stage": "Neu", "amount": 733000}, {"stage": "Ü", "amount": 1}]}'
PAST = (Said(role="assistant", text="", calls=(CALL,)), Said(role="tool", text=RESULT, call_id="c1"))
CALLED = replace(ASKED, tools=TOOLS, said=(*ASKED.said, *PAST))
CASES: dict[str, tuple[ModelRequest, dict[str, Any] | None]] = {
    "plain": (TOLD, None),
    "call": (replace(ASKED, tools=TOOLS), None),
    "parallel_calls": (TWO, None),
    "answer_from_results": (CALLED, None),
    "content_filter": (TOLD, {"mode": "content_filter_after", "after": 6}),
    "length": (TOLD, {"mode": "length_after", "after": 6}),
    "refusal": (TOLD, {"mode": "refusal"}),
    "empty": (TOLD, {"mode": "empty"}),
    "cut": (TOLD, {"mode": "cut_after_tokens", "after": 6}),
    "end_without_finish": (TOLD, {"mode": "eof_without_finish_after", "after": 6}),
    "error_event": (TOLD, {"mode": "error_event_after", "after": 6}),
    "bad_arguments": (replace(ASKED, tools=TOOLS), {"mode": "bad_tool_json"}),
    "unknown_tool": (replace(ASKED, tools=TOOLS), {"mode": "unknown_tool"}),
}
RECORDED = tuple(CASES)


def stream_of(server: str, path: str, body: dict[str, Any]) -> bytes:
    """Read a stream as far as it comes."""
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    request = urllib.request.Request(server + path, json.dumps(body).encode(), headers)  # noqa: S310
    read = b""
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        try:
            while more := answer.read(1):
                read += more
        except (http.client.HTTPException, OSError):
            return read
    return read


def record(server: str, api: str, case: str, *, model: str | None = None, prefix: str = "") -> None:
    """Write one golden file."""
    name, path, arguments = APIS[api]
    request, _ = CASES[case]
    body = arguments(name, request) | ({"model": model} if model else {})
    (FOLDER / api).mkdir(parents=True, exist_ok=True)
    (FOLDER / api / f"{prefix}{case}.sse").write_bytes(stream_of(server, path, body))


def main() -> None:
    """Record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", help="another server than the stand-in")
    parser.add_argument("--model", help="its model's name")
    options = parser.parse_args()
    if options.server:
        for api in APIS:
            record(options.server, api, "plain", model=options.model, prefix=f"{options.model}_")
        return
    from tests.contract.adapters.conftest import Part  # noqa: PLC0415  # it starts processes

    part = Part("model", "--faults", "--tokens-per-second", "0")
    try:
        for api in APIS:
            for case, (_, fault) in CASES.items():
                part.ask("DELETE", "/_faults")
                if fault is not None:
                    part.ask("POST", "/_faults", {**fault, "count": 1})
                record(part.url, api, case)
    finally:
        part.end()


if __name__ == "__main__":
    main()

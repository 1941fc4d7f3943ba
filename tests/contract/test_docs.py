"""The documents say what the code does: names are taken from the code and looked up in the pages."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from functions._edge import _STATUS
from shared.domain.errors import ChatError, ErrorCode
from shared.domain.frames import Frame
from shared.wire.inbound import Inbound, parse

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
RECORD_PARTS = ("Context", "Options", "Choice", "Cost")

Json = dict[str, Any]


@cache
def page(name: str) -> str:
    """Read a page of docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def there(name: str) -> str:
    """Read a page up to its list of what is missing."""
    return page(name).partition("\n## Not there yet\n")[0]


def json_examples(text: str) -> Iterator[Json]:
    """Read every object of every JSON block; a block may hold several, one after the other."""
    decoder = json.JSONDecoder()
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        rest = block.strip()
        while rest:
            example, end = decoder.raw_decode(rest)
            yield example
            rest = rest[end:].strip()


@cache
def wire_examples() -> tuple[Json, ...]:
    """Give the protocol's messages and frames, those in an envelope of Web PubSub taken out of it."""
    found = [example for example in json_examples(page("protocol.md")) if "type" in example]
    return tuple(example["data"] if "dataType" in example else example for example in found)


def frame_types() -> set[str]:
    """Types of all frames of the server."""
    return {
        str(field.default)
        for frame in get_args(Frame)
        for field in fields(frame)  # pyright: ignore[reportUnknownArgumentType]  # the union's members are dataclasses
        if field.name == "type"
    }


def message_types() -> set[str]:
    """Types of all messages of clients."""
    models = get_args(get_args(Inbound)[0])
    return {str(name) for model in models for name in get_args(model.model_fields["type"].annotation)}


def registered_modules() -> list[Path]:
    """Find the modules whose blueprints function_app registers, without importing the app."""
    tree = ast.parse((ROOT / "function_app.py").read_text(encoding="utf-8"))
    imported = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "functions"
        for alias in node.names
    }
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple)]
    names = [item.id for loop in loops if isinstance(loop.iter, ast.Tuple) for item in loop.iter.elts
             if isinstance(item, ast.Name)]  # fmt: skip
    return [ROOT / imported[name].replace(".", "/") / f"{name}.py" for name in names]


def decorations(kind: str) -> Iterator[ast.Call]:
    """Find `@bp.<kind>(...)` in the registered modules."""
    for path in registered_modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for decorator in node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []:
                called = decorator.func if isinstance(decorator, ast.Call) else None
                if isinstance(decorator, ast.Call) and isinstance(called, ast.Attribute) and called.attr == kind:
                    yield decorator


def given(call: ast.Call, name: str) -> Any:
    """Read a literal keyword of a decorator."""
    return next((ast.literal_eval(word.value) for word in call.keywords if word.arg == name), None)


def routes() -> set[str]:
    """Every REST route of the app, as `GET /api/sessions/{id}`."""
    prefix = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["http"]["routePrefix"]
    return {
        f"{method} /{prefix}/{ast.literal_eval(call.args[0])}"
        for call in decorations("route")
        for method in given(call, "methods")
    }


def events() -> set[str]:
    """Every Web PubSub event that the app answers."""
    return {given(call, "eventName") for call in decorations("generic_trigger")}


def test_every_frame_of_the_server_has_an_example() -> None:
    """And no example shows a frame or message that does not exist."""
    shown = {example["type"] for example in wire_examples()}

    assert shown == frame_types() | message_types()


def test_every_message_of_a_client_is_described() -> None:
    """The older names, too."""
    for name in message_types():
        assert f"`{name}`" in there("protocol.md"), name


def is_said_by_a_client(example: Json) -> bool:
    """Two types are said by clients and relayed to others, with the person who said it."""
    kind = example["type"]
    return kind in message_types() and not (kind in frame_types() and "user" in example)


def test_every_example_is_as_the_schema_says() -> None:
    """Messages by the clients' part of it, frames by the server's."""
    schema = json.loads(page("protocol.schema.json"))
    validators = {
        part: Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]})
        for part in ("clientMessage", "serverFrame")
    }

    for example in wire_examples():
        part = "clientMessage" if is_said_by_a_client(example) else "serverFrame"
        faults = [fault.message for fault in validators[part].iter_errors(example)]  # pyright: ignore[reportUnknownMemberType]
        assert faults == [], (example["type"], faults)


def test_every_example_of_a_client_is_read_by_the_app() -> None:
    """By the parser itself."""
    for example in wire_examples():
        if is_said_by_a_client(example):
            assert parse(json.dumps(example)).type == example["type"]


def test_every_error_code_stands_beside_its_status() -> None:
    """Code, HTTP status and whether a repeat may help, as the code has them."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \| (yes|no) \|", page("protocol.md"), re.MULTILINE)

    written = {(code, int(status), retryable == "yes") for code, status, retryable in rows}

    assert written == {(code.value, _STATUS[code], ChatError(code, "").retryable) for code in ErrorCode}


def test_every_rest_route_is_described_and_no_other() -> None:
    """What the blueprints register, read from their source."""
    written = set(re.findall(r"\b(?:GET|POST|PUT|PATCH|DELETE|OPTIONS) /api/[a-z/{}-]*[a-z}]", there("protocol.md")))

    assert routes()
    assert written == routes()


def test_every_event_of_the_hub_is_on_the_page_of_the_architecture() -> None:
    """System events and user events."""
    assert events()
    for name in events():
        assert f"`{name}`" in there("architecture.md"), name


def test_every_room_and_step_is_on_the_page_of_the_architecture() -> None:
    """Folders and modules as they are."""
    rooms = [path for path in (ROOT / "shared").iterdir() if not path.name.startswith("__")]
    steps = [path for path in (ROOT / "functions").iterdir() if not path.name.startswith("__")]

    for path in (*rooms, *steps):
        name = f"{path.parent.name}/{path.name}" + ("/" if path.is_dir() else "")
        assert f"`{name}`" in page("architecture.md"), name


def test_every_item_of_the_database_is_on_the_page_of_the_architecture() -> None:
    """Kinds of documents, as shared/wire writes them."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "shared" / "wire").glob("*documents.py"))
    kinds = set(re.findall(r'"kind": "([a-z_]+)"', source)) | set(re.findall(r'_KIND = "([a-z_]+)"', source))

    assert kinds
    for kind in kinds:
        assert f"`{kind}`" in page("architecture.md"), kind


def test_every_decision_is_listed_and_has_its_parts() -> None:
    """Context, options, choice, cost; numbers without gaps; half a page or a little more."""
    records = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")

    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text(encoding="utf-8")
        title = text.partition("\n")[0].removeprefix("# ")
        assert title.startswith(path.name[:4]), path.name
        assert f"[{title}]({path.name})" in index, path.name
        assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == RECORD_PARTS, path.name
        assert text.count("\n") <= 60, path.name


def test_the_glossary_is_in_order() -> None:
    """A word is found where it is looked for."""
    words = re.findall(r"^\| \*\*([^*]+)\*\* \|", page("glossary.md"), re.MULTILINE)

    assert words == sorted(words, key=str.lower)
    assert len(words) == len(set(words))


def own_pages() -> list[Path]:
    """Every Markdown file of the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def anchors(path: Path) -> set[str]:
    """Name a page's headings as GitHub links them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", own_pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    """To a file that exists, and to a heading that is in it."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]

    broken = [link for link in links if not _leads_somewhere(path, link)]

    assert broken == []


def _leads_somewhere(path: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (path.parent / name) if name else path
    if not target.exists():
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target))

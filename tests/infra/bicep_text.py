"""Read Bicep with tree-sitter into plain declarations; what it cannot read is an error, never skipped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from pycep import BicepParser
from tree_sitter import Language, Node, Parser

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
LANGUAGE = Language(tree_sitter_bicep.language())
PYCEP = BicepParser()
KINDS = ("parameter", "variable", "resource", "module", "output", "type")


class Unreadable(Exception):
    """A file that one of the parsers refuses; the message has the place."""


@dataclass(slots=True)
class Declaration:
    """One named thing of a Bicep file."""

    kind: str
    name: str
    node: Node
    type: str | None = None
    value: Node | None = None
    target: str = ""
    existing: bool = False
    condition: str | None = None


@dataclass(slots=True)
class BicepFile:
    """A parsed file."""

    path: Path
    root: Node
    declared: dict[str, Declaration] = field(default_factory=dict[str, Declaration])
    outputs: dict[str, Declaration] = field(default_factory=dict[str, Declaration])
    imports: dict[str, str] = field(default_factory=dict[str, str])

    def of(self, kind: str) -> list[Declaration]:
        """List the declarations of a kind."""
        return [one for one in self.declared.values() if one.kind == kind]


def files() -> list[Path]:
    """Every Bicep file of the repository."""
    return sorted(INFRA.rglob("*.bicep"))


def parameter_files() -> list[Path]:
    """Every parameter file."""
    return sorted(INFRA.rglob("*.bicepparam"))


def text(node: Node) -> str:
    """Give the source of a node."""
    return (node.text or b"").decode()


def walk(node: Node) -> Iterator[Node]:
    """Visit a node and everything below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def source_for(path: Path, parser: str) -> str:
    """Give a file's text as the parser knows the language: each lacks something that the compiler has."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".bicepparam":
        # Neither parser knows parameter files; their assignments are read as variables.
        source = re.sub(r"^using '[^']+'$", "", source, flags=re.MULTILINE)
        source = re.sub(r"^param ", "var ", source, flags=re.MULTILINE)
    if parser == "tree-sitter":
        source = re.sub(r"^extension \w+$", "", source, flags=re.MULTILINE)
    return source


def parse_by_pycep(source: str) -> None:
    """Parse with pycep.

    Raises:
        Unreadable: naming the place.
    """
    try:
        PYCEP.parse(text=source)
    except Exception as fault:
        raise Unreadable(str(fault)) from fault


def parse_by_tree_sitter(source: str) -> Node:
    """Parse with tree-sitter.

    Raises:
        Unreadable: naming the place.
    """
    root = Parser(LANGUAGE).parse(source.encode()).root_node
    for node in walk(root):
        if node.type == "ERROR" or node.is_missing:
            raise Unreadable(f"line {node.start_point[0] + 1}: {text(node)[:80]!r}")
    return root


@lru_cache
def load(path: Path) -> BicepFile:
    """Parse a file and list what it declares."""
    return read(path, parse_by_tree_sitter(source_for(path, "tree-sitter")))


def read(path: Path, root: Node) -> BicepFile:
    """List what a parsed file declares."""
    found = BicepFile(path, root)
    for node in root.children:
        kind = node.type.removesuffix("_declaration")
        if kind in KINDS:
            one = _declaration(kind, node)
            (found.outputs if kind == "output" else found.declared)[one.name] = one
        elif node.type.startswith("import"):
            names = re.search(r"\{([^}]*)\}\s*from\s*'([^']+)'", text(node))
            assert names, text(node)
            found.imports |= dict.fromkeys((name.strip() for name in names[1].split(",")), names[2])
    return found


def _declaration(kind: str, node: Node) -> Declaration:
    names = [child for child in node.named_children if child.type == "identifier"]
    one = Declaration(kind, text(names[0]), node)
    rest = [child for child in node.named_children if child is not names[0] and child.type != "decorators"]
    if kind in ("resource", "module"):
        one.target = text(rest[0]).strip("'")
        one.existing = any(child.type == "existing" or text(child) == "existing" for child in node.children)
        one.value = rest[-1]
        if one.value.type == "if_statement":
            one.condition = text(one.value.named_children[0])
        return one
    if kind in ("parameter", "output"):
        one.type = re.sub(r"\s+", " ", _type_text(text(node)))
    one.value = _after_equals(node)
    return one


def _type_text(declaration: str) -> str:
    """Give what stands between the name and the default."""
    found = re.search(r"^(?:param|output)\s+\w+\s+([^=\n]+?)\s*(?:=|$)", declaration, re.MULTILINE)
    assert found, declaration
    return found[1]


def _after_equals(node: Node) -> Node | None:
    children = list(node.children)
    for index, child in enumerate(children):
        if child.type == "=":
            return children[index + 1]
    return None


def body(declaration: Declaration) -> Node:
    """Give the object of a resource or module, inside a condition or a loop too."""
    assert declaration.value is not None
    return next(node for node in walk(declaration.value) if node.type == "object")


def properties(node: Node) -> dict[str, Node]:
    """Give an object's properties by name."""
    found: dict[str, Node] = {}
    for pair in node.named_children:
        if pair.type == "object_property":
            key, value = pair.named_children[0], pair.named_children[-1]
            found[text(key).strip("'")] = value
    return found


def at(node: Node, path: str) -> Node | None:
    """Follow a dotted path through objects."""
    for name in path.split("."):
        if node.type != "object":
            node = next((one for one in walk(node) if one.type == "object"), node)
        following = properties(node).get(name)
        if following is None:
            return None
        node = following
    return node


def plain(node: Node) -> Any:
    """Turn literals into Python values; an expression stays as its text."""
    source = text(node)
    if node.type == "object":
        return {name: plain(value) for name, value in properties(node).items()}
    if node.type == "array":
        return [plain(child) for child in node.named_children if child.type != "comment"]
    if node.type == "string" and "${" not in source:
        return source.strip("'").strip().replace("\\'", "'")
    if source in ("true", "false", "null") or re.fullmatch(r"-?\d+", source):
        return json.loads(source)
    return re.sub(r"\s+", " ", source)

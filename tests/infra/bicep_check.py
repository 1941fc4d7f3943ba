"""Check what a parser cannot: that names exist and that values have the declared types. It is no compiler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from tests.infra import bicep_text
from tests.infra.bicep_text import BicepFile, Declaration, load, properties, text, walk

# Functions that the files may call, and what they give; another name is a fault until it is added here.
FUNCTIONS = {
    **dict.fromkeys(("guid", "uniqueString", "replace", "join", "string", "resourceId", "utcNow"), "string"),
    **dict.fromkeys(("subscriptionResourceId", "readEnvironmentVariable"), "string"),
    **dict.fromkeys(("empty", "bool"), "bool"),
    **dict.fromkeys(("max", "int"), "int"),
    **dict.fromkeys(("map",), "array"),
    **dict.fromkeys(("union", "environment", "resourceGroup", "tenant"), None),
}
PRIMITIVE = ("string", "int", "bool", "array", "object")
LITERALS = {"string": "string", "number": "int", "boolean": "bool", "array": "array", "object": "object"}
DECORATORS = {
    "description",
    "minLength",
    "maxLength",
    "minValue",
    "maxValue",
    "export",
    "batchSize",
    "allowed",
    "secure",
}


def faults(file: BicepFile) -> list[str]:
    """Name everything in a file that does not fit together."""
    found = [*_unknown_types(file), *_unknown_names(file), *_unused(file), *_wrong_outputs(file)]
    for module in file.of("module"):
        found += _module_faults(file, module)
    for declared in (*file.of("parameter"), *file.outputs.values()):
        if declared.value is not None:
            found += mismatch(file, declared.name, declared.type or "", declared.value)
    return [f"{file.path.name}: {fault}" for fault in found]


def parameter_faults(path: Path) -> list[str]:
    """Name what is wrong in a parameter file."""
    using = re.search(r"^using '([^']+)'$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if using is None or not (path.parent / using[1]).is_file():
        return [f"{path.name}: uses no template that exists"]
    template = load((path.parent / using[1]).resolve())
    given = bicep_text.read(path, bicep_text.parse_by_tree_sitter(bicep_text.source_for(path, "tree-sitter"))).declared
    values = {name: one.value for name, one in given.items() if one.value is not None}
    return [f"{path.name}: {fault}" for fault in _given_faults(template, template, values)]


def types_of(file: BicepFile) -> dict[str, str]:
    """Give the declaration of each type that a file knows, its own or imported."""
    known = {one.name: text(one.node) for one in file.of("type")}
    for name, origin in file.imports.items():
        there = load((file.path.parent / origin).resolve()).declared.get(name)
        known |= {name: text(there.node)} if there is not None else {}
    return known


def fields(declaration: str) -> dict[str, str]:
    """Give the fields of an object type."""
    return dict(re.findall(r"^\s+(\w+): (.+)$", declaration, re.MULTILINE))


def choices(declaration: str) -> set[str]:
    """Give the values of a union of literals; empty for other types."""
    return set(re.findall(r"'([^']+)'", declaration.split("=", 1)[1])) if "{" not in declaration else set()


def _unknown_types(file: BicepFile) -> Iterator[str]:
    known = types_of(file)
    for name, origin in file.imports.items():
        if name not in known:
            yield f"{origin} exports no {name}"
    for declared in (*file.of("parameter"), *file.outputs.values()):
        name = (declared.type or "").removesuffix("[]")
        if name not in PRIMITIVE and name not in known:
            yield f"{declared.name} has the unknown type {name}"


def _bound(node: Node) -> set[str]:
    """Give the names that loops and lambdas bring, anywhere in the file."""
    names: set[str] = set()
    for one in walk(node):
        if one.type == "for_statement":
            head = re.match(r"\[?\s*for\s+\(?([\w, ]+?)\)?\s+in\b", text(one))
            names |= {name.strip() for name in head[1].split(",")} if head else set()
        if one.type == "lambda_expression":
            names |= {text(one.named_children[0])}
    return names


def _used(node: Node) -> Iterator[Node]:
    """Visit identifiers that stand for a value."""
    for child in node.named_children:
        if child.type in ("decorators", "type") or (child.type == "identifier" and node.type.endswith("_declaration")):
            continue
        if node.type == "object_property" and child == node.named_children[0] and child.type != "string":
            continue
        if child.type == "identifier":
            yield child
        yield from _used(child)


def _unknown_names(file: BicepFile) -> Iterator[str]:
    bound = _bound(file.root)
    source = file.root.text or b""
    for statement in file.root.named_children:
        if statement.type in ("import_statement", "import_functionality", "type_declaration", "comment", "decorators"):
            continue
        for node in _used(statement):
            # Inside an array, tree-sitter-bicep 1.1 reads a call as a name and a bracket.
            called = source[node.end_byte : node.end_byte + 1] == b"("
            name = text(node)
            if called and name not in FUNCTIONS:
                yield f"line {node.start_point[0] + 1}: unknown function {name}"
            if not called and name not in file.declared and name not in bound and name != "targetScope":
                yield f"line {node.start_point[0] + 1}: unknown name {name}"
    for node in walk(file.root):
        if node.type == "decorator":
            name = re.match(r"@(\w+)", text(node))
            if name is None or name[1] not in DECORATORS:
                yield f"unknown decorator {text(node)}"


def _unused(file: BicepFile) -> Iterator[str]:
    used = {text(node) for statement in file.root.named_children for node in _used(statement)}
    for kind in ("parameter", "variable"):
        for declared in file.of(kind):
            if declared.name not in used:
                yield f"{kind} {declared.name} is never used"


def module_file(file: BicepFile, module: Declaration) -> BicepFile | None:
    """Load the file of a module; None when it does not exist."""
    path = (file.path.parent / module.target).resolve()
    return load(path) if path.is_file() else None


def _wrong_outputs(file: BicepFile) -> Iterator[str]:
    for name, output in re.findall(r"\b(\w+)\.outputs\.(\w+)", text(file.root)):
        module = file.declared.get(name)
        inner = module_file(file, module) if module is not None and module.kind == "module" else None
        if inner is None or output not in inner.outputs:
            yield f"{name} has no output {output}"


def _module_faults(file: BicepFile, module: Declaration) -> list[str]:
    inner = module_file(file, module)
    if inner is None:
        return [f"module {module.name}: there is no {module.target}"]
    given = bicep_text.at(bicep_text.body(module), "params")
    values = properties(given) if given is not None else {}
    return [f"module {module.name}: {fault}" for fault in _given_faults(inner, file, values)]


def _given_faults(inner: BicepFile, outer: BicepFile, values: dict[str, Node]) -> list[str]:
    wanted = {one.name: one for one in inner.of("parameter")}
    found = [f"there is no parameter {name}" for name in values.keys() - wanted.keys()]
    for name, parameter in wanted.items():
        if name in values:
            found += mismatch(outer, name, parameter.type or "", values[name], types=types_of(inner))
        elif parameter.value is None and not (parameter.type or "").endswith("?"):
            found.append(f"parameter {name} is not given")
    return found


def mismatch(file: BicepFile, name: str, wanted: str, value: Node, *, types: dict[str, str] | None = None) -> list[str]:
    """Say how a value differs from the declared type; a type that cannot be told is left to the compiler."""
    known = (types or {}) | types_of(file)
    given = kind_of(file, value)
    shape = _shape(wanted, known)
    if given is not None and _shape(given, known) != shape:
        return [f"{name} must be {wanted}, not {given}"]
    if given in known and wanted in known and given != wanted:
        return [f"{name} must be {wanted}, not {given}"]
    declaration = known.get(wanted, "")
    allowed = choices(declaration) if declaration else set[str]()
    if value.type == "string" and allowed and text(value).strip("'") not in allowed:
        return [f"{name} must be one of {sorted(allowed)}"]
    if value.type == "object" and declaration:
        odd = properties(value).keys() ^ fields(declaration).keys()
        return [f"{name} differs from {wanted} in {sorted(odd)}"] if odd else []
    return []


def _shape(name: str, types: dict[str, str]) -> str:
    if name.endswith("[]"):
        return "array"
    if name in types:
        return "string" if choices(types[name]) else "object"
    return name


def kind_of(file: BicepFile, node: Node) -> str | None:
    """Tell the type of an expression; None when only the compiler knows it."""
    if node.type in LITERALS:
        return LITERALS[node.type]
    if node.type == "identifier":
        return _kind_of_name(file, text(node))
    if node.type == "call_expression":
        return FUNCTIONS.get(text(node.named_children[0]))
    if node.type == "ternary_expression":
        return kind_of(file, node.named_children[1])
    if node.type == "member_expression":
        return _kind_of_member(file, node)
    return None


def _kind_of_name(file: BicepFile, name: str) -> str | None:
    declared = file.declared.get(name)
    if declared is None:
        return None
    if declared.kind == "parameter":
        return declared.type
    return kind_of(file, declared.value) if declared.kind == "variable" and declared.value is not None else None


def _kind_of_member(file: BicepFile, node: Node) -> str | None:
    inner = node
    while inner.type == "member_expression":
        inner = inner.named_children[0]
    if inner.type == "ternary_expression":
        # tree-sitter-bicep 1.1 hangs what follows the last branch on the whole choice.
        return kind_of(file, inner)
    found = re.fullmatch(r"(\w+)\.outputs\.(\w+)", text(node))
    if found is None:
        return None
    module = file.declared.get(found[1])
    target = module_file(file, module) if module is not None and module.kind == "module" else None
    return target.outputs[found[2]].type if target is not None and found[2] in target.outputs else None

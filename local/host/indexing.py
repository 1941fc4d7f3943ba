"""Index one function as the Python worker does: same checks, same order, same words.

Source: azure-functions-runtime 1.3.0, functions.py; `tests/local/host` replays cases through both.
"""

import inspect
import json
import pathlib
import typing
import uuid
from typing import Any

from local.host.annotations import arguments_of, is_generic_type, is_out, origin_of
from local.host.app_model import BindingInfo, Direction, FunctionInfo, FunctionLoadError, ParamType
from local.host.convert import converter_for, has_implicit_output

_DIRECTIONS: dict[int, Direction] = {0: "IN", 1: "OUT", 2: "INOUT"}


def index_function(function: Any) -> FunctionInfo:
    """Check an `azure.functions` Function and describe it.

    Raises:
        FunctionLoadError: it breaks a rule of the worker.
    """
    name = str(function.get_function_name())
    if function.get_setting("retry_policy") is not None:
        raise FunctionLoadError(name, "retry policies are not offered by the local host")
    call = function.get_user_function()
    bindings = _bindings_of(function)
    for binding in bindings:
        _check_direction(name, binding)
    params = dict(inspect.signature(call).parameters)
    annotations = _annotations_of(name, call)
    bound = {binding.name: binding for binding in bindings if binding.name != "$return"}
    requires_context = _take_context(name, params, bound, annotations)
    _check_names(name, set(params), set(bound))
    types = {param: _param_type(name, bound[param], param in annotations, annotations.get(param)) for param in params}
    return FunctionInfo(
        name=name,
        function_id=str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
        call=call,
        directory=str(pathlib.Path(inspect.getfile(call)).parent),
        script_file=str(function.function_script_file),
        is_async=inspect.iscoroutinefunction(call),
        requires_context=requires_context,
        input_types={param: known for param, known in types.items() if bound[param].direction != "OUT"},
        output_types={param: known for param, known in types.items() if bound[param].direction == "OUT"},
        return_type=_return_type(name, bindings, annotations),
        bindings=bindings,
        trigger=_trigger_of(function, bindings),
    )


def _bindings_of(function: Any) -> tuple[BindingInfo, ...]:
    """Pair each binding with the JSON that the worker would send to the host."""
    pairs = zip(function.get_bindings(), function.get_raw_bindings(), strict=True)
    return tuple(
        BindingInfo(
            name=binding.name,
            type=binding.type,
            direction=_DIRECTIONS[binding.direction],
            data_type=binding.data_type,
            raw=json.loads(raw),
        )
        for binding, raw in pairs
    )


def _trigger_of(function: Any, bindings: tuple[BindingInfo, ...]) -> BindingInfo:
    position = [id(binding) for binding in function.get_bindings()].index(id(function.get_trigger()))
    return bindings[position]


def _check_direction(function: str, binding: BindingInfo) -> None:
    if binding.direction == "INOUT":
        raise FunctionLoadError(function, '"inout" bindings are not supported')
    if binding.name == "$return" and binding.direction != "OUT":
        raise FunctionLoadError(function, '"$return" binding must have direction set to "out"')


def _annotations_of(function: str, call: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(call)
    except Exception as fault:
        # The worker lets it out as it is; the function's name is added here.
        raise FunctionLoadError(function, f"{type(fault).__name__}: {fault}") from fault


def _take_context(
    function: str, params: dict[str, Any], bound: dict[str, BindingInfo], annotations: dict[str, Any]
) -> bool:
    if "context" not in params or "context" in bound:
        return False
    del params["context"]
    annotation = annotations.get("context")
    if "context" in annotations and not (isinstance(annotation, type) and annotation.__name__ == "Context"):
        raise FunctionLoadError(
            function,
            f'the "context" parameter is expected to be of type azure.functions.Context, got "{annotation!r}"',
        )
    return True


def _check_names(function: str, params: set[str], bound: set[str]) -> None:
    if params - bound:
        raise FunctionLoadError(
            function,
            "the following parameters are declared in Python but not in the function definition "
            f"(function.json or function decorators):  {params - bound!r}",
        )
    if bound - params:
        raise FunctionLoadError(
            function,
            "Extra parameters in binding definition — the following parameters are declared as bindings "
            f"but are not present in Python: {bound - params!r}",
        )


def _param_type(function: str, binding: BindingInfo, annotated: bool, annotation: Any) -> ParamType:
    if not annotated:
        return ParamType(binding.type)
    out = is_out(annotation)
    pytype = _out_argument(function, binding, annotation) if out else annotation
    if not isinstance(pytype, type) and not is_generic_type(pytype):
        raise FunctionLoadError(function, f"binding {binding.name} has invalid non-type annotation {annotation!r}")
    _check_out(function, binding, out=out)
    plain = pytype in (str, bytes) and not has_implicit_output(binding.type)
    known = ParamType("generic" if plain else binding.type, pytype)
    _check_type(function, binding, known, out=out)
    return known


def _out_argument(function: str, binding: BindingInfo, annotation: Any) -> Any:
    arguments = arguments_of(annotation)
    if len(arguments) != 1:
        raise FunctionLoadError(function, f"binding {binding.name} has invalid Out annotation {annotation!r}")
    return arguments[0]


def _check_out(function: str, binding: BindingInfo, *, out: bool) -> None:
    if binding.direction == "OUT" and not out:
        raise FunctionLoadError(
            function,
            f'binding {binding.name} is declared to have the "out" direction, but its annotation in '
            "Python is not a subclass of azure.functions.Out",
        )
    if binding.direction != "OUT" and out:
        raise FunctionLoadError(
            function,
            f'binding {binding.name} is declared to have the "in" direction in the binding decorator, '
            "but its annotation is azure.functions.Out in Python",
        )


def _check_type(function: str, binding: BindingInfo, known: ParamType, *, out: bool) -> None:
    converter = converter_for(known.binding_type)
    check = converter.check_output_type_annotation if out else converter.check_input_type_annotation
    try:
        fits = check(known.pytype)
    except TypeError as fault:
        # issubclass() of a typing generic; the worker lets it out as it is.
        raise FunctionLoadError(function, f"binding {binding.name}: {fault}") from fault
    if fits:
        return
    name = getattr(known.pytype, "__name__", repr(known.pytype))
    # The worker compares by identity with the number 0, so that an absent data type counts as one.
    if binding.data_type != 0:
        raise FunctionLoadError(
            function,
            f'binding type "{binding.name!r}" and dataType "{binding.type}" in the binding decorator do '
            f"not match the corresponding function parameter's Python type annotation {name}",
        )
    raise FunctionLoadError(
        function,
        f'type of {binding.name} binding in the binding decorator "{binding.type}" does not match its '
        f'Python annotation "{name}"',
    )


def _return_type(function: str, bindings: tuple[BindingInfo, ...], annotations: dict[str, Any]) -> ParamType | None:
    """Choose what encodes the return value: `$return`, else the last binding with an implicit output."""
    annotation = annotations.get("return")
    explicit = next((binding.type for binding in bindings if binding.name == "$return"), None)
    if explicit is not None:
        if "return" in annotations:
            _check_return(function, explicit, annotation)
        return ParamType(explicit, annotation)
    implicit = [binding.type for binding in bindings if has_implicit_output(binding.type)]
    return ParamType(implicit[-1], annotation) if implicit else None


def _check_return(function: str, binding_type: str, annotation: Any) -> None:
    if is_generic_type(annotation) and getattr(origin_of(annotation), "__name__", "") == "Out":
        raise FunctionLoadError(function, "return annotation should not be azure.functions.Out")
    if not isinstance(annotation, type):
        raise FunctionLoadError(function, f"has invalid non-type return annotation {annotation!r}")
    if not converter_for(binding_type).check_output_type_annotation(annotation):
        raise FunctionLoadError(
            function,
            f'Python return annotation "{annotation.__name__}" does not match binding type "{binding_type}"',
        )

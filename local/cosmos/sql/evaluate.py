"""A tree to a function over one document; truth has three values, as in the service."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from local.cosmos.errors import bad_request, refuse
from local.cosmos.sql.functions import AGGREGATES, FUNCTIONS
from local.cosmos.sql.tree import (
    ArrayOf,
    Between,
    Binary,
    Expression,
    Function,
    In,
    Literal,
    Logic,
    Minus,
    Not,
    ObjectOf,
    Parameter,
    Path,
)
from local.cosmos.sql.values import UNDEFINED, equal, is_number, less

Document = Mapping[str, Any]
Evaluator = Callable[[Document], Any]


def bind(expression: Expression, parameters: Mapping[str, Any]) -> Evaluator:
    """Return the function that computes the expression for a document.

    Raises CosmosError 400 for a parameter without a value, 501 for an aggregate in a place of its own.
    """
    match expression:
        case Literal(value):
            return lambda _: value
        case Parameter(name):
            value = parameter(name, parameters)
            return lambda _: value
        case Path(_, steps):
            return _path(steps)
        case Binary():
            return _binary(expression, parameters)
        case Logic(operator, operands):
            return _joined([bind(operand, parameters) for operand in operands], operator == "OR")
        case _:
            return _composed(expression, parameters)


def parameter(name: str, parameters: Mapping[str, Any]) -> Any:
    """Return a parameter's value; raises CosmosError 400 when there is none."""
    if name not in parameters:
        raise bad_request(f"The query names the parameter '{name}', which has no value.")
    return parameters[name]


def negate(value: Any) -> Any:
    """Return NOT of a truth value; undefined for anything else."""
    return not value if isinstance(value, bool) else UNDEFINED


def _composed(expression: Expression, parameters: Mapping[str, Any]) -> Evaluator:
    match expression:
        case Not(operand) | Minus(operand):
            inner = bind(operand, parameters)
            change = negate if isinstance(expression, Not) else _minus
            return lambda document: change(inner(document))
        case In(operand, options):
            return _in(bind(operand, parameters), [bind(option, parameters) for option in options])
        case Between(operand, low, high):
            within = (Binary(">=", operand, low), Binary("<=", operand, high))
            return bind(Logic("AND", within), parameters)
        case Function(name, arguments):
            return _call(name, [bind(argument, parameters) for argument in arguments])
        case ArrayOf(elements):
            return _array([bind(element, parameters) for element in elements])
        case ObjectOf(members):
            return _object([(name, bind(member, parameters)) for name, member in members])
        case _:
            raise TypeError(expression)


def _path(steps: tuple[str | int, ...]) -> Evaluator:
    if len(steps) == 1 and isinstance(steps[0], str):
        name = steps[0]
        return lambda document: document.get(name, UNDEFINED)

    def walk(document: Document) -> Any:
        value: Any = document
        for step in steps:
            value = _step(value, step)
        return value

    return walk


def _step(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return cast("Document", value).get(step, UNDEFINED) if isinstance(value, dict) else UNDEFINED
    elements = cast("list[Any]", value) if isinstance(value, list) else []
    return elements[step] if step < len(elements) else UNDEFINED


def _minus(value: Any) -> Any:
    return -value if is_number(value) else UNDEFINED


def _in(operand: Evaluator, options: list[Evaluator]) -> Evaluator:
    def member(document: Document) -> Any:
        value = operand(document)
        if value is UNDEFINED:
            return UNDEFINED
        return any(equal(value, option(document)) is True for option in options)

    return member


def _call(name: str, arguments: list[Evaluator]) -> Evaluator:
    if name in AGGREGATES:
        refuse(f"the aggregate {name} other than as SELECT VALUE {name}(...)")
    function = FUNCTIONS[name][2]
    return lambda document: function(*(argument(document) for argument in arguments))


def _array(elements: list[Evaluator]) -> Evaluator:
    def build(document: Document) -> Any:
        values = (element(document) for element in elements)
        return [value for value in values if value is not UNDEFINED]

    return build


def _object(members: list[tuple[str, Evaluator]]) -> Evaluator:
    def build(document: Document) -> Any:
        values = ((name, member(document)) for name, member in members)
        return {name: value for name, value in values if value is not UNDEFINED}

    return build


def _binary(expression: Binary, parameters: Mapping[str, Any]) -> Evaluator:
    left = bind(expression.left, parameters)
    right = bind(expression.right, parameters)
    compare = _COMPARE[expression.operator]
    return lambda document: compare(left(document), right(document))


def _joined(operands: list[Evaluator], deciding: bool) -> Evaluator:
    """Join truth values: one `deciding` value decides, else all must be its opposite, else undefined."""

    def join(document: Document) -> Any:
        result: Any = not deciding
        for operand in operands:
            value = operand(document)
            if value is deciding:
                return deciding
            if not isinstance(value, bool):
                result = UNDEFINED
        return result

    return join


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": equal,
    "!=": lambda left, right: negate(equal(left, right)),
    "<": less,
    ">": lambda left, right: less(right, left),
    "<=": lambda left, right: negate(less(right, left)),
    ">=": lambda left, right: negate(less(left, right)),
}

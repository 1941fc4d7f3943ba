"""The expression half of the parser: precedence, literals, paths, calls."""

from local.cosmos.errors import bad_request, not_served, refuse
from local.cosmos.sql.functions import AGGREGATES, check_call
from local.cosmos.sql.lexer import Token, syntax_error
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
from local.cosmos.sql.values import UNDEFINED

_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None, "UNDEFINED": UNDEFINED}
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
# What Cosmos knows after an expression and this server does not.
_UNKNOWN_OPERATORS = frozenset({"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "??", "||", "?"})
# Deeper nesting than any program writes; the descent must not meet Python's own limit.
_DEPTH_LIMIT = 60


class ExpressionParser:
    """A cursor over tokens with one method per level of precedence."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._roots: list[Token] = []
        self.alias = ""

    @property
    def token(self) -> Token:
        """Return the token under the cursor."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """Return the token under the cursor and step on (never past the end)."""
        taken = self.token
        if taken.kind != "end":
            self._at += 1
        return taken

    def accept(self, text: str) -> bool:
        """Step over a keyword or sign if it stands here."""
        found = self.token.kind in ("keyword", "sign") and self.token.text == text
        if found:
            self._at += 1
        return found

    def expect(self, text: str) -> None:
        """Step over a keyword or sign; raises CosmosError 400 if another stands here."""
        if not self.accept(text):
            raise syntax_error(self.token)

    def identifier(self) -> str:
        """Step over a name and return it."""
        if self.token.kind != "word":
            raise syntax_error(self.token)
        return self.take().text

    def check_roots(self) -> None:
        """Raise CosmosError 400 when a path begins with another name than the collection's alias."""
        for token in self._roots:
            if token.text != self.alias:
                raise bad_request(f"Identifier '{token.text}' could not be resolved.")

    def expression(self) -> Expression:
        """Parse alternatives joined by OR."""
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise bad_request("The query is nested too deeply.")
        operands = [self._conjunction()]
        while self.accept("OR"):
            operands.append(self._conjunction())
        self._depth -= 1
        return Logic("OR", tuple(operands)) if len(operands) > 1 else operands[0]

    def _conjunction(self) -> Expression:
        operands = [self._negation()]
        while self.accept("AND"):
            operands.append(self._negation())
        return Logic("AND", tuple(operands)) if len(operands) > 1 else operands[0]

    def _negation(self) -> Expression:
        negations = 0
        while self.accept("NOT"):
            negations += 1
        inner = self._comparison()
        for _ in range(min(negations, 2 + negations % 2)):
            inner = Not(inner)
        return inner

    def _comparison(self) -> Expression:
        left = self.primary()
        if self.token.text in _COMPARISONS and self.token.kind == "sign":
            operator = _COMPARISONS[self.take().text]
            left = Binary(operator, left, self.primary())
        else:
            left = self._membership(left)
        if self.token.kind == "sign" and self.token.text in _UNKNOWN_OPERATORS:
            refuse(f"the operator {self.token.text}")
        if self.token.text == "LIKE" and self.token.kind == "keyword":
            refuse("LIKE")
        return left

    def _membership(self, left: Expression) -> Expression:
        negated = self.accept("NOT")
        if self.accept("IN"):
            self.expect("(")
            found: Expression = In(left, self._list(")"))
        elif self.accept("BETWEEN"):
            low = self.primary()
            self.expect("AND")
            found = Between(left, low, self.primary())
        elif negated and self.token.text != "LIKE":
            raise syntax_error(self.token)
        else:
            return left
        return Not(found) if negated else found

    def _list(self, end: str) -> tuple[Expression, ...]:
        """Parse expressions up to `end`, at least one."""
        listed = [self.expression()]
        while self.accept(","):
            listed.append(self.expression())
        self.expect(end)
        return tuple(listed)

    def primary(self) -> Expression:
        """Parse a literal, parameter, path, call, parenthesis, array or object."""
        token = self.take()
        match token.kind:
            case "number" | "string":
                return Literal(token.value)
            case "parameter":
                return Parameter(token.text)
            case "word":
                return self._call(token) if self.accept("(") else self._path(token)
            case "keyword" if token.text in _CONSTANTS:
                return Literal(_CONSTANTS[token.text])
            case "keyword" if token.text in ("EXISTS", "ARRAY", "UDF"):
                raise not_served(token.text)
            case "sign":
                return self._bracketed(token)
            case _:
                raise syntax_error(token)

    def _bracketed(self, token: Token) -> Expression:
        match token.text:
            case "(":
                if self.token.text == "SELECT":
                    refuse("subqueries")
                inner = self.expression()
                self.expect(")")
                return inner
            case "-":
                return self._minus()
            case "[":
                return ArrayOf(() if self.accept("]") else self._list("]"))
            case "{":
                return ObjectOf(() if self.accept("}") else self._members())
            case _:
                raise syntax_error(token)

    def _minus(self) -> Expression:
        if self.token.kind == "sign" and self.token.text == "-":
            raise syntax_error(self.token)
        operand = self.primary()
        if isinstance(operand, Literal) and isinstance(operand.value, int | float):
            return Literal(-operand.value)
        return Minus(operand)

    def _members(self) -> tuple[tuple[str, Expression], ...]:
        members: list[tuple[str, Expression]] = []
        while not members or self.accept(","):
            name = self.take()
            if name.kind not in ("string", "word"):
                raise syntax_error(name)
            self.expect(":")
            members.append((str(name.value), self.expression()))
        self.expect("}")
        return tuple(members)

    def _call(self, name: Token) -> Expression:
        arguments = () if self.accept(")") else self._list(")")
        upper = name.text.upper()
        if upper not in AGGREGATES:
            check_call(name.text, len(arguments))
        return Function(upper, arguments)

    def _path(self, root: Token) -> Path:
        self._roots.append(root)
        steps: list[str | int] = []
        while True:
            if self.accept("."):
                steps.append(self._dotted())
            elif self.accept("["):
                steps.append(self._indexed())
            else:
                return Path(root.text, tuple(steps))

    def _dotted(self) -> str:
        token = self.take()
        if token.kind == "keyword":
            raise bad_request(
                f"Syntax error, incorrect syntax near '{token.text}' at position {token.at}:"
                f' a reserved word; write ["{token.text.lower()}"].'
            )
        if token.kind != "word":
            raise syntax_error(token)
        return token.text

    def _indexed(self) -> str | int:
        token = self.take()
        if token.kind == "parameter":
            refuse("a parameter as the name of a property")
        if token.kind != "string" and not (token.kind == "number" and isinstance(token.value, int)):
            raise syntax_error(token)
        self.expect("]")
        return token.value

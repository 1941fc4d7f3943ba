"""Tokens to a tree, by recursive descent; expressions are in `expressions.py`."""

from functools import lru_cache

from local.cosmos.errors import bad_request, refuse
from local.cosmos.sql.expressions import ExpressionParser
from local.cosmos.sql.lexer import syntax_error, tokenize
from local.cosmos.sql.tree import Expression, Literal, ObjectOf, Order, Parameter, Path, Query


@lru_cache(maxsize=512)
def parse_query(text: str) -> Query:
    """Return the tree of a SELECT.

    Raises CosmosError 400 for a syntax error, 501 for what Cosmos knows and this server does not.
    """
    return _QueryParser(tokenize(text)).query()


@lru_cache(maxsize=512)
def parse_condition(text: str) -> Expression:
    """Return the tree of a patch's filter predicate, `FROM c WHERE ...`.

    Raises CosmosError as `parse_query` does.
    """
    return _QueryParser(tokenize(text)).condition()


class _QueryParser(ExpressionParser):
    """Clauses. The alias is known only after FROM, so paths are checked at the end."""

    def query(self) -> Query:
        self.expect("SELECT")
        distinct = self.accept("DISTINCT")
        top = self._count() if self.accept("TOP") else None
        select = self._selection()
        self._from()
        where = self.expression() if self.accept("WHERE") else None
        if self.accept("GROUP"):
            refuse("GROUP BY")
        order = self._order() if self.accept("ORDER") else ()
        offset, limit = self._window()
        self._finish()
        parsed = Query(select=select, distinct=distinct, top=top, where=where, order=order, offset=offset, limit=limit)
        if top is not None and limit is not None:
            raise bad_request("TOP and OFFSET LIMIT cannot stand in one query.")
        return parsed

    def condition(self) -> Expression:
        self._from()
        self.expect("WHERE")
        parsed = self.expression()
        self._finish()
        return parsed

    def _finish(self) -> None:
        if self.token.kind != "end":
            raise syntax_error(self.token)
        self.check_roots()

    def _from(self) -> None:
        if not self.accept("FROM"):
            if self.token.kind == "end":
                refuse("a query without FROM")
            raise syntax_error(self.token)
        alias = self.identifier()
        if self.token.text in (".", "["):
            refuse("FROM over a part of the items")
        named = self.accept("AS")
        if named or self.token.kind == "word":
            alias = self.identifier()
        if self.accept("IN"):
            refuse("FROM ... IN over the elements of an array")
        if self.accept("JOIN"):
            refuse("JOIN")
        self.alias = alias

    def _count(self) -> Expression:
        counted = self.primary()
        if not isinstance(counted, Literal | Parameter):
            raise syntax_error(self.token)
        return counted

    def _selection(self) -> Expression | None:
        if self.accept("*"):
            return None
        if self.accept("VALUE"):
            return self.expression()
        members = [self._member(1)]
        while self.accept(","):
            members.append(self._member(len(members) + 1))
        names = [name for name, _ in members]
        if len(set(names)) < len(names):
            raise bad_request("Two columns of the SELECT list have one name; give one of them an alias.")
        return ObjectOf(tuple(members))

    def _member(self, number: int) -> tuple[str, Expression]:
        chosen = self.expression()
        if self.accept("AS") or self.token.kind == "word":
            return self.identifier(), chosen
        if isinstance(chosen, Path):
            return str(chosen.steps[-1]) if chosen.steps else chosen.root, chosen
        return f"${number}", chosen

    def _order(self) -> tuple[Order, ...]:
        self.expect("BY")
        keys = [self._key()]
        while self.accept(","):
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> Order:
        path = self.expression()
        if not isinstance(path, Path) or not path.steps:
            refuse("ORDER BY over anything but a property path")
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        return Order(path, descending)

    def _window(self) -> tuple[Expression | None, Expression | None]:
        if not self.accept("OFFSET"):
            return None, None
        offset = self._count()
        self.expect("LIMIT")
        return offset, self._count()

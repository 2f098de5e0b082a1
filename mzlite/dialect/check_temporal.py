"""Third pass, for what is maintained: which functions it may call, and where mz_now() may stand.

In: a parsed query. Out: nothing; raises MzError (0A000). A maintained view depends on its inputs
and on the clock, and on the clock only through filters: comparisons that have mz_now() alone on
one side, joined by AND.
"""

from __future__ import annotations

from mzlite.dialect import ast
from mzlite.dialect.functions import UNMATERIALIZABLE, VALUE_FUNCTIONS, find_function
from mzlite.dialect.pg_errors import OPERATOR_HINT
from mzlite.errors import MzError, unsupported

_SEE = "See: https://materialize.com/docs/sql/functions/now_and_mz_now/"
_HINT = "In temporal filters `mz_now()` may work instead."
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
_COMPARISONS = frozenset(_NEGATED)
_ARITHMETIC = frozenset("+-*/%")


def is_clock(node: ast.Node) -> bool:
    """mz_now(), possibly in parentheses or under a cast to mz_timestamp."""
    while True:
        if isinstance(node, ast.Nested) or (
            isinstance(node, ast.Cast) and node.data_type.name[-1:] == ("mz_timestamp",)
        ):
            node = node.expression
        else:
            return isinstance(node, ast.Function) and node.name[-1] == "mz_now"


def is_temporal(node: ast.Node) -> bool:
    """Whether an expression calls mz_now(), outside of its subqueries."""
    if isinstance(node, ast.Function) and node.name[-1] == "mz_now":
        return True
    return any(is_temporal(child) for child in ast.children(node) if not isinstance(child, ast.Query))


def check_arithmetic(root: ast.Node) -> None:
    """Raises for arithmetic on mz_now(), which has no type that would take it."""
    for node in ast.walk(root):
        if isinstance(node, ast.Select) and node.where is not None:
            try:
                _check_operations(node.where)
            except MzError as error:
                raise MzError(f"WHERE clause error: {error.message}") from None
    _check_operations(root)


def _check_operations(root: ast.Node) -> None:
    for node in ast.walk(root):
        if not isinstance(node, ast.Operation) or node.operator not in _ARITHMETIC or node.left is None:
            continue
        if is_clock(node.left) or is_clock(node.right):
            left, right = _type_of(node.left), _type_of(node.right)
            if left is not None and right is not None:
                raise MzError(f"operator does not exist: {left} {node.operator} {right}", hint=OPERATOR_HINT)


def _type_of(node: ast.Expression) -> str | None:
    """The type of an expression, where it can be seen."""
    if is_clock(node):
        return "mz_timestamp"
    match node:
        case ast.Nested():
            return _type_of(node.expression)
        case ast.IntervalValue():
            return "interval"
        case ast.Cast(data_type=ast.DataType(kind="named")):
            name = node.data_type.name[-1]
            return {"int4": "integer", "int8": "bigint", "int2": "smallint"}.get(name, name)
        case ast.Value(kind="number"):
            return "numeric" if "." in node.value or "E" in node.value else "integer"
        case _:
            return None


def check_maintained(query: ast.Query, text: str, *, clock: bool = True) -> None:
    """Raises when a maintained `query`, read from `text`, depends on a session or wrongly on the clock.

    `clock` False says that mz_now() is not called anywhere."""
    check_callables(query)
    if clock:
        _Filters(text).query(query)


def check_callables(root: ast.Node) -> None:
    """Raises for a function whose value is that of a session or a moment, other than mz_now()."""
    for node in ast.walk(root):
        if isinstance(node, ast.Function | ast.Identifier):
            _check_callable(node)


def _check_callable(node: ast.Node) -> None:
    name = None
    if isinstance(node, ast.Function) and find_function(node.name) is not None:
        name = node.name[-1]
        if name == "current_schemas" and node.arguments and isinstance(node.arguments[0], ast.Value):
            raise unsupported(f"cannot materialize call to current_schemas({node.arguments[0].value})")
    elif isinstance(node, ast.Identifier) and len(node.parts) == 1 and node.parts[0] in VALUE_FUNCTIONS:
        name = node.parts[0]
    if name is None or name == "mz_now" or name not in UNMATERIALIZABLE:
        return
    called = UNMATERIALIZABLE[name]
    if called == "current_timestamp":
        raise unsupported(f"cannot materialize call to {called}", detail=_SEE, hint=_HINT)
    raise unsupported(f"cannot materialize call to {called}")


class _Filters:
    """Walks over the parts of a query that filter, and refuses mz_now() everywhere else."""

    def __init__(self, text: str) -> None:
        self.text = text

    def query(self, query: ast.Query) -> None:
        bindings: list[ast.Cte | ast.RecursiveCte] = [*query.ctes, *(query.recursive or [])]
        for binding in bindings:
            self.query(binding.query)
        self._body(query.body)
        for item in query.order_by:
            self._plain(item.expression)
        for expression in (query.limit, query.offset):
            if expression is not None:
                self._plain(expression)

    def _body(self, body: ast.QueryBody) -> None:
        if isinstance(body, ast.Query):
            self.query(body)
        elif isinstance(body, ast.SetOperation):
            self._body(body.left)
            self._body(body.right)
        elif isinstance(body, ast.Select):
            self._select(body)
        elif isinstance(body, ast.Values):
            self._plain(body)

    def _select(self, select: ast.Select) -> None:
        for table in select.from_:
            self._joins(table)
        for condition in (select.where, select.having, select.qualify):
            if condition is not None:
                self._condition(condition, negated=False)
        expressions: list[ast.Node] = [*select.group_by, *select.items]
        if isinstance(select.distinct, list):
            expressions.extend(select.distinct)
        for expression in expressions:
            self._plain(expression)

    def _joins(self, table: ast.TableWithJoins) -> None:
        for factor in (table.relation, *(join.relation for join in table.joins)):
            if isinstance(factor, ast.Derived):
                self.query(factor.query)
            elif isinstance(factor, ast.NestedJoin):
                self._joins(factor.join)
            else:
                self._plain(factor)
        for join in table.joins:
            if join.on is not None:
                self._condition(join.on, negated=False)

    def _plain(self, node: ast.Node) -> None:
        """An expression that must not depend on the clock; its subqueries may."""
        if isinstance(node, ast.Query):
            self.query(node)
        elif isinstance(node, ast.Function) and node.name[-1] == "mz_now":
            raise unsupported("cannot materialize call to mz_now")
        else:
            for child in ast.children(node):
                self._plain(child)

    def _condition(self, node: ast.Expression, *, negated: bool) -> None:
        """A condition, split at its ANDs."""
        self._subqueries(node)
        if not is_temporal(node):
            return
        match node:
            case ast.Nested():
                self._condition(node.expression, negated=negated)
            case ast.Not():
                self._condition(node.expression, negated=not negated)
            case ast.And() if not negated:
                self._condition(node.left, negated=False)
                self._condition(node.right, negated=False)
            case ast.Or() if negated:
                self._condition(node.left, negated=True)
                self._condition(node.right, negated=True)
            case ast.Between() if node.negated == negated:
                self._comparison(">=", node.expression, node.low, node)
                self._comparison("<=", node.expression, node.high, node)
            case ast.Operation() if node.operator in _COMPARISONS and node.left is not None:
                operator = _NEGATED[node.operator] if negated else node.operator
                self._comparison(operator, node.left, node.right, node)
            case ast.InList() if len(node.items) == 1:
                operator = "<>" if node.negated != negated else "="
                self._comparison(operator, node.expression, node.items[0], node)
            case _:
                raise self._refused(node, "non-temporal expression of mz_timestamp-castable type")

    def _subqueries(self, node: ast.Node) -> None:
        for child in ast.children(node):
            if isinstance(child, ast.Query):
                self.query(child)
            elif not isinstance(node, (ast.And, ast.Or, ast.Not, ast.Nested)):
                self._subqueries(child)

    def _comparison(self, operator: str, left: ast.Expression, right: ast.Expression, node: ast.Node) -> None:
        if not (is_temporal(left) or is_temporal(right)):
            return
        if is_clock(right) and not is_temporal(left):
            left, right = right, left
        if is_temporal(right) or not is_clock(left):
            raise self._refused(node, "mz_timestamp-castable expression")
        if operator == "<>":
            raise unsupported("Unsupported binary temporal operation: NotEq(NotEq)")

    def _refused(self, node: ast.Node, what: str) -> MzError:
        found = " ".join(self.text[node.start : node.end].split())
        return unsupported(
            f"Unsupported temporal predicate. Note: `mz_now()` must be directly compared to a {what}. "
            f"Expression found: {found}"
        )

"""Second pass of the checks: what Materialize's planner refuses in a query of known names.

In: a parsed query. Out: nothing; raises MzError. Judged is what can be told without the types of
columns: operators, window frames, where aggregates, window and table functions may stand, literals,
LIMIT and OFFSET, set operations, VALUES, WITH. The rest is PostgreSQL's to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mzlite.dialect import ast
from mzlite.dialect.check_names import check_operator, check_type, humanized
from mzlite.dialect.check_outer import is_of_outer_columns, table_names
from mzlite.dialect.check_values import (
    check_cast_literal,
    check_frame,
    check_interval,
    check_literal,
    check_position,
    is_negative,
    is_unknown,
    is_visible,
    unsupported,
    visible_type,
)
from mzlite.dialect.features import FLAGS
from mzlite.dialect.functions import GUARDED, FunctionInfo, find_function
from mzlite.dialect.names import query_columns
from mzlite.dialect.option_values import count_option
from mzlite.dialect.pg_errors import FUNCTION_HINT
from mzlite.errors import INTERNAL, MzError
from mzlite.errors import unsupported as refused_here

_IGNORE_NULLS = "IGNORE NULLS and RESPECT NULLS options for functions other than LAG and LEAD"


@dataclass(frozen=True)
class Context:
    """Where an expression stands: the name that errors give the place, and what may be used there."""

    name: str
    aggregates: bool = False
    windows: bool = False
    subqueries: bool = True
    tables: bool = False

    def named(self, name: str) -> Context:
        """The same place under another name."""
        return replace(self, name=name, tables=False)


_SELECT = Context("SELECT clause", aggregates=True, windows=True, tables=True)
_WHERE = Context("WHERE clause")
_GROUP_BY = Context("GROUP BY clause")
_HAVING = Context("HAVING clause", aggregates=True)
_QUALIFY = Context("QUALIFY clause", aggregates=True, windows=True)
_ORDER_BY = Context("ORDER BY clause", aggregates=True, windows=True)
_SET_ORDER_BY = Context("ORDER BY clause of a set expression")
_DISTINCT_ON = Context("DISTINCT ON clause", aggregates=True, windows=True)
_ON = Context("ON clause")
_LIMIT = Context("LIMIT")
_OFFSET = Context("OFFSET", subqueries=False)
_VALUES = Context("VALUES")
_INTERVAL_ARGUMENT = {"date_bin": slice(1), "generate_series": slice(2, 3)}
"""Where a function has an interval, which may be a literal without a type."""
_TABLE_ARGUMENTS = Context("table function arguments")
DEFAULT_EXPRESSION = Context("DEFAULT expression", subqueries=False)
CREATE_INDEX = Context("CREATE INDEX", subqueries=False)
CREATE_SECRET = Context("CREATE SECRET", subqueries=False)


def check_plan(query: ast.Query, *, in_view: bool = False) -> None:
    """Raises when the planner would refuse `query`. `in_view`: it defines a view."""
    _Planner(in_view).query(query)


def check_expression(expression: ast.Expression, context: Context) -> None:
    """Raises when the planner would refuse an expression that stands in `context`."""
    _Planner(in_view=False).expression(expression, context)


class _Planner:
    def __init__(self, in_view: bool) -> None:
        self.in_view = in_view
        self.tables: list[frozenset[str]] = []
        """The names of the tables in FROM, of each SELECT around what is looked at."""

    # Queries -----------------------------------------------------------------

    def query(self, query: ast.Query) -> None:
        self._with(query)
        if query.limit is not None:
            if query.with_ties:
                raise unsupported("FETCH ... WITH TIES")
            self.expression(query.limit, _LIMIT)
            if is_negative(query.limit):
                raise MzError("LIMIT must not be negative")
        if query.offset is not None:
            self.expression(query.offset, _OFFSET)
            if isinstance(query.offset, ast.Value) and is_negative(query.offset):
                raise MzError(f"Invalid OFFSET clause: must not be negative, got {query.offset.value}")
        if isinstance(query.body, ast.Select):
            self.select(query.body, query.order_by)
            return
        self.body(query.body)
        width = _width(query.body)
        for item in query.order_by:
            check_position(item.expression, _SET_ORDER_BY.name, width)
            self.expression(item.expression, _SET_ORDER_BY)

    def _with(self, query: ast.Query) -> None:
        bindings: list[ast.Cte | ast.RecursiveCte] = [*query.ctes, *(query.recursive or [])]
        seen: set[str] = set()
        for binding in bindings:
            if binding.name in seen:
                raise MzError(f'WITH query name "{binding.name}" specified more than once')
            seen.add(binding.name)
        limits = list(query.recursion_options.values())
        if len(limits) > 1:
            raise MzError(
                "Invalid WITH MUTUALLY RECURSIVE recursion limit. More than one recursion limit given. Please give at "
                "most one of RECURSION LIMIT, ERROR AT RECURSION LIMIT, RETURN AT RECURSION LIMIT."
            )
        if limits and limits[0] == 0:
            raise MzError("Invalid WITH MUTUALLY RECURSIVE recursion limit. Recursion limit has to be greater than 0.")
        for binding in bindings:
            if isinstance(binding, ast.RecursiveCte):
                for _, data_type in binding.columns:
                    check_type(data_type)
                if any(isinstance(node, ast.Parameter) for node in ast.walk(binding.query)):
                    raise refused_here("parameters inside WITH MUTUALLY RECURSIVE are not supported by mzlite")
            self.query(binding.query)

    def body(self, body: ast.QueryBody) -> None:
        match body:
            case ast.Query():
                self.query(body)
            case ast.Select():
                self.select(body, [])
            case ast.Values():
                self._values(body)
            case ast.SetOperation():
                self.body(body.left)
                self.body(body.right)
                left, right = query_columns(body.left), query_columns(body.right)
                if left is not None and right is not None and len(left) != len(right):
                    raise MzError(
                        f"each {body.operator} query must have the same number of columns: {len(left)} vs {len(right)}"
                    )
            case ast.ShowBody():
                if self.in_view:
                    raise MzError("SHOW commands are not allowed in views")
            case _:
                pass

    def _values(self, values: ast.Values) -> None:
        width = len(values.rows[0])
        for row in values.rows:
            if len(row) != width:
                raise MzError(f"VALUES expression has varying number of columns: {len(row)} vs {width}")
            for expression in row:
                self.expression(expression, _VALUES)

    def select(self, select: ast.Select, order_by: list[ast.OrderBy]) -> None:
        """A SELECT, with the ORDER BY of its query."""
        self.tables.append(frozenset(table_names(select.from_)))
        self._select(select, order_by)
        self.tables.pop()

    def _select(self, select: ast.Select, order_by: list[ast.OrderBy]) -> None:
        if "EXPECTED GROUP SIZE" in select.options and len(select.options) > 1:
            raise MzError(
                "EXPECTED GROUP SIZE cannot be provided simultaneously with any of AGGREGATE INPUT GROUP SIZE, "
                "DISTINCT ON INPUT GROUP SIZE, or LIMIT INPUT GROUP SIZE"
            )
        for option in select.options:
            count_option(select.options, option)
        for table in select.from_:
            self._table_with_joins(table)
        if select.where is not None:
            try:
                self.expression(select.where, _WHERE)
            except MzError as error:
                if error.sqlstate != INTERNAL:
                    raise
                raise MzError(f"WHERE clause error: {error.message}") from None
        width = _width(select)
        for expression in select.group_by:
            check_position(expression, _GROUP_BY.name, width)
            self.expression(expression, _GROUP_BY)
        if select.having is not None:
            self.expression(select.having, _HAVING)
        if select.qualify is not None:
            self.expression(select.qualify, _QUALIFY)
            raise refused_here("QUALIFY is not supported by mzlite: filter the window function in an outer query")
        for item in select.items:
            if item.expression is None and not select.from_:
                raise MzError("SELECT * with no tables specified is not valid")
            if item.expression is not None:
                self.expression(item.expression, _SELECT)
        for ordering in order_by:
            check_position(ordering.expression, _ORDER_BY.name, width)
            self.expression(ordering.expression, _ORDER_BY)
        if isinstance(select.distinct, list):
            for expression in select.distinct:
                check_position(expression, _DISTINCT_ON.name, width)
                self.expression(expression, _DISTINCT_ON)

    def _table_with_joins(self, table: ast.TableWithJoins) -> None:
        self._table(table.relation)
        for join in table.joins:
            self._table(join.relation)
            if join.on is not None:
                self.expression(join.on, _ON)
            if join.using is not None:
                for position, column in enumerate(join.using):
                    if column in join.using[:position]:
                        raise unsupported(f'column name "{column}" appears more than once in USING clause')

    def _table(self, factor: ast.TableFactor) -> None:
        match factor:
            case ast.Derived():
                self.query(factor.query)
                columns = query_columns(factor.query)
                alias = factor.alias
                if alias is not None and columns is not None and len(alias.columns) > len(columns):
                    raise MzError(
                        f"{alias.name} has {len(columns)} columns available but {len(alias.columns)} columns specified"
                    )
            case ast.NestedJoin():
                self._table_with_joins(factor.join)
            case ast.TableFunction():
                self._table_function(factor.function)
            case ast.RowsFrom():
                for function in factor.functions:
                    self._table_function(function)
            case ast.TableName(name=("values",)):
                raise MzError("VALUES expression in FROM clause must be surrounded by parentheses")
            case _:
                pass

    def _table_function(self, call: ast.Function) -> None:
        info = _info(call)
        if call.arguments is None:
            raise MzError(f"{info.full_name} does not accept * as an argument")
        if info.kind in ("aggregate", "window"):
            kind = "window" if info.kind == "window" else "aggregate"
            raise MzError(f"{kind} functions are not supported in functions in FROM")
        self._arguments(call, _TABLE_ARGUMENTS)

    # Expressions -------------------------------------------------------------

    def expression(self, node: ast.Expression, context: Context) -> None:
        match node:
            case ast.Value():
                check_literal(node)
            case ast.IntervalValue():
                check_interval(node.value, node.precision)
            case ast.Nested():
                self.expression(node.expression, context)
            case ast.Function():
                self._function(node, context)
            case ast.Operation():
                check_operator(node.operator, node.namespace)
                if node.left is not None:
                    self.expression(node.left, context)
                self.expression(node.right, context)
            case ast.And() | ast.Or():
                inner = context.named("AND argument" if isinstance(node, ast.And) else "OR argument")
                self.expression(node.left, inner)
                self.expression(node.right, inner)
            case ast.Not():
                self.expression(node.expression, context.named("NOT argument"))
            case ast.Cast():
                self.expression(node.expression, context)
                check_type(node.data_type)
                check_cast_literal(node)
            case ast.Collate():
                if node.collation != ("pg_catalog", "default"):
                    raise unsupported("COLLATE")
                self.expression(node.expression, context)
            case ast.Case():
                self._case(node, context)
            case ast.Homogenizing():
                inner = context.named(node.function)
                for argument in node.arguments:
                    self.expression(argument, inner)
            case ast.InList():
                inner = context.named("IN list")
                for item in (node.expression, *node.items):
                    self.expression(item, inner)
            case ast.Like():
                inner = context.named("LIKE argument")
                for part in (node.expression, node.pattern, node.escape):
                    if part is not None:
                        self.expression(part, inner)
            case ast.Subscript():
                self._subscript(node, context)
            case ast.Sequence():
                self._sequence(node, context)
            case ast.Quantified() | ast.QuantifiedSubquery():
                check_operator(node.operator, None)
                self._children(node, context)
                if isinstance(node, ast.QuantifiedSubquery):
                    self._one_column(node.left, query_columns(node.query))
            case ast.Subquery() | ast.Exists() | ast.SequenceSubquery() | ast.InSubquery():
                self._subquery(node, context)
            case _:
                self._children(node, context)

    def _children(self, node: ast.Node, context: Context) -> None:
        for child in ast.children(node):
            if isinstance(child, ast.Query):
                self.query(child)
            elif isinstance(child, ast.SubscriptPosition):
                self._children(child, context)
            elif not isinstance(child, ast.DataType):
                self.expression(child, context)  # type: ignore[arg-type]

    def _case(self, node: ast.Case, context: Context) -> None:
        inner = context.named("CASE")
        for part in (node.operand, *node.conditions, *node.results, node.otherwise):
            if part is not None:
                self.expression(part, inner)

    def _subscript(self, node: ast.Subscript, context: Context) -> None:
        base = node.expression
        while isinstance(base, ast.Nested):
            base = base.expression
        is_array = isinstance(base, ast.Sequence) and base.kind == "array"
        is_array = is_array or (isinstance(base, ast.Cast) and base.data_type.kind == "array")
        if is_array and any(position.is_slice for position in node.positions):
            raise MzError("array subscript does not support slices")
        self._children(node, context.named("subscripting"))

    def _sequence(self, node: ast.Sequence, context: Context) -> None:
        inner = context.named(node.kind.upper())
        for item in node.items:
            if node.kind == "array" and (kind := _no_element(item)) is not None:
                raise unsupported(f"{kind}[]")
            self.expression(item, inner)

    def _subquery(
        self, node: ast.Subquery | ast.Exists | ast.SequenceSubquery | ast.InSubquery, context: Context
    ) -> None:
        if isinstance(node, ast.InSubquery):
            self.expression(node.expression, context)
        if not context.subqueries:
            raise MzError(f"{context.name} does not allow subqueries")
        self.query(node.query)
        columns = query_columns(node.query)
        if columns is None or isinstance(node, ast.Exists):
            return
        if isinstance(node, ast.InSubquery):
            self._one_column(node.expression, columns)
            return
        if isinstance(node, ast.SequenceSubquery) and node.kind == "map":
            if len(columns) != 2:
                raise MzError(f"expected map subquery to return 2 columns, got {len(columns)} columns")
        elif len(columns) != 1:
            raise MzError(f"Expected subselect to return 1 column, got {len(columns)} columns")

    @staticmethod
    def _one_column(compared: ast.Expression, columns: list[str] | None) -> None:
        while isinstance(compared, ast.Nested):
            compared = compared.expression
        if columns is not None and len(columns) != 1 and not isinstance(compared, ast.Row):
            raise MzError(f"subquery has {len(columns)} columns available but 1 columns specified")

    # Calls -------------------------------------------------------------------

    def _function(self, call: ast.Function, context: Context) -> None:
        info = _info(call)
        name = info.full_name
        if info.kind == "table":
            if not context.tables:
                raise MzError(f"table functions are not allowed in {context.name} (function {name})")
            self._arguments(call, context.named("table function arguments"))
            return
        if info.kind == "scalar":
            self._scalar(call, name, context)
            return
        if call.over is None:
            if info.kind == "window":
                if not context.windows:
                    raise MzError(f"window functions are not allowed in {context.name} (function {name})")
                raise MzError(f"window function {name} requires an OVER clause")
            self._aggregate(call, name, context)
            return
        self._window(call, info, context)

    def _scalar(self, call: ast.Function, name: str, context: Context) -> None:
        if call.over is not None:
            raise MzError(
                f"OVER clause not allowed on {name}. The OVER clause can only be used with window functions (including "
                "aggregations)."
            )
        bare = call.name[-1]
        if call.distinct:
            raise MzError(f"DISTINCT specified, but {bare} is not an aggregate function")
        if call.filter is not None:
            raise MzError(f"FILTER specified, but {bare} is not an aggregate function")
        if call.arguments is None:
            raise MzError(f"* argument is invalid with non-aggregate function {bare}")
        if call.order_by:
            raise MzError(f"ORDER BY specified, but {bare} is not an aggregate function")
        if bare == "mz_logical_timestamp":
            raise MzError("mz_logical_timestamp() has been renamed to mz_now()")
        self._arguments(call, context)

    def _arguments(self, call: ast.Function, context: Context) -> None:
        for argument in call.arguments or ():
            self.expression(argument, context)
        place = _INTERVAL_ARGUMENT.get(call.name[-1], slice(0))
        for literal in (call.arguments or [])[place]:
            if isinstance(literal, ast.Value) and literal.kind == "string":
                check_interval(literal.value)
        if not _info(call).takes(len(call.arguments or ())) and all(map(is_visible, call.arguments or ())):
            # Otherwise PostgreSQL says it, which knows the columns' types.
            types = ", ".join(visible_type(argument) for argument in call.arguments or ())
            raise MzError(f"function {call.name[-1]}({types}) does not exist", hint=FUNCTION_HINT)
        if call.name[-1] in ("list_length", "map_length") and call.arguments and is_unknown(call.arguments[0]):
            raise MzError("could not determine polymorphic type because input has type unknown")

    def _aggregate(self, call: ast.Function, name: str, context: Context) -> None:
        if context.name == "aggregate function":
            raise MzError("nested aggregate functions are not allowed")
        if not context.aggregates:
            raise MzError(f"aggregate functions are not allowed in {context.name} (function {name})")
        inner = Context("aggregate function")
        if call.arguments is not None and not call.arguments:
            raise MzError(f"{call.name[-1]}(*) must be used to call a parameterless aggregate function")
        self._arguments(call, inner)
        if len(self.tables) > 1 and is_of_outer_columns(call, self.tables[-1]):
            raise unsupported("aggregate functions that refer exclusively to outer columns")
        for item in call.order_by:
            self.expression(item.expression, inner)
        if call.filter is not None:
            self.expression(call.filter, inner.named("FILTER"))

    def _window(self, call: ast.Function, info: FunctionInfo, context: Context) -> None:
        name = info.full_name
        window = call.over
        assert window is not None
        if not context.windows:
            raise MzError(f"window functions are not allowed in {context.name} (function {name})")
        if window.ignore_nulls and window.respect_nulls:
            raise MzError("Both IGNORE NULLS and RESPECT NULLS were given.")
        if window.frame is not None:
            check_frame(window.frame, aggregate=info.kind == "aggregate")
        for expression in window.partition_by:
            self.expression(expression, context)
        for item in window.order_by:
            self.expression(item.expression, context)
        if info.kind == "aggregate":
            if window.ignore_nulls:
                raise unsupported(_IGNORE_NULLS)
            if call.arguments is not None and not call.arguments:
                raise MzError(f"{call.name[-1]}(*) must be used to call a parameterless aggregate function")
            if call.distinct:
                raise unsupported("DISTINCT in window aggregates")
            if call.filter is not None:
                self.expression(call.filter, context.named("FILTER"))
        else:
            self._value_window(call, info, name)
        self._arguments(call, context)

    def _value_window(self, call: ast.Function, info: FunctionInfo, name: str) -> None:
        if call.distinct:
            raise MzError(f"DISTINCT specified, but {name} is not an aggregate function")
        if call.filter is not None:
            raise unsupported("FILTER in non-aggregate window functions")
        if call.arguments is None:
            raise MzError(f"* argument is invalid with non-aggregate function {name}")
        if call.order_by:
            raise MzError(f"ORDER BY specified, but {name} is not an aggregate function")
        if info.name in ("row_number", "rank", "dense_rank") and call.arguments:
            raise MzError(f"function {info.name} has 0 parameters, but was called with {len(call.arguments)}")
        if call.over is not None and call.over.ignore_nulls and info.name not in ("lag", "lead"):
            raise unsupported(_IGNORE_NULLS)
        if call.over is not None and call.over.ignore_nulls and not call.over.is_rewritten:
            raise refused_here("IGNORE NULLS is not supported by mzlite")


def _no_element(item: ast.Expression) -> str | None:
    """The type of a value of which there are no arrays, as far as it can be seen."""
    match item:
        case ast.Nested():
            return _no_element(item.expression)
        case ast.Sequence(kind="list") | ast.SequenceSubquery(kind="list"):
            return "list"
        case ast.MapLiteral() | ast.SequenceSubquery(kind="map"):
            return "map"
        case ast.Cast(data_type=ast.DataType(kind="list" | "map") as data_type):
            return humanized(data_type)
        case ast.Cast(data_type=ast.DataType(kind="named", name=(*_, "bpchar"))):
            return "char"
        case _:
            return None


def _width(body: ast.QueryBody) -> int | None:
    """How many columns a query has, if that can be seen."""
    columns = query_columns(body)
    return None if columns is None else len(columns)


def _info(call: ast.Function) -> FunctionInfo:
    info = find_function(call.name)
    assert info is not None, "names are checked first"
    if info.name in GUARDED:
        FLAGS.require(GUARDED[info.name])
    if info.name == "date_bin" and len(call.arguments or ()) == 2:
        FLAGS.require("enable_binary_date_bin")
    if info.name == "concat_agg":
        raise unsupported("concat_agg")
    return info

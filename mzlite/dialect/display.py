"""Prints parsed queries and expressions in Materialize's normal form, as SHOW CREATE shows them.

In: nodes, and how names of relations, functions and types are to be written. Out: text on one
line: keywords in capitals, aliases with AS, names quoted only where they must be, casts as `::`.

>>> from mzlite.dialect.display import display_query
>>> from mzlite.dialect.parser import StatementParser
>>> from mzlite.dialect.tokens import tokenize
>>> sql = "select a b, count(*) from t where ts > interval '1 day' group by 1"
>>> display_query(StatementParser(tokenize(sql)).query())
"SELECT a AS b, count(*) FROM t WHERE ts > INTERVAL '1 day' GROUP BY 1"
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mzlite.dialect import ast
from mzlite.dialect.ast import Name
from mzlite.dialect.stream import quote_if_needed


def display_name(name: Name) -> str:
    """A name of several parts."""
    return ".".join(quote_if_needed(part) for part in name)


def display_string(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Naming:
    """How the names of things outside of the query are written."""

    relation: Callable[[Name], str] = display_name
    function: Callable[[Name], str] = display_name
    type: Callable[[Name], str] = display_name


def display_query(query: ast.Query, naming: Naming = Naming()) -> str:
    """`query` in normal form."""
    return Display(naming).query(query)


def display_expression(expression: ast.Expression, naming: Naming = Naming()) -> str:
    """`expression` in normal form."""
    return Display(naming).expression(expression)


class Display:
    """Prints nodes; `local` are the names of the WITH queries in scope, which are no relations."""

    def __init__(self, naming: Naming) -> None:
        self.naming = naming
        self.local: list[str] = []

    # Queries -----------------------------------------------------------------

    def query(self, query: ast.Query) -> str:
        """A query with its WITH, ORDER BY, LIMIT and OFFSET."""
        depth = len(self.local)
        parts = [self._with(query), self.body(query.body)]
        if query.order_by:
            parts.append("ORDER BY " + self._list(self.order_by, query.order_by))
        if query.limit is not None:
            limit = self.expression(query.limit)
            parts.append(f"FETCH FIRST {limit} ROWS WITH TIES" if query.with_ties else f"LIMIT {limit}")
        if query.offset is not None:
            parts.append("OFFSET " + self.expression(query.offset))
        del self.local[depth:]
        return " ".join(part for part in parts if part)

    def _with(self, query: ast.Query) -> str:
        if query.recursive is not None:
            self.local.extend(cte.name for cte in query.recursive)
            options = ", ".join(f"{name} = {value}" for name, value in query.recursion_options.items())
            ctes = [
                f"{quote_if_needed(cte.name)} ("
                + ", ".join(f"{quote_if_needed(name)} {self.data_type(kind)}" for name, kind in cte.columns)
                + f") AS ({self.query(cte.query)})"
                for cte in query.recursive
            ]
            return "WITH MUTUALLY RECURSIVE " + (f"({options}) " if options else "") + ", ".join(ctes)
        texts: list[str] = []
        for cte in query.ctes:
            columns = self._columns(cte.columns)
            texts.append(f"{quote_if_needed(cte.name)}{columns} AS ({self.query(cte.query)})")
            self.local.append(cte.name)
        return "WITH " + ", ".join(texts) if texts else ""

    def _columns(self, columns: Sequence[str]) -> str:
        return f" ({', '.join(quote_if_needed(name) for name in columns)})" if columns else ""

    def _list(self, show: Callable[[ast.Node], str] | Callable[..., str], items: Sequence[ast.Node]) -> str:
        return ", ".join(show(item) for item in items)

    def body(self, body: ast.QueryBody) -> str:
        """What stands between WITH and ORDER BY."""
        match body:
            case ast.Select():
                return self.select(body)
            case ast.Values():
                return "VALUES " + ", ".join(f"({self._list(self.expression, row)})" for row in body.rows)
            case ast.TableBody():
                return "TABLE " + self._relation(body.name)
            case ast.ShowBody():
                return body.sql
            case ast.SetOperation():
                every = " ALL" if body.all else ""
                return f"{self.body(body.left)} {body.operator}{every} {self.body(body.right)}"
            case ast.Query():
                return f"({self.query(body)})"

    def select(self, select: ast.Select) -> str:
        """SELECT without what a query adds."""
        parts = ["SELECT"]
        if select.distinct == "row":
            parts.append("DISTINCT")
        elif select.distinct is not None:
            parts.append(f"DISTINCT ON ({self._list(self.expression, select.distinct)})")
        if select.items:
            parts.append(self._list(self.select_item, select.items))
        if select.from_:
            parts.append("FROM " + self._list(self.table_with_joins, select.from_))
        if select.where is not None:
            parts.append("WHERE " + self.expression(select.where))
        if select.group_by:
            parts.append("GROUP BY " + self._list(self.expression, select.group_by))
        if select.having is not None:
            parts.append("HAVING " + self.expression(select.having))
        if select.qualify is not None:
            parts.append("QUALIFY " + self.expression(select.qualify))
        if select.options:
            parts.append("OPTIONS (" + ", ".join(f"{name} = {value}" for name, value in select.options.items()) + ")")
        return " ".join(parts)

    def select_item(self, item: ast.SelectItem) -> str:
        """One item of a SELECT list."""
        if item.expression is None:
            return "*"
        text = self.expression(item.expression)
        return text if item.alias is None else f"{text} AS {quote_if_needed(item.alias)}"

    def order_by(self, item: ast.OrderBy) -> str:
        """One item of ORDER BY."""
        text = self.expression(item.expression)
        if item.ascending is not None:
            text += " ASC" if item.ascending else " DESC"
        if item.nulls_last is not None:
            text += " NULLS LAST" if item.nulls_last else " NULLS FIRST"
        return text

    # FROM --------------------------------------------------------------------

    def _relation(self, name: Name) -> str:
        return quote_if_needed(name[0]) if len(name) == 1 and name[0] in self.local else self.naming.relation(name)

    def table_with_joins(self, table: ast.TableWithJoins) -> str:
        """One item of FROM."""
        return " ".join([self.table_factor(table.relation), *(self.join(join) for join in table.joins)])

    def join(self, join: ast.Join) -> str:
        """A join and its right side."""
        words = {"inner": "JOIN", "cross": "CROSS JOIN"}.get(join.kind, f"{join.kind.upper()} JOIN")
        text = f"{'NATURAL ' if join.natural else ''}{words} {self.table_factor(join.relation)}"
        if join.on is not None:
            text += " ON " + self.expression(join.on)
        if join.using is not None:
            text += f" USING{self._columns(join.using)}"
            if join.using_alias is not None:
                text += f" AS {quote_if_needed(join.using_alias)}"
        return text

    def _alias(self, alias: ast.TableAlias | None) -> str:
        return "" if alias is None else f" AS {quote_if_needed(alias.name)}{self._columns(alias.columns)}"

    def table_factor(self, factor: ast.TableFactor) -> str:
        """What can be joined."""
        match factor:
            case ast.TableName():
                return self._relation(factor.name) + self._alias(factor.alias)
            case ast.TableFunction():
                lateral = "LATERAL " if factor.lateral else ""
                ordinality = " WITH ORDINALITY" if factor.with_ordinality else ""
                return lateral + self.function(factor.function) + ordinality + self._alias(factor.alias)
            case ast.RowsFrom():
                ordinality = " WITH ORDINALITY" if factor.with_ordinality else ""
                return (
                    f"ROWS FROM ({self._list(self.function, factor.functions)}){ordinality}{self._alias(factor.alias)}"
                )
            case ast.Derived():
                return f"{'LATERAL ' if factor.lateral else ''}({self.query(factor.query)}){self._alias(factor.alias)}"
            case ast.NestedJoin():
                return f"({self.table_with_joins(factor.join)}){self._alias(factor.alias)}"

    # Types -------------------------------------------------------------------

    def data_type(self, kind: ast.DataType) -> str:
        """A type."""
        if kind.kind == "named":
            modifiers = f"({', '.join(map(str, kind.modifiers))})" if kind.modifiers else ""
            return self.naming.type(kind.name) + modifiers
        assert kind.element is not None
        element = self.data_type(kind.element)
        if kind.kind == "map":
            assert kind.key is not None
            return f"map[{self.data_type(kind.key)}=>{element}]"
        return f"{element} list" if kind.kind == "list" else f"{element}[]"

    # Expressions -------------------------------------------------------------

    def expression(self, node: ast.Expression) -> str:
        """An expression."""
        match node:
            case ast.Identifier():
                return display_name(node.parts)
            case ast.QualifiedWildcard():
                return f"{display_name(node.parts)}.*"
            case ast.Parameter():
                return f"${node.number}"
            case ast.Value():
                return self._value(node)
            case ast.IntervalValue():
                return self._interval(node)
            case ast.Nested():
                return f"({self.expression(node.expression)})"
            case ast.Function():
                return self.function(node)
            case ast.Operation():
                return self._operation(node)
            case ast.And() | ast.Or():
                word = "AND" if isinstance(node, ast.And) else "OR"
                return f"{self.expression(node.left)} {word} {self.expression(node.right)}"
            case ast.Not():
                return f"NOT {self.expression(node.expression)}"
            case ast.Cast():
                return f"{self._operand(node.expression)}::{self.data_type(node.data_type)}"
            case ast.Subquery():
                return f"({self.query(node.query)})"
            case ast.Exists():
                return f"EXISTS ({self.query(node.query)})"
            case _:
                return self._compound(node)

    def _compound(self, node: ast.Expression) -> str:
        match node:
            case ast.Is():
                negated = "NOT " if node.negated else ""
                text = f"{self.expression(node.expression)} IS {negated}{node.construct}"
                return text if node.other is None else f"{text} FROM {self.expression(node.other)}"
            case ast.InList():
                items = self._list(self.expression, node.items)
                return f"{self.expression(node.expression)} {'NOT ' if node.negated else ''}IN ({items})"
            case ast.InSubquery():
                return (
                    f"{self.expression(node.expression)} {'NOT ' if node.negated else ''}IN ({self.query(node.query)})"
                )
            case ast.Like():
                word = ("NOT " if node.negated else "") + ("ILIKE" if node.case_insensitive else "LIKE")
                text = f"{self.expression(node.expression)} {word} {self.expression(node.pattern)}"
                return text if node.escape is None else f"{text} ESCAPE {self.expression(node.escape)}"
            case ast.Between():
                word = "NOT BETWEEN" if node.negated else "BETWEEN"
                low, high = self.expression(node.low), self.expression(node.high)
                return f"{self.expression(node.expression)} {word} {low} AND {high}"
            case ast.Case():
                return self._case(node)
            case ast.Homogenizing():
                return f"{node.function.upper()}({self._list(self.expression, node.arguments)})"
            case ast.NullIf():
                return f"NULLIF({self.expression(node.left)}, {self.expression(node.right)})"
            case ast.Collate():
                return f"{self.expression(node.expression)} COLLATE {display_name(node.collation)}"
            case ast.Row():
                return f"ROW({self._list(self.expression, node.items)})"
            case ast.FieldAccess():
                return f"{self._operand(node.expression)}.{quote_if_needed(node.name)}"
            case ast.WildcardAccess():
                return f"{self._operand(node.expression)}.*"
            case ast.Quantified():
                right = self.expression(node.right)
                if not isinstance(node.right, ast.Nested):
                    right = f"({right})"
                return f"{self.expression(node.left)} {node.operator} {node.quantifier} {right}"
            case ast.QuantifiedSubquery():
                return f"{self.expression(node.left)} {node.operator} {node.quantifier} ({self.query(node.query)})"
            case _:
                return self._collection(node)

    def _collection(self, node: ast.Expression) -> str:
        match node:
            case ast.Sequence():
                return f"{node.kind.upper()}[{self._list(self.expression, node.items)}]"
            case ast.SequenceSubquery():
                return f"{node.kind.upper()}({self.query(node.query)})"
            case ast.MapLiteral():
                pairs = zip(node.keys, node.values, strict=True)
                texts = (f"{self.expression(key)} => {self.expression(value)}" for key, value in pairs)
                return f"MAP[{', '.join(texts)}]"
            case ast.Subscript():
                return self._operand(node.expression) + "".join(self._position(item) for item in node.positions)
            case _:
                raise AssertionError(f"no text for {type(node).__name__}")

    def _position(self, position: ast.SubscriptPosition) -> str:
        first = "" if position.first is None else self.expression(position.first)
        last = "" if position.last is None else self.expression(position.last)
        return f"[{first}:{last}]" if position.is_slice else f"[{first}]"

    def _operand(self, node: ast.Expression) -> str:
        """An operand of what binds tightest, in parentheses unless it holds together by itself."""
        text = self.expression(node)
        return text if self.is_tight(node) else f"({text})"

    def is_tight(self, node: ast.Expression) -> bool:
        """Whether an expression holds together by itself before `::`, `.` and `[`."""
        tight = (
            ast.Identifier, ast.Value, ast.Function, ast.Nested, ast.Parameter, ast.Cast, ast.Subquery, ast.Sequence,
            ast.Homogenizing, ast.NullIf, ast.Subscript, ast.FieldAccess, ast.IntervalValue, ast.MapLiteral,
            ast.Collate,
        )  # fmt: skip
        return isinstance(node, tight)

    def _value(self, value: ast.Value) -> str:
        if value.kind == "string":
            return display_string(value.value)
        if value.kind == "hex":
            return f"X{display_string(value.value)}"
        return "NULL" if value.kind == "null" else value.value

    def _interval(self, value: ast.IntervalValue) -> str:
        text = f"INTERVAL {display_string(value.value)}"
        fields = " TO ".join(field for field in (value.high, value.low) if field is not None)
        precision = "" if value.precision is None else f" ({value.precision})"
        return f"{text} {fields}{precision}" if fields else text

    def operator(self, node: ast.Operation) -> str:
        """The operator of an operation."""
        if node.namespace is None:
            return node.operator
        return f"OPERATOR({'.'.join((*map(quote_if_needed, node.namespace), node.operator))})"

    def _operation(self, node: ast.Operation) -> str:
        operator = self.operator(node)
        right = self.expression(node.right)
        return f"{operator} {right}" if node.left is None else f"{self.expression(node.left)} {operator} {right}"

    def _case(self, node: ast.Case) -> str:
        parts = ["CASE"]
        if node.operand is not None:
            parts.append(self.expression(node.operand))
        for condition, result in zip(node.conditions, node.results, strict=True):
            parts.append(f"WHEN {self.expression(condition)} THEN {self.expression(result)}")
        if node.otherwise is not None:
            parts.append(f"ELSE {self.expression(node.otherwise)}")
        return " ".join([*parts, "END"])

    def function(self, call: ast.Function) -> str:
        """A call with its FILTER and OVER clauses."""
        name = self.naming.function(call.name)
        if call.special == "position" and call.arguments:
            needle, haystack = call.arguments
            return f"{name}({self.expression(needle)} IN {self.expression(haystack)})"
        if call.special == "extract" and call.arguments:
            field, value = call.arguments
            return f"{name}({self.expression(field)} FROM {self.expression(value)})"
        arguments = "*" if call.arguments is None else self._list(self.expression, call.arguments)
        if call.order_by:
            arguments += " ORDER BY " + self._list(self.order_by, call.order_by)
        text = f"{name}({'DISTINCT ' if call.distinct else ''}{arguments})"
        if call.filter is not None:
            text += f" FILTER (WHERE {self.expression(call.filter)})"
        return text if call.over is None else text + self._window(call.over)

    def _window(self, window: ast.Window) -> str:
        parts: list[str] = []
        if window.partition_by:
            parts.append("PARTITION BY " + self._list(self.expression, window.partition_by))
        if window.order_by:
            parts.append("ORDER BY " + self._list(self.order_by, window.order_by))
        if window.frame is not None:
            parts.append(self._frame(window.frame))
        nulls = " IGNORE NULLS" if window.ignore_nulls else " RESPECT NULLS" if window.respect_nulls else ""
        return f"{nulls} OVER ({' '.join(parts)})"

    def _frame(self, frame: ast.WindowFrame) -> str:
        def bound(edge: tuple[str, int | None]) -> str:
            if edge[0] == "CURRENT ROW":
                return edge[0]
            return f"{'UNBOUNDED' if edge[1] is None else edge[1]} {edge[0]}"

        if frame.last is None:
            return f"{frame.units} {bound(frame.first)}"
        return f"{frame.units} BETWEEN {bound(frame.first)} AND {bound(frame.last)}"

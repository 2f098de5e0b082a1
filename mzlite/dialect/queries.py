"""Parses queries: SELECT, VALUES, TABLE, set operations, WITH, FROM.

In: tokens. Out: `Query` nodes. What PostgreSQL does not know (OPTIONS hints, SHOW as a query) is
noted as edits.
"""

from __future__ import annotations

from typing import Literal

from mzlite.dialect import ast
from mzlite.dialect import tokens as t
from mzlite.dialect.check_values import is_unknown
from mzlite.dialect.expressions import ExpressionParser
from mzlite.dialect.functions import NO_FUNCTIONS
from mzlite.dialect.keywords import RESERVED, RESERVED_IN_COLUMN_ALIAS, RESERVED_IN_TABLE_ALIAS
from mzlite.dialect.names import UNKNOWN, column_name, postgres_column_name
from mzlite.dialect.option_values import distinct as distinct_options
from mzlite.dialect.recursion import Binding, Block, in_reach, limit_of
from mzlite.dialect.stream import quote_identifier
from mzlite.errors import syntax_error

SHADOWS = "mzlite_pg"
SHADOWED = frozenset(
    [
        "pg_attrdef", "pg_attribute", "pg_auth_members", "pg_authid", "pg_class", "pg_constraint", "pg_database",
        "pg_description", "pg_event_trigger", "pg_index", "pg_indexes", "pg_inherits", "pg_matviews", "pg_namespace",
        "pg_policy", "pg_proc", "pg_rewrite", "pg_roles", "pg_settings", "pg_tables", "pg_trigger", "pg_user",
        "pg_views",
    ]
)  # fmt: skip
"""What the inner PostgreSQL has twice: its own in pg_catalog, and in the schema `SHADOWS` what Materialize shows."""
_UNION, _INTERSECT = 1, 2
_SET_PRECEDENCE = {"UNION": _UNION, "EXCEPT": _UNION, "INTERSECT": _INTERSECT}


class QueryParser(ExpressionParser):
    """Adds `query` to the stream; `show_query` comes from the SHOW parser."""

    def __init__(self, tokens: t.Tokens) -> None:
        super().__init__(tokens)
        self.reach: list[tuple[str, str]] = []
        """The CTEs that can be read here, each with its text for PostgreSQL."""
        self._bindings_around = 0

    def show_query(self) -> str:
        """The query that answers a SHOW statement whose SHOW was read."""
        raise NotImplementedError

    def option_value(self) -> object:
        """The value of an option, after an optional equals sign."""
        raise NotImplementedError

    # Query expressions ---------------------------------------------------

    def query(self) -> ast.Query:
        """A query with its WITH, ORDER BY, LIMIT and OFFSET."""
        around = self.reach
        self.reach = list(around)
        try:
            return self._query()
        finally:
            self.reach = around

    def _query(self) -> ast.Query:
        start = self.position
        self.enter()
        ctes: list[ast.Cte] = []
        recursive: list[ast.RecursiveCte] | None = None
        options: dict[str, object] = {}
        if self.take_keyword("WITH"):
            if self.take_keyword("MUTUALLY", "RECURSIVE"):
                if self.kinds[self.index] == t.LPAREN:
                    options = dict(self.parenthesized(self._recursion_option))
                recursive = self._recursive_ctes(start, options)
            elif self.take_keyword("MUTUALLY"):
                raise self.expected("RECURSIVE")
            else:
                ctes = self.comma_separated(self._cte)
        result = self._tail(start, ctes, recursive, options, self._body(0))
        self.leave()
        return result

    def query_after(self, inner: ast.Query) -> ast.Query:
        """The rest of a query whose first operand was read in parentheses."""
        body = self._set_operations(0, inner)
        return self._tail(inner.start, [], None, {}, body)

    def _recursion_option(self) -> tuple[str, object]:
        word = self.expect_one_of("RECURSION", "RETURN", "ERROR")
        if word == "RECURSION":
            self.expect_keyword("LIMIT")
            return "RECURSION LIMIT", self.option_value()
        self.expect_keyword("AT", "RECURSION", "LIMIT")
        return f"{word} AT RECURSION LIMIT", self.option_value()

    def _cte(self) -> ast.Cte:
        start = self.position
        name = self.identifier()
        columns = self.column_list(optional=True)
        self.expect_keyword("AS")
        self.expect(t.LPAREN)
        query = self.query()
        self.expect(t.RPAREN)
        self.reach.append((name, self.relay(start, self.last_end)))
        return ast.Cte(start, self.last_end, name, columns, query)

    def _recursive_ctes(self, start: int, options: dict[str, object]) -> list[ast.RecursiveCte]:
        """The bindings of WITH MUTUALLY RECURSIVE; PostgreSQL is given other CTEs in their place."""
        reach = list(self.reach)
        self._bindings_around += 1
        try:
            found = self.comma_separated(self._recursive_cte)
        finally:
            self._bindings_around -= 1
        bindings = tuple(binding for _, binding in found)
        limit, returns = limit_of(options)
        block = Block(bindings, in_reach(reach, [binding.name for binding in bindings]), limit, returns)
        ctes = block.ctes(inside=self._bindings_around > 0)
        self.edit(start, self.last_end, "WITH " + ", ".join(text for _, text in ctes))
        self.reach += ctes
        return [cte for cte, _ in found]

    def _recursive_cte(self) -> tuple[ast.RecursiveCte, Binding]:
        """name (column type, ..) AS (query)."""
        start = self.position
        name = self.identifier()
        types: list[str] = []
        columns = self.parenthesized(lambda: self._typed_column(types))
        self.expect_keyword("AS")
        self.expect(t.LPAREN)
        query = self.query()
        text = self.relay(query.start, query.end)
        self.expect(t.RPAREN)
        cte = ast.RecursiveCte(start, self.last_end, name, columns, query)
        return cte, Binding(name, tuple(column for column, _ in columns), tuple(types), text)

    def _typed_column(self, types: list[str]) -> tuple[str, ast.DataType]:
        name = self.identifier()
        start = self.position
        data_type = self.data_type()
        types.append(self.relay(start, self.last_end))
        return name, data_type

    def _tail(
        self,
        start: int,
        ctes: list[ast.Cte],
        recursive: list[ast.RecursiveCte] | None,
        options: dict[str, object],
        body: ast.QueryBody,
    ) -> ast.Query:
        result = ast.Query(start, self.last_end, ctes, recursive, options, body, [], None, False, None)
        if isinstance(body, ast.Query):
            if (body.ctes or body.recursive is not None) and (ctes or recursive is not None):
                raise syntax_error("multiple WITH clauses not allowed")
            result.order_by, result.limit, result.offset = body.order_by, body.limit, body.offset
            result.with_ties = body.with_ties
            if not ctes and recursive is None:
                result.ctes, result.recursive, result.recursion_options = (
                    body.ctes,
                    body.recursive,
                    body.recursion_options,
                )
            result.body = body.body
        if self.take_keyword("ORDER", "BY"):
            if result.order_by:
                raise syntax_error("multiple ORDER BY clauses not allowed")
            result.order_by = self.comma_separated(self.order_by_item)
            for item in result.order_by:
                self._constant(item.expression)
            self._order_set(result)
        while (word := self.take_one_of("LIMIT", "OFFSET", "FETCH")) is not None:
            if word == "OFFSET":
                if result.offset is not None:
                    raise syntax_error("multiple OFFSET clauses not allowed")
                result.offset = self.expression()
                self.take_one_of("ROW", "ROWS")
                continue
            if result.limit is not None:
                raise syntax_error("multiple LIMIT/FETCH clauses not allowed")
            if word == "FETCH":
                self._fetch_clause(result)
            elif not self.take_keyword("ALL"):
                result.limit = self.expression()
        result.end = self.last_end
        return result

    def _order_set(self, query: ast.Query) -> None:
        """PostgreSQL orders a set operation by its columns alone, and by expressions only as a subquery in FROM."""
        body = query.body
        columns = (ast.Identifier, ast.Value)
        if isinstance(body, ast.SetOperation) and not all(isinstance(i.expression, columns) for i in query.order_by):
            self.edit(body.start, body.start, "select * from (")
            self.edit(body.end, body.end, ")")

    def _fetch_clause(self, result: ast.Query) -> None:
        self.expect_one_of("FIRST", "NEXT")
        if self.take_one_of("ROW", "ROWS"):
            result.limit = ast.Value(self.last_end, self.last_end, "number", "1")
        else:
            quantity_start = self.position
            result.limit = self.expression()
            if not isinstance(result.limit, (ast.Value, ast.Nested, ast.Parameter)):
                self.edit(quantity_start, quantity_start, "(")
                self.edit(self.last_end, self.last_end, ")")
            self.expect_one_of("ROW", "ROWS")
        if self.take_keyword("ONLY"):
            return
        if not self.take_keyword("WITH", "TIES"):
            raise self.expected("one of ONLY or WITH TIES")
        result.with_ties = True

    def _body(self, precedence: int) -> ast.QueryBody:
        start = self.position
        first: ast.QueryBody
        if self.take_keyword("SELECT"):
            first = self._select(start)
        elif self.take(t.LPAREN):
            first = self.query()
            self.expect(t.RPAREN)
            first.start, first.end = start, self.last_end
        elif self.take_keyword("VALUES"):
            rows = self.comma_separated(lambda: self.parenthesized(self.expression))
            first = ast.Values(start, self.last_end, rows)
        elif self.take_keyword("SHOW"):
            sql = self.show_query()
            self.edit(start, self.last_end, f"({sql})")
            first = ast.ShowBody(start, self.last_end, sql)
        elif self.take_keyword("TABLE"):
            name = self.relation_name()
            first = ast.TableBody(start, self.last_end, name)
        else:
            raise self.expected("SELECT, VALUES, or a subquery in the query body")
        return self._set_operations(precedence, first)

    def _set_operations(self, precedence: int, left: ast.QueryBody) -> ast.QueryBody:
        while self.kinds[self.index] == t.KEYWORD:
            word = self.values[self.index]
            following = _SET_PRECEDENCE.get(word, 0)
            if precedence >= following:
                break
            self.index += 1
            keep_all = self.take_keyword("ALL")
            if self.take_keyword("DISTINCT") and keep_all:
                raise syntax_error("Cannot specify both ALL and DISTINCT in set operation")
            right = self._body(following)
            for branch in (left, right):
                self.literals_are_texts(branch)
            left = ast.SetOperation(left.start, self.last_end, word, keep_all, left, right)  # type: ignore[arg-type]
        return left

    def literals_are_texts(self, body: ast.QueryBody) -> None:
        """A literal that is a column of its own is a text before anything around the query asks for its type.

        PostgreSQL waits for the other branches of a set operation, and for the columns of an INSERT.
        """
        while isinstance(body, ast.Query):
            body = body.body
        if not isinstance(body, ast.Select):
            return
        for item in body.items:
            if isinstance(item.expression, ast.Value | ast.Nested) and is_unknown(item.expression):
                name = f" AS {quote_identifier(UNKNOWN)}" if item.alias is None else ""
                self.edit(item.expression.end, item.expression.end, f"::pg_catalog.text{name}")

    # SELECT --------------------------------------------------------------

    def _select(self, start: int) -> ast.Select:
        keep_all = self.take_keyword("ALL")
        is_distinct = self.take_keyword("DISTINCT")
        if keep_all and is_distinct:
            raise syntax_error("Cannot specify both ALL and DISTINCT in SELECT")
        distinct: Literal["row"] | list[ast.Expression] | None = "row" if is_distinct else None
        if is_distinct and self.take_keyword("ON"):
            distinct = self.parenthesized(self._sorting_key)
        result = ast.Select(start, start, distinct, self._select_items(), [])
        if self.take_keyword("FROM"):
            result.from_ = self.comma_separated(self.table_with_joins)
        if self.take_keyword("WHERE"):
            result.where = self.expression()
        if self.take_keyword("GROUP", "BY"):
            result.group_by = self.comma_separated(self._sorting_key)
        if self.take_keyword("HAVING"):
            result.having = self.expression()
        if self.take_keyword("QUALIFY"):
            result.qualify = self.expression()
        if self.peek_keyword("OPTIONS"):
            options_start = self.position
            self.index += 1
            result.options = distinct_options(self.parenthesized(self._select_option))
            self.edit(options_start, self.last_end, "")
        result.end = self.last_end
        return result

    def _sorting_key(self) -> ast.Expression:
        expression = self.expression()
        self._constant(expression)
        return expression

    def _constant(self, expression: ast.Expression) -> None:
        """PostgreSQL takes no constant but a column's number here, unless it is cast."""
        if isinstance(expression, ast.Value) and expression.kind != "number":
            self.edit(expression.end, expression.end, "::bool" if expression.kind == "boolean" else "::text")

    def _select_items(self) -> list[ast.SelectItem]:
        kind, value = self.kinds[self.index], self.values[self.index]
        if kind == t.KEYWORD and (value in RESERVED or value == "AS"):
            return []
        if kind in (t.SEMICOLON, t.RPAREN, t.END):
            return []
        items = [self.select_item()]
        while self.take(t.COMMA):
            if self.peek_keyword("FROM"):
                raise syntax_error("invalid trailing comma in SELECT list")
            items.append(self.select_item())
        return items

    def select_item(self) -> ast.SelectItem:
        """One item of a SELECT list."""
        start = self.position
        if self.take(t.STAR):
            return ast.SelectItem(start, self.last_end, None)
        expression = self.expression()
        alias = self._alias(RESERVED_IN_COLUMN_ALIAS)
        item = ast.SelectItem(start, self.last_end, expression, alias)
        if alias is None:
            name = column_name(item)
            if name is not None and name != postgres_column_name(expression):
                self.edit(expression.end, expression.end, f" AS {quote_identifier(name)}")
        return item

    def _select_option(self) -> tuple[str, object]:
        word = self.expect_one_of("EXPECTED", "AGGREGATE", "DISTINCT", "LIMIT")
        rest = {
            "EXPECTED": ("GROUP", "SIZE"),
            "AGGREGATE": ("INPUT", "GROUP", "SIZE"),
            "DISTINCT": ("ON", "INPUT", "GROUP", "SIZE"),
            "LIMIT": ("INPUT", "GROUP", "SIZE"),
        }[word]
        self.expect_keyword(*rest)
        return " ".join((word, *rest)), self.option_value()

    def _alias(self, reserved: frozenset[str]) -> str | None:
        """`AS name`, or a bare name that is not reserved. `AS OF` is no alias."""
        after_as = self.take_keyword("AS")
        kind, value = self.kinds[self.index], self.values[self.index]
        if kind == t.KEYWORD and value == "OF":
            if after_as:
                self.index -= 1
            return None
        if kind == t.IDENT or (kind == t.KEYWORD and (after_as or value not in reserved)):
            name = self.take_identifier(alias=True)
            assert name is not None
            return name
        if after_as:
            raise self.expected("an identifier after AS")
        return None

    def table_alias(self) -> ast.TableAlias | None:
        """[AS] name [(columns)], if next."""
        start = self.position
        name = self._alias(RESERVED_IN_TABLE_ALIAS)
        if name is None:
            return None
        columns = self.column_list(optional=True)
        return ast.TableAlias(start, self.last_end, name, columns)

    def plain_alias(self) -> str | None:
        """A table alias without column names."""
        return self._alias(RESERVED_IN_TABLE_ALIAS)

    # FROM ----------------------------------------------------------------

    def table_with_joins(self) -> ast.TableWithJoins:
        """One item of FROM."""
        start = self.position
        result = ast.TableWithJoins(start, start, self._table_factor(), [])
        while (join := self._join()) is not None:
            result.joins.append(join)
        result.end = self.last_end
        return result

    def _join(self) -> ast.Join | None:
        start = self.position
        if self.take_keyword("CROSS"):
            self.expect_keyword("JOIN")
            relation = self._table_factor()
            return ast.Join(start, self.last_end, "cross", relation)
        natural = self.take_keyword("NATURAL")
        kind: Literal["inner", "left", "right", "full", "cross"]
        if self.peek_keyword_in(("INNER", "JOIN")):
            self.take_keyword("INNER")
            kind = "inner"
        elif (side := self.take_one_of("LEFT", "RIGHT", "FULL")) is not None:
            self.take_keyword("OUTER")
            kind = side.lower()  # type: ignore[assignment]
        elif self.peek_keyword("OUTER"):
            raise self.expected("LEFT, RIGHT, or FULL")
        elif natural and self.kinds[self.index] != t.KEYWORD:
            raise self.expected("a join type after NATURAL")
        else:
            return None
        self.expect_keyword("JOIN")
        join = ast.Join(start, start, kind, self._table_factor(), natural=natural)
        if natural:
            pass
        elif self.take_keyword("ON"):
            join.on = self.expression()
        elif self.take_keyword("USING"):
            join.using = self.column_list()
            join.using_alias = self._alias(RESERVED_IN_TABLE_ALIAS)
        else:
            raise self.expected("ON, or USING after JOIN")
        join.end = self.last_end
        return join

    def _table_factor(self) -> ast.TableFactor:
        start = self.position
        if self.take_keyword("LATERAL"):
            if self.take(t.LPAREN):
                return self._derived(start, lateral=True)
            if self.take_keyword("ROWS", "FROM"):
                return self._rows_from(start, lateral=True)
            name = self.raw_name()
            if self.kinds[self.index] != t.LPAREN:
                raise self.expected(t.LPAREN)
            return self._table_function(name, start, lateral=True)
        if self.take(t.LPAREN):
            derived = self.attempt(lambda: self._derived(start, lateral=False))
            return derived if derived is not None else self._nested_join(start)
        if self.take_keyword("ROWS", "FROM"):
            return self._rows_from(start, lateral=False)
        first, edits = self.index, len(self.edits)
        name = self.raw_name()
        if self.kinds[self.index] == t.LPAREN:
            return self._table_function(name, start, lateral=False)
        self.place(first, edits, name)
        if len(name) == 2 and name[0] == "pg_catalog" and name[1] in SHADOWED:
            self.edit(self.tokens.starts[first], self.tokens.ends[first], SHADOWS)
        alias = self.table_alias()
        return ast.TableName(start, self.last_end, name, alias)

    def _derived(self, start: int, *, lateral: bool) -> ast.Derived:
        query = self.query()
        self.expect(t.RPAREN)
        alias = self.table_alias()
        return ast.Derived(start, self.last_end, query, alias, lateral)

    def _nested_join(self, start: int) -> ast.NestedJoin:
        joined = self.table_with_joins()
        if not isinstance(joined.relation, ast.NestedJoin) and not joined.joins:
            raise self.expected("joined table")
        self.expect(t.RPAREN)
        alias = self.table_alias()
        return ast.NestedJoin(start, self.last_end, joined, alias)

    def _table_function(self, name: ast.Name, start: int, *, lateral: bool) -> ast.TableFunction:
        name_start = self.tokens.starts[self.index - 1]
        self.expect(t.LPAREN)
        arguments, _ = self.call_arguments(order_by=False)
        call = ast.Function(start, self.last_end, name, arguments)
        if name == ("unnest",) and len(arguments or ()) > 1:
            # PostgreSQL would read several functions of one argument each.
            self.edit(name_start, name_start, f"{NO_FUNCTIONS}.")
        renamed = self.rewrite_rows(call)
        with_ordinality = self.take_keyword("WITH", "ORDINALITY")
        end = self.last_end
        alias = self.table_alias()
        if renamed and alias is None:
            self.edit(end, end, f" as {name[-1]}")
        return ast.TableFunction(start, self.last_end, call, alias, with_ordinality, lateral)

    def _rows_from(self, start: int, *, lateral: bool) -> ast.RowsFrom:
        functions = self.parenthesized(self._named_function)
        renamed = [self.rewrite_width(function) for function in functions]
        with_ordinality = self.take_keyword("WITH", "ORDINALITY")
        end = self.last_end
        alias = self.table_alias()
        if renamed[0] and alias is None:
            self.edit(end, end, f" as {functions[0].name[-1]}")
        return ast.RowsFrom(start, self.last_end, functions, alias, with_ordinality, lateral)

    def _named_function(self) -> ast.Function:
        start = self.position
        return self.function_call(self.raw_name(), start)

"""Parses names in expressions, and calls: arguments, FILTER, OVER.

In: tokens. Out: identifier and function nodes. Names that PostgreSQL reserves are noted with quotes.
"""

from __future__ import annotations

from mzlite.dialect import ast
from mzlite.dialect import tokens as t
from mzlite.dialect.ast import Expression
from mzlite.dialect.check_values import is_unknown
from mzlite.dialect.data_types import TypeParser
from mzlite.dialect.functions import AMBIENT_SCHEMAS, NO_FUNCTIONS, find_function
from mzlite.dialect.keywords import POSTGRES_NO_FUNCTION, POSTGRES_VALUE_FUNCTIONS
from mzlite.dialect.pretty import WIDTH, pretty_query
from mzlite.dialect.regexes import PATTERN_ARGUMENT, pattern_for_postgres, quote_text, replacement_for_postgres
from mzlite.dialect.rewritten import (
    EMPTY_WITHOUT_VALUES,
    ORDERED_BY_VALUE,
    QUOTIENTS_OF_SUMS,
    ROWS_BY_WIDTH,
    SHIFTS,
    WITHOUT_NULL_KEYS,
    WRAPPED_ARGUMENTS,
    quotient_of_sums,
    shift_over_values,
    width_of_rows,
)
from mzlite.dialect.stream import quote_identifier
from mzlite.dialect.tokens import tokenize
from mzlite.errors import syntax_error

_ROLE_FUNCTIONS = frozenset({"CURRENT_ROLE", "CURRENT_USER", "SESSION_USER", "USER"})


class CallParser(TypeParser):
    """Adds `qualified_identifier` and `function_call`; `expression` comes from the parser of operators."""

    def expression(self) -> Expression:
        """An expression; the parser of operators has it."""
        raise NotImplementedError

    def query(self) -> ast.Query:
        """A query; the parser of queries has it."""
        raise NotImplementedError

    def qualified_identifier(self) -> Expression:
        """A column, a function without parentheses, `t.*`, or a call."""
        first, edits = self.index, len(self.edits)
        start = self.position
        value = self.values[first]
        parts = [value.lower() if self.kinds[first] == t.KEYWORD else value]
        self.index += 1
        while self.take(t.DOT):
            kind, value = self.kinds[self.index], self.values[self.index]
            if kind == t.KEYWORD:
                parts.append(value.lower())
            elif kind == t.IDENT:
                parts.append(value)
            elif kind == t.STAR:
                self.index += 1
                self.quote_for_postgres(first)
                if len(parts) > 1:
                    self.place(first, edits, tuple(parts), ".*")
                return ast.QualifiedWildcard(start, self.last_end, tuple(parts))
            else:
                raise self.expected("an identifier or a '*' after '.'")
            self.index += 1
        word = self.values[first].upper()
        if word == "U" and self.text.startswith("&", self.last_end):
            # In PostgreSQL U&'..' is a literal.
            self.edit(self.last_end, self.last_end, " ")
        if word in _ROLE_FUNCTIONS and first not in self.tokens.quoted and len(parts) == 1:
            # The session's role is not that of the inner PostgreSQL.
            called = self.kinds[self.index] == t.LPAREN
            self.edit(start, self.last_end, f'mz_catalog."{parts[0]}"' + ("" if called else "()"))
            if called:
                return self.function_call(tuple(parts), start)
            return ast.Identifier(start, self.last_end, tuple(parts))
        is_value_function = word in POSTGRES_VALUE_FUNCTIONS and first not in self.tokens.quoted and len(parts) == 1
        if self.kinds[self.index] == t.LPAREN:
            if is_value_function and self.kinds[self.index + 1] == t.RPAREN and word != "CURRENT_SCHEMA":
                # PostgreSQL takes these without parentheses only.
                self.edit(self.position, self.tokens.ends[self.index + 1], "")
            elif not is_value_function and word in POSTGRES_NO_FUNCTION:
                self.quote_for_postgres(first)
            elif len(parts) == 2 and parts[0] in AMBIENT_SCHEMAS and parts[1].upper() not in POSTGRES_VALUE_FUNCTIONS:
                # Which schema a function is in differs; both are searched for one without.
                self.edit(start, self.last_end, quote_identifier(parts[1]))
            return self.function_call(tuple(parts), start)
        if not is_value_function:
            self.quote_for_postgres(first)
        elif word in ("CURRENT_CATALOG", "CURRENT_SCHEMA"):
            # The session's, not those of the inner PostgreSQL.
            self.edit(start, self.last_end, f'mz_catalog."{parts[0]}"()')
        if len(parts) > 2:
            self.place(first, edits, tuple(parts[:-1]), "." + quote_identifier(parts[-1]))
        return ast.Identifier(start, self.last_end, tuple(parts))

    def function_call(self, name: ast.Name, start: int) -> ast.Function:
        """The arguments and the FILTER and OVER clauses of a call whose name was read."""
        name_end = self.last_end
        self.expect(t.LPAREN)
        location = "function: " + ".".join(name)
        distinct = self.at_most_one_of(("ALL", "DISTINCT"), location) == "DISTINCT"
        arguments, order_by = self.call_arguments(order_by=True)
        if distinct and arguments is None:
            raise syntax_error("DISTINCT * not supported as function args")
        call = ast.Function(start, self.last_end, name, arguments, order_by, distinct=distinct)
        call.arguments_end = self.last_end
        if self.take_keyword("FILTER"):
            self.expect(t.LPAREN)
            self.expect_keyword("WHERE")
            call.filter = self.expression()
            self.expect(t.RPAREN)
        if self.peek_keyword_in(("OVER", "IGNORE", "RESPECT")):
            call.over = self._window()
        call.end = self.last_end
        info = find_function(name)
        if info is None or info.takes(len(arguments or ())):
            self._rewrite(call)
        else:
            # PostgreSQL might have such a form, and knows the types to name.
            self.edits = [edit for edit in self.edits if not start <= edit[0] <= edit[1] <= name_end]
            self.edit(start, name_end, f"{NO_FUNCTIONS}.{quote_identifier(name[-1])}")
        return call

    def _rewrite(self, call: ast.Function) -> None:
        """Notes what PostgreSQL is to compute where its own function of that name gives another value."""
        name = call.name[-1]
        if name in SHIFTS and call.over is not None and call.over.ignore_nulls and call.over.frame is None:
            self._ignore_nulls(call, call.over)
            return
        if not call.arguments or call.name[:-1] not in ((), ("pg_catalog",), ("mz_catalog",)):
            return
        if name in WITHOUT_NULL_KEYS and len(call.arguments) == 2:
            self._leave_out_null_keys(call, call.arguments[0])
        order = self._order_by_value(call, call.arguments)
        wrapper = WRAPPED_ARGUMENTS.get(name)
        if name == "jsonb_build_object" and wrapper is not None and self._first_key_counts(call.arguments, wrapper):
            wrapper = None
        if wrapper is not None and not (call.distinct and call.order_by):
            # The separator of concat_ws is a text, and nothing else.
            for argument in call.arguments[1 if name == "concat_ws" else 0 :]:
                self.edit(argument.start, argument.start, f"{wrapper}(")
                self.edit(argument.end, argument.end, ")")
        if order:
            self.edit(call.arguments_end - 1, call.arguments_end - 1, order)
        if name in EMPTY_WITHOUT_VALUES and (call.filter is not None or name in WITHOUT_NULL_KEYS):
            over = "" if call.over is None else " " + self.relay(call.over.start, call.end)
            self.edit(call.start, call.start, f"mz_internal.{name}(")
            self.edit(call.end, call.end, f", count(*){over})")
        if name in PATTERN_ARGUMENT:
            self._pattern_arguments(name, call.arguments)
        if name == "array_agg" and isinstance(call.arguments[0], ast.Value) and call.arguments[0].kind == "string":
            self.edit(call.arguments[0].end, call.arguments[0].end, "::text")
        if name == "list_cat" and len(call.arguments) == 2 and all(map(is_unknown, call.arguments)):
            # Of two without a type, PostgreSQL finds one list as good as another.
            self.edit(call.arguments[0].end, call.arguments[0].end, "::mz_catalog.list_text")
        if name == "pg_typeof":
            called = self.relay(call.start, call.end)
            self.edits = [edit for edit in self.edits if edit[0] < call.start]
            self.edit(call.start, call.end, f"mz_internal.pg_typeof({called})")
        if name == "current_setting":
            # The session's variables are not those of the inner PostgreSQL.
            items = self.relay(call.arguments[0].start, call.arguments[-1].end)
            self.edits = [edit for edit in self.edits if edit[0] < call.start]
            self.edit(call.start, call.end, f"mz_internal.current_setting({items})")
        if name == "pretty_sql":
            self._pretty(call, call.arguments)
        if name == "pg_column_size" and len(call.arguments) == 1:
            item = self.relay(call.arguments[0].start, call.arguments[0].end)
            self.edits = [edit for edit in self.edits if edit[0] < call.start]
            self.edit(call.start, call.end, f"mz_internal.pg_column_size(row({item}))")
        if name in QUOTIENTS_OF_SUMS and len(call.arguments) == 1:
            (argument,) = call.arguments
            value = self.relay(argument.start, argument.end)
            order = self.relay(call.order_by[0].start, call.order_by[-1].end) if call.order_by else ""
            rest = self.relay(call.arguments_end, call.end)
            self.edits = [edit for edit in self.edits if edit[0] < call.start]
            self.edit(call.start, call.end, quotient_of_sums(name, value, order, rest, distinct=call.distinct))

    def _first_key_counts(self, arguments: list[Expression], wrapper: str) -> bool:
        """Of equal keys the first counts, in PostgreSQL the last: it gets the pairs the other way round."""
        keys, values = arguments[::2], arguments[1::2]
        known = [key.value for key in keys if isinstance(key, ast.Value) and key.kind == "string"]
        if len(keys) != len(values) or len(set(known)) == len(keys):
            return False
        pairs = [
            ", ".join(f"{wrapper}({self.relay(item.start, item.end)})" for item in pair)
            for pair in zip(keys, values, strict=True)
        ]
        start, end = arguments[0].start, arguments[-1].end
        self.edits = [edit for edit in self.edits if edit[0] < start or edit[1] > end]
        self.edit(start, end, ", ".join(reversed(pairs)))
        return True

    def _pretty(self, call: ast.Function, arguments: list[Expression]) -> None:
        """The lines of a query that is written out; PostgreSQL is shown the text."""
        texts = [node.value for node in arguments if isinstance(node, ast.Value) and node.kind in ("string", "number")]
        if len(texts) < len(arguments) or len(texts) > 2:
            return
        width = int(texts[1]) if len(texts) == 2 and texts[1].isdigit() else WIDTH
        parser = type(self)(tokenize(texts[0]))
        query = parser.query()
        parser.take(t.SEMICOLON)
        if parser.kinds[parser.index] != t.END:
            raise parser.expected("end of statement")
        self.edits = [edit for edit in self.edits if edit[0] < call.start]
        self.edit(call.start, call.end, f"mz_internal.pretty_sql({quote_text(pretty_query(query, width) + ';')})")

    def _order_by_value(self, call: ast.Function, arguments: list[Expression]) -> str:
        """What orders the rows of an aggregate by its arguments, after what it is ordered by already."""
        known = (ast.Value, ast.Parameter)
        told = [argument for argument in arguments if not isinstance(argument, known)]
        if call.name[-1] not in ORDERED_BY_VALUE or call.over is not None or call.distinct or not told:
            return ""
        if any(isinstance(node, ast.Query) for argument in told for node in ast.walk(argument)):
            return ""
        values = ", ".join(self.relay(argument.start, argument.end) for argument in told)
        return f", {values}" if call.order_by else f" order by {values}"

    def pattern(self, node: Expression) -> None:
        """A regular expression that is written out, as PostgreSQL reads it."""
        if isinstance(node, ast.Value) and node.kind == "string":
            shown = pattern_for_postgres(node.value)
            if shown != quote_text(node.value):
                self.edit(node.start, node.end, shown)

    def _pattern_arguments(self, name: str, arguments: list[Expression]) -> None:
        place = PATTERN_ARGUMENT[name]
        if len(arguments) <= place:
            return
        self.pattern(arguments[place])
        if name == "regexp_replace" and len(arguments) > 2:
            pattern, replacement = arguments[1:3]
            if isinstance(replacement, ast.Value) and replacement.kind == "string":
                known = pattern.value if isinstance(pattern, ast.Value) and pattern.kind == "string" else None
                self.edit(
                    replacement.start, replacement.end, quote_text(replacement_for_postgres(replacement.value, known))
                )
            else:
                self.edit(replacement.start, replacement.start, "mz_internal.regexp_replacement(")
                self.edit(replacement.end, replacement.end, ")")

    def _leave_out_null_keys(self, call: ast.Function, key: Expression) -> None:
        present = f"({self.relay(key.start, key.end)}) is not null"
        if call.filter is None:
            self.edit(call.arguments_end, call.arguments_end, f" filter (where {present})")
        else:
            self.edit(call.filter.start, call.filter.start, f"{present} and (")
            self.edit(call.filter.end, call.filter.end, ")")

    def _ignore_nulls(self, call: ast.Function, window: ast.Window) -> None:
        texts = [self.relay(argument.start, argument.end) for argument in call.arguments or []]
        over = self.relay(window.start, window.end)
        shifted = shift_over_values(call.name[-1], texts, over[over.index("(") + 1 : -1])
        if shifted is not None:
            self.edits = [edit for edit in self.edits if edit[0] < call.start]
            self.edit(call.start, call.end, shifted)
            window.is_rewritten = True

    def rewrite_rows(self, call: ast.Function) -> bool:
        """Notes what PostgreSQL is to call in FROM; tells whether that has another name."""
        name, arguments = call.name[-1], call.arguments or []
        if len(call.name) == 2 and call.name[0] in AMBIENT_SCHEMAS:
            self.edit(call.start, self.text.index("(", call.start), quote_identifier(name))
        if name in PATTERN_ARGUMENT:
            self._pattern_arguments(name, arguments)
        return self.rewrite_width(call)

    def rewrite_width(self, call: ast.Function) -> bool:
        """Where the first argument of a table function says how many columns it has: the one with as many is called."""
        name = call.name[-1]
        if name not in ROWS_BY_WIDTH or len(call.arguments or ()) != 2:
            return False
        assert call.arguments is not None
        first, rest = call.arguments
        width = width_of_rows(name, first.value) if isinstance(first, ast.Value) else None
        if width is None:
            return False
        opening = self.text.index("(", call.start)
        self.edits = [edit for edit in self.edits if edit[0] < call.start or edit[1] > opening]
        self.edit(call.start, opening, f"mz_internal.{name}_{width}")
        if name == "csv_extract":
            self.edit(first.start, rest.start, "")
        return True

    def call_arguments(self, *, order_by: bool) -> tuple[list[Expression] | None, list[ast.OrderBy]]:
        """The arguments after the opening parenthesis, None for `*`, and the ORDER BY of an aggregate."""
        if self.take(t.STAR):
            self.expect(t.RPAREN)
            return None, []
        if self.take(t.RPAREN):
            return [], []
        arguments = self.comma_separated(self.expression)
        ordering: list[ast.OrderBy] = []
        if order_by and self.take_keyword("ORDER", "BY"):
            ordering = self.comma_separated(self.order_by_item)
        self.expect(t.RPAREN)
        return arguments, ordering

    def order_by_item(self) -> ast.OrderBy:
        """One item of ORDER BY."""
        start = self.position
        item = ast.OrderBy(start, start, self.expression())
        if self.take_keyword("ASC"):
            item.ascending = True
        elif self.take_keyword("DESC"):
            item.ascending = False
        if self.take_keyword("NULLS"):
            item.nulls_last = self.expect_one_of("FIRST", "LAST") == "LAST"
        item.end = self.last_end
        return item

    def _window(self) -> ast.Window:
        start = self.position
        ignore = self.take_keyword("IGNORE", "NULLS")
        respect = self.take_keyword("RESPECT", "NULLS")
        if respect:
            # What is the rule anyway, and PostgreSQL does not read.
            self.edit(start, self.last_end, "")
        self.expect_keyword("OVER")
        self.expect(t.LPAREN)
        window = ast.Window(start, start, [], [], None, ignore, respect)
        if self.take_keyword("PARTITION", "BY"):
            window.partition_by = self.comma_separated(self.expression)
        if self.take_keyword("ORDER", "BY"):
            window.order_by = self.comma_separated(self.order_by_item)
        if not self.take(t.RPAREN):
            frame_start = self.position
            units = self.expect_one_of("ROWS", "RANGE", "GROUPS")
            if self.take_keyword("BETWEEN"):
                first = self._frame_bound()
                self.expect_keyword("AND")
                window.frame = ast.WindowFrame(frame_start, self.last_end, units, first, self._frame_bound())
            else:
                window.frame = ast.WindowFrame(frame_start, self.last_end, units, self._frame_bound(), None)
            self.expect(t.RPAREN)
        window.end = self.last_end
        return window

    def _frame_bound(self) -> tuple[str, int | None]:
        if self.take_keyword("CURRENT", "ROW"):
            return ("CURRENT ROW", None)
        rows = None if self.take_keyword("UNBOUNDED") else self.literal_uint()
        for direction in ("PRECEDING", "FOLLOWING"):
            if self.take_keyword(direction):
                return (direction, rows)
        raise self.expected("PRECEDING or FOLLOWING")

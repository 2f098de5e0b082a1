"""Parses the expressions that have a syntax of their own: typed literals, CASE, CAST, EXTRACT, ARRAY[..] ..

In: tokens. Out: expression nodes. Where PostgreSQL has another spelling (LIST, MAP, plural interval
fields) an edit is noted.
"""

from __future__ import annotations

from typing import Literal

from mzlite.dialect import ast
from mzlite.dialect import tokens as t
from mzlite.dialect.ast import Expression
from mzlite.dialect.calls import CallParser
from mzlite.dialect.lists import LIST_ITEM, is_builtin, list_type
from mzlite.dialect.maps import MAP_KEY, map_type
from mzlite.dialect.moments import milliseconds, whole_months
from mzlite.errors import syntax_error
from mzlite.long_names import short_in_string

LIKE = 6
"""The precedence of LIKE, IN and BETWEEN; `expressions.py` has the whole scale."""

_INTERVAL_FIELDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_INTERVAL_WORDS = (*_INTERVAL_FIELDS, *(field + "S" for field in _INTERVAL_FIELDS))
_NAMES = frozenset({"regclass", "regproc", "regtype"})
_NO_TYPE = frozenset({"ARRAY", "CASE", "CAST", "EXISTS", "FALSE", "LIST", "NOT", "NULL", "ROW", "TRUE"})
_TYPE_WORDS = frozenset({"VARYING", "PRECISION", "WITH", "WITHOUT", "LIST"})


def _list_literal(node: Expression) -> ast.Sequence | None:
    while isinstance(node, ast.Nested):
        node = node.expression
    return node if isinstance(node, ast.Sequence) and node.kind == "list" else None


def _is_map(node: Expression) -> bool:
    """Whether an expression is seen to be a map."""
    while isinstance(node, ast.Nested):
        node = node.expression
    match node:
        case ast.MapLiteral():
            return bool(node.values)
        case ast.SequenceSubquery():
            return node.kind == "map"
        case ast.Cast():
            return node.data_type.kind == "map"
        case ast.Function():
            return node.name[-1] in ("map_agg", "map_build")
        case _:
            return False


class SpecialFormParser(CallParser):
    """Adds the special forms; operators come from the parser of operators."""

    def subexpression(self, precedence: int) -> Expression:
        """An expression of operators that bind tighter than `precedence`."""
        raise NotImplementedError

    def restrict(self, node: Expression) -> None:
        """Notes what PostgreSQL needs where its grammar takes fewer operators."""
        raise NotImplementedError

    def may_be_typed_literal(self, index: int) -> bool:
        """A cheap look ahead: could `type 'literal'` start here?"""
        kinds = self.kinds
        following = kinds[index + 1]
        if kinds[index] == t.KEYWORD and self.values[index] in _NO_TYPE:
            return False
        if following == t.STRING:
            return True
        while following == t.DOT and kinds[index + 2] in (t.IDENT, t.KEYWORD):
            index += 2
            following = kinds[index + 1]
            if following == t.STRING:
                return True
        if following == t.LPAREN:
            return kinds[index + 2] == t.NUMBER
        if following == t.LBRACKET:
            return kinds[index + 2] in (t.NUMBER, t.RBRACKET) or self.values[index] == "MAP"
        return following == t.KEYWORD and self.values[index + 1] in _TYPE_WORDS

    def typed_literal(self) -> Expression:
        """`type 'literal'`."""
        start = self.position
        edits = len(self.edits)
        data_type = self.data_type()
        if data_type.kind == "named" and data_type.name == ("interval",):
            return self.interval_value(start)
        type_end = self.last_end
        literal_start = self.position
        if data_type.name in (("b",), ("n",)) and start + 1 == type_end:
            # In PostgreSQL they and a literal are another literal.
            self.edit(start, literal_start, f'"{data_type.name[0]}" ')
        literal = ast.Value(literal_start, 0, "string", self.literal_string())
        literal.end = self.last_end
        if data_type.kind != "named":
            spelling = self.relay(start, type_end)
            del self.edits[edits:]
            self.edit(start, literal_start, "")
            self.cast_literal(literal, data_type)
            self.edit(literal.end, literal.end, "::" + spelling)
        else:
            self.cast_literal(literal, data_type)
        return ast.Cast(start, self.last_end, literal, data_type, prefix=True)

    def cast_literal(self, node: Expression, data_type: ast.DataType) -> None:
        """A literal whose text PostgreSQL's type would not take."""
        if data_type.kind == "named" and data_type.name[-1] == "mz_timestamp":
            self.moment_literal(node)
        elif data_type.kind == "named" and data_type.name[-1] == "interval" and isinstance(node, ast.Value):
            if node.kind == "string":
                self._years(node.start, node.end, node.value)
        elif data_type.kind == "named" and data_type.name[-1] in _NAMES and isinstance(node, ast.Value):
            if node.kind == "string" and short_in_string(node.value) != node.value:
                self.edit(node.start, node.end, "'" + short_in_string(node.value).replace("'", "''") + "'")
        elif isinstance(node, ast.MapLiteral) and not node.values:
            if data_type.kind == "map" or (data_type.kind == "named" and not is_builtin(data_type)):
                self._show(node, "'{}'")
        elif isinstance(node, ast.MapLiteral) and data_type.kind == "map" and data_type.element is not None:
            self._cast_values(node, data_type.element)
        elif (found := _list_literal(node)) is not None:
            if data_type.kind == "list" and data_type.element is not None:
                self._cast_items(found, data_type.element)
            elif not found.items and data_type.kind == "named" and not is_builtin(data_type):
                self._show(found, "'{}'")

    def _cast_items(self, node: ast.Sequence, element: ast.DataType) -> None:
        """LIST[..]::type casts each of the items, which may have no type of their own."""
        if not node.items:
            self._show(node, "'{}'")
            return
        spelling = self._spelling(element)
        for item in node.items:
            self.cast_literal(item, element)
            self._show(item, f"{LIST_ITEM}({self.relay(item.start, item.end)} as {spelling})")

    def _cast_values(self, node: ast.MapLiteral, element: ast.DataType) -> None:
        """MAP[..]::type casts the values, which may have no type of their own."""
        called = self.relay(node.start, node.end)
        if element.kind == "named" and called.endswith("])"):
            self._show(node, f"{called[:-1]}::{self._spelling(element)}[])")

    def _show(self, node: Expression, text: str) -> None:
        """PostgreSQL is shown `text` in place of an expression."""
        self.edits = [edit for edit in self.edits if edit[0] < node.start or edit[1] > node.end]
        self.edit(node.start, node.end, text)

    def _spelling(self, data_type: ast.DataType) -> str:
        """How PostgreSQL is shown a type that the elements of a list have."""
        if data_type.kind == "list" and data_type.element is not None:
            return list_type(data_type.element, self._spelling(data_type.element))
        if data_type.kind == "map" and data_type.element is not None:
            return map_type(data_type.element, self._spelling(data_type.element))
        return self.relay(data_type.start, data_type.end) if not is_builtin(data_type) else data_type.name[-1]

    def moment_literal(self, node: Expression) -> None:
        """Text that is to be an mz_timestamp may be a date and a time; PostgreSQL is shown the milliseconds."""
        if isinstance(node, ast.Value) and node.kind == "string":
            moment = milliseconds(node.value)
            if moment is not None:
                self.edit(node.start, node.end, f"'{moment}'")

    def interval_value(self, start: int) -> ast.IntervalValue:
        """The text of an interval and the fields after it."""
        literal = self.position
        value = self.literal_string()
        self._years(literal, self.last_end, value)
        fields = self.position
        first = self._interval_field()
        if first is None:
            return ast.IntervalValue(start, self.last_end, value)
        high, low = None, first
        if self.take_keyword("TO"):
            last = self._interval_field()
            if last is None:
                raise self.expected("one of " + " or ".join(_INTERVAL_WORDS))
            if _INTERVAL_FIELDS.index(first) >= _INTERVAL_FIELDS.index(last):
                raise syntax_error(
                    f"Invalid field range in INTERVAL '{value}' {first} TO {last}; the value in the position of {first}"
                    f" should be more significant than {last}."
                )
            high, low = first, last
        if high in ("YEAR", "MONTH") and low != "MONTH":
            # PostgreSQL lacks these ranges; what they begin with says nothing more.
            self.edits = [edit for edit in self.edits if edit[0] < fields]
            self.edit(fields, self.last_end, "DAY" if low == "DAY" else f"DAY TO {low}")
        precision = None
        if low == "SECOND" and self.take(t.LPAREN):
            precision = self.literal_uint()
            self.expect(t.RPAREN)
        return ast.IntervalValue(start, self.last_end, value, high, low, precision)

    def _years(self, start: int, end: int, text: str) -> None:
        """The literal of an interval: of a fraction of years whole months count; PostgreSQL would round to them."""
        shown = whole_months(text)
        if shown != text:
            self.edit(start, end, "'" + shown.replace("'", "''") + "'")

    def _interval_field(self) -> str | None:
        word = self.take_one_of(*_INTERVAL_WORDS)
        if word is None:
            return None
        if word.endswith("S"):
            word = word[:-1]
            self.edit(self.tokens.starts[self.index - 1], self.last_end, word)
        return word

    def case_expression(self, start: int) -> Expression:
        """CASE .."""
        self.index += 1
        operand, untyped = None, None
        if not self.take_keyword("WHEN"):
            operand = self.expression()
            untyped = self._taken_out(operand)
            self.expect_keyword("WHEN")
        conditions: list[Expression] = []
        results: list[Expression] = []
        while True:
            opened = self.position
            conditions.append(self.expression())
            if untyped is not None:
                self.edit(opened, opened, f"{untyped} = (")
                self.edit(self.last_end, self.last_end, ")")
            self.expect_keyword("THEN")
            results.append(self.expression())
            if not self.take_keyword("WHEN"):
                break
        otherwise = self.expression() if self.take_keyword("ELSE") else None
        self.expect_keyword("END")
        return ast.Case(start, self.last_end, operand, conditions, results, otherwise)

    def _taken_out(self, operand: Expression) -> str | None:
        """The operand of CASE if it is a literal without a type, which is compared with each condition by itself."""
        if not isinstance(operand, ast.Value) or operand.kind not in ("string", "null"):
            return None
        shown = self.relay(operand.start, operand.end)
        self._show(operand, "")
        return shown

    def cast_expression(self, start: int) -> Expression:
        """CAST (.. AS type)."""
        self.index += 1
        self.expect(t.LPAREN)
        operand = self.expression()
        self.expect_keyword("AS")
        data_type = self.data_type()
        self.expect(t.RPAREN)
        self.cast_literal(operand, data_type)
        return ast.Cast(start, self.last_end, operand, data_type)

    def extract_expression(self, start: int) -> Expression:
        """EXTRACT (field FROM ..)."""
        self.index += 1
        self.expect(t.LPAREN)
        kind, value = self.kinds[self.index], self.values[self.index]
        if kind not in (t.KEYWORD, t.IDENT, t.STRING):
            raise self.expected("extract field token")
        field_start = self.position
        self.index += 1
        field = ast.Value(field_start, self.last_end, "string", value.lower() if kind == t.KEYWORD else value)
        self.expect_keyword("FROM")
        operand = self.expression()
        self.expect(t.RPAREN)
        return ast.Function(start, self.last_end, ("extract",), [field, operand], special="extract")

    def trim_expression(self, start: int) -> Expression:
        """TRIM (..)."""
        self.index += 1
        self.expect(t.LPAREN)
        side = self.take_one_of("BOTH", "LEADING", "TRAILING")
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side or "BOTH", "btrim")
        if self.take_keyword("FROM"):
            arguments = [self.expression()]
        else:
            arguments = [self.expression()]
            if self.take_keyword("FROM"):
                arguments.insert(0, self.expression())
        self.expect(t.RPAREN)
        return ast.Function(start, self.last_end, (name,), arguments, special="trim")

    def position_expression(self, start: int) -> Expression:
        """POSITION (.. IN ..)."""
        self.index += 1
        self.expect(t.LPAREN)
        needle = self.subexpression(LIKE)
        self.restrict(needle)
        self.expect_keyword("IN")
        haystack = self.expression()
        self.expect(t.RPAREN)
        return ast.Function(start, self.last_end, ("position",), [needle, haystack], special="position")

    def substring_expression(self, start: int) -> Expression:
        """SUBSTRING (..)."""
        self.index += 1
        self.expect(t.LPAREN)
        arguments = [self.expression()]
        if self.take_keyword("FROM"):
            arguments.append(self.expression())
            if self.take_keyword("FOR"):
                arguments.append(self.expression())
        elif self.take_keyword("FOR"):
            arguments.append(ast.Value(self.position, self.position, "number", "1"))
            arguments.append(self.expression())
        else:
            self.expect(t.COMMA)
            arguments.extend(self.comma_separated(self.expression))
        self.expect(t.RPAREN)
        return ast.Function(start, self.last_end, ("substring",), arguments, special="substring")

    def normalize_expression(self, start: int) -> Expression:
        """NORMALIZE (..)."""
        self.index += 1
        self.expect(t.LPAREN)
        arguments = [self.expression()]
        if self.take(t.COMMA):
            form_start = self.position
            form = self.expect_one_of("NFC", "NFD", "NFKC", "NFKD")
            arguments.append(ast.Value(form_start, self.last_end, "string", form))
        else:
            arguments.append(ast.Value(self.position, self.position, "string", "NFC"))
        self.expect(t.RPAREN)
        return ast.Function(start, self.last_end, ("normalize",), arguments, special="normalize")

    def sequence_expression(self, kind: Literal["array", "list"], start: int, *, keyword: bool) -> Expression:
        """ARRAY[..] or LIST[..], or of a query."""
        if kind == "list":
            self.edit(start, self.last_end if keyword else start, "mz_internal.list(array")
        if keyword and self.take(t.LPAREN):
            query = self.query()
            self.expect(t.RPAREN)
            if kind == "list":
                self.edit(self.last_end, self.last_end, ")")
            return ast.SequenceSubquery(start, self.last_end, kind, query)
        self.expect(t.LBRACKET)
        items: list[Expression] = []
        while self.kinds[self.index] != t.RBRACKET:
            if self.kinds[self.index] == t.LBRACKET:
                items.append(self.sequence_expression(kind, self.position, keyword=False))
            else:
                items.append(self.expression())
            if not self.take(t.COMMA):
                break
        self.expect(t.RBRACKET)
        if kind == "list" and any(_is_map(item) for item in items):
            self._list_of_maps(start, items)
        elif kind == "list":
            lists = [item for item in items if isinstance(item, ast.Sequence)]
            if any(item.items for item in lists):
                # An empty list among others is of their type.
                for item in lists:
                    if not item.items:
                        self._show(item, "'{}'")
            self.edit(self.last_end, self.last_end, ")")
        return ast.Sequence(start, self.last_end, kind, items)

    def _list_of_maps(self, start: int, items: list[Expression]) -> None:
        """PostgreSQL has no arrays of maps: the list is made item by item, from the first that is seen to be a map."""
        texts = [self.relay(item.start, item.end) for item in items]
        first = next(index for index, item in enumerate(items) if _is_map(item))
        called = f"mz_internal.list({texts[first]})"
        for text in reversed(texts[:first]):
            called = f"mz_internal.list({text}, {called})"
        for text in texts[first + 1 :]:
            called = f"mz_internal.list({called}, {text})"
        self.edits = [edit for edit in self.edits if edit[0] < start]
        self.edit(start, self.last_end, called)

    def map_expression(self, start: int) -> Expression:
        """MAP[key => value, ..], which PostgreSQL is shown as a call."""
        if self.take(t.LPAREN):
            opened = self.last_end
            query = self.query()
            self.expect(t.RPAREN)
            self.edit(
                start,
                opened,
                "(select coalesce(mz_catalog.map_agg(mz_internal.subquery_key(q.key), q.value)"
                " filter (where q.key is not null), '{}') from (",
            )
            self.edit(self.last_end, self.last_end, " as q (key, value))")
            return ast.SequenceSubquery(start, self.last_end, "map", query)
        self.expect(t.LBRACKET)
        keys: list[Expression] = []
        values: list[Expression] = []
        while self.kinds[self.index] != t.RBRACKET:
            keys.append(self.expression())
            self.expect(t.ARROW)
            if self.kinds[self.index] == t.LBRACKET:
                values.append(self.map_expression(self.position))
            else:
                values.append(self.expression())
            if not self.take(t.COMMA):
                break
        self.expect(t.RBRACKET)
        called = self._map_call(keys, values)
        self.edits = [edit for edit in self.edits if edit[0] < start]
        self.edit(start, self.last_end, called)
        return ast.MapLiteral(start, self.last_end, keys, values)

    def _map_call(self, keys: list[Expression], values: list[Expression]) -> str:
        """The call that makes a map; PostgreSQL has no arrays of maps, so one to these is made pair by pair."""
        names = [self.relay(key.start, key.end) for key in keys]
        for index, key in enumerate(keys):
            if not isinstance(key, ast.Value) or key.kind not in ("string", "null"):
                names[index] = f"{MAP_KEY}({names[index]})"
        items = [self.relay(value.start, value.end) for value in values]
        if not any(_is_map(value) for value in values):
            return f"mz_internal.map(array[{', '.join(names)}]::text[], array[{', '.join(items)}])"
        # The type is that of a value which is seen to have one.
        pairs = sorted(zip(names, items, values, strict=True), key=lambda pair: not _is_map(pair[2]))
        name, item, _ = pairs[0]
        called = f"mz_internal.map({name}, {item})"
        for name, item, _ in pairs[1:]:
            called = f"mz_internal.map({called}, {name}, {item})"
        return called

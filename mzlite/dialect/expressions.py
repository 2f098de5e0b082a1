"""Parses scalar expressions.

In: tokens. Out: expression nodes, by Materialize's precedences, which are PostgreSQL's but for a
few: comparisons associate to the left, and what follows IS DISTINCT FROM reaches as far as it can.
There the parser notes parentheses for PostgreSQL.
"""

from __future__ import annotations

import re
from typing import Literal

from mzlite.dialect import ast
from mzlite.dialect import tokens as t
from mzlite.dialect.ast import Expression
from mzlite.dialect.keywords import QUERY_START, RESERVED_IN_EXPRESSION
from mzlite.dialect.regexes import PATTERN_OPERATORS
from mzlite.dialect.rewritten import ROW_ORDER, row_comparison
from mzlite.dialect.special_forms import SpecialFormParser
from mzlite.errors import syntax_error

ZERO, OR, AND, NOT, IS, COMPARE, LIKE, OTHER, PLUS, TIMES, AT, UNARY, POSTFIX = range(13)

_KEYWORD_PRECEDENCE = {
    "OR": OR,
    "AND": AND,
    "IS": IS,
    "ISNULL": IS,
    "IN": LIKE,
    "BETWEEN": LIKE,
    "LIKE": LIKE,
    "ILIKE": LIKE,
    "OPERATOR": OTHER,
    "COLLATE": AT,
    "AT": AT,
}
_OPERATOR_PRECEDENCE = {
    "<": COMPARE,
    "<=": COMPARE,
    "<>": COMPARE,
    ">": COMPARE,
    ">=": COMPARE,
    "+": PLUS,
    "-": PLUS,
    "/": TIMES,
    "%": TIMES,
}
_KIND_PRECEDENCE = {t.EQ: COMPARE, t.STAR: TIMES, t.DOUBLE_COLON: POSTFIX, t.LBRACKET: POSTFIX, t.DOT: POSTFIX}


_SIMPLE = (ast.Identifier, ast.Value, ast.Function, ast.Nested, ast.Parameter, ast.Cast, ast.IntervalValue)
_LIKE_FORMS = (ast.Like, ast.Between, ast.InList, ast.InSubquery)
_COMPARISONS = frozenset({"<", "<=", "<>", ">", ">=", "="})


_UNTYPED = (ast.Value, ast.Parameter)
_LISTED = re.compile(r"'\{|.*\blist\b", re.IGNORECASE | re.DOTALL)
"""What an expression begins with or contains that is written out as a list."""


def is_array(node: Expression) -> bool:
    """Whether an expression is seen to be an array: ARRAY[..] or a cast to one."""
    match node:
        case ast.Nested():
            return is_array(node.expression)
        case ast.Sequence() | ast.SequenceSubquery():
            return node.kind == "array"
        case ast.Cast():
            return node.data_type.kind == "array"
        case _:
            return False


def _is_text(node: Expression | None) -> bool:
    return isinstance(node, ast.Value) and node.kind == "string"


def _ends_in_escape(pattern: Expression, escape: Expression | None) -> bool:
    """Whether the pattern of LIKE is written out and its last character would have another one after it."""
    if not isinstance(pattern, ast.Value) or pattern.kind != "string":
        return False
    if escape is not None and not (isinstance(escape, ast.Value) and escape.kind == "string"):
        return False
    character = "\\" if escape is None else escape.value
    if len(character) != 1:
        return False
    return (len(pattern.value) - len(pattern.value.rstrip(character))) % 2 == 1


def _is_zero(node: Expression) -> bool:
    return isinstance(node, ast.Value) and node.kind == "number" and float(node.value) == 0


def is_list(node: Expression) -> bool:
    """Whether an expression is seen to be a list: LIST[..], a cast to a list, or one of these and more elements."""
    match node:
        case ast.Nested():
            return is_list(node.expression)
        case ast.Sequence() | ast.SequenceSubquery():
            return node.kind == "list"
        case ast.Cast():
            return node.data_type.kind == "list"
        case ast.Operation(operator="||", left=left) if left is not None:
            return is_list(left) or is_list(node.right)
        case ast.Function(name=name):
            return name[-1] in ("list_agg", "list_append", "list_cat", "list_prepend", "list_remove")
        case ast.Subscript():
            return any(position.is_slice for position in node.positions)
        case _:
            return False


class ExpressionParser(SpecialFormParser):
    """Adds `expression` to the stream; `query` comes from the query parser."""

    def query_after(self, inner: ast.Query) -> ast.Query:
        """The rest of a query whose first operand `inner` was read in parentheses."""
        raise NotImplementedError

    def expression(self) -> Expression:
        """An expression."""
        return self.subexpression(ZERO)

    def subexpression(self, precedence: int) -> Expression:
        """An expression of operators that bind tighter than `precedence`."""
        self.enter()
        result = self._seeded(precedence, self._prefix())
        self.leave()
        return result

    def _seeded(self, precedence: int, left: Expression) -> Expression:
        while True:
            following = self._precedence()
            if precedence >= following:
                return left
            left = self._infix(left, following)

    def _precedence(self) -> int:
        kind, value = self.kinds[self.index], self.values[self.index]
        if kind == t.KEYWORD:
            if value == "NOT":
                index = self.index + 1
                follows = self.values[index] if self.kinds[index] == t.KEYWORD else ""
                return LIKE if follows in ("IN", "BETWEEN", "LIKE", "ILIKE") else ZERO
            return _KEYWORD_PRECEDENCE.get(value, ZERO)
        if kind == t.OP:
            return _OPERATOR_PRECEDENCE.get(value, OTHER)
        return _KIND_PRECEDENCE.get(kind, ZERO)

    def parenthesize(self, node: ast.Node) -> None:
        """PostgreSQL is shown `node` in parentheses."""
        self.edit(node.start, node.start, "(")
        self.edit(node.end, node.end, ")")

    def restrict(self, node: Expression) -> None:
        """Before AND and IN PostgreSQL takes fewer operators (no NOT, no AT TIME ZONE) than Materialize."""
        if not isinstance(node, _SIMPLE) or (isinstance(node, ast.Function) and node.special == "at time zone"):
            self.parenthesize(node)

    # Prefix --------------------------------------------------------------

    def _prefix(self) -> Expression:
        index = self.index
        kind, value, start = self.kinds[index], self.values[index], self.tokens.starts[index]
        if kind in (t.KEYWORD, t.IDENT, t.LBRACKET) and self.may_be_typed_literal(index):
            literal = self.attempt(self.typed_literal)
            if literal is not None:
                return literal
        if kind == t.IDENT:
            return self.qualified_identifier()
        if kind == t.NUMBER:
            self.index += 1
            following = self.tokens.starts[self.index]
            if following == self.last_end and self.kinds[self.index] in (t.IDENT, t.KEYWORD):
                self.edit(following, following, " ")
            return ast.Value(start, self.last_end, "number", value)
        if kind == t.STRING:
            self.index += 1
            return ast.Value(start, self.last_end, "string", value)
        if kind == t.LPAREN:
            self.index += 1
            fragment = self._fragment(start)
            self.expect(t.RPAREN)
            fragment.end = self.last_end
            return fragment if not isinstance(fragment, ast.Query) else ast.Subquery(start, self.last_end, fragment)
        if kind == t.KEYWORD:
            return self._keyword_prefix(value, start)
        if kind == t.OP and value in ("-", "+", "~"):
            return self._unary(value, start)
        if kind == t.PARAMETER:
            self.index += 1
            return ast.Parameter(start, self.last_end, int(value))
        if kind == t.HEX:
            self.index += 1
            return ast.Value(start, self.last_end, "hex", value)
        if kind == t.LBRACKET:
            name = self.raw_name()
            return self.function_call(name, start)
        if kind == t.END:
            raise syntax_error("Unexpected EOF")
        raise self.expected("an expression")

    def _keyword_prefix(self, word: str, start: int) -> Expression:
        following = self.kinds[self.index + 1]
        match word:
            case "TRUE" | "FALSE":
                self.index += 1
                return ast.Value(start, self.last_end, "boolean", word.lower())
            case "NULL":
                self.index += 1
                return ast.Value(start, self.last_end, "null", "null")
            case "ARRAY" | "LIST":
                self.index += 1
                return self.sequence_expression("array" if word == "ARRAY" else "list", start, keyword=True)
            case "MAP":
                self.index += 1
                return self.map_expression(start)
            case "CASE":
                return self.case_expression(start)
            case "CAST":
                return self.cast_expression(start)
            case "COALESCE" | "GREATEST" | "LEAST":
                self.index += 1
                arguments = self.parenthesized(self.expression)
                return ast.Homogenizing(start, self.last_end, word.lower(), arguments)
            case "NULLIF":
                self.index += 1
                self.expect(t.LPAREN)
                left = self.expression()
                self.expect(t.COMMA)
                right = self.expression()
                self.expect(t.RPAREN)
                return ast.NullIf(start, self.last_end, left, right)
            case "EXISTS":
                self.index += 1
                self.expect(t.LPAREN)
                query = self.query()
                self.expect(t.RPAREN)
                return ast.Exists(start, self.last_end, query)
            case "EXTRACT":
                return self.extract_expression(start)
            case "NOT":
                self.index += 1
                operand = self.subexpression(NOT)
                return ast.Not(start, self.last_end, operand)
            case "ROW" if following == t.LPAREN:
                self.index += 2
                items: list[Expression] = []
                if self.kinds[self.index] != t.RPAREN:
                    items = self.comma_separated(self.expression)
                self.expect(t.RPAREN)
                return ast.Row(start, self.last_end, items)
            case "TRIM":
                return self.trim_expression(start)
            case "POSITION" if following == t.LPAREN:
                return self.position_expression(start)
            case "SUBSTRING":
                return self.substring_expression(start)
            case "NORMALIZE" if following == t.LPAREN:
                return self.normalize_expression(start)
        if word in RESERVED_IN_EXPRESSION:
            raise syntax_error(f"expected expression, but found reserved keyword: {word}")
        return self.qualified_identifier()

    def _unary(self, operator: str, start: int) -> Expression:
        self.index += 1
        if operator == "-" and self.kinds[self.index] == t.NUMBER and float(self.values[self.index]) != 0.0:
            self.index += 1
            literal = ast.Value(start, self.last_end, "number", "-" + self.values[self.index - 1])
            if self._precedence() == POSTFIX:
                # PostgreSQL would apply the cast first and the sign to its result.
                self.parenthesize(literal)
            return literal
        operand = self.subexpression(OTHER if operator == "~" else UNARY)
        return ast.Operation(start, self.last_end, operator, None, None, operand)

    def _fragment(self, start: int) -> Expression | ast.Query:
        """What stands in parentheses whose opening one has been read: a query or expressions.
        `((select 2)) + 3` and `((select 2)) union select 2` differ only after the inner one."""
        if self.peek_keyword_in(QUERY_START):
            return self.query()
        if self.kinds[self.index] != t.LPAREN:
            return self._wrap(self.comma_separated(self.expression), start)
        inner_start = self.position
        self.index += 1
        self.enter()
        inner = self._fragment(inner_start)
        self.expect(t.RPAREN)
        self.leave()
        inner.end = self.last_end
        if isinstance(inner, ast.Query):
            if self.kinds[self.index] == t.RPAREN or self.peek_keyword_in(("UNION", "INTERSECT", "EXCEPT")):
                inner.start = inner_start
                return self.query_after(inner)
            prefix: Expression = ast.Subquery(inner_start, self.last_end, inner)
        else:
            prefix = inner
        expressions = [self._seeded(ZERO, prefix)]
        while self.take(t.COMMA):
            expressions.append(self.expression())
        return self._wrap(expressions, start)

    @staticmethod
    def _wrap(expressions: list[Expression], start: int) -> Expression:
        if len(expressions) == 1:
            return ast.Nested(start, start, expressions[0])
        return ast.Row(start, start, expressions)

    # Infix ---------------------------------------------------------------

    def _infix(self, left: Expression, precedence: int) -> Expression:
        kind, value = self.kinds[self.index], self.values[self.index]
        start = left.start
        if kind in (t.OP, t.EQ, t.STAR):
            self.index += 1
            operator = {t.EQ: "=", t.STAR: "*"}.get(kind, value)
            return self._binary(left, operator, None, precedence)
        if kind == t.KEYWORD:
            return self._keyword_infix(left, value, precedence)
        if kind == t.DOUBLE_COLON:
            self.index += 1
            data_type = self.data_type()
            self.cast_literal(left, data_type)
            return ast.Cast(start, self.last_end, left, data_type)
        if kind == t.LBRACKET:
            return self._subscript(left)
        self.index += 1
        kind, value = self.kinds[self.index], self.values[self.index]
        if not isinstance(left, ast.Nested):
            self.parenthesize(left)
        if kind not in (t.IDENT, t.KEYWORD, t.STAR):
            raise self.expected("an identifier or a '*' after '.'")
        self.index += 1
        if kind == t.STAR:
            return ast.WildcardAccess(start, self.last_end, left)
        return ast.FieldAccess(start, self.last_end, left, value.lower() if kind == t.KEYWORD else value)

    def _binary(self, left: Expression, operator: str, namespace: ast.Name | None, precedence: int) -> Expression:
        if operator in _COMPARISONS and isinstance(left, ast.Operation) and left.operator in _COMPARISONS:
            self.parenthesize(left)
        word = self.take_one_of("ANY", "ALL", "SOME")
        if word is not None:
            return self._quantified(left, operator, word)
        right = self.subexpression(precedence)
        if operator in PATTERN_OPERATORS:
            self.pattern(right)
        if operator in ("/", "%") and _is_zero(right):
            # PostgreSQL would divide constants before it knows whether there are rows, or which case is theirs.
            self.edit(right.start, right.end, f"mz_internal.when_computed({self.text[right.start : right.end]})")
        if operator in ROW_ORDER and namespace is None and isinstance(left, ast.Row) and isinstance(right, ast.Row):
            self._compare_rows(operator, left, right)
        if operator in _COMPARISONS:
            for side, other in ((left, right), (right, left)):
                if isinstance(side, ast.Function) and side.name[-1] == "mz_now":
                    self.moment_literal(other)
        return ast.Operation(left.start, self.last_end, operator, namespace, left, right)

    def _compare_rows(self, operator: str, left: ast.Row, right: ast.Row) -> None:
        if len(left.items) == len(right.items) > 1:
            sides = ([self.relay(item.start, item.end) for item in row.items] for row in (left, right))
            self.edit(left.start, self.last_end, row_comparison(operator, *sides))

    def _keyword_infix(self, left: Expression, word: str, precedence: int) -> Expression:
        start = left.start
        if word == "OPERATOR":
            self.index += 1
            self.expect(t.LPAREN)
            operator, namespace = self._operator_reference()
            self.expect(t.RPAREN)
            return self._binary(left, operator, namespace, precedence)
        if word == "AND":
            self.index += 1
            right = self.subexpression(precedence)
            return ast.And(start, self.last_end, left, right)
        if word == "OR":
            self.index += 1
            right = self.subexpression(precedence)
            return ast.Or(start, self.last_end, left, right)
        if word == "IS":
            self.index += 1
            return self._is(left)
        if word == "ISNULL":
            self.index += 1
            return self._is_null(left, negated=False)
        if word == "AT":
            self.index += 1
            self.expect_keyword("TIME", "ZONE")
            zone = self.subexpression(precedence)
            return ast.Function(start, self.last_end, ("timezone",), [zone, left], special="at time zone")
        if word == "COLLATE":
            self.index += 1
            collation = self.item_name()
            return ast.Collate(start, self.last_end, left, collation)
        first = self.index
        negated = self.take_keyword("NOT")
        form = self.take_one_of("IN", "BETWEEN", "LIKE", "ILIKE")
        if form is None:
            raise self.expected("IN, BETWEEN, LIKE, or ILIKE after NOT")
        if isinstance(left, _LIKE_FORMS):
            self.parenthesize(left)
        if form == "IN":
            found = self._in(left, negated)
            if negated and isinstance(found, ast.InList) and any(map(self._may_be_list, found.items)):
                # PostgreSQL would look for <>, which lists do not have: it is the opposite of IN.
                self.edit(self.tokens.starts[first], self.tokens.ends[first], "")
                self.edit(found.end, found.end, " = false")
            return found
        if form == "BETWEEN":
            low = self.subexpression(LIKE)
            self.restrict(low)
            self.expect_keyword("AND")
            high = self.subexpression(LIKE)
            return ast.Between(start, self.last_end, left, negated, low, high)
        return self._like(left, form == "ILIKE", negated)

    def _is(self, left: Expression) -> Expression:
        negated = self.take_keyword("NOT")
        construct = self.take_one_of("NULL", "TRUE", "FALSE", "UNKNOWN", "DISTINCT")
        if construct is None:
            raise self.expected("NULL, NOT NULL, TRUE, NOT TRUE, FALSE, NOT FALSE, UNKNOWN, NOT UNKNOWN after IS")
        if construct == "NULL":
            return self._is_null(left, negated=negated)
        if construct != "DISTINCT":
            return ast.Is(left.start, self.last_end, left, negated, construct)
        self.expect_keyword("FROM")
        other = self.expression()
        if not isinstance(other, _SIMPLE):
            self.parenthesize(other)
        return ast.Is(left.start, self.last_end, left, negated, construct, other)

    def _is_null(self, left: Expression, *, negated: bool) -> Expression:
        row = left
        while isinstance(row, ast.Nested):
            row = row.expression
        if isinstance(row, ast.Row):
            # In PostgreSQL a row is null where all of its columns are; with these words it looks at the row itself.
            self.edit(left.end, self.last_end, f" is {'' if negated else 'not '}distinct from null")
        elif isinstance(row, ast.Parameter):
            # Which is a text unless its type is known otherwise.
            self.edit(row.end, row.end, "::text")
        return ast.Is(left.start, self.last_end, left, negated, "NULL")

    def _in(self, left: Expression, negated: bool) -> Expression:
        start = self.position
        self.expect(t.LPAREN)
        fragment = self._fragment(start)
        self.expect(t.RPAREN)
        if isinstance(fragment, ast.Query):
            return ast.InSubquery(left.start, self.last_end, left, fragment, negated)
        items = fragment.items if isinstance(fragment, ast.Row) else [fragment.expression]  # type: ignore[union-attr]
        return ast.InList(left.start, self.last_end, left, items, negated)

    def _may_be_list(self, item: Expression) -> bool:
        return _LISTED.match(self.text, item.start, item.end) is not None

    def _like(self, left: Expression, case_insensitive: bool, negated: bool) -> Expression:
        word = self.take_one_of("ANY", "ALL", "SOME")
        if word is not None:
            operator = ("!" if negated else "") + ("~~*" if case_insensitive else "~~")
            return self._quantified(left, operator, word)
        pattern = self.subexpression(LIKE)
        escape = self.subexpression(LIKE) if self.take_keyword("ESCAPE") else None
        if _ends_in_escape(pattern, escape):
            # PostgreSQL says so only of a text that gets as far as there.
            self.edit(pattern.start, pattern.end, "mz_internal.unterminated_like()")
        return ast.Like(left.start, self.last_end, left, pattern, escape, case_insensitive, negated)

    def _quantified(self, left: Expression, operator: str, word: str) -> Expression:
        start = self.position
        self.expect(t.LPAREN)
        fragment = self._fragment(start)
        quantifier: Literal["ANY", "ALL"] = "ALL" if word == "ALL" else "ANY"
        if isinstance(fragment, ast.Row):
            raise syntax_error(f"{word} requires a single expression or subquery, not an expression list")
        self.expect(t.RPAREN)
        if isinstance(fragment, ast.Query):
            return ast.QuantifiedSubquery(left.start, self.last_end, left, operator, quantifier, fragment)
        fragment.end = self.last_end
        if (
            isinstance(fragment, ast.Nested)
            and not is_array(fragment)
            and not isinstance(fragment.expression, _UNTYPED)
        ):
            items = self.relay(start + 1, self.last_end - 1)
            self.edits = [edit for edit in self.edits if edit[0] < start]
            self.edit(start, self.last_end, f"(mz_internal.items({items}))")
        return ast.Quantified(left.start, self.last_end, left, operator, quantifier, fragment)

    def _operator_reference(self) -> tuple[str, ast.Name]:
        namespace: list[str] = []
        while True:
            kind, value = self.kinds[self.index], self.values[self.index]
            if kind in (t.OP, t.STAR, t.EQ):
                self.index += 1
                return {t.STAR: "*", t.EQ: "="}.get(kind, value), tuple(namespace)
            if kind == t.KEYWORD:
                namespace.append(value.lower())
            elif kind == t.IDENT:
                namespace.append(value)
            else:
                raise self.expected("operator")
            self.index += 1
            self.expect(t.DOT)

    def _subscript(self, left: Expression) -> Expression:
        if not isinstance(left, (ast.Identifier, ast.Nested, ast.Parameter, ast.Subscript, ast.FieldAccess)):
            self.parenthesize(left)
        base = self.relay(left.start, left.end)
        positions: list[ast.SubscriptPosition] = []
        while self.take(t.LBRACKET):
            start = self.position
            first = None if self.kinds[self.index] == t.COLON else self.expression()
            last = None
            is_slice = self.take(t.COLON)
            if is_slice and self.kinds[self.index] != t.RBRACKET:
                last = self.expression()
            positions.append(ast.SubscriptPosition(start, self.last_end, first, last, is_slice))
            self.expect(t.RBRACKET)
        node = ast.Subscript(left.start, self.last_end, left, positions)
        if is_list(left):
            for position in positions:
                for bound in (position.first, position.last):
                    if bound is not None and _is_text(bound):
                        self.edit(bound.end, bound.end, "::bigint")
        if (
            len(positions) > 1
            and not is_array(left)
            and (is_list(left) or not any(_is_text(position.first) for position in positions))
        ):
            self._subscripts(node, base)
        return node

    def _subscripts(self, node: ast.Subscript, base: str) -> None:
        """Several subscripts: of an array PostgreSQL takes them together, of a list one after the other."""
        texts = [self.relay(position.start, position.end) for position in node.positions]
        if is_list(node.expression) or any(position.is_slice for position in node.positions):
            subscripts = "".join(f"[{text}])" for text in texts[:-1]) + f"[{texts[-1]}]"
            shown = "(" * (len(texts) - 1) + base + subscripts
        else:
            node.called = True
            shown = f"mz_internal.item({', '.join([base, *texts])})"
        self.edits = [edit for edit in self.edits if edit[0] < node.start]
        self.edit(node.start, node.end, shown)

"""Breaks queries into lines, as Materialize's pretty printer does.

In: a parsed query and a width. Out: its text in normal form, on one line where it fits, else broken at the outermost
places that do not. A document is made of texts, places that are a space or a line break, and groups whose places
all are the one or the other (Wadler, "A prettier printer").

>>> from mzlite.dialect.parser import StatementParser
>>> from mzlite.dialect.tokens import tokenize
>>> query = StatementParser(tokenize("select a, b from t where a = 1 and b > 2")).query()
>>> print(pretty_query(query, 20))
SELECT a, b
FROM t
WHERE
    a = 1 AND b > 2
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mzlite.dialect import ast
from mzlite.dialect.display import Display, Naming
from mzlite.dialect.stream import quote_if_needed

INDENT = 4
WIDTH = 100
"""Of a line, where nobody says how wide it is."""
N = TypeVar("N")


# Documents ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A space, or nothing, where what it stands in fits on a line; else a line break."""

    flat: str


@dataclass(frozen=True)
class Many:
    """Documents one after the other; `nest` more columns after a line break; `group`: broken for itself."""

    parts: tuple[Doc, ...]
    nest: int = 0
    group: bool = False


Doc = str | Place | Many
SPACE, NOTHING = Place(" "), Place("")


def joined(parts: Iterable[Doc], between: Doc) -> list[Doc]:
    """Documents with another one between each two."""
    found: list[Doc] = []
    for part in parts:
        found += [between, part] if found else [part]
    return found


def group(*parts: Doc, nest: int = 0) -> Many:
    """Documents that are on one line together, or all broken."""
    return Many(parts, nest, True)


def lines(*parts: Doc) -> Many:
    """A first line and what is below it, further in."""
    return group(*joined(parts, SPACE), nest=INDENT)


def bracket(left: Doc, inner: Doc, right: Doc, place: Place = NOTHING) -> Many:
    """Something between two others, further in where it is broken."""
    return group(left, Many((place, inner), INDENT), place, right)


def commas(parts: Iterable[Doc]) -> Many:
    """Documents with commas."""
    return group(*joined(parts, Many((",", SPACE))))


def rendered(document: Doc, width: int) -> str:
    """The text of a document in lines of at most `width` columns, where that can be."""
    out: list[str] = []
    column = 0
    # What is to come, the next one last: how far in, whether it is broken, and what.
    stack: list[tuple[int, bool, Doc]] = [(0, True, document)]
    while stack:
        indent, is_broken, doc = stack.pop()
        if isinstance(doc, str):
            out.append(doc)
            column += len(doc)
        elif isinstance(doc, Place):
            if is_broken:
                out.append("\n" + " " * indent)
                column = indent
            else:
                out.append(doc.flat)
                column += len(doc.flat)
        else:
            if doc.group and is_broken:
                is_broken = not _fits(doc, stack, width - column)
            stack += [(indent + doc.nest, is_broken, part) for part in reversed(doc.parts)]
    return "".join(out)


def _fits(doc: Many, rest: Sequence[tuple[int, bool, Doc]], room: int) -> bool:
    """Whether a group fits on the line as one, with what follows it up to the next line break."""
    stack: list[tuple[bool, Doc]] = [(False, doc)]
    behind = len(rest)
    while True:
        if not stack:
            if behind == 0:
                return True
            behind -= 1
            stack.append((rest[behind][1], rest[behind][2]))
        is_broken, current = stack.pop()
        if isinstance(current, Many):
            stack += [(is_broken, part) for part in reversed(current.parts)]
            continue
        if isinstance(current, Place):
            if is_broken:
                return True
            current = current.flat
        room -= len(current)
        if room < 0:
            return False


# Queries -----------------------------------------------------------------------------


def pretty_query(query: ast.Query, width: int) -> str:
    """A query in lines."""
    return rendered(Pretty().query(query), width)


class Pretty:
    """Makes documents of queries; what is short anyhow is a text in normal form."""

    def __init__(self) -> None:
        self.display = Display(Naming())

    def query(self, query: ast.Query) -> Doc:
        """A query with its WITH, ORDER BY, LIMIT and OFFSET."""
        display = self.display
        depth = len(display.local)
        docs: list[Doc] = self._with(query)
        docs.append(self.body(query.body))
        if query.order_by:
            docs.append(self._titled("ORDER BY", query.order_by, self._order_by))
        offset: list[Doc] = [] if query.offset is None else [lines("OFFSET", self.expression(query.offset))]
        if query.limit is None:
            docs += offset
        elif query.with_ties:
            docs += [*offset, Many(("FETCH FIRST ", self.expression(query.limit), " ROWS WITH TIES"))]
        else:
            docs += [lines("LIMIT", self.expression(query.limit)), *offset]
        del display.local[depth:]
        return group(*joined(docs, SPACE))

    def _with(self, query: ast.Query) -> list[Doc]:
        display = self.display
        if query.recursive is not None:
            display.local.extend(cte.name for cte in query.recursive)
            title: Doc = "WITH MUTUALLY RECURSIVE"
            if query.recursion_options:
                options = [f"{name} = {value}" for name, value in query.recursion_options.items()]
                title = lines(title, bracket("(", commas(options), ")"))
            bindings: list[Doc] = []
            for cte in query.recursive:
                columns = [f"{quote_if_needed(name)} {display.data_type(kind)}" for name, kind in cte.columns]
                body = bracket("AS (", self.query(cte.query), ")")
                parts = [bracket("(", commas(columns), ")"), body] if columns else [body]
                bindings.append(lines(quote_if_needed(cte.name), group(*joined(parts, SPACE))))
            return [lines(title, commas(bindings))]
        ctes: list[Doc] = []
        for simple in query.ctes:
            names = f" ({', '.join(map(quote_if_needed, simple.columns))})" if simple.columns else ""
            body = bracket("(", self.query(simple.query), ")")
            ctes.append(Many((f"{quote_if_needed(simple.name)}{names} AS", SPACE, body)))
            display.local.append(simple.name)
        return [lines("WITH", commas(ctes))] if ctes else []

    def _titled(self, title: Doc, items: Sequence[N], show: Callable[[N], Doc]) -> Doc:
        return lines(title, commas(show(item) for item in items))

    def _order_by(self, item: ast.OrderBy) -> Doc:
        doc = self.expression(item.expression)
        if item.ascending is not None:
            doc = lines(doc, "ASC" if item.ascending else "DESC")
        if item.nulls_last is not None:
            doc = lines(doc, "NULLS LAST" if item.nulls_last else "NULLS FIRST")
        return doc

    def body(self, body: ast.QueryBody) -> Doc:
        """What stands between WITH and ORDER BY."""
        match body:
            case ast.Select():
                return group(self.select(body))
            case ast.Query():
                return group(bracket("(", self.query(body), ")"))
            case ast.SetOperation():
                word = f"{body.operator}{' ALL' if body.all else ''}"
                right = group(word, SPACE, self.body(body.right), nest=INDENT)
                return group(self.body(body.left), SPACE, right)
            case ast.Values():
                rows = [bracket("(", commas(map(self.expression, row)), ")") for row in body.rows]
                return group("VALUES", SPACE, commas(rows), nest=INDENT)
            case ast.TableBody():
                return lines("TABLE", self.display.body(body).removeprefix("TABLE "))
            case _:
                return self.display.body(body)

    def select(self, select: ast.Select) -> Doc:
        """SELECT without what a query adds."""
        title: Doc = "SELECT"
        if select.distinct == "row":
            title = lines(title, "DISTINCT")
        elif select.distinct is not None:
            title = lines(title, bracket("DISTINCT ON (", commas(map(self.expression, select.distinct)), ")"))
        docs: list[Doc] = [self._titled(title, select.items, self._item)]
        if select.from_:
            docs.append(self._titled("FROM", select.from_, self._table_with_joins))
        if select.where is not None:
            docs.append(lines("WHERE", self.expression(select.where)))
        if select.group_by:
            docs.append(self._titled("GROUP BY", select.group_by, self.expression))
        if select.having is not None:
            docs.append(lines("HAVING", self.expression(select.having)))
        if select.qualify is not None:
            docs.append(lines("QUALIFY", self.expression(select.qualify)))
        if select.options:
            options = [f"{name} = {value}" for name, value in select.options.items()]
            docs.append(bracket("OPTIONS (", commas(options), ")"))
        return group(*joined(docs, SPACE))

    def _item(self, item: ast.SelectItem) -> Doc:
        if item.expression is None or item.alias is None:
            return "*" if item.expression is None else self.expression(item.expression)
        return lines(self.expression(item.expression), f"AS {quote_if_needed(item.alias)}")

    # FROM ----------------------------------------------------------------------------

    def _table_with_joins(self, table: ast.TableWithJoins) -> Doc:
        return lines(self._factor(table.relation), *map(self._join, table.joins))

    def _join(self, join: ast.Join) -> Doc:
        word = {"inner": "JOIN", "left": "LEFT JOIN", "right": "RIGHT JOIN", "full": "FULL JOIN"}.get(join.kind)
        if word is None or join.natural or (join.on is None and join.using is None):
            return self.display.join(join)
        if join.on is not None:
            constraint: Doc = lines("ON", self.expression(join.on))
        else:
            constraint = bracket("USING(", commas(map(quote_if_needed, join.using or ())), ")")
            if join.using_alias is not None:
                constraint = lines(constraint, lines("AS", quote_if_needed(join.using_alias)))
        return lines(word, self._factor(join.relation), constraint)

    def _factor(self, factor: ast.TableFactor) -> Doc:
        if isinstance(factor, ast.Derived):
            opening = "LATERAL (" if factor.lateral else "("
            return lines(bracket(opening, self.query(factor.query), ")"), *self._alias(factor.alias))
        if isinstance(factor, ast.NestedJoin):
            doc: Doc = bracket("(", self._table_with_joins(factor.join), ")")
            return lines(doc, *self._alias(factor.alias)) if factor.alias is not None else doc
        text = self.display.table_factor(factor)
        if isinstance(factor, ast.TableName) and factor.alias is not None:
            (alias,) = self._alias(factor.alias)
            return lines(text.removesuffix(f" {alias}"), alias)
        return text

    def _alias(self, alias: ast.TableAlias | None) -> list[str]:
        if alias is None:
            return []
        columns = f" ({', '.join(map(quote_if_needed, alias.columns))})" if alias.columns else ""
        return [f"AS {quote_if_needed(alias.name)}{columns}"]

    # Expressions ---------------------------------------------------------------------

    def expression(self, node: ast.Expression) -> Doc:
        """An expression."""
        return group(self._expression(node))

    def _expression(self, node: ast.Expression) -> Doc:
        show = self.expression
        match node:
            case ast.Operation():
                operator = self.display.operator(node)
                if node.left is None:
                    return Many((f"{operator} ", show(node.right)))
                return Many((show(node.left), SPACE, f"{operator} ", Many((show(node.right),), INDENT)))
            case ast.And() | ast.Or():
                word = "AND" if isinstance(node, ast.And) else "OR"
                return bracket(show(node.left), word, show(node.right), SPACE)
            case ast.Not():
                return Many(("NOT", SPACE, show(node.expression)))
            case ast.Cast():
                return Many((self._operand(node.expression), f"::{self.display.data_type(node.data_type)}"))
            case ast.Nested():
                return bracket("(", show(node.expression), ")")
            case ast.Function():
                return self._function(node)
            case ast.Subquery():
                return bracket("(", self.query(node.query), ")")
            case ast.Exists():
                return bracket("EXISTS (", self.query(node.query), ")")
            case ast.Is():
                construct = node.construct
                if node.other is not None:
                    construct += f" FROM {self.display.expression(node.other)}"
                return bracket(show(node.expression), "IS NOT" if node.negated else "IS", construct, SPACE)
            case ast.Between():
                word = "NOT BETWEEN" if node.negated else "BETWEEN"
                bounds = group(*joined([show(node.low), "AND", show(node.high)], SPACE))
                return Many(tuple(joined([show(node.expression), word, bounds], SPACE)))
            case ast.InSubquery() | ast.InList():
                word = "NOT IN (" if node.negated else "IN ("
                inner = self.query(node.query) if isinstance(node, ast.InSubquery) else commas(map(show, node.items))
                return Many(tuple(joined([show(node.expression), word, inner, ")"], SPACE)))
            case _:
                return self._bracketed(node)

    def _bracketed(self, node: ast.Expression) -> Doc:
        show = self.expression
        match node:
            case ast.Case():
                return self._case(node)
            case ast.Row():
                return bracket("ROW(", commas(map(show, node.items)), ")")
            case ast.NullIf():
                return bracket("NULLIF (", commas([show(node.left), show(node.right)]), ")")
            case ast.Homogenizing():
                return bracket(f"{node.function.upper()}(", commas(map(show, node.arguments)), ")")
            case ast.SequenceSubquery() if node.kind != "map":
                return bracket(f"{node.kind.upper()}(", self.query(node.query), ")")
            case ast.Sequence():
                return bracket(f"{node.kind.upper()}[", commas(map(show, node.items)), "]")
            case _:
                return self.display.expression(node)

    def _operand(self, node: ast.Expression) -> Doc:
        return self.expression(node) if self.display.is_tight(node) else bracket("(", self.expression(node), ")")

    def _case(self, node: ast.Case) -> Doc:
        docs: list[Doc] = [] if node.operand is None else [self.expression(node.operand)]
        for condition, result in zip(node.conditions, node.results, strict=True):
            when, then = lines("WHEN", self.expression(condition)), lines("THEN", self.expression(result))
            docs.append(lines(when, then))
        if node.otherwise is not None:
            docs.append(lines("ELSE", self.expression(node.otherwise)))
        return bracket("CASE", lines(*docs), "END", SPACE)

    def _function(self, call: ast.Function) -> Doc:
        plain = not (call.filter or call.over or call.order_by or call.special in ("extract", "position"))
        if not call.arguments or not plain:
            return self.display.function(call)
        name = self.display.naming.function(call.name)
        arguments = commas(map(self.expression, call.arguments))
        return bracket(f"{name}({'DISTINCT ' if call.distinct else ''}", arguments, ")")

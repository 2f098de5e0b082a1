"""The common type of unsigned and signed integers, which Materialize finds beyond the types that are there.

In: a query as PostgreSQL is sent it, and the error with which that has refused it: `COALESCE could not convert type
integer to uint4`. Out: the query with the expression that stands in the way cast to the type that Materialize takes.

Where integers of both kinds meet (in CASE, COALESCE, GREATEST, LEAST, VALUES, ARRAY, LIST, UNION and its kind; of joins
`using_columns` knows), Materialize reads each unsigned one as the next larger signed type: uint2 as integer, uint4 as
bigint, uint8 as numeric; then the rules are PostgreSQL's. PostgreSQL chooses among the types that it sees, and so it
fails where that one is not among them, and nowhere else: one cast gives it the type, and the rest follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mzlite.dialect import ast
from mzlite.dialect.names import postgres_column_name
from mzlite.dialect.parser import StatementParser
from mzlite.dialect.statements import CopyOut, Prepare, Relayed
from mzlite.dialect.stream import quote_identifier
from mzlite.dialect.tokens import tokenize
from mzlite.errors import MzError

_SIGNED = frozenset(["smallint", "integer", "bigint"])
_LARGER = {"uint2": "pg_catalog.int4", "uint4": "pg_catalog.int8", "uint8": "pg_catalog.numeric"}
_REFUSED = re.compile(r"^(?:[A-Z]+)(?:/\w+)? could not convert type (?:mz_catalog\.)?(\w+) to (?:mz_catalog\.)?(\w+)$")
_MIXING = re.compile(
    r"\b(?:case|coalesce|greatest|least|values|array|list|union|except|intersect|using|natural)\b", re.IGNORECASE
)
_UNSIGNED = re.compile(r"uint|seahash|crc32", re.IGNORECASE)
_CURSOR = re.compile(r'^DECLARE\s+(?:"(?:[^"]|"")*"|\w+)\s+CURSOR\s+(?:WITHOUT\s+HOLD\s+)?FOR\s+', re.IGNORECASE)


def mixes(sql: str) -> bool:
    """Whether values of several types may become one in a query.

    >>> mixes("select coalesce(a, 0) from t"), mixes("select a from t")
    (True, False)
    """
    return _MIXING.search(sql) is not None


def names_unsigned(sql: str) -> bool:
    """Whether a query may have unsigned integers whatever it reads."""
    return _UNSIGNED.search(sql) is not None


def query_in(statement: Relayed) -> str:
    """What PostgreSQL analyses of a statement; empty if nothing of it can have values of several types."""
    if isinstance(statement, CopyOut):
        return statement.query_sql
    if isinstance(statement, Prepare):
        return "" if statement.prepared is None else query_in(statement.prepared)
    if statement.kind == "cursor":
        head = _CURSOR.match(statement.relay_sql)
        return "" if head is None else statement.relay_sql[head.end() :]
    return statement.relay_sql if statement.kind in ("select", "write") else ""


def with_query(statement: Relayed, before: str, after: str) -> Relayed:
    """The statement with another query in the place of the one that it has."""
    changed = replace(statement, relay_sql=statement.relay_sql.replace(before, after))
    if isinstance(changed, CopyOut):
        return replace(changed, query_sql=after)
    if isinstance(changed, Prepare) and changed.prepared is not None:
        return replace(changed, prepared=with_query(changed.prepared, before, after))
    return changed


def widened(sql: str, message: str, position: int) -> str | None:
    """A query with one more cast to the type that Materialize takes.

    Args:
        sql: what PostgreSQL was sent.
        message: what it has said.
        position: the character that it has pointed at, from 0.

    Returns:
        the query to try next; None if it is another error, or the place is not found.

    >>> widened("select coalesce(n, 0) from t", "COALESCE could not convert type integer to uint4", 19)
    'select coalesce(n, (0)::pg_catalog.int8) from t'
    """
    found = _REFUSED.match(message)
    if found is None:
        return None
    kinds = set(found.groups())
    unsigned = kinds & _LARGER.keys()
    if len(unsigned) != 1 or len(kinds & _SIGNED) != 1:
        return None
    target = _LARGER[unsigned.pop()]
    for node, item in _parts(sql):
        if location(node) == position:
            before, text, after = sql[: node.start], sql[node.start : node.end], sql[node.end :]
            return f"{before}({text})::{target}{_name(item, node)}{after}"
    return None


@dataclass(frozen=True)
class Branches:
    """The two sides of a set operation, of which PostgreSQL has refused a column of the right one's `*`.

    Attributes:
        left, right: their queries, each to be analysed alone.
        start, end: where the right one stands.
    """

    left: str
    right: str
    start: int
    end: int


def branches(sql: str, message: str, position: int) -> Branches | None:
    """The set operation whose columns have to be looked at, if what PostgreSQL has pointed at stands for several.

    >>> branches("select * from a union select * from b", "UNION could not convert type integer to uint4", 29)
    Branches(left='select * from a', right='select * from b', start=22, end=37)
    """
    if _REFUSED.match(message) is None:
        return None
    for root in roots(sql):
        found = _around(root, position, ())
        if found is not None:
            node, queries = found
            left, right = (_with_reach(sql, side, queries) for side in (node.left, node.right))
            return Branches(left, right, node.right.start, node.right.end)
    return None


def cast_columns(branch: str, columns: Sequence[str], targets: Mapping[int, str]) -> str:
    """A query with some of its columns cast.

    >>> cast_columns("select * from b", ["k", "v"], {0: "pg_catalog.int8"})
    'select mz_1::pg_catalog.int8 as "k", mz_2 as "v" from (select * from b) as mz_branch (mz_1, mz_2)'
    """
    inner = [f"mz_{number}" for number in range(1, len(columns) + 1)]
    items = ", ".join(
        f"{name}{'::' + targets[index] if index in targets else ''} as {quote_identifier(columns[index])}"
        for index, name in enumerate(inner)
    )
    return f"select {items} from ({branch}) as mz_branch ({', '.join(inner)})"


def larger(one: str, other: str) -> str | None:
    """The common type of two, if one is a signed integer and the other an unsigned one.

    >>> larger("bigint", "uint2"), larger("uint8", "integer"), larger("uint8", "uint4")
    ('pg_catalog.int8', 'pg_catalog.numeric', None)
    """
    unsigned, signed = {one, other} & _LARGER.keys(), {one, other} & _SIGNED
    if len(unsigned) != 1 or len(signed) != 1:
        return None
    found = _LARGER[unsigned.pop()]
    return "pg_catalog.int8" if signed == {"bigint"} and found == "pg_catalog.int4" else found


def _around(
    node: ast.Node, position: int, queries: tuple[ast.Query, ...]
) -> tuple[ast.SetOperation, tuple[ast.Query, ...]] | None:
    """The set operation whose right side has `*` at a position, and the queries around it."""
    if isinstance(node, ast.SetOperation) and _has_star(node.right, position):
        return node, queries
    if isinstance(node, ast.Query):
        queries = (*queries, node)
    for child in ast.children(node):
        found = _around(child, position, queries)
        if found is not None:
            return found
    return None


def _has_star(branch: ast.QueryBody, position: int) -> bool:
    if isinstance(branch, ast.Select):
        return any(
            item.start == position and (item.expression is None or isinstance(item.expression, ast.QualifiedWildcard))
            for item in branch.items
        )
    return isinstance(branch, ast.TableBody) and branch.start <= position < branch.end


def _with_reach(sql: str, node: ast.Node, queries: Sequence[ast.Query]) -> str:
    """A part of a query, with the CTEs that it may read."""
    text = sql[node.start : node.end]
    for query in reversed(queries):
        if query.ctes:
            ctes = ", ".join(sql[cte.start : cte.end] for cte in query.ctes)
            text = f"with {ctes} select * from ({text}) as mz_branch"
    return text


def _name(item: ast.SelectItem | None, node: ast.Expression) -> str:
    """The alias that keeps the name of a column which has none written."""
    if item is None or item.alias is not None:
        return ""
    return f" as {quote_identifier(postgres_column_name(node))}"


def _parts(sql: str) -> Iterator[tuple[ast.Expression, ast.SelectItem | None]]:
    """The expressions that become one type with others, those of set operations with the items that they are."""
    for root in roots(sql):
        for node in ast.walk(root):
            yield from _parts_of(node)


def roots(sql: str) -> list[ast.Node]:
    """What a text has of queries and expressions; nothing if it cannot be read."""
    try:
        parsed = StatementParser(tokenize(sql)).parse()
    except MzError:
        return []
    found: list[ast.Node] = []
    for each in parsed:
        query = getattr(each.statement, "syntax", None)
        found += [*each.queries, *each.expressions, *each.tables, *([query] if query is not None else [])]
    return found


def _parts_of(node: ast.Node) -> Iterator[tuple[ast.Expression, ast.SelectItem | None]]:
    match node:
        case ast.Homogenizing():
            yield from ((part, None) for part in node.arguments)
        case ast.Case():
            yield from ((part, None) for part in node.results)
            if node.otherwise is not None:
                yield node.otherwise, None
        case ast.Sequence():
            yield from ((part, None) for part in node.items)
        case ast.Values():
            yield from ((part, None) for row in node.rows for part in row)
        case ast.SetOperation():
            for branch in (node.left, node.right):
                while isinstance(branch, ast.Query):
                    branch = branch.body
                if isinstance(branch, ast.Select):
                    wildcards = ast.QualifiedWildcard | ast.WildcardAccess
                    yield from (
                        (item.expression, item)
                        for item in branch.items
                        if item.expression is not None and not isinstance(item.expression, wildcards)
                    )
        case _:
            pass


def location(node: ast.Node) -> int:
    """Where PostgreSQL says that an expression is: at its first word, parentheses left aside."""
    while True:
        if isinstance(node, ast.Nested):
            node = node.expression
            continue
        first = next((child for child in ast.children(node) if child.start == node.start), None)
        if first is None or isinstance(node, ast.Subquery):
            return node.start
        node = first

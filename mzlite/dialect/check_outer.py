"""Aggregates that stand in a subquery and are of the columns around it.

In: a call, and the names of the tables that its SELECT reads. Out: whether it can be seen that all its columns come
from further out; where that takes the tables' columns to know, it cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mzlite.dialect import ast
from mzlite.dialect.common_types import roots
from mzlite.dialect.functions import FUNCTIONS, VALUE_FUNCTIONS, find_function
from mzlite.dialect.stream import quote_identifier
from mzlite.dialect.using_columns import columns_from

_AGGREGATES = "|".join(sorted(name for (_, name), info in FUNCTIONS.items() if info.kind == "aggregate"))
_NESTED = re.compile(rf"\bselect\b.*\bselect\b.*?\b(?:{_AGGREGATES})\s*\(", re.IGNORECASE | re.DOTALL)


def table_names(tables: list[ast.TableWithJoins]) -> Iterator[str]:
    """The names by which columns of FROM can be qualified."""
    for table in tables:
        for factor in (table.relation, *(join.relation for join in table.joins)):
            alias = factor.alias
            if isinstance(factor, ast.NestedJoin):
                yield from table_names([factor.join])
            if alias is not None:
                yield alias.name
            elif isinstance(factor, ast.TableName):
                yield factor.name[-1]
            elif isinstance(factor, ast.TableFunction):
                yield factor.function.name[-1]
            elif isinstance(factor, ast.RowsFrom):
                yield from (function.name[-1] for function in factor.functions)


def is_of_outer_columns(call: ast.Function, tables: frozenset[str]) -> bool:
    """Whether it can be seen that an aggregate in a subquery has columns from around it only."""
    columns = _columns(call)
    return bool(columns) and all(name[-2] not in tables if len(name) > 1 else not tables for name in columns)


def inner_columns(sql: str) -> Iterator[list[str]]:
    """Where it cannot be seen whether an aggregate in a subquery has columns of the subquery's tables: for each such
    aggregate, a query for nothing from these tables, and queries for its columns, of which PostgreSQL says whether they
    are there.

    >>> list(inner_columns("select (select sum(n + t.m) from s) from t"))
    [['select  from s', 'select n from s']]
    """
    if _NESTED.search(sql) is not None:
        for root in roots(sql):
            yield from _unseen(sql, root, (), 0)


def _unseen(sql: str, node: ast.Node, queries: tuple[ast.Query, ...], depth: int) -> Iterator[list[str]]:
    if isinstance(node, ast.Query):
        queries = (*queries, node)
    if isinstance(node, ast.Select):
        depth += 1
        if depth > 1 and node.from_:
            tables = frozenset(table_names(node.from_))
            for call in _calls([*node.items, node.having, *queries[-1].order_by]):
                columns = _columns(call)
                if columns and not any(len(name) > 1 and name[-2] in tables for name in columns):
                    start, end = node.from_[0].start, node.from_[-1].end
                    names = [quote_identifier(name[0]) for name in columns if len(name) == 1]
                    if names:
                        yield [columns_from(sql, start, end, queries, name) for name in ("", *names)]
    for child in ast.children(node):
        yield from _unseen(sql, child, queries, depth)


def _calls(parts: list[ast.Node | None]) -> Iterator[ast.Function]:
    """The calls of aggregates that are the SELECT's own."""
    for part in parts:
        if part is None or isinstance(part, ast.Query):
            continue
        info = find_function(part.name) if isinstance(part, ast.Function) else None
        if isinstance(part, ast.Function) and info is not None and info.kind == "aggregate":
            yield part
        else:
            yield from _calls(list(ast.children(part)))


def _columns(call: ast.Function) -> list[tuple[str, ...]]:
    """The columns of an aggregate's arguments and its filter; none where there are queries among them."""
    parts = [*(call.arguments or ()), *([call.filter] if call.filter is not None else [])]
    if any(isinstance(node, ast.Query) for part in parts for node in ast.walk(part)):
        return []
    return [
        node.parts
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Identifier) and node.parts[-1] not in VALUE_FUNCTIONS
    ]

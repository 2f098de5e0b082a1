"""Aggregates that stand in a subquery and are of the columns around it.

In: a call, and the names of the tables that its SELECT reads. Out: whether it can be seen that all its columns come
from further out; where that takes the tables' columns to know, it cannot.
"""

from __future__ import annotations

from collections.abc import Iterator

from mzlite.dialect import ast
from mzlite.dialect.functions import VALUE_FUNCTIONS


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
    if any(isinstance(node, ast.Query) for argument in call.arguments or () for node in ast.walk(argument)):
        return False
    columns = [
        node.parts
        for argument in call.arguments or ()
        for node in ast.walk(argument)
        if isinstance(node, ast.Identifier) and node.parts[-1] not in VALUE_FUNCTIONS
    ]
    return bool(columns) and all(name[-2] not in tables if len(name) > 1 else not tables for name in columns)

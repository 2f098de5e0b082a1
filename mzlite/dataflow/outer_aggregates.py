"""Refuses aggregates in subqueries that are of columns around them only, where the tables' columns say so.

In: a connection with the search path of those who ask, and a query as the dialect gives it. Out: nothing, or an error.
PostgreSQL would count such an aggregate to the query around.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from mzlite.dataflow.transaction import analysed
from mzlite.errors import MzError


def refuse_outer_aggregates(
    connection: psycopg.Connection[Any], query: str, calls: Sequence[Sequence[str]], parameters: Sequence[int] = ()
) -> None:
    """Raise if an aggregate has no column of its own tables.

    Args:
        connection: inside a transaction or not; nothing is left behind there.
        query: the whole.
        calls: what `dialect.check_outer.inner_columns` has found in it.
        parameters: oids of the types of its parameters, as far as they are known.
    """
    for tables, *columns in calls:
        # Tables that read what is around them cannot be asked.
        if not _is_there(connection, tables, parameters):
            continue
        if any(_is_there(connection, column, parameters) for column in columns):
            continue
        if _is_there(connection, query, parameters):
            raise MzError("aggregate functions that refer exclusively to outer columns not yet supported")


def _is_there(connection: psycopg.Connection[Any], query: str, parameters: Sequence[int]) -> bool:
    """Whether no column is missing; what else is wrong is said when the query runs."""
    try:
        with connection.transaction():
            analysed(connection, query, parameters)
    except psycopg.errors.UndefinedColumn:
        return False
    except psycopg.Error:
        pass
    return True

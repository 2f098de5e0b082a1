"""Refuses what only the types and the columns of relations tell that Materialize refuses.

In: a connection with the search path of those who ask, and a query as the dialect gives it. Out: nothing, or an error.
PostgreSQL would count an aggregate of outer columns to the query around, make arrays of lists and of arrays, and read
more texts of numbers and moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from mzlite.dataflow.transaction import analysed
from mzlite.dialect import literal_texts
from mzlite.dialect.array_probes import ARRAY_PROBE, QUERY_PROBE, probed
from mzlite.dialect.check_outer import inner_columns
from mzlite.dialect.pg_errors import from_psycopg
from mzlite.errors import MzError


def may_be_refused(query: str) -> bool:
    """Whether a query has what has to be looked at."""
    return literal_texts.may_have_suspects(query) or probed(query) is not None or any(inner_columns(query))


def refuse_by_types(connection: psycopg.Connection[Any], query: str, parameters: Sequence[int] = ()) -> None:
    """Raise for aggregates in subqueries without a column of their own tables, arrays of lists and of arrays, and texts.

    Args:
        connection: inside a transaction or not; nothing is left behind there.
        query: the query.
        parameters: oids of the types of its parameters, as far as they are known.

    Raises:
        MzError: in Materialize's words.
    """
    _refuse_outer_aggregates(connection, query, list(inner_columns(query)), parameters)
    if (probe := probed(query)) is not None:
        _refuse_arrays(connection, probe, parameters)
    _refuse_texts(connection, query, parameters)


def _refuse_texts(connection: psycopg.Connection[Any], query: str, parameters: Sequence[int]) -> None:
    """PostgreSQL tells a literal's type when it cannot read what stands in its place."""
    literals = literal_texts.suspects(query)
    while literals:
        try:
            with connection.transaction():
                analysed(connection, literal_texts.probed(query, literals), parameters)
        except psycopg.Error as error:
            found = literal_texts.complaint(error.diag.message_primary or "", literals)
            if found is None:
                return  # it is said when the query runs
            literal, refused = found
            if refused is not None:
                raise refused from error
            literals.remove(literal)
        else:
            return


def _refuse_arrays(connection: psycopg.Connection[Any], probe: str, parameters: Sequence[int]) -> None:
    try:
        with connection.transaction():
            analysed(connection, probe, parameters)
    except psycopg.errors.WrongObjectType as error:
        if (error.diag.message_primary or "").startswith((ARRAY_PROBE, QUERY_PROBE)):
            raise from_psycopg(error) from error
    except psycopg.Error:
        pass  # it is said when the query runs


def _refuse_outer_aggregates(
    connection: psycopg.Connection[Any], query: str, calls: Sequence[Sequence[str]], parameters: Sequence[int]
) -> None:
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

"""Queries in which integers with and without sign, or moments and literals, meet: analysed by PostgreSQL, and mended.

In: a connection with the search path of those who ask, and a query as the dialect gives it. Out: the query with the
casts that `dialect.common_types` and `dialect.moment_operands` find; unchanged if it needs none, or if PostgreSQL refuses it for another reason,
which it says again to whoever runs the query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from mzlite.dataflow.transaction import analysed
from mzlite.dialect import moment_operands, quantified_arrays
from mzlite.dialect.common_types import branches, cast_columns, larger, mixes, widened
from mzlite.dialect.using_columns import is_refused, named_joins

_CASTS = 100
"""So many casts are tried; one is enough wherever values become one type."""


def with_common_types(connection: psycopg.Connection[Any], query: str, parameters: Sequence[int] = ()) -> str:
    """The query with a cast wherever Materialize finds a common type that PostgreSQL does not.

    Args:
        connection: inside a transaction or not; nothing is left behind there.
        query: what PostgreSQL is to be sent.
        parameters: oids of the types of its parameters, as far as they are known.
    """
    query = _with_intervals(connection, query, parameters)
    if not mixes(query) and not quantified_arrays.compares_elements(query):
        return query
    found = query
    for _ in range(_CASTS):
        try:
            with connection.transaction():
                analysed(connection, found, parameters)
        except psycopg.Error as error:
            mended = _mended(connection, found, error) or _mended_array(connection, found, error, parameters)
            if mended is None:
                return query
            found = mended
        else:
            return found
    return query


def _with_intervals(connection: psycopg.Connection[Any], query: str, parameters: Sequence[int]) -> str:
    """The query with a cast wherever a literal is an interval that PostgreSQL does not take for one."""
    for _ in range(_CASTS):
        found = next(_intervals(connection, query, parameters), None)
        if found is None:
            return query
        query = found
    return query


def _intervals(connection: psycopg.Connection[Any], query: str, parameters: Sequence[int]) -> Iterator[str]:
    """The query with one more of its literals cast. What PostgreSQL refuses elsewhere hides what stands beside one."""
    for operand in moment_operands.operands(query):
        try:
            with connection.transaction():
                analysed(connection, moment_operands.probed(query, operand), parameters)
        except psycopg.Error as error:
            kind = moment_operands.neighbour(error.diag.message_primary or "", operand)
            mended = None if kind is None else moment_operands.as_interval(query, operand, kind)
            if mended is not None:
                yield mended


def _mended(connection: psycopg.Connection[Any], query: str, error: psycopg.Error) -> str | None:
    """The query with a cast where PostgreSQL has pointed at; None if none helps."""
    message, position = error.diag.message_primary or "", error.diag.statement_position or ""
    if is_refused(message):
        return _mended_join(connection, query)
    if not position.isdigit():
        return None
    place = int(position) - 1
    mended = widened(query, message, place)
    if mended is not None:
        return mended
    sides = branches(query, message, place)
    if sides is None:
        return None
    try:
        with connection.transaction():
            (_, lefts), (names, rights) = (_columns(connection, side) for side in (sides.left, sides.right))
    except psycopg.Error:
        return None  # it reads what is around it
    pairs = enumerate(zip(lefts, rights, strict=False))
    targets = {index: target for index, (left, right) in pairs if (target := larger(left, right)) is not None}
    if not targets:
        return None
    branch = cast_columns(query[sides.start : sides.end], names, targets)
    return query[: sides.start] + branch + query[sides.end :]


def _mended_array(
    connection: psycopg.Connection[Any], query: str, refused: psycopg.Error, parameters: Sequence[int]
) -> str | None:
    """The query with the array cast that stands in the way: without it PostgreSQL takes the query, or comes to the next one."""
    message = refused.diag.message_primary or ""
    for mended in quantified_arrays.casts(query, message):
        try:
            with connection.transaction():
                analysed(connection, mended, parameters)
        except psycopg.Error as error:
            told = error.diag.message_primary or ""
            if told == message or not quantified_arrays.is_refused(told):
                continue
        return mended
    return None


def _mended_join(connection: psycopg.Connection[Any], query: str) -> str | None:
    """The query with a cast on the right side of the first join that needs one."""
    for join in named_joins(query):
        try:
            with connection.transaction():
                (left_names, lefts), (names, rights) = (_columns(connection, side) for side in (join.left, join.right))
        except psycopg.Error:
            continue  # it reads what is around it
        targets = join.targets(dict(zip(left_names, lefts, strict=True)), names, rights)
        if targets:
            return join.mended(query, names, targets)
    return None


def _columns(connection: psycopg.Connection[Any], query: str) -> tuple[list[str], list[str]]:
    """The names and the types of a query's columns."""
    result = analysed(connection, query)
    names = [(result.fname(index) or b"").decode() for index in range(result.nfields)]
    kinds = [result.ftype(index) for index in range(result.nfields)]
    rows = connection.execute(
        "select format_type(oid, null) from unnest(%s::bigint[]::oid[]) as oid", (kinds,)
    ).fetchall()
    return names, [str(row[0]).removeprefix("mz_catalog.") for row in rows]

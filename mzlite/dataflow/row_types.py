"""Columns that are rows: PostgreSQL makes no view of rows without a named type, Materialize does.

In: a definition's query, and the object whose it is. Out: the query with its rows cast to types in mzlite_def, which are
made for it, `r_<object>_row_<number>`, and go with it (`recursion.drop_blocks`). A row is one that is written out, or the
whole row of an item of FROM: `select x from jsonb_each(d) as x`. Any other row stays what it is, and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg.pq.abc import PGresult

from mzlite.dataflow.transaction import EngineTransaction
from mzlite.dialect import ast
from mzlite.dialect.names import postgres_column_name
from mzlite.dialect.parser import StatementParser
from mzlite.dialect.tokens import tokenize
from mzlite.errors import MzError
from mzlite.planner.expressions import quote

SCHEMA = "mzlite_def"
RECORD = 2249
_FIRST_OWN_OID = 16384


def with_row_types(tx: EngineTransaction, owner: str, query: str) -> str:
    """The query with a named type for each column that is a row; the search path is the client's.

    Args:
        tx: where the types are made.
        owner: the object's id.
        query: what PostgreSQL is to make a view of.
    """
    try:
        with tx.connection.transaction():
            result = tx.analysed(query)
            rows = _rows(tx, result)
            return _typed(tx, owner, query, result, rows) if rows else query
    except psycopg.Error:
        return query  # whoever makes the view is told why


def _rows(tx: EngineTransaction, result: PGresult) -> set[int]:
    """Which columns are rows without a type of their own: nameless ones, and those of relations."""
    kinds = [result.ftype(index) for index in range(result.nfields)]
    own = [kind for kind in kinds if kind >= _FIRST_OWN_OID]
    found = {RECORD}
    if own:
        found |= {
            int(oid)
            for (oid,) in tx.execute(
                "select t.oid::bigint from pg_catalog.pg_type as t"
                " inner join pg_catalog.pg_class as c on c.oid = t.typrelid and c.relkind <> 'c'"
                " where t.oid = any(%s::bigint[]::oid[])",
                (own,),
            ).fetchall()
        }
    return {index for index, kind in enumerate(kinds) if kind in found}


def _typed(tx: EngineTransaction, owner: str, query: str, result: PGresult, rows: set[int]) -> str:
    """The query with these columns cast to types that are made here."""
    edits: list[tuple[int, int, str]] = []
    for number, index in enumerate(sorted(rows)):
        item = _item(query, (result.fname(index) or b"").decode())
        if item is None or item.expression is None:
            return query
        node = item.expression
        if isinstance(node, ast.Row):
            parts = ", ".join(query[part.start : part.end] for part in node.items)
            shown = query[node.start : node.end]
        else:
            parts = f"{query[node.start : node.end]}.*"
            shown = f"row({parts})"
        spread = tx.analysed(query[: node.start] + parts + query[item.end :])
        size = spread.nfields - result.nfields + 1
        types = tx.execute(
            "select "
            + ", ".join(f"format_type({spread.ftype(at)}, {spread.fmod(at)})" for at in range(index, index + size))
        ).fetchone()
        assert types is not None
        names = [(spread.fname(at) or b"").decode() for at in range(index, index + size)]
        if isinstance(node, ast.Row):
            names = [f"f{place}" for place in range(1, size + 1)]
        name = f"{SCHEMA}.{quote(f'r_{owner}_row_{number}')}"
        fields = ", ".join(f"{quote(field)} {kind}" for field, kind in zip(names, types, strict=True))
        tx.execute(f"create type {name} as ({fields})")
        alias = "" if item.alias is not None else f" as {quote(postgres_column_name(node))}"
        edits.append((node.start, node.end, f"{shown}::{name}{alias}"))
    for start, end, text in sorted(edits, reverse=True):
        query = query[:start] + text + query[end:]
    return query


def _item(query: str, name: str) -> ast.SelectItem | None:
    """The item of a SELECT list that gives the column of that name, if it is seen to be a row."""
    try:
        (parsed,) = StatementParser(tokenize(query)).parse()
    except (MzError, ValueError):
        return None
    body: ast.Node = parsed.queries[0]
    while isinstance(body, ast.Query):
        body = body.body
    items: Sequence[ast.SelectItem] = body.items if isinstance(body, ast.Select) else ()
    found = [
        item
        for item in items
        if isinstance(item.expression, (ast.Identifier, ast.Row))
        and (item.alias or postgres_column_name(item.expression)) == name
    ]
    return found[0] if len(found) == 1 else None

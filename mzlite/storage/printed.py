"""Definitions as PostgreSQL prints them, made into what it reads again.

In: the text of a view. Out: the same with its constants of maps, and of lists of maps, written as calls. Such types are
printed as they lie there, as JSON, and read as Materialize reads them (`{a=>1}`), where JSON is an error.
"""

from __future__ import annotations

import itertools
from typing import Any

import psycopg
from pglast import ast, parse_sql
from pglast.parser import scan
from pglast.visitors import Visitor

_KINDS = """
select n.name, t.typname::text
from unnest(%s::text[]) as n (name)
inner join pg_catalog.pg_type as t on t.oid = pg_catalog.pg_basetype(pg_catalog.to_regtype(n.name))
where t.typname ~ '^(map|list_map)_' and t.typnamespace = 'mz_catalog'::regnamespace
"""


class _Constants(Visitor):
    """Finds the texts that are cast: for the place of each `::` the name of the type behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[int, str] = {}

    def visit_TypeCast(self, _ancestors: Any, node: Any) -> None:  # noqa: N802  (the library's name)
        if isinstance(node.arg, ast.A_Const) and isinstance(node.arg.val, ast.String) and not node.typeName.arrayBounds:
            self.found[node.location] = ".".join(f'"{part.sval}"' for part in node.typeName.names)


def readable(connection: psycopg.Connection[Any], query: str) -> str:
    """A query as `pg_get_viewdef` prints it, so that PostgreSQL takes it for the same query."""
    if "'{" not in query:
        return query
    constants = _Constants()
    constants(parse_sql(query))
    names = sorted(set(constants.found.values()))
    kinds = dict(connection.execute(_KINDS, (names,)).fetchall()) if names else {}
    edits = [
        (literal.start, cast.start, kinds[name])
        for literal, cast in itertools.pairwise(scan(query))
        if cast.name == "TYPECAST" and (name := constants.found.get(cast.start)) in kinds
    ]
    for start, end, kind in reversed(edits):
        query = query[:start] + _call(kind, query[start:end]) + query[end:]
    return query


def _call(kind: str, constant: str) -> str:
    """A map, or a list of maps, made of its JSON."""
    if kind.startswith("map_"):
        return f"mz_internal.as_{kind}({constant}::pg_catalog.jsonb)"
    return f"mz_internal.of_json_{kind}(pg_catalog.to_jsonb({constant}::pg_catalog.jsonb[]))"

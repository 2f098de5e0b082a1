"""Which long names are still in use: the others are forgotten when the server starts.

In: a connection to the inner PostgreSQL before anything runs. Out: short names and what they stand for. A short name is
in use if it occurs in a name of PostgreSQL's, in the text of a view or a function, or in a row of the registry.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

_SHORT = "long[_~][0-9a-f]{25}"
_UNREAD = ("long_names", "outbox", "format")
"""Tables in which no name stands that is needed: messages of sinks have whole ones."""
_TEXTS = """
select relname::text from pg_catalog.pg_class
union all select attname::text from pg_catalog.pg_attribute
union all select nspname::text from pg_catalog.pg_namespace
union all select typname::text from pg_catalog.pg_type
union all select proname::text from pg_catalog.pg_proc
union all select pg_catalog.pg_get_viewdef(oid) from pg_catalog.pg_class where relkind = 'v' and oid >= 16384
union all select pg_catalog.pg_get_functiondef(oid) from pg_catalog.pg_proc where prokind = 'f' and oid >= 16384
union all select pg_catalog.pg_get_expr(adbin, adrelid) from pg_catalog.pg_attrdef
union all select pg_catalog.pg_get_indexdef(indexrelid) from pg_catalog.pg_index where indexrelid >= 16384
"""


def names_in_use(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """Short and whole names; those that nothing has any more are dropped from the table."""
    known: dict[str, str] = dict(connection.execute("select short, name from mzlite.long_names").fetchall())
    if not known:
        return []
    used = _found(connection, sql.SQL(_TEXTS))
    tables = connection.execute(
        "select relname::text from pg_catalog.pg_class where relnamespace = 'mzlite'::regnamespace and relkind = 'r'"
        " and relname <> all(%s)",
        (list(_UNREAD),),
    ).fetchall()
    for (table,) in tables:
        used |= _found(connection, sql.SQL("select t::text from mzlite.{} as t").format(sql.Identifier(table)))
    pending = list(used)
    while pending:  # the name of a schema has its database's in it
        inner = set(re.findall(_SHORT, known.get(pending.pop(), ""))) - used
        used |= inner
        pending += inner
    connection.execute("delete from mzlite.long_names where short <> all(%s)", (list(used),))
    return [(short, name) for short, name in known.items() if short in used]


def _found(connection: psycopg.Connection[Any], texts: sql.SQL | sql.Composed) -> set[str]:
    """The short names in some texts."""
    query = sql.SQL(
        "select distinct m.found[1] from ({}) as t (text),"
        " pg_catalog.regexp_matches(t.text, {}, 'g') as m (found) where t.text like '%long%'"
    ).format(texts, sql.Literal(_SHORT))
    return {str(row[0]) for row in connection.execute(query)}

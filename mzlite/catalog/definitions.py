"""Looks into the query of a view before it is made: its columns, what it reads, and how it is shown.

In: a query as the dialect gives it, and the session whose names it uses. Out: `Definition`: columns with
their types, ids of the objects that it reads, and its text in Materialize's normal form, in which
other objects appear as ${id} so that renames need no rewriting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from mzlite.catalog.create_sql import reference
from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.nullable import never_null
from mzlite.catalog.registry import SYSTEM_SCHEMAS, find_item, quote_name, refuse_as_input, search_path
from mzlite.dataflow.recursion import anchored, drop_blocks, functions_of
from mzlite.dataflow.refusals import refuse_by_types
from mzlite.dialect.ast import Query
from mzlite.dialect.display import Naming, display_name, display_query
from mzlite.dialect.functions import find_function
from mzlite.dialect.pg_errors import from_psycopg
from mzlite.dialect.reading import relations
from mzlite.dialect.statements import Name
from mzlite.errors import MzError
from mzlite.session import Session

MZ_TYPES = frozenset({"uint2", "uint4", "uint8", "mz_timestamp", "mz_aclitem", "list", "map"})
PROBE = "mzlite_probe"


@dataclass(frozen=True)
class Definition:
    """A query as the catalog keeps it.

    Attributes:
        columns: the names of its columns.
        references: ids of the objects that it reads directly.
        not_null: those of its columns that can never be null.
        shown: its text for SHOW CREATE, with ${id} for other objects.
    """

    columns: tuple[str, ...]
    references: tuple[str, ...]
    not_null: tuple[str, ...]
    shown: str


def analyse(
    tx: EngineTransaction,
    session: Session,
    query: str,
    syntax: Query | None = None,
    columns: Sequence[str] = (),
    *,
    what: str = "view",
    temporary: bool = False,
) -> Definition:
    """Plan the query as a view and look at the result; nothing is left behind.

    Args:
        query: what PostgreSQL is given.
        syntax: the same query as it was parsed.
        columns: names given in parentheses after the view's name.
        what: the view in words, for errors.
        temporary: the view may read temporary objects.

    Raises:
        MzError: the query is refused, too many column names were given, or a permanent view reads a temporary object.
    """
    if syntax is not None:
        refuse_inputs(tx, session, relations([syntax]))
    path = ", ".join(quote_name(name) for name in search_path(session))
    tx.execute("select set_config('search_path', %s, true)", (path,))
    listed = ""
    try:
        query = anchored(tx, PROBE, query)
    except psycopg.Error as error:
        raise from_psycopg(error) from error
    if columns:
        try:
            count = tx.analysed(query).nfields
        except psycopg.Error as error:
            raise from_psycopg(error) from error
        if len(columns) > count:
            raise MzError(f"{what} definition names {_counted(len(columns))}, but {what} has {_counted(count)}")
        listed = f" ({', '.join(quote_name(name) for name in columns)})"
    refuse_by_types(tx.connection, query)
    # Not a temporary view of PostgreSQL's: those may not read what other sessions' temporary objects are here.
    _run(tx, f"create view mzlite_def.{PROBE}{listed} as {query}")
    tx.execute("select set_config('search_path', '', true)")
    rows = tx.execute(
        """
        select a.attname::text from pg_catalog.pg_attribute as a
        where a.attrelid = 'mzlite_def.mzlite_probe'::regclass and a.attnum > 0 order by a.attnum
        """
    ).fetchall()
    names = [str(row[0]) for row in rows]
    _refuse_hidden(tx)
    references = _references(tx)
    if not temporary and any(session_id is not None for _, session_id in references):
        raise MzError("non-temporary items cannot depend on temporary item", sqlstate="42P16")
    row = tx.execute(
        """
        select pg_catalog.pg_get_viewdef(r.ev_class)
        from pg_catalog.pg_rewrite as r where r.ev_class = 'mzlite_def.mzlite_probe'::regclass
        """
    ).fetchone()
    assert row is not None
    tx.execute(f"drop view mzlite_def.{PROBE}")
    drop_blocks(tx, PROBE)
    return Definition(
        tuple(names),
        tuple(sorted(object_id for object_id, _ in references)),
        tuple(name for name in never_null(tx, str(row[0])) if name in names),
        shown_query(tx, session, query, syntax),
    )


def refuse_inputs(tx: EngineTransaction, session: Session, names: Sequence[Name]) -> None:
    """Refuse to read an index, a sink or another object without rows.

    Raises:
        MzError: a name is that of one.
    """
    for name in names:
        try:
            item = find_item(tx, session, name)
        except MzError:
            continue  # PostgreSQL says that it is not there
        refuse_as_input(item)


def _references(tx: EngineTransaction) -> list[tuple[str, int | None]]:
    """The objects that the probe names, and of which sessions they are."""
    rows = tx.execute(
        f"""
        with parts (catalog, part) as (
            select 'pg_catalog.pg_rewrite'::regclass::oid, r.oid
            from pg_catalog.pg_rewrite as r where r.ev_class = 'mzlite_def.mzlite_probe'::regclass
            union all
            select 'pg_catalog.pg_proc'::regclass::oid, unnest({functions_of(PROBE)})
        )
        select distinct o.id, o.session_id
        from parts as p
        inner join pg_catalog.pg_depend as d on d.classid = p.catalog and d.objid = p.part
        inner join mzlite.objects as o on
            (o.relation = d.refobjid and d.refclassid = 'pg_catalog.pg_class'::regclass)
            or (
                o.type = 'type' and d.refclassid = 'pg_catalog.pg_type'::regclass
                and mzlite.is_of_type(d.refobjid, (o.details ->> 'type_oid')::bigint::oid)
            )
        """
    ).fetchall()
    return [(str(object_id), session_id) for object_id, session_id in rows]


def read_by(tx: EngineTransaction, session: Session, relation: int, expressions: Sequence[str]) -> set[str]:
    """The objects that expressions over the rows of a relation name, with that one.

    Raises:
        MzError: PostgreSQL refuses an expression.
    """
    path = ", ".join(quote_name(name) for name in search_path(session))
    row = tx.execute("select %s::bigint::oid::regclass::text", (relation,)).fetchone()
    assert row is not None
    tx.execute("select set_config('search_path', %s, true)", (path,))
    selected = ", ".join(f"({text}) as c_{number}" for number, text in enumerate(expressions))
    _run(tx, f"create view mzlite_def.{PROBE} as select {selected} from {row[0]} as mzlite_rows")
    tx.execute("select set_config('search_path', '', true)")
    found = {object_id for object_id, _ in _references(tx)}
    tx.execute(f"drop view mzlite_def.{PROBE}")
    return found


def _refuse_hidden(tx: EngineTransaction) -> None:
    """Refuse a query that names what clients cannot read themselves: the engine, which could, reads it for them.

    Raises:
        MzError: as if the relation or function did not exist.
    """
    # Not by pg_depend, which leaves PostgreSQL's own objects out.
    row = tx.execute(
        f"""
        with rules (relation, rule) as (
            select r.ev_class, r.ev_action::text from pg_catalog.pg_rewrite as r
            where r.ev_class = 'mzlite_def.mzlite_probe'::regclass
            union all
            select 0::oid, p.prosqlbody::text from pg_catalog.pg_proc as p where p.oid = any({functions_of(PROBE)})
        )
        select c.oid::regclass::text, f.oid::regprocedure::text
        from rules as r
        cross join lateral regexp_matches(r.rule, ':(relid|funcid) ([0-9]+)', 'g') as m (found)
        left join pg_catalog.pg_class as c on m.found[1] = 'relid' and c.oid = m.found[2]::oid and c.oid <> r.relation
        left join pg_catalog.pg_proc as f on m.found[1] = 'funcid' and f.oid = m.found[2]::oid
        where
            (f.oid is null or f.pronamespace <> 'mzlite_def'::regnamespace or not starts_with(f.proname, 'f_{PROBE}_'))
            and not (
                coalesce(has_table_privilege('materialize', c.oid, 'select'), true)
                and coalesce(
                    has_schema_privilege('materialize', coalesce(c.relnamespace, f.pronamespace), 'usage'), true
                )
                and coalesce(has_function_privilege('materialize', f.oid, 'execute'), true)
            )
            and not exists (select from mzlite.objects as o where o.relation = c.oid)
        limit 1
        """
    ).fetchone()
    if row is not None:
        raise MzError(f"unknown catalog item '{row[0]}'" if row[0] is not None else f"function {row[1]} does not exist")


def _run(tx: EngineTransaction, sql: str) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a statement that has a client's query in it; where in the query an error is can be seen in the statement.

    Raises:
        MzError: PostgreSQL refuses the query.
    """
    try:
        return tx.execute(sql)
    except psycopg.Error as error:
        raise from_psycopg(error, sql) from error


def _counted(number: int) -> str:
    return f"{number} column{'' if number == 1 else 's'}"


def refuse_repeated(names: Sequence[str]) -> None:
    """Refuse two columns of one name.

    Raises:
        MzError: a name occurs twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise MzError(f'column "{name}" specified more than once')
        seen.add(name)


def shown_query(tx: EngineTransaction, session: Session, query: str, syntax: Query | None) -> str:
    """The text of a query for SHOW CREATE, on one line, with ${id} for other objects."""
    if syntax is None:
        return " ".join(query.split())
    return display_query(syntax, naming(tx, session))


def naming(tx: EngineTransaction, session: Session) -> Naming:
    """How stored statements write names: objects as ${id}, functions and types with their schema."""

    def relation(name: Name) -> str:
        item = find_item(tx, session, name)
        if item is None:
            return display_name(name)
        return f"{item.schema}.{item.name}" if item.is_system else reference(item.id)

    def function(name: Name) -> str:
        if len(name) > 1:
            return display_name(name[-2:])
        known = find_function(name)
        if known is not None:
            # Where Materialize has it; ours may be in another schema because it stands in front of PostgreSQL's.
            return display_name((known.schema, name[0]))
        row = tx.execute(
            """
            select n.nspname::text
            from pg_catalog.pg_proc as p inner join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
            where p.proname = %s and n.nspname in ('mz_catalog', 'pg_catalog')
            order by n.nspname = 'pg_catalog' limit 1
            """,
            (name[0],),
        ).fetchone()
        return display_name(name) if row is None else display_name((str(row[0]), name[0]))

    def data_type(name: Name) -> str:
        if len(name) > 1 and name[-2] in SYSTEM_SCHEMAS:
            return display_name(name[-2:])
        item = find_item(tx, session, name, is_type=True)
        if item is not None:
            return reference(item.id)
        if len(name) > 1:
            return display_name(name)
        return display_name(("mz_catalog" if name[0] in MZ_TYPES else "pg_catalog", name[0]))

    return Naming(relation, function, data_type)

"""Brings a data directory that an older mzlite made in line with the bootstrap scripts of this one.

In: a connection to the database and the scripts' texts. Out: the system's functions and views as the scripts have them;
tables, types, operators and casts that are new; new columns of tables that are old. All of it in the caller's
transaction, so that what cannot be brought in line leaves the directory as it was.

Views are dropped and made anew. What users made over them (plain views over mz_objects, say) is made anew with them.
Nothing that is kept is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from pglast import ast, parse_sql
from pglast.parser import split
from pglast.stream import RawStream

from mzlite.storage.printed import readable

log = structlog.get_logger(__name__)

Connection = psycopg.Connection[Any]

_SYSTEM_SCHEMAS = (
    "mz_catalog", "mz_internal", "mz_introspection", "mz_unsafe", "mzlite", "mzlite_pg", "information_schema",
)  # fmt: skip
_FIRST_OWN_OID = 16384
"""Below are the objects that PostgreSQL itself comes with."""
_DUPLICATES = frozenset({"42P06", "42P07", "42710", "42723", "42P01"})
"""A schema, a relation, another object or a function exists; what is to be moved away has been moved."""
_SCRATCH = "mzlite_migration"
_CREATE = re.compile(r"\bcreate (function|aggregate)\b", re.I)
_DIRECT = re.compile(r"^( +)(create (?!or replace).+?);[ \t]*$", re.M)
_EXECUTE = re.compile(r"^(\s*)execute\s+(.+?);[ \t]*$", re.M | re.S | re.I)
_DEFINE = """
create function pg_temp.define(statement text) returns void language plpgsql as $$
begin
    execute statement;
exception when duplicate_schema or duplicate_table or duplicate_object or duplicate_function or unique_violation then
    null;
end
$$
"""


class MigrationError(RuntimeError):
    """Something in the directory cannot become what this version needs."""


@dataclass(frozen=True)
class _View:
    """A view that may go with the system's and has to come back."""

    oid: int
    schema: str
    name: str
    definition: str


def migrate(connection: Connection, scripts: Iterable[str]) -> None:
    """Run the scripts over a database in which older ones have run.

    Raises:
        MigrationError: a table has another shape, or a function cannot be replaced.
    """
    before = _views(connection)
    connection.execute(f"drop schema if exists {_SCRATCH} cascade")
    connection.execute(f"create schema {_SCRATCH}")
    connection.execute(_DEFINE)
    for schema, name in _system_views(connection):
        connection.execute(f'drop view if exists "{schema}"."{name}" cascade')
    made: set[str] = set()
    # Where mz_catalog has a function of the same name the scripts mean PostgreSQL's, as over an empty database.
    (path,) = connection.execute("select current_setting('search_path')").fetchone() or ("",)
    connection.execute("set local search_path = public")
    for script in scripts:
        for text in split(script, with_parser=True):
            _run(connection, text, made)
    connection.execute("select set_config('search_path', %s, true)", (path,))
    connection.execute(f"drop schema {_SCRATCH} cascade")
    connection.execute("drop function pg_temp.define(text)")
    _restore(connection, before)


def _views(connection: Connection) -> list[_View]:
    rows = connection.execute(
        """
        select c.oid::bigint, n.nspname::text, c.relname::text, pg_catalog.pg_get_viewdef(c.oid)
        from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind = 'v' and c.oid >= %s::bigint and not n.nspname = any (%s) and n.nspname <> 'mzlite_old'
        order by c.oid
        """,
        (_FIRST_OWN_OID, list(_SYSTEM_SCHEMAS)),
    ).fetchall()
    return [_View(*row) for row in rows]


def _system_views(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute(
        """
        select n.nspname::text, c.relname::text
        from pg_catalog.pg_class as c inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind = 'v' and c.oid >= %s::bigint and n.nspname = any (%s)
        """,
        (_FIRST_OWN_OID, list(_SYSTEM_SCHEMAS)),
    ).fetchall()
    return [(str(schema), str(name)) for schema, name in rows]


def _run(connection: Connection, text: str, made: set[str]) -> None:
    """One statement of a script; what exists already is replaced, extended or left."""
    statement: Any = parse_sql(text)[0].stmt
    match type(statement).__name__:
        case "CreateStmt":
            relation = statement.relation
            name = f"{relation.schemaname}.{relation.relname}"
            if connection.execute("select to_regclass(%s)", (name,)).fetchone() == (None,):
                made.add(name)
                connection.execute(text.encode())
            else:
                _extend(connection, statement, name)
        case "InsertStmt":
            if f"{statement.relation.schemaname}.{statement.relation.relname}" in made or statement.onConflictClause:
                connection.execute(text.encode())
        case "CreateFunctionStmt":
            _replace_function(connection, text, statement)
        case "DoStmt":
            body = _DIRECT.sub(
                r"\1perform pg_temp.define($define$\2$define$);", _CREATE.sub(r"create or replace \1", text)
            )
            connection.execute(_EXECUTE.sub(r"\1perform pg_temp.define(\2);", body).encode())
        case "CreateCastStmt":
            connection.execute(f"drop cast if exists ({_type(statement.sourcetype)} as {_type(statement.targettype)})")
            connection.execute(text.encode())
        case "DefineStmt":
            _tolerant(connection, _CREATE.sub(r"create or replace \1", text, count=1))
        case _:
            _tolerant(connection, text)


def _type(node: Any) -> str:
    return str(RawStream()(node))


def _tolerant(connection: Connection, text: str) -> None:
    try:
        with connection.transaction():
            connection.execute(text.encode())
    except psycopg.Error as error:
        if error.sqlstate not in _DUPLICATES:
            raise


def _replace_function(connection: Connection, text: str, statement: Any) -> None:
    replacing = _CREATE.sub(r"create or replace \1", text, count=1).encode()
    try:
        with connection.transaction():
            connection.execute(replacing)
        return
    except psycopg.errors.InvalidFunctionDefinition:
        pass  # its result has another type
    inputs = [
        _type(parameter.argType)
        for parameter in statement.parameters or ()
        if parameter.mode.value not in ("t", "o") and parameter.mode.name not in ("FUNC_PARAM_TABLE", "FUNC_PARAM_OUT")
    ]
    name = ".".join(f'"{part.sval}"' for part in statement.funcname)
    # What the system has over it is made anew by the scripts behind this one, the users' views at the end.
    before = _own_functions(connection)
    connection.execute(f"drop function {name}({', '.join(inputs)}) cascade".encode())
    if before != _own_functions(connection):
        raise MigrationError(f"the function {name} is used by a maintained definition")
    connection.execute(replacing)


def _own_functions(connection: Connection) -> int:
    """How many functions there are that no script makes."""
    row = connection.execute(
        """
        select count(*) from pg_catalog.pg_proc as p inner join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        where p.oid >= %s::bigint and not n.nspname = any (%s)
        """,
        (_FIRST_OWN_OID, list(_SYSTEM_SCHEMAS)),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _extend(connection: Connection, statement: Any, name: str) -> None:
    """Add the columns that a table lacks.

    Raises:
        MigrationError: a column has another type.
    """
    columns = {
        element.colname: str(RawStream()(element))
        for element in statement.tableElts
        if isinstance(element, ast.ColumnDef)
    }
    statement.relation.schemaname = _SCRATCH
    connection.execute(RawStream()(statement).encode())
    wanted, present = (
        dict(
            connection.execute(
                """
                select attname::text, format_type(atttypid, atttypmod) from pg_catalog.pg_attribute
                where attrelid = %s::regclass and attnum > 0 and not attisdropped
                """,
                (table,),
            ).fetchall()
        )
        for table in (f"{_SCRATCH}.{statement.relation.relname}", name)
    )
    for column, kind in wanted.items():
        if column not in present:
            connection.execute(f"alter table {name} add column {columns[column]}".encode())
            log.info("added a column", table=name, column=column)
        elif present[column] != kind:
            raise MigrationError(f"{name}.{column} has the type {present[column]}, this version needs {kind}")
    connection.execute(f"drop table {_SCRATCH}.{statement.relation.relname} cascade")


def _restore(connection: Connection, before: list[_View]) -> None:
    """Make the users' views anew that went with the system's."""
    present = {view.oid for view in _views(connection)}
    for view in before:
        if view.oid in present:
            continue
        shown = f'"{view.schema}"."{view.name}"'.replace("%", "%%")
        try:
            query = readable(connection, view.definition)
            connection.execute(f"create view {shown} as {query.replace('%', '%%')}")
        except psycopg.Error as error:
            raise MigrationError(f"the view {view.schema}.{view.name} cannot be made anew: {error}") from error
        connection.execute(f"grant select on {shown} to materialize")
        connection.execute(
            "update mzlite.objects set relation = %s::regclass where relation = %s::bigint::oid", (shown, view.oid)
        )
        log.info("made a view over the system's relations anew", view=f"{view.schema}.{view.name}")

"""CREATE DATABASE and CREATE SCHEMA.

In: the statements. Out: rows in the registry, and a schema in the inner PostgreSQL that clients may read.
"""

from __future__ import annotations

from mzlite.catalog.audit import record
from mzlite.catalog.interface import EngineTransaction, ExecuteResult, Notice
from mzlite.catalog.limits import check_table
from mzlite.catalog.privileges import apply_default_privileges
from mzlite.catalog.registry import Schema, database_id, quote_name, role_id
from mzlite.dialect.databases import physical_schema
from mzlite.dialect.definitions import CreateDatabase, CreateSchema
from mzlite.errors import MzError
from mzlite.long_names import whole
from mzlite.session import Session

KEEP_NAME = "insert into mzlite.long_names (short, name) values (%s, %s) on conflict do nothing"
RESERVED_PREFIXES = ("mz_", "pg_", "external_")
RESERVED_DETAIL = 'The prefixes "mz_" and "pg_" are reserved for system schemas.'


def create_database(statement: CreateDatabase, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a database with its schema `public`.

    Raises:
        MzError: it exists.
    """
    row = tx.execute("select 1 from mzlite.databases where name = %s", (statement.name,)).fetchone()
    if row is not None:
        if statement.if_not_exists:
            return ExecuteResult("CREATE DATABASE", [already_exists("database", statement.name)])
        raise MzError(f"database '{statement.name}' already exists", sqlstate="42P04")
    check_table(tx, "database", "max_databases", "databases")
    owner = role_id(tx, session.user)
    created = tx.execute(
        """
        insert into mzlite.databases (id, name, owner_id)
        values ('u' || nextval('mzlite.database_ids'), %s, %s) returning id
        """,
        (statement.name, owner),
    ).fetchone()
    assert created is not None
    apply_default_privileges(tx, "database", str(created[0]), owner)
    record(tx, "create", "database", {"id": created[0], "name": statement.name})
    add_schema(tx, statement.name, str(created[0]), "public", owner)
    return ExecuteResult("CREATE DATABASE")


def create_schema(statement: CreateSchema, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Make a schema.

    Raises:
        MzError: it exists, its name is reserved, or the database does not exist.
    """
    name = statement.name[-1]
    database = statement.name[0] if len(statement.name) > 1 else session.database
    identity = database_id(tx, database)
    if whole(name).startswith(RESERVED_PREFIXES) or name == "information_schema":
        raise MzError(f"unacceptable schema name '{name}'", sqlstate="42939", detail=RESERVED_DETAIL)
    row = tx.execute(
        "select 1 from mzlite.named_schemas where database_id = %s and name = %s", (identity, name)
    ).fetchone()
    if row is not None:
        if statement.if_not_exists:
            return ExecuteResult("CREATE SCHEMA", [already_exists("schema", name)])
        raise MzError(f"schema '{name}' already exists", sqlstate="42P06")
    add_schema(tx, database, identity, name, role_id(tx, session.user))
    return ExecuteResult("CREATE SCHEMA")


def add_schema(tx: EngineTransaction, database: str, identity: str, name: str, owner_id: str) -> None:
    """Make the schema in the inner PostgreSQL and register it."""
    physical = new_physical_schema(tx, database, name)
    tx.execute(f"create schema {quote_name(physical)}")
    tx.execute(f"grant usage on schema {quote_name(physical)} to materialize")
    created = tx.execute(
        """
        insert into mzlite.schemas (id, namespace, database_id, owner_id)
        select 'u' || nextval('mzlite.schema_ids'), n.oid, %s, %s from pg_catalog.pg_namespace as n where n.nspname = %s
        returning id
        """,
        (identity, owner_id, physical),
    ).fetchone()
    assert created is not None
    apply_default_privileges(tx, "schema", str(created[0]), owner_id, identity)
    record(tx, "create", "schema", {"id": created[0], "name": name, "database_name": database})


def new_physical_schema(tx: EngineTransaction, database: str, name: str) -> str:
    """What the inner PostgreSQL is to call a schema; from then on the registry can tell the name from that."""
    physical = physical_schema(database, name)
    if whole(physical) != physical:
        tx.execute(KEEP_NAME, (physical, whole(physical)))
    return physical


def drop_schema(tx: EngineTransaction, schema: Schema) -> None:
    """Remove an empty schema."""
    record(tx, "drop", "schema", {"id": schema.id, "name": schema.name, "database_name": schema.database})
    tx.execute("delete from mzlite.schemas where id = %s", (schema.id,))
    tx.execute("delete from mzlite.comments where id = %s and object_type = 'schema'", (schema.id,))
    tx.execute("delete from mzlite.privileges where object_id = %s and object_type = 'schema'", (schema.id,))
    tx.execute("delete from mzlite.default_privileges where schema_id = %s", (schema.id,))
    tx.execute(f"drop schema {quote_name(schema.physical)}")


def already_exists(what: str, name: str) -> Notice:
    """The notice of IF NOT EXISTS."""
    return Notice(f'{what} "{name}" already exists, skipping', sqlstate="42710")


def does_not_exist(what: str, name: str) -> Notice:
    """The notice of IF EXISTS."""
    return Notice(f'{what} "{name}" does not exist, skipping', sqlstate="42704")

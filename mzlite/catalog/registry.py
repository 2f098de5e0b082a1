"""Reads and writes the registry: objects, schemas, clusters and roles by name and by id.

In: a transaction and names as the user wrote them. Out: `Item`, `Schema`, `Cluster` values, or
Materialize's errors for what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from mzlite.catalog.audit import record_item
from mzlite.catalog.interface import EngineTransaction
from mzlite.catalog.limits import check_item
from mzlite.catalog.privileges import apply_default_privileges
from mzlite.dialect.databases import physical_schema
from mzlite.dialect.statements import Name
from mzlite.dialect.stream import quote_if_needed
from mzlite.errors import MzError
from mzlite.session import Session

SYSTEM_SCHEMAS = ("mz_catalog", "pg_catalog")
"""Searched before the session's own search path."""
SHADOWS = "mzlite_pg"
"""Hides relations of pg_catalog behind those that Materialize's clients expect."""
HIDDEN_SCHEMAS = frozenset({"mzlite", "mzlite_def", "mzlite_data", "mzlite_inbox", SHADOWS, "pg_toast", "pg_temp"})
"""Schemas of the inner PostgreSQL that no client's name leads to."""


@dataclass(frozen=True)
class Schema:
    """A schema; `namespace` is its oid, `physical` its name in the inner PostgreSQL.

    `database` is None for the system's.
    """

    id: str
    namespace: int
    name: str
    physical: str
    database: str | None
    database_id: str | None

    @property
    def full_name(self) -> str:
        """The name with its database."""
        return self.name if self.database is None else f"{self.database}.{self.name}"

    @property
    def is_system(self) -> bool:
        """One of the schemas that nobody can change."""
        return self.database is None


@dataclass(frozen=True)
class Item:
    """One object in a schema. `type` is as in mz_objects: "materialized-view" .."""

    id: str
    type: str
    name: str
    namespace: int
    schema: str
    database: str | None
    relation: int | None = None
    cluster_id: str | None = None
    owner_id: str = "u1"
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Database, schema and name, unquoted, as error texts have it."""
        return ".".join(part for part in (self.database, self.schema, self.name) if part)

    @property
    def words(self) -> str:
        """The type in words: "materialized view"."""
        return self.type.replace("-", " ")

    @property
    def is_system(self) -> bool:
        """Part of the system, which statements cannot change."""
        return self.id.startswith("s")


@dataclass(frozen=True)
class Cluster:
    """One cluster."""

    id: str
    name: str
    managed: bool
    size: str | None
    replication_factor: int | None


def quote_name(name: str) -> str:
    """A name as an identifier of PostgreSQL."""
    return '"' + name.replace('"', '""') + '"'


def show_name(name: str) -> str:
    """A name as Materialize prints it: quoted only where it has to be."""
    return quote_if_needed(name)


def is_hidden(physical: str) -> bool:
    """Whether a schema of the inner PostgreSQL is none that clients know of."""
    return physical in HIDDEN_SCHEMAS or physical.startswith(("pg_temp_", "pg_toast_", "mz_temp_"))


def temporary_schema(session: Session) -> str:
    """The schema of a session's temporary objects; the session's own backend searches it first."""
    return f"mz_temp_{session.id}"


def search_path(session: Session) -> list[str]:
    """Where unqualified names of a session's statements are looked up in the inner PostgreSQL, in order."""
    own = [physical_schema(session.database, name) for name in session.search_path]
    return [
        temporary_schema(session),
        "mz_catalog",
        SHADOWS,
        "pg_catalog",
        *(name for name in own if name not in SYSTEM_SCHEMAS and not is_hidden(name)),
    ]


_ITEM = """
select
    o.id, o.type, o.name, o.namespace, coalesce(s.name, 'mz_temp'), s.database_name, o.relation, o.cluster_id,
    o.owner_id, o.details
from mzlite.objects as o
left join mzlite.named_schemas as s on s.namespace = o.namespace
"""


def _item(row: tuple[Any, ...]) -> Item:
    return Item(*row)


def item_by_id(tx: EngineTransaction, object_id: str) -> Item:
    """The object with that id, which exists."""
    row = tx.execute(_ITEM + "where o.id = %s", (object_id,)).fetchone()
    if row is None:
        raise MzError(f"unknown catalog item '{object_id}'")
    return _item(row)


def items_where(tx: EngineTransaction, condition: str, params: Sequence[Any]) -> list[Item]:
    """The objects for which `condition` (over the table alias `o`) holds, oldest first."""
    rows = tx.execute(f"{_ITEM} where {condition} order by substr(o.id, 2)::bigint", params).fetchall()
    return [_item(row) for row in rows]


# Schemas and databases ---------------------------------------------------------


def database_id(tx: EngineTransaction, name: str) -> str:
    """The id of a database.

    Raises:
        MzError: there is none of that name.
    """
    row = tx.execute("select id from mzlite.databases where name = %s", (name,)).fetchone()
    if row is None:
        raise MzError(f"unknown database '{name}'", sqlstate="3D000")
    return str(row[0])


def find_schema(tx: EngineTransaction, session: Session, name: Name) -> Schema | None:
    """The schema that `name` ("s" or "db", "s") means, or None. An unknown database is an error."""
    database = name[0] if len(name) > 1 else session.database
    if len(name) > 1:
        database_id(tx, database)
    row = tx.execute(
        """
        select s.id, s.namespace, s.name, n.nspname::text, s.database_name, s.database_id
        from mzlite.named_schemas as s
        inner join pg_catalog.pg_namespace as n on n.oid = s.namespace
        where s.name = %s and (s.database_name = %s or s.database_id is null)
        order by s.database_id nulls last
        """,
        (name[-1], database),
    ).fetchone()
    return None if row is None else Schema(*row)


def resolve_schema(tx: EngineTransaction, session: Session, name: Name) -> Schema:
    """The schema that `name` means.

    Raises:
        MzError: there is none.
    """
    schema = find_schema(tx, session, name)
    if schema is None:
        raise MzError(f"unknown schema '{'.'.join(name)}'", sqlstate="3F000")
    return schema


def schema_for_new(tx: EngineTransaction, session: Session, name: Name) -> Schema:
    """The schema in which a new object of that name is made.

    Raises:
        MzError: it does not exist, or nobody may change it.
    """
    if len(name) > 1:
        schema: Schema | None = resolve_schema(tx, session, name[:-1])
    else:
        schema = None
        for candidate in session.search_path:
            schema = find_schema(tx, session, (candidate,))
            if schema is not None:
                break
        if schema is None:
            raise MzError(
                "no valid schema selected",
                sqlstate="3F000",
            )
    assert schema is not None
    if schema.is_system:
        raise MzError(f"system schema '{schema.name}' cannot be modified", sqlstate="42501")
    return schema


# Objects -------------------------------------------------------------------------


def find_item(tx: EngineTransaction, session: Session, name: Name, *, is_type: bool = False) -> Item | None:
    """The object that `name` means in this session, or None. An unknown schema or database in the name is an error."""
    if len(name) > 1:
        schema = resolve_schema(tx, session, name[:-1])
        return _item_in(tx, schema.namespace, name[-1], is_type) or _system_item(tx, schema, name[-1])
    for physical in search_path(session):
        if physical == SHADOWS:
            continue
        row = tx.execute("select oid::bigint from pg_catalog.pg_namespace where nspname = %s", (physical,)).fetchone()
        if row is None:
            continue
        item = _item_in(tx, int(row[0]), name[0], is_type)
        if item is None and physical in SYSTEM_SCHEMAS:
            item = _system_item(tx, resolve_schema(tx, session, (physical,)), name[0])
        if item is not None:
            return item
    return None


def _item_in(tx: EngineTransaction, namespace: int, name: str, is_type: bool) -> Item | None:
    row = tx.execute(
        _ITEM + "where o.namespace = %s::bigint::oid and o.name = %s and (o.type = 'type') = %s",
        (namespace, name, is_type),
    ).fetchone()
    return None if row is None else _item(row)


def _system_item(tx: EngineTransaction, schema: Schema, name: str) -> Item | None:
    if not schema.is_system:
        return None
    row = tx.execute(
        "select id, type, oid::bigint from mzlite.system_relations where schema_id = %s and name = %s",
        (schema.id, name),
    ).fetchone()
    if row is None:
        return None
    return Item(row[0], row[1], name, schema.namespace, schema.name, None, int(row[2]), owner_id="s1")


def resolve_item(tx: EngineTransaction, session: Session, name: Name, *, is_type: bool = False) -> Item:
    """The object that `name` means.

    Raises:
        MzError: there is none.
    """
    item = find_item(tx, session, name, is_type=is_type)
    if item is None:
        raise unknown_item(name)
    return item


def refuse_as_input(item: Item | None) -> None:
    """Refuse to read what has no rows.

    Raises:
        MzError: the object is none that a query can read.
    """
    if item is not None and item.type in ("index", "sink", "secret", "connection"):
        article = "an" if item.type == "index" else "a"
        raise MzError(f"catalog item '{item.full_name}' is {article} {item.words} and so cannot be depended upon")


def unknown_item(name: Name) -> MzError:
    """The error for a name that means nothing."""
    return MzError(f"unknown catalog item '{'.'.join(name)}'")


_ARTICLES = {"index": "an"}


def check_type(
    item: Item, wanted: str, advice: str = "Use DROP MATERIALIZED VIEW to remove", *, named: bool = True
) -> None:
    """Refuse an object of another type than the statement's keyword says ("view", "materialized view" ..).

    Args:
        named: the refusal says what it is, as ALTER and DROP do.
        advice: the beginning of the hint that a materialized view is none of the views.

    Raises:
        MzError: it is another one.
    """
    if item.words != wanted:
        if item.type == "materialized-view" and wanted == "view":
            raise MzError(f"{item.name} is not a view", hint=f"{advice} a materialized view.")
        if not named:
            raise MzError(f"{item.name} is not {_ARTICLES.get(wanted, 'a')} {wanted}")
        found = f"{item.name} is {_ARTICLES.get(item.words, 'a')} {item.words}"
        raise MzError(f"{found} not {_ARTICLES.get(wanted, 'a')} {wanted}")


def next_id(tx: EngineTransaction) -> str:
    """A fresh object id."""
    row = tx.execute("select 'u' || nextval('mzlite.object_ids')").fetchone()
    assert row is not None
    return str(row[0])


@dataclass(frozen=True)
class NewItem:
    """What the registry is told about a new object."""

    id: str
    type: str
    namespace: int
    name: str
    relation: int | None = None
    cluster_id: str | None = None
    create_sql: str | None = None
    definition: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    session_id: int | None = None


def add_item(tx: EngineTransaction, session: Session, item: NewItem, references: Iterable[str] = ()) -> None:
    """Register an object and what it depends on.

    Raises:
        MzError: there are too many.
    """
    if item.session_id is None:
        check_item(tx, item.type, item.namespace)
    tx.execute(
        """
        insert into mzlite.objects
        (id, oid, type, relation, namespace, name, cluster_id, owner_id, create_sql, definition, details, session_id)
        values (
            %s, coalesce(%s::bigint, nextval('mzlite.oids'))::oid, %s, %s::bigint::oid, %s::bigint::oid,
            %s, %s, %s, %s, %s, %s, %s
        )
        """,
        (
            item.id,
            item.relation,
            item.type,
            item.relation,
            item.namespace,
            item.name,
            item.cluster_id,
            role_id(tx, session.user),
            item.create_sql,
            item.definition,
            Jsonb(item.details),
            item.session_id,
        ),
    )
    place = tx.execute(
        "select database_id, id from mzlite.schemas where namespace = %s::bigint::oid", (item.namespace,)
    ).fetchone()
    apply_default_privileges(tx, item.type, item.id, role_id(tx, session.user), *(place or (None, None)))
    found = set(references)
    if item.relation is not None:
        found |= _types_of(tx, item.relation)
    for reference in sorted(found):
        tx.execute("insert into mzlite.dependencies (object_id, referenced_id) values (%s, %s)", (item.id, reference))
    record_item(tx, "create", item.id)


def _types_of(tx: EngineTransaction, relation: int) -> set[str]:
    """The ids of the user's types that a relation's columns have, or their defaults name."""
    rows = tx.execute(
        """
        with types (oid) as (
            select a.atttypid from pg_catalog.pg_attribute as a
            where a.attrelid = %s::bigint::oid and a.attnum > 0
            union
            select d.refobjid from pg_catalog.pg_attrdef as f
            inner join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
            where f.adrelid = %s::bigint::oid and d.refclassid = 'pg_catalog.pg_type'::regclass
        )
        select o.id from types as t
        inner join mzlite.objects as o
            on o.type = 'type' and mzlite.is_of_type(t.oid, (o.details ->> 'type_oid')::bigint::oid)
        """,
        (relation, relation),
    ).fetchall()
    return {str(row[0]) for row in rows}


def refuse_existing(tx: EngineTransaction, schema: Schema, name: str, *, is_type: bool = False) -> None:
    """Refuse a new object whose name is taken.

    Raises:
        MzError: something of that name exists in the schema.
    """
    existing = _item_in(tx, schema.namespace, name, is_type)
    if existing is not None:
        raise MzError(f'{existing.words} "{existing.full_name}" already exists', sqlstate="XX000")


def existing_item(tx: EngineTransaction, schema: Schema, name: str, *, is_type: bool = False) -> Item | None:
    """What has that name in the schema."""
    return _item_in(tx, schema.namespace, name, is_type)


# Clusters and roles ----------------------------------------------------------------


def resolve_cluster(tx: EngineTransaction, name: str) -> Cluster:
    """The cluster of that name; `[u1]` means the one with that id.

    Raises:
        MzError: there is none.
    """
    column, wanted = ("id", name[1:-1]) if name.startswith("[") and name.endswith("]") else ("name", name)
    row = tx.execute(
        f"select id, name, managed, size, replication_factor from mzlite.clusters where {column} = %s", (wanted,)
    ).fetchone()
    if row is None:
        raise MzError(f"unknown cluster '{wanted}'")
    return Cluster(*row)


def role_id(tx: EngineTransaction, name: str) -> str:
    """The id of a role. A user who only logged in gets one, as Materialize's default allows.

    Raises:
        MzError: there is none.
    """
    if name.upper() == "PUBLIC":
        return "p"
    row = tx.execute("select id from mzlite.roles where name = %s", (name,)).fetchone()
    if row is None:
        raise MzError(f"unknown role '{name}'", sqlstate="42704")
    return str(row[0])


def groups(tx: EngineTransaction, role: str) -> frozenset[str]:
    """A role and those that it is a member of, directly or not, by id."""
    rows = tx.execute(
        """
        with recursive groups (id) as (
            select %s::text
            union select m.role_id from mzlite.role_members as m inner join groups as g on g.id = m.member_id
        )
        select id from groups
        """,
        (role,),
    ).fetchall()
    return frozenset(str(row[0]) for row in rows)

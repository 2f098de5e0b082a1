"""DROP of everything, with what depends on it.

In: the statements. Out: objects gone from the dataflow and the registry, dependents first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg

from mzlite.catalog.audit import record, record_item
from mzlite.catalog.interface import EngineTransaction, ExecuteResult, Notice
from mzlite.catalog.registry import (
    Item,
    check_type,
    find_item,
    find_schema,
    item_by_id,
    items_where,
    quote_name,
    resolve_cluster,
    temporary_schema,
    unknown_item,
)
from mzlite.catalog.schemas import does_not_exist, drop_schema
from mzlite.catalog.system import drop_network_policy
from mzlite.dialect.definitions import Drop
from mzlite.dialect.statements import Name
from mzlite.errors import MzError
from mzlite.session import Session

CASCADE_HINT = "Use DROP ... CASCADE to drop the dependent objects too."


def drop(statement: Drop, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Drop the objects named.

    Raises:
        MzError: one does not exist, is of another type, or something else depends on it.
    """
    notices: list[Notice] = []
    for name in statement.names:
        notice = _drop_one(statement, name, session, tx)
        if notice is not None:
            notices.append(notice)
    return ExecuteResult(f"DROP {statement.object_type.upper()}", notices)


def _drop_one(statement: Drop, name: Name, session: Session, tx: EngineTransaction) -> Notice | None:
    match statement.object_type:
        case "schema":
            return _drop_schema(statement, name, session, tx)
        case "database":
            return _drop_database(statement, name, tx)
        case "cluster":
            return _drop_cluster(statement, name, tx)
        case "cluster replica":
            return _drop_replica(statement, name, tx)
        case "role":
            if name[-1] == session.user:
                raise MzError("current role cannot be dropped")
            return _drop_role(statement, name, tx)
        case "network policy":
            return _drop_network_policy(statement, name, tx)
        case wanted:
            return _drop_item(statement, wanted, name, session, tx)


# Objects in schemas ----------------------------------------------------------------


def _drop_item(statement: Drop, wanted: str, name: Name, session: Session, tx: EngineTransaction) -> Notice | None:
    try:
        item = find_item(tx, session, name, is_type=wanted == "type")
    except MzError:
        if not statement.if_exists:
            raise
        item = None
    if item is None:
        if statement.if_exists:
            return does_not_exist(wanted, name[-1])
        raise unknown_item(name)
    if item.is_system:
        raise MzError(f"cannot drop {wanted} {item.name} because it is required by the database system")
    check_type(item, wanted)
    if item.details.get("progress_of"):
        raise MzError(f"{item.full_name} is a progress source and cannot be dropped by itself")
    if not statement.cascade:
        refuse_dependents(tx, item)
    remove(tx, [item])
    return None


def drop_for_replacement(tx: EngineTransaction, item: Item, wanted: str) -> None:
    """Drop what CREATE OR REPLACE replaces.

    Raises:
        MzError: it is of another type, or something depends on it.
    """
    check_type(item, wanted)
    refuse_dependents(tx, item)
    remove(tx, [item])


def refuse_dependents(tx: EngineTransaction, item: Item) -> None:
    """Refuse to drop what others need; indexes on a relation and the progress of a source go with it.

    Raises:
        MzError: something depends on it.
    """
    for own in (item, *belonging(tx, item)):
        for dependent in direct_dependents(tx, own.id):
            if dependent.type != "index" or item.type == "type":
                needed = f'still depended upon by {dependent.words} "{dependent.name}"'
                raise MzError(f'cannot drop {item.words} "{item.name}": {needed}', hint=CASCADE_HINT)


def remove(tx: EngineTransaction, items: Iterable[Item]) -> list[Item]:
    """Drop objects with all that depends on them, dependents first; gives what was dropped."""
    order: list[Item] = []
    seen: set[str] = set()

    def visit(item: Item) -> None:
        if item.id in seen:
            return
        seen.add(item.id)
        for dependent in (*direct_dependents(tx, item.id), *belonging(tx, item)):
            visit(dependent)
        order.append(item)

    for item in items:
        visit(item)
    for item in order:
        _remove_one(tx, item)
    return order


def direct_dependents(tx: EngineTransaction, object_id: str) -> list[Item]:
    """What names an object in its definition."""
    condition = "o.id in (select d.object_id from mzlite.dependencies as d where d.referenced_id = %s)"
    return items_where(tx, condition, (object_id,))


def belonging(tx: EngineTransaction, item: Item) -> list[Item]:
    """What lives only with the object: the progress of a source."""
    if item.type != "source":
        return []
    return items_where(tx, "o.type = 'source' and o.details ->> 'progress_of' = %s", (item.id,))


def _remove_one(tx: EngineTransaction, item: Item) -> None:
    try:
        _remove_parts(tx, item)
    except psycopg.errors.LockNotAvailable as error:
        raise MzError(
            f'cannot drop {item.words} "{item.full_name}" while it is in use',
            sqlstate="55P03",
            detail=f'Another session has read "{item.full_name}" in a transaction that has not ended.',
            hint="End that transaction, then try again.",
        ) from error


def _remove_parts(tx: EngineTransaction, item: Item) -> None:
    if item.relation is not None or item.type in ("index", "sink"):
        tx.dataflow.drop(tx, item.id)
    if item.type == "type":
        row = tx.execute(
            """
            select t.oid::regtype::text, array(
                select o.oid::regtype::text from pg_catalog.pg_type as o
                where o.typnamespace = t.typnamespace and o.typname in (t.typname || ' list', t.typname || ' map')
            )
            from pg_catalog.pg_type as t
            where t.oid = %s::bigint::oid
            """,
            (item.details["type_oid"],),
        ).fetchone()
        assert row is not None
        for over in row[1]:
            tx.execute(f"drop domain {over}")
        kind = "type" if item.details["kind"] == "record" else "domain"
        if kind == "type":
            tx.execute("select mzlite.drop_lists(%s::bigint::oid)", (item.details["type_oid"],))
        tx.execute(f"drop {kind} {row[0]}")
    record_item(tx, "drop", item.id)
    tx.execute("delete from mzlite.comments where id = %s and object_type = %s", (item.id, item.type))
    tx.execute("delete from mzlite.privileges where object_id = %s and object_type = %s", (item.id, item.type))
    tx.execute("delete from mzlite.dependencies where referenced_id = %s", (item.id,))
    tx.execute("delete from mzlite.objects where id = %s", (item.id,))


def drop_temporary(tx: EngineTransaction, session: Session) -> None:
    """Drop the temporary objects of a session that has ended."""
    remove(tx, items_where(tx, "o.session_id = %s", (session.id,)))
    tx.execute(f"drop schema if exists {quote_name(temporary_schema(session))}")


def drop_all_temporary(tx: EngineTransaction) -> None:
    """Drop the temporary objects of all sessions: at start none is left."""
    remove(tx, items_where(tx, "o.session_id is not null", ()))
    rows = tx.execute(
        r"select nspname::text from pg_catalog.pg_namespace where nspname like 'mz\_temp\_%%'", ()
    ).fetchall()
    for (name,) in rows:
        tx.execute(f"drop schema {quote_name(name)}")


# Schemas, databases, clusters, roles -----------------------------------------------------


def _drop_schema(statement: Drop, name: Name, session: Session, tx: EngineTransaction) -> Notice | None:
    try:
        schema = find_schema(tx, session, name)
    except MzError:
        if not statement.if_exists:
            raise
        schema = None
    if schema is None:
        if statement.if_exists:
            return does_not_exist("schema", name[-1])
        raise MzError(f"unknown schema '{'.'.join(name)}'", sqlstate="3F000")
    if schema.is_system:
        raise MzError(f"cannot drop schema {schema.name} because it is required by the database system")
    items = items_where(tx, "o.namespace = %s::bigint::oid", (schema.namespace,))
    if items and not statement.cascade:
        raise MzError(f"schema '{schema.full_name}' cannot be dropped without CASCADE while it contains objects")
    remove(tx, items)
    drop_schema(tx, schema)
    return None


def _drop_database(statement: Drop, name: Name, tx: EngineTransaction) -> Notice | None:
    row = tx.execute("select id from mzlite.databases where name = %s", (name[-1],)).fetchone()
    if row is None:
        if statement.if_exists:
            return does_not_exist("database", name[-1])
        raise MzError(f"unknown database '{name[-1]}'", sqlstate="3D000")
    schemas = tx.execute(
        "select database_name, name from mzlite.named_schemas where database_id = %s", (row[0],)
    ).fetchall()
    if schemas and not statement.cascade:
        raise MzError(f"database '{name[-1]}' cannot be dropped with RESTRICT while it contains schemas")
    inside = Session(0, database=name[-1])
    for database, schema_name in schemas:
        schema = find_schema(tx, inside, (database, schema_name))
        assert schema is not None
        remove(tx, items_where(tx, "o.namespace = %s::bigint::oid", (schema.namespace,)))
        drop_schema(tx, schema)
    tx.execute("delete from mzlite.comments where id = %s and object_type = 'database'", (row[0],))
    tx.execute("delete from mzlite.privileges where object_id = %s and object_type = 'database'", (row[0],))
    tx.execute("delete from mzlite.databases where id = %s", (row[0],))
    record(tx, "drop", "database", {"id": row[0], "name": name[-1]})
    return None


def _drop_cluster(statement: Drop, name: Name, tx: EngineTransaction) -> Notice | None:
    row = tx.execute("select id from mzlite.clusters where name = %s", (name[-1],)).fetchone()
    if row is None:
        if statement.if_exists:
            return does_not_exist("cluster", name[-1])
        raise MzError(f"unknown cluster '{name[-1]}'")
    if str(row[0]).startswith("s"):
        raise MzError(f"system cluster '{name[-1]}' cannot be modified", sqlstate="42501")
    items = items_where(tx, "o.cluster_id = %s", (row[0],))
    if items and not statement.cascade:
        raise MzError(f'cannot drop cluster "{name[-1]}" because other objects depend on it', hint=CASCADE_HINT)
    remove(tx, items)
    tx.execute("delete from mzlite.comments where id = %s and object_type = 'cluster'", (row[0],))
    tx.execute("delete from mzlite.privileges where object_id = %s and object_type = 'cluster'", (row[0],))
    tx.execute("delete from mzlite.clusters where id = %s", (row[0],))
    record(tx, "drop", "cluster", {"id": row[0], "name": name[-1]})
    return None


def _drop_replica(statement: Drop, name: Name, tx: EngineTransaction) -> Notice | None:
    row = tx.execute(
        """
        select r.id, c.managed, c.name from mzlite.cluster_replicas as r
        inner join mzlite.clusters as c on c.id = r.cluster_id where c.name = %s and r.name = %s
        """,
        (name[0], name[-1]),
    ).fetchone()
    if row is None:
        if statement.if_exists:
            return does_not_exist("cluster replica", ".".join(name))
        resolve_cluster(tx, name[0])
        raise MzError(f'CLUSTER {name[0]} has no CLUSTER REPLICA named "{name[-1]}"')
    if row[1]:
        raise MzError(f"cannot modify managed cluster {row[2]}")
    tx.execute("delete from mzlite.comments where id = %s and object_type = 'cluster-replica'", (row[0],))
    tx.execute("delete from mzlite.cluster_replicas where id = %s", (row[0],))
    return None


def _drop_role(statement: Drop, name: Name, tx: EngineTransaction) -> Notice | None:
    row = tx.execute("select id from mzlite.roles where name = %s", (name[-1],)).fetchone()
    if row is None:
        if statement.if_exists:
            return does_not_exist("role", name[-1])
        raise MzError(f"unknown role '{name[-1]}'", sqlstate="42704")
    identity = str(row[0])
    if identity in ("u1", "p") or identity.startswith("s"):
        raise MzError(f'role name "{name[-1]}" is reserved', sqlstate="42939")
    dependents = _what_holds_role(tx, identity)
    if dependents:
        raise MzError(
            f'role "{name[-1]}" cannot be dropped because some objects depend on it',
            sqlstate="2BP01",
            detail="\n".join(f"{name[-1]}: {text}" for text in dependents),
        )
    tx.execute("delete from mzlite.comments where id = %s and object_type = 'role'", (identity,))
    tx.execute("delete from mzlite.roles where id = %s", (identity,))
    record(tx, "drop", "role", {"id": identity, "name": name[-1]})
    return None


def _drop_network_policy(statement: Drop, name: Name, tx: EngineTransaction) -> Notice | None:
    found = drop_network_policy(name[-1], statement.if_exists, tx)
    return found.notices[0] if found.notices else None


def _what_holds_role(tx: EngineTransaction, identity: str) -> Sequence[str]:
    owned = [
        f'owner of {item.words.upper()} "{item.full_name}"' for item in items_where(tx, "o.owner_id = %s", (identity,))
    ]
    for table in ("databases", "clusters"):
        rows = tx.execute(f"select name from mzlite.{table} where owner_id = %s", (identity,)).fetchall()
        owned += [f'owner of {table[:-1].upper()} "{row[0]}"' for row in rows]
    for (name,) in tx.execute(
        "select concat_ws('.', database_name, name) from mzlite.named_schemas where owner_id = %s", (identity,)
    ).fetchall():
        owned.append(f'owner of SCHEMA "{name}"')
    rows = tx.execute(
        """
        select distinct p.object_type, p.object_id, g.name from mzlite.privileges as p
        inner join mzlite.roles as g on g.id = p.grantor_id where p.grantee_id = %s
        """,
        (identity,),
    ).fetchall()
    for object_type, object_id, grantor in rows:
        owned.append(f"privileges on {described(tx, object_type, object_id)} granted by {grantor}")
    for object_type, creator in tx.execute(
        """
        select distinct p.object_type, r.name from mzlite.default_privileges as p
        inner join mzlite.roles as r on r.id = p.role_id where %s in (p.role_id, p.grantee_id)
        """,
        (identity,),
    ).fetchall():
        owned.append(f"default privileges on {object_type.upper()}S created by {creator}")
    return owned


def described(tx: EngineTransaction, object_type: str, object_id: str) -> str:
    """An object in words, for errors about privileges."""
    if object_type == "system":
        return "SYSTEM"
    if object_type == "network-policy":
        row = tx.execute("select name from mzlite.network_policies where id = %s", (object_id,)).fetchone()
    elif object_type in ("database", "cluster"):
        row = tx.execute(f"select name from mzlite.{object_type}s where id = %s", (object_id,)).fetchone()
    elif object_type == "schema":
        row = tx.execute(
            "select concat_ws('.', database_name, name) from mzlite.named_schemas where id = %s", (object_id,)
        ).fetchone()
    else:
        return f'{object_type.replace("-", " ").upper()} "{item_by_id(tx, object_id).full_name}"'
    return f'{object_type.replace("-", " ").upper()} "{row[0] if row is not None else object_id}"'

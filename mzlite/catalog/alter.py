"""ALTER .. RENAME, SWAP, OWNER TO, SET CLUSTER, SET FROM and SET (..), and COMMENT ON.

In: the statements. Out: changed names and owners. A rename inside is a rename of PostgreSQL; whatever
depends on the object is bound to its oid and notices nothing.
"""

from __future__ import annotations

from uuid import uuid4

from mzlite.catalog.audit import record
from mzlite.catalog.clusters import alter_cluster, refuse_system
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.registry import (
    Cluster,
    Item,
    Schema,
    check_type,
    database_id,
    find_item,
    quote_name,
    resolve_cluster,
    resolve_item,
    resolve_schema,
    role_id,
    unknown_item,
)
from mzlite.catalog.schemas import RESERVED_DETAIL, RESERVED_PREFIXES, does_not_exist, new_physical_schema
from mzlite.catalog.system import network_policy_id
from mzlite.dataflow.relations import regclass
from mzlite.dialect.databases import physical_schema
from mzlite.dialect.definitions import AlterOwner, AlterRename, AlterSet, AlterSetCluster, AlterSwap, Comment
from mzlite.dialect.statements import Name, ObjectType
from mzlite.errors import MzError, unsupported
from mzlite.long_names import whole
from mzlite.session import Session

_IN_CLUSTERS = ("materialized-view", "source", "sink", "index")


def rename(statement: AlterRename, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Give an object, a schema or a cluster another name.

    Raises:
        MzError: it does not exist, or the new name is taken.
    """
    tag = f"ALTER {statement.object_type.upper()}"
    match statement.object_type:
        case "cluster":
            if statement.if_exists and _cluster_is_missing(tx, statement.name[-1]):
                return ExecuteResult(tag, [does_not_exist("cluster", statement.name[-1])])
            _rename_cluster(tx, statement)
        case "cluster replica":
            _rename_replica(tx, statement)
        case "schema":
            schema = resolve_schema(tx, session, statement.name)
            if schema.is_system:
                raise unsupported(f"renaming the {schema.name} schema is not supported")
            _rename_schema(tx, schema, statement.new_name)
        case "database":
            _rename_database(tx, statement.name[-1], statement.new_name)
        case _:
            item = _item(tx, session, statement.object_type, statement.name, if_exists=statement.if_exists)
            if item is None:
                return ExecuteResult(tag, [does_not_exist(statement.object_type, statement.name[-1])])
            _rename_item(tx, item, statement.new_name)
    return ExecuteResult(tag)


def _item(
    tx: EngineTransaction, session: Session, object_type: ObjectType, name: Name, *, if_exists: bool = False
) -> Item | None:
    item = find_item(tx, session, name, is_type=object_type == "type")
    if item is None:
        if if_exists:
            return None
        raise unknown_item(name)
    if item.is_system:
        raise MzError(f"system item '{item.full_name}' cannot be modified", sqlstate="42501")
    # ALTER TABLE and ALTER VIEW take each other's objects in PostgreSQL, but not here.
    check_type(item, object_type, "Use ALTER MATERIALIZED VIEW to rename")
    return item


def _rename_item(tx: EngineTransaction, item: Item, new_name: str) -> None:
    taken = tx.execute(
        "select 1 from mzlite.objects where namespace = %s::bigint::oid and name = %s and (type = 'type') = %s",
        (item.namespace, new_name, item.type == "type"),
    ).fetchone()
    if taken is not None:
        raise MzError(f"catalog item '{new_name}' already exists")
    if item.relation is not None:
        tx.execute(f"alter view {regclass(tx, item.relation)} rename to {quote_name(new_name)}")
    tx.execute("update mzlite.objects set name = %s where id = %s", (new_name, item.id))
    place = {"database": item.database, "schema": item.schema}
    if item.database is not None:  # temporary objects are nobody else's business
        names = {"old_name": {**place, "item": item.name}, "new_name": {**place, "item": new_name}}
        record(tx, "alter", item.type, {"id": item.id, **names})
    if item.type == "index":
        # An index's statement names the index without its schema.
        _rewrite_index(tx, item, new_name)


def _rewrite_index(tx: EngineTransaction, item: Item, new_name: str) -> None:
    tx.execute(
        """
        update mzlite.objects
        set create_sql
            = 'CREATE INDEX ' || mz_internal.quote_name(%s) || substr(create_sql, strpos(create_sql, ' IN CLUSTER '))
        where id = %s
        """,
        (new_name, item.id),
    )


def _refuse_system_schema(schema: Schema) -> None:
    if schema.is_system:
        raise MzError(f"system schema '{schema.name}' cannot be modified", sqlstate="42501")


def _rename_schema(tx: EngineTransaction, schema: Schema, new_name: str) -> None:
    if whole(new_name).startswith(RESERVED_PREFIXES):
        raise MzError(f"unacceptable schema name '{new_name}'", sqlstate="42939", detail=RESERVED_DETAIL)
    assert schema.database is not None
    physical = new_physical_schema(tx, schema.database, new_name)
    taken = tx.execute("select 1 from pg_catalog.pg_namespace where nspname = %s", (physical,)).fetchone()
    if taken is not None:
        raise MzError(f"schema '{new_name}' already exists", sqlstate="42P06")
    tx.execute(f"alter schema {quote_name(schema.physical)} rename to {quote_name(physical)}")
    _record_schema(tx, schema, schema.name, new_name)


def _record_schema(tx: EngineTransaction, schema: Schema, old: str, new: str) -> None:
    details = {"id": schema.id, "database_name": schema.database, "old_name": old, "new_name": new}
    record(tx, "alter", "schema", details)


def _rename_database(tx: EngineTransaction, name: str, new_name: str) -> None:
    identity = database_id(tx, name)
    if tx.execute("select 1 from mzlite.databases where name = %s", (new_name,)).fetchone() is not None:
        raise MzError(f"database '{new_name}' already exists", sqlstate="42P04")
    schemas = tx.execute("select name from mzlite.named_schemas where database_id = %s", (identity,)).fetchall()
    for (schema,) in schemas:
        old, new = physical_schema(name, schema), new_physical_schema(tx, new_name, schema)
        tx.execute(f"alter schema {quote_name(old)} rename to {quote_name(new)}")
    tx.execute("update mzlite.databases set name = %s where id = %s", (new_name, identity))


def _cluster_is_missing(tx: EngineTransaction, name: str) -> bool:
    return tx.execute("select 1 from mzlite.clusters where name = %s", (name,)).fetchone() is None


def _rename_cluster(tx: EngineTransaction, statement: AlterRename) -> None:
    cluster = resolve_cluster(tx, statement.name[-1])
    refuse_system(cluster)
    taken = tx.execute("select 1 from mzlite.clusters where name = %s", (statement.new_name,)).fetchone()
    if taken is not None:
        raise MzError(f"cluster '{statement.new_name}' already exists", sqlstate="42710")
    if whole(statement.new_name).startswith(("mz_", "pg_")):
        raise MzError(f"unacceptable cluster name '{statement.new_name}'", sqlstate="42939")
    tx.execute("update mzlite.clusters set name = %s where id = %s", (statement.new_name, cluster.id))
    _record_cluster(tx, cluster, cluster.name, statement.new_name)


def _record_cluster(tx: EngineTransaction, cluster: Cluster, old: str, new: str) -> None:
    record(tx, "alter", "cluster", {"id": cluster.id, "old_name": old, "new_name": new})


def _rename_replica(tx: EngineTransaction, statement: AlterRename) -> None:
    cluster = resolve_cluster(tx, statement.name[0])
    if cluster.managed:
        raise MzError(f"cannot modify managed cluster {cluster.name}")
    changed = tx.execute(
        "update mzlite.cluster_replicas set name = %s where cluster_id = %s and name = %s",
        (statement.new_name, cluster.id, statement.name[-1]),
    )
    if changed.rowcount == 0:
        raise MzError(f'CLUSTER {cluster.name} has no CLUSTER REPLICA named "{statement.name[-1]}"')


def swap(statement: AlterSwap, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Let two schemas or two clusters change names.

    Raises:
        MzError: one of them does not exist.
    """
    if statement.object_type == "cluster":
        first = resolve_cluster(tx, statement.name[-1])
        second = resolve_cluster(tx, statement.with_name)
        for cluster in (first, second):
            refuse_system(cluster)
        for cluster, name in ((first, second.name), (second, first.name)):
            tx.execute("update mzlite.clusters set name = %s where id = %s", (name, cluster.id))
        spare = _spare_name("cluster")
        _record_cluster(tx, first, first.name, spare)
        _record_cluster(tx, second, second.name, first.name)
        _record_cluster(tx, first, spare, second.name)
        return ExecuteResult("ALTER CLUSTER")
    one = resolve_schema(tx, session, statement.name)
    other = resolve_schema(tx, session, (*statement.name[:-1], statement.with_name))
    for schema in (one, other):
        _refuse_system_schema(schema)
    if one.id != other.id:
        tx.execute(f"alter schema {quote_name(one.physical)} rename to mzlite_swap")
        tx.execute(f"alter schema {quote_name(other.physical)} rename to {quote_name(one.physical)}")
        tx.execute(f"alter schema mzlite_swap rename to {quote_name(other.physical)}")
        spare = _spare_name("schema")
        _record_schema(tx, one, one.name, spare)
        _record_schema(tx, other, other.name, one.name)
        _record_schema(tx, one, spare, other.name)
    return ExecuteResult("ALTER SCHEMA")


def _spare_name(what: str) -> str:
    """The name that one of two has in Materialize while they are swapped; only the audit log shows it."""
    return f"mz_{what}_swap_{uuid4().hex[:8]}"


def change_owner(statement: AlterOwner, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Give an object another owner.

    Raises:
        MzError: the object or the role does not exist.
    """
    owner = role_id(tx, statement.owner)
    tag = f"ALTER {statement.object_type.upper()}"
    match statement.object_type:
        case "cluster":
            table, identity = "clusters", resolve_cluster(tx, statement.name[-1]).id
        case "schema":
            schema = resolve_schema(tx, session, statement.name)
            if schema.is_system:
                raise MzError(f"cannot alter schema {schema.name} because it is required by the database system")
            table, identity = "schemas", schema.id
        case "database":
            table, identity = "databases", database_id(tx, statement.name[-1])
        case "cluster replica":
            table, identity = "cluster_replicas", _replica_id(tx, statement.name)
        case _:
            item = find_item(tx, session, statement.name, is_type=statement.object_type == "type")
            if item is None:
                if not statement.if_exists:
                    raise unknown_item(statement.name)
                return ExecuteResult(tag, [does_not_exist(statement.object_type, statement.name[-1])])
            _check_owned(item, statement.object_type)
            table, identity = "objects", item.id
    tx.execute(f"update mzlite.{table} set owner_id = %s where id = %s", (owner, identity))
    return ExecuteResult(tag)


def _check_owned(item: Item, object_type: ObjectType) -> None:
    """Refuse OWNER TO for the system's objects and those of another type; its words name them in full."""
    if item.is_system:
        raise MzError(f"cannot alter item {item.full_name} because it is required by the database system")
    if item.words == object_type:
        return
    if item.type == "materialized-view" and object_type == "view":
        hint = "Use ALTER MATERIALIZED VIEW to rename a materialized view."
        raise MzError(f"{item.full_name} is not a view", hint=hint)
    raise MzError(f'"{item.full_name}" is a {item.words} not a {object_type}')


def _replica_id(tx: EngineTransaction, name: Name) -> str:
    row = tx.execute(
        "select id from mzlite.cluster_replicas where cluster_id = %s and name = %s",
        (resolve_cluster(tx, name[0]).id, name[-1]),
    ).fetchone()
    if row is None:
        raise MzError(f'CLUSTER {name[0]} has no CLUSTER REPLICA named "{name[-1]}"')
    return str(row[0])


def move_to_cluster(statement: AlterSetCluster, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """ALTER .. SET CLUSTER.

    Raises:
        MzError: the object or the cluster does not exist, or the object is in no cluster.
    """
    tag = f"ALTER {statement.object_type.upper()}"
    item = _item(tx, session, statement.object_type, statement.name, if_exists=statement.if_exists)
    if item is None:
        return ExecuteResult(tag, [does_not_exist(statement.object_type, statement.name[-1])])
    if item.type not in _IN_CLUSTERS or item.cluster_id is None:
        raise MzError(f"ALTER {statement.object_type.upper()} SET CLUSTER is not supported", sqlstate="0A000")
    cluster = resolve_cluster(tx, statement.cluster)
    tx.execute(
        "update mzlite.objects set cluster_id = %s, create_sql = replace(create_sql, %s, %s) where id = %s",
        (cluster.id, f"${{cluster:{item.cluster_id}}}", f"${{cluster:{cluster.id}}}", item.id),
    )
    return ExecuteResult(tag)


def set_options(statement: AlterSet, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """ALTER .. SET (..) and RESET (..) of clusters; of other objects what changes nothing here.

    Raises:
        MzError: the object does not exist, or the option is refused.
    """
    if statement.object_type == "cluster":
        known = tx.execute("select 1 from mzlite.clusters where name = %s", (statement.name[-1],)).fetchone()
        if known is None and statement.if_exists:
            return ExecuteResult("ALTER CLUSTER", [does_not_exist("cluster", statement.name[-1])])
        return alter_cluster(statement, session, tx)
    item = _item(tx, session, statement.object_type, statement.name, if_exists=statement.if_exists)
    if item is None:
        return ExecuteResult(
            f"ALTER {statement.object_type.upper()}", [does_not_exist(statement.object_type, statement.name[-1])]
        )
    if statement.options.get("RETAIN HISTORY") is not None:
        raise MzError(
            "RETAIN HISTORY is not available",
            hint="Contact support to discuss enabling the feature in your Materialize region.",
            detail="The requested feature (enable_logical_compaction_window) is in private preview.",
        )
    return ExecuteResult(f"ALTER {statement.object_type.upper()}")


def comment(statement: Comment, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """COMMENT ON; NULL removes the comment.

    Raises:
        MzError: what it is on does not exist.
    """
    identity, object_type, position = _commented(statement, session, tx)
    tx.execute(
        "delete from mzlite.comments where id = %s and object_type = %s and object_sub_id = %s",
        (identity, object_type, position),
    )
    if statement.comment is not None:
        tx.execute(
            "insert into mzlite.comments (id, object_type, object_sub_id, comment) values (%s, %s, %s, %s)",
            (identity, object_type, position, statement.comment),
        )
    return ExecuteResult("COMMENT")


def _commented(statement: Comment, session: Session, tx: EngineTransaction) -> tuple[str, str, int]:
    match statement.object_type:
        case "column":
            item = resolve_item(tx, session, statement.name[:-1])
            row = tx.execute(
                """
                select attnum from pg_catalog.pg_attribute
                where attrelid = %s::bigint::oid and attname = %s and attnum > 0
                """,
                (item.relation, statement.name[-1]),
            ).fetchone()
            if row is None:
                raise MzError(f'column "{item.name}.{statement.name[-1]}" does not exist')
            return item.id, item.type, int(row[0])
        case "cluster":
            return resolve_cluster(tx, statement.name[-1]).id, "cluster", 0
        case "cluster replica":
            return _replica_id(tx, statement.name), "cluster-replica", 0
        case "schema":
            return resolve_schema(tx, session, statement.name).id, "schema", 0
        case "database":
            return database_id(tx, statement.name[-1]), "database", 0
        case "role":
            return role_id(tx, statement.name[-1]), "role", 0
        case "network policy":
            return network_policy_id(tx, statement.name[-1]), "network-policy", 0
        case wanted:
            item = resolve_item(tx, session, statement.name, is_type=wanted == "type")
            if item.words != wanted:
                raise MzError(f"{item.words.upper()} {item.name} is not a {wanted.upper()}")
            return item.id, item.type, 0

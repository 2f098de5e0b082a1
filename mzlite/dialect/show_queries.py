"""The queries over mz_catalog that answer SHOW.

In: what is shown and how it is narrowed. Out: `ShowQuery` with SQL for PostgreSQL, whose columns,
names and order are those of Materialize. Every query wraps an inner one that has the columns of
the answer first, then what the narrowing needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from mzlite.dialect.ast import Name

RAISE_PREFIX = "!mzlite!"
"""An error whose text starts so (after PostgreSQL's own words) is one of ours: `!mzlite!SQLSTATE!message`."""


@dataclass(frozen=True)
class ShowQuery:
    """The SELECT that answers a SHOW."""

    sql: str


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def raising(message: str, state: str = "XX000") -> str:
    """An expression of type text that fails with `message` when it is evaluated, and not before.

    concat is not immutable in PostgreSQL, so that the planner does not evaluate it."""
    return f"concat({literal(f'{RAISE_PREFIX}{state}!{message}')}, '')::int::text"


def unknown_item(name: Name) -> str:
    """What is said of an object that is not there."""
    return f"unknown catalog item '{'.'.join(name)}'"


def _database_id(database: str | None) -> str:
    name = "current_database()" if database is None else literal(database)
    found = f"(SELECT d.id FROM mz_catalog.mz_databases d WHERE d.name = {name})"
    if database is None:
        return found
    return f"coalesce({found}, {raising(f'unknown database {chr(39)}{database}{chr(39)}')})"


def _schema_id(schema: Name | None) -> str:
    name = "current_schema()" if schema is None else literal(schema[-1])
    database = schema[0] if schema is not None and len(schema) > 1 else None
    found = (
        "(SELECT s.id FROM mz_catalog.mz_schemas s WHERE s.name = "
        f"{name} AND (s.database_id IS NULL OR s.database_id = {_database_id(database)}) "
        "ORDER BY s.database_id NULLS LAST LIMIT 1)"
    )
    if schema is None:
        return found
    return f"coalesce({found}, {raising(f'unknown schema {chr(39)}' + '.'.join(schema) + chr(39))})"


def _comment(alias: str, types: str) -> str:
    """The comment on the object itself, or the empty text."""
    return (
        "coalesce((SELECT c.comment FROM mz_internal.mz_comments c "
        f"WHERE c.id = {alias}.id AND c.object_sub_id IS NULL AND c.object_type IN ({types})), '') AS comment"
    )


def _cluster_name(alias: str) -> str:
    return f"(SELECT cl.name FROM mz_catalog.mz_clusters cl WHERE cl.id = {alias}.cluster_id) AS cluster"


_BY_SCHEMA: dict[str, tuple[str, str, str]] = {
    # object type: relation, columns after the name, comment types
    "table": ("mz_catalog.mz_tables", "", "'table'"),
    "view": ("mz_catalog.mz_views", "", "'view'"),
    "materialized view": ("mz_catalog.mz_materialized_views", "cluster", "'materialized-view'"),
    "source": ("mz_catalog.mz_sources", "type, cluster", "'source'"),
    "subsource": ("mz_catalog.mz_sources", "type", "'source'"),
    "sink": ("mz_catalog.mz_sinks", "type, cluster", "'sink'"),
    "connection": ("mz_catalog.mz_connections", "type", "'connection'"),
    "secret": ("mz_catalog.mz_secrets", "", "'secret'"),
    "type": ("mz_catalog.mz_types", "", "'type'"),
    "object": ("mz_catalog.mz_objects", "type", "o.type"),
    "continual task": ("mz_internal.mz_continual_tasks", "cluster", "'continual-task'"),
}
_BY_NAME = {
    "role": ("mz_catalog.mz_roles", "o.id NOT LIKE 's%' AND o.id <> 'p'"),
    "database": ("mz_catalog.mz_databases", None),
}


def objects_query(
    object_type: str,
    schema: Name | None,
    database: str | None,
    on: Name | None,
    cluster: str | None,
    condition: str | None,
) -> ShowQuery:
    """SHOW TABLES, SHOW CLUSTERS .. `condition` is SQL over the columns shown."""
    if object_type == "index":
        return _indexes(schema, on, cluster, condition)
    if object_type == "cluster":
        return _clusters(condition)
    if object_type == "cluster replica":
        return _replicas(condition)
    if object_type == "schema":
        inner = (
            f"SELECT o.name, {_comment('o', literal('schema'))} FROM mz_catalog.mz_schemas o "
            f"WHERE o.database_id IS NULL OR o.database_id = {_database_id(database)}"
        )
        return _wrap(inner, "name, comment", condition)
    if object_type == "network policy":
        inner = "SELECT 'default'::text AS name, ''::text AS rules, ''::text AS comment"
        return _wrap(inner, "name, rules, comment", condition)
    if object_type in _BY_NAME:
        relation, where = _BY_NAME[object_type]
        inner = f"SELECT o.name, {_comment('o', literal(object_type))} FROM {relation} o"
        if where is not None:
            inner += f" WHERE {where}"
        return _wrap(inner, "name, comment", condition)
    relation, extra, comment_types = _BY_SCHEMA[object_type]
    columns = ["o.name"]
    for column in filter(None, extra.split(", ")):
        columns.append(_cluster_name("o") if column == "cluster" else f"o.{column}")
    columns.append(_comment("o", comment_types))
    conditions = [f"o.schema_id = {_schema_id(schema)}"]
    if object_type == "subsource":
        conditions.append("o.type IN ('subsource', 'progress')")
    if object_type == "type":
        conditions.append("o.id LIKE 'u%'")
    if on is not None:
        conditions = [f"o.source_id = {object_id(on)}" if object_type == "table" else conditions[0]]
    if cluster is not None:
        conditions.append(_in_cluster(cluster))
    inner = f"SELECT {', '.join(columns)} FROM {relation} o WHERE {' AND '.join(conditions)}"
    return _wrap(inner, ", ".join(filter(None, ("name", extra, "comment"))), condition)


def _in_cluster(cluster: str) -> str:
    found = f"(SELECT cl.id FROM mz_catalog.mz_clusters cl WHERE cl.name = {literal(cluster)})"
    return f"o.cluster_id = coalesce({found}, {raising(f'unknown cluster {chr(39)}{cluster}{chr(39)}')})"


def object_id(name: Name) -> str:
    """The id of the relation that `name` means in this session; fails when there is none."""
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in name[-2:])
    return f"(SELECT r.id FROM mz_catalog.mz_objects r WHERE r.oid = {literal(quoted)}::regclass AND r.type <> 'index')"


def _indexes(schema: Name | None, on: Name | None, cluster: str | None, condition: str | None) -> ShowQuery:
    key = (
        "(SELECT array_agg(coalesce(col.name, ic.on_expression)::text ORDER BY ic.index_position) "
        "FROM mz_catalog.mz_index_columns ic LEFT JOIN mz_catalog.mz_columns col "
        "ON col.id = o.on_id AND col.position = ic.on_position WHERE ic.index_id = o.id) AS key"
    )
    inner = (
        f'SELECT o.name, r.name AS "on", {_cluster_name("o")}, {key}, {_comment("o", literal("index"))} '
        "FROM mz_catalog.mz_indexes o JOIN mz_catalog.mz_objects r ON r.id = o.on_id WHERE "
    )
    conditions = [f"o.on_id = {object_id(on)}"] if on is not None else []
    if on is None and (schema is not None or cluster is None):
        conditions.append(f"r.schema_id = {_schema_id(schema)}")
    if cluster is not None:
        conditions.append(_in_cluster(cluster))
    return _wrap(inner + " AND ".join(conditions), 'name, "on", cluster, key, comment', condition, 'name, "on"')


def _clusters(condition: str | None) -> ShowQuery:
    replicas = (
        "(SELECT string_agg(r.name || ' (' || coalesce(r.size, '') || ')', ', ' ORDER BY r.name) "
        "FROM mz_catalog.mz_cluster_replicas r WHERE r.cluster_id = o.id) AS replicas"
    )
    inner = f"SELECT o.name, {replicas}, {_comment('o', literal('cluster'))} FROM mz_catalog.mz_clusters o"
    return _wrap(inner, "name, replicas, comment", condition)


def _replicas(condition: str | None) -> ShowQuery:
    comment = _comment("r", literal("cluster-replica"))
    inner = (
        f"SELECT o.name AS cluster, r.name AS replica, r.size, true AS ready, {comment} "
        "FROM mz_catalog.mz_cluster_replicas r JOIN mz_catalog.mz_clusters o ON o.id = r.cluster_id"
    )
    if condition is not None:
        condition = (
            condition.replace("name LIKE", "replica LIKE", 1) if condition.startswith("name LIKE") else condition
        )
    return _wrap(inner, "cluster, replica, size, ready, comment", condition, "cluster, replica")


def columns_query(name: Name, condition: str | None) -> ShowQuery:
    """SHOW COLUMNS FROM `name`."""
    comment = (
        "coalesce((SELECT c.comment FROM mz_internal.mz_comments c "
        "WHERE c.id = o.id AND c.object_sub_id = o.position::int), '') AS comment"
    )
    inner = (
        f"SELECT o.name, o.nullable, o.type, o.position, {comment} FROM mz_catalog.mz_columns o "
        f"WHERE o.id = {object_id(name)}"
    )
    return _wrap(inner, "name, nullable, type, comment", condition, "position")


_CREATE_RELATIONS = {
    "table": "mz_catalog.mz_tables",
    "view": "mz_catalog.mz_views",
    "materialized view": "mz_catalog.mz_materialized_views",
    "source": "mz_catalog.mz_sources",
    "sink": "mz_catalog.mz_sinks",
    "index": "mz_catalog.mz_indexes",
    "connection": "mz_catalog.mz_connections",
    "type": "mz_catalog.mz_types",
}


def _quoted_name(part: str) -> str:
    return f"CASE WHEN {part} ~ '^[a-z_][a-z0-9_$]*$' THEN {part} ELSE quote_ident({part}) END"


def create_query(object_type: str, name: Name, redacted: bool) -> ShowQuery:
    """SHOW CREATE of an object: one row with its full name and its statement."""
    if object_type == "cluster":
        found = (
            "SELECT o.name, concat('CREATE CLUSTER \"', replace(o.name, '\"', '\"\"'), '\" (', "
            "CASE WHEN o.managed THEN concat('INTROSPECTION DEBUGGING = ', o.introspection_debugging::text, "
            "', INTROSPECTION INTERVAL = INTERVAL ''', o.introspection_interval::text, ''', MANAGED = true, "
            "REPLICATION FACTOR = ', o.replication_factor::text, ', SIZE = ''', o.size, ''', SCHEDULE = MANUAL') "
            "ELSE 'MANAGED = false' END, ')') AS create_sql "
            f"FROM mz_catalog.mz_clusters o WHERE o.name = {literal(name[0])}"
        )
        return _one_row(found, f"unknown cluster '{name[0]}'")
    column = "redacted_create_sql" if redacted else "create_sql"
    relation = _CREATE_RELATIONS[object_type]
    # An index lives in the schema of the relation that it is on.
    owner = "JOIN mz_catalog.mz_objects rel ON rel.id = o.on_id " if object_type == "index" else ""
    schema_of = "rel.schema_id" if object_type == "index" else "o.schema_id"
    full = (
        "concat("
        + f"CASE WHEN db.name IS NOT NULL THEN concat({_quoted_name('db.name')}, '.') END, "
        + f"{_quoted_name('s.name')}, '.', {_quoted_name('o.name')})"
    )
    where = [f"o.name = {literal(name[-1])}"]
    if len(name) > 1:
        where.append(f"s.name = {literal(name[-2])}")
    if len(name) > 2:
        where.append(f"(db.name = {literal(name[0])} OR db.name IS NULL)")
    else:
        where.append("(db.name = current_database() OR db.name IS NULL)")
    if len(name) == 1:
        where.append("s.name = ANY (current_schemas(true))")
    found = (
        f"SELECT {full} AS name, o.{column} AS create_sql FROM {relation} o {owner}"
        f"JOIN mz_catalog.mz_schemas s ON s.id = {schema_of} "
        "LEFT JOIN mz_catalog.mz_databases db ON db.id = s.database_id "
        f"WHERE {' AND '.join(where)} ORDER BY array_position(current_schemas(true), s.name::name) LIMIT 1"
    )
    return _one_row(found, unknown_item(name), object_type=object_type, name=name)


def _one_row(found: str, missing: str, object_type: str | None = None, name: Name = ()) -> ShowQuery:
    """`found`, or the error when it has no row."""
    message = raising(missing)
    if object_type is not None:
        # An object of another type has its own words.
        article = "an" if object_type[0] in "aeiou" else "a"
        other = raising(f"{'.'.join(name)} is not {article} {object_type}")
        message = (
            "CASE WHEN EXISTS (SELECT FROM mz_catalog.mz_objects x "
            "JOIN mz_catalog.mz_schemas xs ON xs.id = x.schema_id "
            f"WHERE x.name = {literal(name[-1])} AND xs.name = ANY "
            + (f"(ARRAY[{literal(name[-2])}])" if len(name) > 1 else "(current_schemas(true))")
            + f") THEN {other} ELSE {message} END"
        )
    return ShowQuery(
        f"WITH found AS MATERIALIZED ({found}) SELECT name, create_sql FROM found "
        f"UNION ALL SELECT {message}, NULL WHERE NOT EXISTS (SELECT FROM found)"
    )


def privileges_query(what: str, object_type: str | None, role: str | None, condition: str | None) -> ShowQuery:
    """SHOW PRIVILEGES, SHOW DEFAULT PRIVILEGES, SHOW ROLE MEMBERSHIP."""
    if what == "role membership":
        relation, columns, grantee = "mz_internal.mz_show_role_members", "role, member, grantor", "member"
    elif what == "default privileges":
        relation = "mz_internal.mz_show_default_privileges"
        columns, grantee = "object_owner, database, schema, object_type, grantee, privilege_type", "grantee"
    else:
        relation = "mz_internal.mz_show_all_privileges"
        columns, grantee = "grantor, grantee, database, schema, name, object_type, privilege_type", "grantee"
    inner = f"SELECT {columns} FROM {relation}"
    conditions = []
    if object_type is not None:
        conditions.append(f"object_type = {literal(object_type)}")
    if role is not None:
        conditions.append(f"{grantee} = {literal(role)}")
    if conditions:
        inner += " WHERE " + " AND ".join(conditions)
    return _wrap(inner, columns, condition, columns)


def _wrap(inner: str, columns: str, condition: str | None, order: str = "name") -> ShowQuery:
    where = f" WHERE {condition}" if condition is not None else ""
    return ShowQuery(f"SELECT {columns} FROM ({inner}) AS shown{where} ORDER BY {order}")

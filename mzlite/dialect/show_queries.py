"""The queries over mz_catalog that answer SHOW.

In: what is shown and how it is narrowed. Out: `ShowQuery` with SQL for PostgreSQL, whose columns,
names and order are those of Materialize. Every query wraps an inner one that has the columns of
the answer first, then what the narrowing needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mzlite.dialect.ast import Name
from mzlite.long_names import restored

RAISE_PREFIX = "!mzlite!"
"""An error whose text starts so (after PostgreSQL's own words) is one of ours: `!mzlite!SQLSTATE!message`."""


_GUARD_STATES = {"role": "42704"}


@dataclass(frozen=True)
class ShowQuery:
    """The SELECT that answers a SHOW."""

    sql: str


def literal(text: str) -> str:
    """`text`, with whole names as the catalog shows them, as an SQL string."""
    return "'" + restored(text).replace("'", "''") + "'"


def raising(message: str, state: str = "XX000") -> str:
    """An expression of type text that fails with `message` when it is evaluated, and not before.

    The clock in it is volatile, so that PostgreSQL's planner does not evaluate it."""
    return f"concat({literal(f'{RAISE_PREFIX}{state}!{message}')}, left(clock_timestamp()::text, 0))::int::text"


def unknown_item(name: Name) -> str:
    """What is said of an object that is not there."""
    return f"unknown catalog item '{'.'.join(name)}'"


@dataclass
class _Scope:
    """What narrows a SHOW: conditions on its rows (of `o`), and guards: (what must not be null, else the error).

    The guards are evaluated once, before any row, whether there are rows or not."""

    conditions: list[str] = field(default_factory=list)
    guards: list[tuple[str, str]] = field(default_factory=list)

    def database(self, name: str | None) -> str:
        """The id of a database, of the current one when None."""
        shown = "current_database()" if name is None else literal(name)
        found = f"(SELECT d.id FROM mz_catalog.mz_databases d WHERE d.name = {shown})"
        if name is not None:
            self.guards.append((found, f"unknown database {literal(name)}"))
        return found

    def schema(self, name: Name | None) -> str:
        """The id of a schema, of the current one when None."""
        shown = "current_schema()" if name is None else literal(name[-1])
        database = self.database(name[0] if name is not None and len(name) > 1 else None)
        found = (
            f"(SELECT s.id FROM mz_catalog.mz_schemas s WHERE s.name = {shown} "
            f"AND (s.database_id IS NULL OR s.database_id = {database}) ORDER BY s.database_id NULLS LAST LIMIT 1)"
        )
        if name is not None:
            self.guards.append((found, f"unknown schema {literal('.'.join(name))}"))
        return found

    def cluster(self, name: str) -> str:
        """The id of a cluster."""
        found = f"(SELECT cl.id FROM mz_catalog.mz_clusters cl WHERE cl.name = {literal(name)})"
        self.guards.append((found, f"unknown cluster {literal(name)}"))
        return found


_BY_SCHEMA = {
    # object type: (view of mz_internal, columns)
    "table": ("mz_show_tables", "name, comment"),
    "view": ("mz_show_views", "name, comment"),
    "materialized view": ("mz_show_materialized_views", "name, cluster, comment"),
    "source": ("mz_show_sources", "name, type, cluster, comment"),
    "subsource": ("mz_show_sources", "name, type"),
    "sink": ("mz_show_sinks", "name, type, cluster, comment"),
    "index": ("mz_show_indexes", 'name, "on", cluster, key, comment'),
    "connection": ("mz_show_connections", "name, type, comment"),
    "secret": ("mz_show_secrets", "name, comment"),
    "type": ("mz_show_types", "name, comment"),
    "object": ("mz_show_all_objects", "name, type, comment"),
    "continual task": ("mz_show_continual_tasks", "name, cluster, comment"),
}
_ELSEWHERE = {
    "cluster": ("mz_show_clusters", "name, replicas, comment"),
    "cluster replica": ("mz_show_cluster_replicas", "cluster, replica, size, ready, comment"),
    "database": ("mz_show_databases", "name, comment"),
    "network policy": ("mz_show_network_policies", "name, rules, comment"),
    "role": ("mz_show_roles", "name, comment"),
    "schema": ("mz_show_schemas", "name, comment"),
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
    relation, columns = (_BY_SCHEMA | _ELSEWHERE)[object_type]
    scope = _Scope()
    order = "name"
    if object_type == "schema":
        scope.conditions.append(f"(o.database_id IS NULL OR o.database_id = {scope.database(database)})")
    elif object_type == "cluster replica":
        order = "cluster, replica"
        if condition is not None and condition.startswith("name LIKE "):
            condition = condition.replace("name", "replica", 1)
    elif object_type in _BY_SCHEMA:
        _narrow(scope, object_type, schema, on, cluster)
    where = f" WHERE {' AND '.join(scope.conditions)}" if scope.conditions else ""
    return _wrap(f"SELECT {columns} FROM mz_internal.{relation} o{where}", columns, condition, order, scope.guards)


def _narrow(scope: _Scope, object_type: str, schema: Name | None, on: Name | None, cluster: str | None) -> None:
    """FROM, ON and IN CLUSTER; without any of them the current schema counts."""
    if on is not None:
        if object_type == "subsource":
            scope.conditions.append(
                "o.id IN (SELECT d.object_id FROM mz_internal.mz_object_dependencies d "
                f"WHERE d.referenced_object_id = {object_id(on)})"
            )
        else:
            column = "on_id" if object_type == "index" else "source_id"
            scope.conditions.append(f"o.{column} = {object_id(on)}")
    if schema is not None or (on is None and cluster is None):
        scope.conditions.append(f"o.schema_id = {scope.schema(schema)}")
    if cluster is not None:
        scope.conditions.append(f"o.cluster_id = {scope.cluster(cluster)}")
    if object_type == "subsource":
        scope.conditions.append("o.type IN ('subsource', 'progress')")


def object_id(name: Name) -> str:
    """The id of the relation that `name` means in this session; fails when there is none."""
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in name[-2:])
    name_literal = "'" + quoted.replace("'", "''") + "'"
    oid = f"mz_internal.unshadowed({name_literal})"
    return f"(SELECT r.id FROM mz_catalog.mz_objects r WHERE r.oid = {oid} AND r.type <> 'index')"


def columns_query(name: Name, condition: str | None) -> ShowQuery:
    """SHOW COLUMNS FROM `name`."""
    inner = (
        "SELECT name, nullable, type, comment, position FROM mz_internal.mz_show_columns o "
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
            "SELECT o.name, CASE WHEN o.managed THEN "
            "concat('CREATE CLUSTER \"', replace(o.name, '\"', '\"\"'), '\" (INTROSPECTION DEBUGGING = ', "
            "o.introspection_debugging::text, ', INTROSPECTION INTERVAL = INTERVAL ''', "
            "o.introspection_interval::text, ''', MANAGED = true, REPLICATION FACTOR = ', "
            "o.replication_factor::text, ', SIZE = ''', o.size, ''', SCHEDULE = MANUAL)') "
            f"ELSE {raising('SHOW CREATE for unmanaged clusters not yet supported')} END AS create_sql "
            f"FROM mz_catalog.mz_clusters o WHERE o.name = {literal(name[0])}"
        )
        return _one_row(found, f"unknown cluster '{name[0]}'")
    column = "redacted_create_sql" if redacted else "create_sql"
    full = (
        "concat("
        + f"CASE WHEN db.name IS NOT NULL THEN concat({_quoted_name('db.name')}, '.') END, "
        + f"{_quoted_name('s.name')}, '.', {_quoted_name('o.name')})"
    )
    found = f"SELECT {full} AS name, o.{column} AS create_sql {named(object_type, name)}"
    return _one_row(found, unknown_item(name), object_type=object_type, name=name)


def named(object_type: str, name: Name) -> str:
    """FROM and WHERE that find an object `o` by its name, with its schema `s` and database `db`; at most one."""
    relation = _CREATE_RELATIONS[object_type]
    # An index lives in the schema of the relation that it is on.
    owner = "JOIN mz_catalog.mz_objects rel ON rel.id = o.on_id " if object_type == "index" else ""
    schema_of = "rel.schema_id" if object_type == "index" else "o.schema_id"
    where = [f"o.name = {literal(name[-1])}"]
    if len(name) > 1:
        where.append(f"s.name = {literal(name[-2])}")
    if len(name) > 2:
        where.append(f"(db.name = {literal(name[0])} OR db.name IS NULL)")
    else:
        where.append("(db.name = current_database() OR db.name IS NULL)")
    if len(name) == 1:
        where.append("s.name = ANY (current_schemas(true))")
    return (
        f"FROM {relation} o {owner}"
        f"JOIN mz_catalog.mz_schemas s ON s.id = {schema_of} "
        "LEFT JOIN mz_catalog.mz_databases db ON db.id = s.database_id "
        f"WHERE {' AND '.join(where)} ORDER BY array_position(current_schemas(true), s.name) LIMIT 1"
    )


def guarded(sql: str, found: str, message: str) -> str:
    """A query that fails with the SQL `message` when `found` is null."""
    return f"{sql} LIMIT CASE WHEN {found} IS NULL THEN ({message})::bigint END"


def _one_row(found: str, missing: str, object_type: str | None = None, name: Name = ()) -> ShowQuery:
    """`found`, or the error when it has no row."""
    message = raising(missing)
    if object_type is not None:
        # An object of another type has its own words.
        article = "an" if object_type[0] in "aeiou" else "a"
        other = raising(f"{'.'.join(name)} is not {article} {object_type}")
        of_that_name = (
            "FROM mz_catalog.mz_objects x "
            "JOIN mz_catalog.mz_schemas xs ON xs.id = x.schema_id "
            f"WHERE x.name = {literal(name[-1])} AND xs.name = ANY "
            + (f"(ARRAY[{literal(name[-2])}])" if len(name) > 1 else "(current_schemas(true))")
        )
        cases = [f"WHEN EXISTS (SELECT {of_that_name}) THEN {other}"]
        if object_type in ("table", "source"):
            systems = f"{of_that_name} AND x.id LIKE 's%'"
            prefix = literal(f"{RAISE_PREFIX}XX000!cannot show create for system object ")
            cases.insert(
                0,
                f"WHEN EXISTS (SELECT {systems}) THEN (SELECT concat({prefix}, xs.name, '.', x.name) {systems} LIMIT 1)"
                "::int::text",
            )
        message = f"CASE {' '.join(cases)} ELSE {message} END"
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
    guards = []
    if role is not None and role.lower() != "public":
        found = f"(SELECT r.id FROM mz_catalog.mz_roles r WHERE r.name = {literal(role)} LIMIT 1)"
        guards.append((found, f"unknown role {literal(role)}"))
    return _wrap(inner, columns, condition, columns, guards)


def _wrap(
    inner: str, columns: str, condition: str | None, order: str = "name", guards: Sequence[tuple[str, str]] = ()
) -> ShowQuery:
    where = f" WHERE {condition}" if condition is not None else ""
    sql = f"SELECT {columns} FROM ({inner}) AS shown{where} ORDER BY {order}"
    if guards:
        # A LIMIT of NULL is none; it is evaluated before the first row is looked for.
        cases = " ".join(
            f"WHEN {found} IS NULL THEN ({raising(message, _GUARD_STATES.get(message.split()[1], 'XX000'))})::bigint"
            for found, message in guards
        )
        sql += f" LIMIT CASE {cases} END"
    return ShowQuery(sql)

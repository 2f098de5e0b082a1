"""The relations of mz_catalog and mz_internal have the columns and types of a real Materialize, and can be read."""

from __future__ import annotations

from pathlib import Path

from mzlite.storage.postgres import Postgres

from .conftest import Database

RECORDED = Path(__file__).parent / "data" / "catalog.tsv"
OWN = {
    ("mz_internal", "mz_cluster_auto_scaling_strategies"),
    ("mz_catalog", "kafka_header"),
    ("mz_catalog", "kafka_decode_error"),
}
"""Newer than the recording (the adapter asks for it), and types of Kafka sources."""
NEEDED = [
    "mz_objects", "mz_databases", "mz_schemas", "mz_clusters", "mz_cluster_replicas", "mz_sources", "mz_tables",
    "mz_views", "mz_materialized_views", "mz_indexes", "mz_index_columns", "mz_sinks", "mz_connections",
    "mz_kafka_connections", "mz_kafka_sources", "mz_kafka_sinks", "mz_secrets", "mz_columns", "mz_relations",
    "mz_roles", "mz_types", "mz_functions", "mz_comments", "mz_object_dependencies", "mz_source_statuses",
    "mz_sink_statuses", "mz_hydration_statuses", "mz_frontiers", "mz_wallclock_global_lag",
    "mz_materialization_lag", "mz_source_statistics", "mz_sink_statistics", "mz_cluster_schedules",
    "mz_cluster_replica_status_history", "mz_show_my_database_privileges", "mz_show_default_privileges",
    "mz_internal_cluster_replicas",
]  # fmt: skip

Columns = dict[tuple[str, str], list[tuple[str, str]]]


def recorded() -> Columns:
    found: Columns = {}
    for line in RECORDED.read_text().splitlines():
        schema, relation, _kind, _position, column, kind, _nullable = line.split("\t")
        found.setdefault((schema, relation), []).append((column, kind))
    return found


def present(postgres: Postgres) -> Columns:
    found: Columns = {}
    with postgres.connect() as connection:
        rows = connection.execute(
            """
            select n.nspname, c.relname, a.attname, mz_internal.type_name(a.atttypid)
            from pg_class as c
            inner join pg_namespace as n on n.oid = c.relnamespace
            inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
            where n.nspname in ('mz_catalog', 'mz_internal')
            order by a.attnum
            """
        ).fetchall()
    for schema, relation, column, kind in rows:
        found.setdefault((schema, relation), []).append((column, kind))
    return found


def test_columns_and_types_are_the_recorded_ones(postgres: Postgres) -> None:
    expected, found = recorded(), present(postgres)
    differences = []
    for relation, columns in found.items():
        if relation in OWN:
            continue
        for wanted, got in zip(expected[relation], columns, strict=True):
            # A list is an array here.
            if wanted != got and not (wanted[0] == got[0] and wanted[1] == "list" and got[1].endswith("[]")):
                differences.append((relation, wanted, got))
    assert differences == []


def test_show_columns_says_what_was_recorded(postgres: Postgres) -> None:
    lines = [line.split("\t") for line in RECORDED.read_text().splitlines()]
    expected = {(line[0], line[1], int(line[3]), line[4], line[5], line[6] == "t") for line in lines}
    with postgres.connect() as connection:
        rows = connection.execute(
            """
            select o.relnamespace::regnamespace::text, r.name, c.position::int, c.name, c.type, c.nullable
            from mz_internal.mz_show_columns as c
            inner join mz_catalog.mz_relations as r on r.id = c.id
            inner join pg_class as o on o.oid = r.oid
            """
        ).fetchall()
    known = {line[:2] for line in expected}
    assert {row for row in rows if row[:2] in known} == expected


def test_what_clients_ask_for_is_there(postgres: Postgres) -> None:
    names = {relation for _, relation in present(postgres)}
    assert set(NEEDED) - names == set()


def test_clients_can_read_every_relation(postgres: Postgres) -> None:
    with postgres.connect(user="materialize") as connection:
        for schema, relation in present(postgres):
            if not relation.startswith("kafka_"):
                connection.execute(f'select * from {schema}."{relation}"')  # type: ignore[call-overload]


def test_what_exists_from_the_start(postgres: Postgres) -> None:
    with postgres.connect(user="materialize") as connection:
        assert connection.execute("select name from mz_databases").fetchall() == [("materialize",)]
        clusters = connection.execute("select name from mz_clusters where name not like 'mz_%'").fetchall()
        assert clusters == [("quickstart",)]
        schemas = {name for (name,) in connection.execute("select name from mz_schemas")}
        assert {"public", "mz_catalog", "mz_internal", "pg_catalog", "information_schema"} <= schemas
        assert not {name for name in schemas if name.startswith("mzlite")}
        privileges = connection.execute(
            "select privilege_type from mz_internal.mz_show_my_database_privileges where name = current_database()"
        ).fetchall()
        assert {"CREATE", "USAGE"} <= {row[0] for row in privileges}


def test_clients_are_told_of_materializes_kinds_of_relations(database: Database) -> None:
    database.run(
        "create table t (id int not null, name varchar(10) default 'x', amount numeric(10, 2), u uint8, tm time)"
    )
    database.run("create view v as select id from t")
    database.run("create materialized view mv as select id from t")
    database.run("create default index on mv")
    found = database.rows(
        "select table_name, table_type from information_schema.tables where table_schema = 'probe' order by 1"
    )
    assert found == [("mv", "MATERIALIZED VIEW"), ("t", "BASE TABLE"), ("v", "VIEW")]
    found = database.rows(
        "select column_name, data_type, is_nullable, character_maximum_length, numeric_precision, numeric_scale"
        " from materialize.information_schema.columns where table_name = 't' order by ordinal_position"
    )
    assert found == [
        ("id", "integer", "NO", None, 32, 0),
        ("name", "character varying", "YES", 10, None, None),
        ("amount", "numeric", "YES", None, 10, 2),
        ("u", "uint8", "YES", None, None, None),
        ("tm", "time", "YES", None, None, None),
    ]
    found = database.rows(
        "select c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'probe' order by 1"
    )
    assert found == [("mv", "m"), ("mv_primary_idx", "i"), ("t", "r"), ("v", "v")]
    assert database.rows("select nspname from pg_namespace where nspname like 'mzlite%'") == []
    found = database.rows(
        "select table_name, view_definition from information_schema.views where table_schema = 'probe'"
    )
    assert found == [("v", "SELECT id FROM materialize.probe.t;")]

"""The queries over mz_introspection that answer EXPLAIN ANALYZE.

In: what is measured and of what. Out: SQL for PostgreSQL with Materialize's columns. An object is one operator over its
inputs here; what nobody measures (time, the sizes of Top-K groups) is null.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dialect.ast import Name
from mzlite.dialect.show_queries import guarded, literal, named, raising, unknown_item

_MEASURES = {
    # property: (columns, columns with skew); each a name with its SQL over `k`, of what is kept for the operator.
    "MEMORY": (
        (("total_memory", "pg_size_pretty(k.size)"), ("total_records", "k.records::numeric")),
        (
            ("{}memory_ratio", "CASE WHEN k.size IS NOT NULL THEN 1::numeric END"),
            ("worker_memory", "pg_size_pretty(k.size)"),
            ("avg_memory", "pg_size_pretty(k.size)"),
            ("total_memory", "pg_size_pretty(k.size)"),
            ("{}records_ratio", "CASE WHEN k.size IS NOT NULL THEN 1::numeric END"),
            ("worker_records", "k.records::numeric"),
            ("avg_records", "k.records::numeric"),
            ("total_records", "k.records::numeric"),
        ),
    ),
    "CPU": (
        (("total_elapsed", "NULL::interval"),),
        (
            ("{}cpu_ratio", "NULL::numeric"),
            ("worker_elapsed", "NULL::interval"),
            ("avg_elapsed", "NULL::interval"),
            ("total_elapsed", "NULL::interval"),
        ),
    ),
    "HINTS": (
        (
            ("levels", "NULL::bigint"),
            ("to_cut", "NULL::bigint"),
            ("hint", "NULL::double precision"),
            ("savings", "NULL::text"),
        ),
        (),
    ),
}
_WORKER = ("worker_id", "CASE WHEN k.size IS NOT NULL THEN 0 END::mz_catalog.uint8")


def analyze_object_query(properties: Sequence[str], skew: bool, object_type: str, name: Name, as_sql: bool) -> str:
    """EXPLAIN ANALYZE .. FOR INDEX or MATERIALIZED VIEW."""
    measures = _measures(properties, skew, "")
    inner = (
        "SELECT m.lir_id, repeat('  ', m.nesting::int) || m.operator AS operator, "
        f"{', '.join(f'{sql} AS {column}' for column, sql in measures)} "
        "FROM mz_introspection.mz_lir_mapping m "
        "JOIN mz_introspection.mz_dataflow_global_ids g ON g.global_id = m.global_id "
        "LEFT JOIN mz_introspection.mz_dataflow_arrangement_sizes k ON k.id = g.id AND m.nesting::int = 0 "
    )
    found = f"(SELECT o.id {named(object_type, name)})"
    columns = ", ".join(["operator", *(column for column, _ in measures)])
    if as_sql:
        return _as_sql(f"SELECT {columns} FROM ({inner}WHERE m.global_id = ..) AS plan ORDER BY lir_id DESC")
    article = "an" if object_type == "index" else "a"
    other = f"Expected {'.'.join(name)} to be {article} {object_type}"
    message = (
        f"CASE WHEN EXISTS (SELECT FROM mz_catalog.mz_objects x WHERE x.name = {literal(name[-1])}) "
        f"THEN {raising(other)} ELSE {raising(unknown_item(name))} END"
    )
    return guarded(
        f"SELECT {columns} FROM ({inner}WHERE m.global_id = {found}) AS plan ORDER BY lir_id DESC", found, message
    )


def analyze_cluster_query(properties: Sequence[str], skew: bool, as_sql: bool) -> str:
    """EXPLAIN ANALYZE CLUSTER: a row for each maintained object."""
    measures = _measures(properties, skew, "max_operator_")
    sql = (
        "SELECT o.name AS object, o.global_id, "
        f"{', '.join(f'{sql} AS {column}' for column, sql in measures)} "
        "FROM mz_introspection.mz_mappable_objects o "
        "JOIN mz_introspection.mz_dataflow_global_ids g ON g.global_id = o.global_id "
        "JOIN mz_introspection.mz_dataflow_arrangement_sizes k ON k.id = g.id ORDER BY k.size DESC, o.global_id"
    )
    return _as_sql(sql) if as_sql else sql


def _measures(properties: Sequence[str], skew: bool, prefix: str) -> list[tuple[str, str]]:
    found = [_WORKER] if skew else []
    for measured in properties:
        found += [(column.format(prefix), sql) for column, sql in _MEASURES[measured][skew]]
    return found


def _as_sql(sql: str) -> str:
    return f'SELECT {literal(sql + ";")} AS "SQL"'

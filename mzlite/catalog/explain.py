"""EXPLAIN: how a query or a maintained object is computed, at which moment, and from how much.

In: the statement. Out: rows of text. A plan is that of the delta rules; a query that they do not cover, and that
PostgreSQL therefore computes as a whole, is shown as PostgreSQL plans it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import psycopg

from mzlite.catalog.definitions import Definition, analyse
from mzlite.catalog.inputs import not_valid
from mzlite.catalog.interface import EngineTransaction, ExecuteResult
from mzlite.catalog.registry import Item, check_type, item_by_id, items_where, quote_name, resolve_item, search_path
from mzlite.dataflow.common_types import with_common_types
from mzlite.dataflow.transaction import as_client
from mzlite.dialect.pg_errors import from_psycopg
from mzlite.dialect.statements import Explain
from mzlite.errors import MzError, unsupported
from mzlite.planner.rendering import Known, Plan, Renderer
from mzlite.session import Session

_PROBE = "mzlite_def.mzlite_explained"
_LOGICAL = ("raw plan", "decorrelated plan", "locally optimized plan", "optimized plan")


def explain(statement: Explain, session: Session, tx: EngineTransaction) -> ExecuteResult:
    """Carry out EXPLAIN.

    Raises:
        MzError: what is explained does not exist or is refused, or the form is not supported.
    """
    match statement.stage:
        case "timestamp":
            return _result(statement, [_timestamp(statement, session, tx)])
        case "filter pushdown":
            return _pushdown(statement, session, tx)
        case "key schema" | "value schema":
            raise MzError("EXPLAIN SCHEMA is only available for Kafka sinks with Avro schemas")
        case "optimizer trace" | "plan insights":
            raise unsupported(f"EXPLAIN {statement.stage.upper()} is not supported")
    if statement.query is not None:
        path = ", ".join(quote_name(name) for name in search_path(session))
        tx.execute("select set_config('search_path', %s, true)", (path,))
        statement = replace(statement, query=with_common_types(tx.connection, statement.query))
    if statement.format == "dot":
        raise unsupported(f"EXPLAIN {statement.stage.upper()} AS DOT is not supported")
    return _result(statement, [_plan(statement, session, tx)])


def _result(statement: Explain, texts: list[str]) -> ExecuteResult:
    return ExecuteResult(f"SELECT {len(texts)}", columns=statement.columns, rows=[(text,) for text in texts])


# Plans --------------------------------------------------------------------------------


def _plan(statement: Explain, session: Session, tx: EngineTransaction) -> str:
    renderer = Renderer(_known(tx), redacted=statement.redacted)
    logical = statement.stage in _LOGICAL
    plans: list[tuple[str, Plan | list[str]]] = []
    cluster = session.cluster
    if statement.name is not None and statement.query is None:
        item = resolve_item(tx, session, statement.name)
        if statement.object_type is not None:
            check_type(item, statement.object_type, named=False)
        if item.cluster_id is not None:
            cluster = _cluster(tx, item.cluster_id)
        if item.type == "index":
            on = item_by_id(tx, str(item.details["on_id"]))
            plans.append((item.full_name, _arrangement(tx, item, on)))
            item = on
        if item.type in ("view", "materialized-view") and item.relation is not None:
            definition = tx.dataflow.definition(tx, item.id, item.relation)
            plans.append((item.full_name, renderer.plan(tx.dataflow.explained(tx, definition))))
        elif not plans:
            plans.append((item.full_name, Plan(f"Stream {item.full_name}", f"ReadStorage {item.full_name}")))
    else:
        assert statement.query is not None
        plans.append(("Explained Query", _query_plan(statement.query, session, tx, renderer)))
    if statement.format == "json":
        trees = [
            {"id": name, "plan": plan.tree() if isinstance(plan, Plan) else {"lines": plan}} for name, plan in plans
        ]
        return json.dumps({"plans": trees}, indent=2, ensure_ascii=False)
    lines: list[str] = []
    for name, plan in plans:
        shown = plan.text(logical=logical) if isinstance(plan, Plan) else [f"  {line}" for line in plan]
        lines += [f"{name}:", *shown, ""]
    lines += _sources(tx, renderer)
    return "\n".join([*lines, f"Target cluster: {cluster}", ""])


def _query_plan(query: str, session: Session, tx: EngineTransaction, renderer: Renderer) -> Plan | list[str]:
    names = _analysed(query, session, tx).columns
    path = ", ".join(quote_name(name) for name in search_path(session))
    tx.execute("select set_config('search_path', %s, true)", (path,))
    tx.execute(f"create view {_PROBE} ({', '.join(quote_name(name) for name in names)}) as {query}")
    row = tx.execute(f"select '{_PROBE}'::regclass::oid::bigint").fetchone()
    assert row is not None
    try:
        found: Plan | list[str] = renderer.plan(tx.dataflow.explained(tx, int(row[0])))
    except MzError as error:
        if error.sqlstate not in ("0A000", "XX000"):
            raise
        lines = tx.execute(f"explain (costs off) select * from {_PROBE}").fetchall()
        found = ["(computed at once by PostgreSQL)", *(str(line[0]) for line in lines)]
    tx.execute(f"drop view {_PROBE}")
    return found


def _analysed(query: str, session: Session, tx: EngineTransaction) -> Definition:
    """The query as a view; columns of one name get numbers."""
    path = ", ".join(quote_name(name) for name in search_path(session))
    tx.execute("select set_config('search_path', %s, true)", (path,))
    try:
        described = tx.analysed(query)
    except psycopg.Error as error:
        raise from_psycopg(error, query) from error
    names = [(described.fname(number) or b"").decode() for number in range(described.nfields)]
    unique = [name if names.index(name) == number else f"{name}_{number + 1}" for number, name in enumerate(names)]
    return analyse(tx, session, query, columns=unique, what="query", temporary=True)


def _arrangement(tx: EngineTransaction, index: Item, on: Item) -> Plan:
    rows = tx.execute(
        """
        select c.on_position, c.on_expression, a.attname::text from mzlite.index_columns as c
        left join pg_catalog.pg_attribute as a on a.attrelid = %s::bigint::oid and a.attnum = c.on_position
        where c.index_id = %s order by c.index_position
        """,
        (on.relation, index.id),
    ).fetchall()
    keys = [f"#{position - 1}{{{name}}}" if position else str(expression) for position, expression, name in rows]
    return Plan(
        f"Arrange ({', '.join(keys) or 'empty key'})",
        f"ArrangeBy keys=[[{', '.join(keys)}]]",
        [],
        [Plan(f"Stream {on.full_name}", f"ReadGlobalFromSameDataflow {on.full_name}")],
    )


def _known(tx: EngineTransaction) -> Known:
    def item(relation: int) -> Item | None:
        found = items_where(tx, "o.relation = %s::bigint::oid", (relation,))
        return found[0] if found else None

    def name(relation: int) -> str:
        found = item(relation)
        if found is not None:
            return found.full_name
        row = tx.execute("select %s::bigint::oid::regclass::text", (relation,)).fetchone()
        return str(row[0]) if row is not None else str(relation)

    def index(relation: int) -> str | None:
        found = item(relation)
        if found is None:
            return None
        indexes = _indexes(tx, found)
        return indexes[0].name if indexes else None

    return Known(name, index)


def _indexes(tx: EngineTransaction, on: Item) -> list[Item]:
    return items_where(tx, "o.type = 'index' and o.details ->> 'on_id' = %s", (on.id,))


def _cluster(tx: EngineTransaction, cluster_id: str) -> str:
    row = tx.execute("select name from mzlite.clusters where id = %s", (cluster_id,)).fetchone()
    return str(row[0]) if row is not None else cluster_id


def _sources(tx: EngineTransaction, renderer: Renderer) -> list[str]:
    """What is read from storage, and which indexes are."""
    lines: list[str] = []
    used: list[str] = []
    for relation in renderer.reads:
        for item in items_where(tx, "o.relation = %s::bigint::oid", (relation,)):
            indexes = _indexes(tx, item)
            if indexes:
                used.append(f"  - {indexes[0].full_name} (*** full scan ***)")
            else:
                lines += [f"Source {item.full_name}", ""]
    return [*lines, *(["Used Indexes:", *used, ""] if used else [])]


# Timestamps and parts -------------------------------------------------------------------


def _inputs(statement: Explain, session: Session, tx: EngineTransaction) -> list[Item]:
    """The collections that a query reads, through plain views."""
    if statement.query is not None:
        pending = list(_analysed(statement.query, session, tx).references)
    else:
        assert statement.name is not None
        pending = [resolve_item(tx, session, statement.name).id]
    found: dict[str, Item] = {}
    while pending:
        item = item_by_id(tx, pending.pop())
        if item.id in found:
            continue
        found[item.id] = item
        if item.type == "view":
            rows = tx.execute(
                "select referenced_id from mzlite.dependencies where object_id = %s", (item.id,)
            ).fetchall()
            pending += [str(row[0]) for row in rows]
    return [item for item in found.values() if item.type in ("table", "source", "materialized-view")]


def _timestamp(statement: Explain, session: Session, tx: EngineTransaction) -> str:
    inputs = _inputs(statement, session, tx)
    row = tx.execute("select mz_internal.milliseconds(mz_catalog.mz_now())").fetchone()
    assert row is not None
    now = int(row[0])
    wanted = now if statement.as_of is None else _wanted(tx, statement.as_of)
    if wanted < now and inputs:
        if not statement.as_of_at_least:
            raise not_valid(wanted, now, [item.id for item in inputs])
        wanted = now
    if statement.format == "json":
        return json.dumps(
            {
                "determination": {"timestamp_context": {"TimelineTimestamp": {"chosen_ts": wanted}}},
                "sources": [
                    {
                        "name": f"{item.full_name} ({item.id}, storage)",
                        "read_frontier": [now],
                        "write_frontier": [now + 1],
                    }
                    for item in inputs
                ],
            },
            indent=2,
        )
    lines = [
        ("query timestamp", _moment(wanted)),
        *([("oracle read timestamp", _moment(now))] if statement.as_of is None else []),
        ("largest not in advance of upper", _moment(now)),
        ("upper", f"[{_moment(now + 1)}]" if inputs else "[]"),
        ("since", f"[{_moment(now if inputs else 0)}]"),
        ("can respond immediately", "true" if wanted <= now or not inputs else "false"),
        ("timeline", "Some(EpochMilliseconds)" if inputs else "None"),
        ("session wall time", _moment(now)),
    ]
    text = "".join(f"{label:>32}: {value}\n" for label, value in lines)
    for item in inputs:
        text += f"\nsource {item.full_name} ({item.id}, storage):\n"
        text += f"{'read frontier':>32}: [{_moment(now)}]\n{'write frontier':>32}: [{_moment(now + 1)}]\n"
    if inputs:
        ids = ", ".join(f"User({item.id[1:]})" for item in inputs)
        text += f"\nbinding constraints:\nlower:\n  (StorageInput([{ids}]): [{_moment(now)}])\n"
    return text


def _wanted(tx: EngineTransaction, as_of: str) -> int:
    row = as_client(tx, f"select mz_internal.milliseconds(({as_of})::mz_catalog.mz_timestamp)").fetchone()
    assert row is not None
    return int(row[0])


def _moment(milliseconds: int) -> str:
    return f"{milliseconds} ({datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + ")"


def _pushdown(statement: Explain, session: Session, tx: EngineTransaction) -> ExecuteResult:
    rows: list[tuple[str, ...]] = []
    for item in _inputs(statement, session, tx):
        found = tx.execute("select mzlite.stored_bytes(%s)", (item.id,)).fetchone()
        size = str(found[0]) if found is not None else "0"
        rows.append((item.full_name, size, size, "1", "1"))
    return ExecuteResult(f"SELECT {len(rows)}", columns=statement.columns, rows=rows)

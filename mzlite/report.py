"""How a running server is, for its administrator: ticks, sources, views and sinks.

In: the engine, looked at from another thread, and a connection of its own. Out: one `Entry` each. Nothing waits for
the engine's thread, so that it is answered also while a tick or a definition takes long.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from mzlite.dataflow.engine import Engine
from mzlite.dataflow.transaction import run
from mzlite.kafka.status import SourceStatus

COUNT_SECONDS = 2.0
"""For counting the rows of all views together; of those left then, only the size is told."""
Values = dict[str, Any]

_OBJECTS = """
select
    o.id, s.database_name, s.name, o.name, o.type, o.relation::bigint, mzlite.stored_bytes(o.id),
    coalesce(e.message, se.message)
from mzlite.shown_objects as o
inner join mzlite.shown_schemas as s on s.namespace = o.namespace
inner join mzlite.dataflows as d on d.object_id = o.id
left join mzlite.errors as e on e.object_id = o.id
left join (
    select object_id, min(message) as message from mzlite.source_errors group by object_id
) as se on se.object_id = o.id
order by d.position
"""
_SINKS = """
select o.id, s.database_name, s.name, o.name,
    (select count(*) from (select from mzlite.outbox as b where b.sink_id = o.id limit 100001) as w),
    (select b.ts from mzlite.outbox as b where b.sink_id = o.id order by b.seq limit 1)
from mzlite.shown_objects as o
inner join mzlite.shown_schemas as s on s.namespace = o.namespace
where o.type = 'sink' and o.id in (select k.sink_id from mzlite.sinks as k)
order by o.id
"""
_READS = """
select d.object_id, d.referenced_object_id from mz_internal.mz_object_transitive_dependencies as d
"""
FIRST_DATABASE = "materialize"


@dataclass(frozen=True)
class Entry:
    """One thing and how it is.

    Attributes:
        kind: ticks, source, view or sink.
        name: with its schema, and its database if that is not the first; empty for ticks.
        values: what there is to tell, ready for JSON.
    """

    kind: str
    name: str
    values: Values


def report(engine: Engine, connection: psycopg.Connection[Any]) -> Iterator[Entry]:
    """Everything about a server at this moment."""
    now = engine.clock.now()
    behind = max(0, now - engine.frontier()) / 1000
    yield Entry("ticks", "", _ticks(engine, behind))
    lags: dict[str, float] = {}
    views = []
    for object_id, database, schema, name, kind, relation, size, error in run(connection, _OBJECTS).fetchall():
        shown = _shown(database, schema, name)
        ingest = engine.connectors.ingests.get(object_id)
        if ingest is not None:
            waiting = sum(count for _, count in ingest.waiting())
            values = _source(ingest.status, waiting)
            lags[object_id] = values["lag_seconds"] or 0.0
            yield Entry("source", shown, {**values, "error": values["error"] or error})
        elif kind == "source":
            if error is not None:
                # It has ended for good, so nobody reads its topic any more.
                yield Entry("source", shown, {**_source(SourceStatus("stalled", error), 0), "lag_messages": None})
        elif relation is not None:
            views.append((object_id, shown, kind, relation, size, error))
    reads: dict[str, set[str]] = {}
    for reader, read in run(connection, _READS).fetchall():
        reads.setdefault(reader, set()).add(read)
    until = time.monotonic() + COUNT_SECONDS
    for object_id, shown, kind, relation, size, error in views:
        late = max((lags.get(read, 0.0) for read in reads.get(object_id, ())), default=0.0)
        rows = None if error is not None else _count(connection, relation, until - time.monotonic())
        values = {"type": kind, "rows": rows, "bytes": size, "staleness_seconds": round(late + behind, 3)}
        yield Entry("view", shown, {**values, "error": error})
    for object_id, database, schema, name, waiting, oldest in run(connection, _SINKS).fetchall():
        yield Entry("sink", _shown(database, schema, name), _sink(engine, object_id, waiting, oldest, now))


def _shown(database: str, schema: str, name: str) -> str:
    return ".".join((schema, name) if database == FIRST_DATABASE else (database, schema, name))


def _ticks(engine: Engine, behind: float) -> Values:
    statistics = engine.statistics
    durations = sorted(statistics.durations.copy())
    return {
        "ticks": statistics.ticks,
        "rows": statistics.rows,
        "p50_ms": _percentile(durations, 0.50),
        "p99_ms": _percentile(durations, 0.99),
        "behind_seconds": round(behind, 3),
        "failures": statistics.failures,
        "error": statistics.failure,
        "subscriptions": len(engine.subscriptions),
        "subscriptions_cut_off": statistics.cut_off,
        "clock": "running" if engine.clock.held is None else "held",
    }


def _percentile(ordered: list[float], share: float) -> float | None:
    """Of durations in seconds, in ms.

    >>> _percentile([0.001, 0.002, 0.1], 0.5), _percentile([0.001, 0.002, 0.1], 0.99), _percentile([], 0.5)
    (2.0, 100.0, None)
    """
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None


def _source(status: SourceStatus, waiting: int) -> Values:
    """`waiting`: messages that were read and that no tick has taken yet."""
    lag = status.lag + waiting
    seconds: float | None = 0.0
    if lag:
        # By what its newest message is older than now: what comes next is at most so late.
        seconds = (
            round(max(0.0, time.time() - status.newest_timestamp / 1000), 3) if status.newest_timestamp > 0 else None
        )
    return {
        "status": status.status,
        "lag_messages": lag,
        "lag_seconds": seconds,
        "messages_received": status.messages_received,
        "offsets": {str(partition): offset for partition, offset in sorted(status.positions.items())},
        "error": status.error,
        "note": status.note,
    }


def _sink(engine: Engine, object_id: str, waiting: int, oldest: int | None, now: int) -> Values:
    publisher = engine.connectors.publishers.get(object_id)
    status = None if publisher is None else publisher.status
    return {
        "status": "starting" if status is None else status.status,
        "position": 0 if status is None else status.timestamp,
        "messages_committed": 0 if status is None else status.messages_committed,
        "waiting": waiting,
        "lag_seconds": 0.0 if oldest is None else round(max(0, now - oldest) / 1000, 3),
        "error": None if status is None else status.error,
    }


def _count(connection: psycopg.Connection[Any], relation: int, seconds: float) -> int | None:
    """How many rows clients see; None if that takes too long, or the relation has gone or cannot be read."""
    if seconds <= 0:
        return None
    try:
        with connection.transaction():
            run(connection, "select set_config('statement_timeout', %s, true)", (f"{max(1, int(seconds * 1000))}ms",))
            row = run(
                connection,
                "select format('%%I.%%I', n.nspname, c.relname) from pg_class as c"
                " inner join pg_namespace as n on n.oid = c.relnamespace where c.oid = %s",
                (relation,),
            ).fetchone()
            if row is None:
                return None
            counted = connection.execute(sql.SQL("select count(*) from " + row[0])).fetchone()
    except psycopg.Error:
        # If the connection itself has gone, the next query says so.
        return None
    assert counted is not None
    return int(counted[0])

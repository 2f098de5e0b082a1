"""Sinks: the changes of a collection as rows of the outbox.

In: the delta of the sunk collection at the end of a tick. Out: statements that write the messages
into `mzlite.outbox` inside the tick; the publisher takes them from there to Kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mzlite.dataflow.rel import NOW, Column, Mode, Rel
from mzlite.dataflow.subscriptions import consolidated, snapshot_query
from mzlite.kafka.encode import debezium_sql, headers_sql, key_sql, partition_sql, value_sql
from mzlite.kafka.spec import SinkSpec
from mzlite.planner.expressions import quote


@dataclass(frozen=True)
class ActiveSink:
    """A sink and what it reads."""

    spec: SinkSpec
    from_id: str
    rel: Rel


def outbox_statement(sink: ActiveSink) -> str | None:
    """INSERT of the messages of a tick; None when the collection never changes."""
    delta = sink.rel.delta(Mode.TICK)
    return messages(sink, consolidated(sink.rel.columns, delta)) if delta is not None else None


def snapshot_statement(sink: ActiveSink) -> str:
    """INSERT of the messages for what exists when the sink is created."""
    return messages(sink, snapshot_query(sink.rel))


def messages(sink: ActiveSink, changes: str) -> str:
    """INSERT of the messages for a set of net changes."""
    if sink.spec.envelope == "debezium":
        return debezium_messages(sink, changes)
    return upsert_messages(sink, changes)


def typed(columns: Sequence[Column]) -> list[tuple[str, str]]:
    """The columns as the encoder takes them."""
    return [(column.name, column.type) for column in columns]


def same_key(spec: SinkSpec, left: str, right: str) -> str:
    """A condition: two rows have the same key."""
    parts = [f"{left}.{quote(name)} is not distinct from {right}.{quote(name)}" for name in spec.key_columns]
    return " and ".join(parts) or "true"


def partition(spec: SinkSpec, alias: str) -> str:
    """The partition's number for a row, evaluated over the row alone."""
    if spec.partition_by is None:
        return "null::bigint"
    return f"(select {partition_sql(spec)} from (select {alias}.*) as p)"


def upsert_messages(sink: ActiveSink, changes: str) -> str:
    """A key's new value, or a message without value for a key that left."""
    spec, columns = sink.spec, typed(sink.rel.columns)
    return (
        f"with c as materialized ({changes}), up as (select * from c where mz_diff > 0),"
        f" down as (select * from c where mz_diff < 0 and not exists (select from up where {same_key(spec, 'up', 'c')}))"
        " insert into mzlite.outbox (sink_id, ts, key, value, headers, partition_hash)"
        f" select '{spec.sink_id}', {NOW}, m.* from ("
        f"select {key_sql(spec, columns, 'up')}, {value_sql(spec, columns, 'up')}, {headers_sql(spec, 'up')}, {partition(spec, 'up')} from up"
        f" union all select {key_sql(spec, columns, 'down')}, null, {headers_sql(spec, 'down')}, {partition(spec, 'down')} from down) as m"
    )


def debezium_messages(sink: ActiveSink, changes: str) -> str:
    """Each change as the row before and the row after; rows of one key are paired."""
    spec, columns = sink.spec, typed(sink.rel.columns)
    before, after = value_sql(spec, columns, "b"), value_sql(spec, columns, "a")
    keys = ", ".join(quote(name) for name in spec.key_columns)
    partition_by = f"partition by {keys}" if keys else ""
    numbered = f"select c.*, row_number() over ({partition_by}) as mz_row from c, generate_series(1, abs(c.mz_diff)) where c.mz_diff"
    pair = f"{same_key(spec, 'a', 'b')} and a.mz_row = b.mz_row" if keys else "false"
    # A full join can only be merged or hashed; two outer halves do the same with any condition.
    old = f"case when b.mz_row is not null then {before} end"
    new = f"case when a.mz_row is not null then {after} end"
    some = f"case when a.mz_row is not null then {key_sql(spec, columns, 'a')} else {key_sql(spec, columns, 'b')} end"
    select = f"select {some}, {debezium_sql(old, new)}, {headers_sql(spec, 'a')}, {partition(spec, 'a')}"
    return (
        f"with c as materialized ({changes}), up as materialized ({numbered} > 0), down as materialized ({numbered} < 0)"
        " insert into mzlite.outbox (sink_id, ts, key, value, headers, partition_hash)"
        f" select '{spec.sink_id}', {NOW}, m.* from ({select} from up as a left join down as b on {pair}"
        f" union all {select} from down as b left join up as a on false"
        f" where not exists (select from up as a where {pair})) as m"
    )

"""First: the first row of each key in an order (DISTINCT ON).

Reads the input's delta. The winner of a key is kept; a new row is compared with it alone, so the
work of an insertion does not depend on how many rows the key has. Only where a winner leaves are
the key's rows read again.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import TICK, Column, Mode, Rel, names_of
from mzlite.dataflow.rules.keys import hash_of, same_row
from mzlite.planner.expressions import quote


class First(Node):
    """The winners, one for each key, as rows of the input.

    Args:
        source: the input; unless it only grows, its store is indexed by the hash of the keys.
        alias: under which keys and order refer to the input.
        keys: the key columns.
        order: the ORDER BY items behind the keys over `alias`, ties broken by the whole row.
    """

    title = "First of each key"

    def __init__(
        self, number: int, owner: str, source: Rel, alias: str, keys: Sequence[str], order: Sequence[str]
    ) -> None:
        super().__init__(number, owner, source.columns, False)
        self.source, self.alias = source, quote(alias)
        self.keys = [column for column in source.columns if column.name in keys]
        self.order = list(order)
        self.has_removed = True

    def key_hash(self, alias: str) -> str:
        """SQL of the hash of a row's keys."""
        return hash_of([f"{alias}.{quote(column.name)}" for column in self.keys])

    def state_columns(self) -> Sequence[Column]:
        return [*super().state_columns(), Column("mz_key", "bigint not null")]

    def store_statements(self) -> list[str]:
        create, *rest = super().store_statements()
        # Winners are replaced in place; room on the page keeps the new version beside the old one.
        row = f"create type {self.row_type} as ({', '.join(f'{quote(c.name)} {c.type}' for c in self.columns)})"
        return [
            row,
            f"{create} with (fillfactor = 80)",
            *rest,
            f"create index n_{self.number}_key on {self.store} (mz_key)",
        ]

    def drop_statements(self) -> list[str]:
        return [*super().drop_statements(), f"drop type if exists {self.row_type}"]

    def session_statements(self) -> list[str]:
        columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self.columns)
        return [
            *super().session_statements(),
            f"create temporary table b_{self.number} ({columns}, mz_key bigint)",
            f"create temporary table k_{self.number} (mz_key bigint primary key)",
        ]

    def session_tables(self) -> list[str]:
        return [*super().session_tables(), f"pg_temp.b_{self.number}", f"pg_temp.k_{self.number}"]

    def best(self, rows: str) -> str:
        """The first row of each key among `rows`, with the key's hash."""
        keys = names_of(self.keys, self.alias)
        order = ", ".join([keys, *self.order])
        return (
            f"select distinct on ({keys}) {names_of(self.columns, self.alias)}, {self.key_hash(self.alias)} as mz_key"
            f" from ({rows}) as {self.alias} order by {order}"
        )

    def steps(self, mode: Mode) -> list[Step]:
        own = names_of(self.columns)
        if mode is Mode.HYDRATE:
            result = self.best(self.source.state())
            return [
                Step(f"insert into {self.store} ({own}, mz_key, mz_tick) select t.*, {TICK} from ({result}) as t"),
                Step(
                    f"insert into {self.delta_table} ({own}, mz_diff) select {own}, 1 from {self.store}", counts="delta"
                ),
            ]
        delta = self.source.delta(mode)
        if delta is None:
            return []
        when = (self.source.changes_with(),)
        challengers = f"select {own} from ({delta}) as d where d.mz_diff > 0"
        # Challengers first: one that beats a winner beats whatever that winner beat, also when the winner leaves.
        # One that comes and goes in the same tick may win here, and is then missed like any other winner.
        return [
            Step(f"delete from pg_temp.b_{self.number}", when=when),
            Step(f"insert into pg_temp.b_{self.number} {self.best(challengers)}", when=when),
            Step(self.contest(), when=when, counts="delta"),
            Step(self.admit(), when=when, counts="delta"),
            *(() if self.source.append_only else self.revise(delta)),
            Step(f"perform 1 from {self.removed_table}", when=(frozenset({self.number}),), counts="removed"),
        ]

    def contest(self) -> str:
        """Each challenger that meets its key's winner is weighed against it; the better one stays."""
        own = names_of(self.columns)
        order = ", ".join([f"{self.alias}.mz_id", *self.order, f"{self.alias}.mz_side"])
        sets = ", ".join(f"{quote(column.name)} = w.{quote(column.name)}" for column in self.columns)
        challengers, winners = names_of(self.columns, "b"), names_of(self.columns, "s")
        return (
            f"with met as materialized (select s.ctid as mz_id, row({challengers})::{self.row_type} as mz_b,"
            f" row({winners})::{self.row_type} as mz_s from pg_temp.b_{self.number} as b"
            f" join {self.store} as s on s.mz_key = b.mz_key and {same_row(self.keys, 'b', 's')}),"
            f" contest as (select mz_id, 1 as mz_side, (mz_b).* from met union all select mz_id, 0, (mz_s).* from met),"
            f" decided as (select distinct on ({self.alias}.mz_id) * from contest as {self.alias} order by {order}),"
            f" changed as (update {self.store} as t set {sets}, mz_tick = {TICK} from decided as w"
            f" where w.mz_side = 1 and t.ctid = w.mz_id"
            f" returning {names_of(self.columns, 'old')}, old.mz_tick, {self.renamed('new')}), {self.noted('changed')}"
            f" insert into {self.delta_table} ({own}, mz_diff)"
            f" select {own}, -1 from changed union all select {self.renamed_list()}, 1 from changed"
        )

    def admit(self) -> str:
        """A challenger whose key has no winner is the winner."""
        own = names_of(self.columns)
        known = f"select from {self.store} as s where s.mz_key = b.mz_key and {same_row(self.keys, 'b', 's')}"
        return (
            f"with added as (insert into {self.store} ({own}, mz_tick, mz_key)"
            f" select {names_of(self.columns, 'b')}, {TICK}, b.mz_key from pg_temp.b_{self.number} as b"
            f" where not exists ({known}) returning {own})"
            f" insert into {self.delta_table} ({own}, mz_diff) select {own}, 1 from added"
        )

    def noted(self, rows: str) -> str:
        """A CTE that writes down which of the replaced winners were there before the tick."""
        own = names_of(self.columns)
        return f"noted as (insert into {self.removed_table} ({own}) select {own} from {rows} where mz_tick < {TICK})"

    @property
    def row_type(self) -> str:
        """The composite type of an input row."""
        return f"mzlite_data.r_{self.number}"

    def renamed(self, version: str) -> str:
        """The columns of an updated row under names of their own."""
        return ", ".join(
            f"{version}.{quote(column.name)} as {quote('mz_new_' + column.name)}" for column in self.columns
        )

    def renamed_list(self) -> str:
        """Those names."""
        return ", ".join(quote("mz_new_" + column.name) for column in self.columns)

    def revise(self, delta: str) -> list[Step]:
        """Where a winner left: the key's remaining rows decide anew."""
        own = names_of(self.columns)
        touched = f"pg_temp.k_{self.number}"
        when = (self.source.changes_with(),)
        losers = (
            f"select distinct s.mz_key from (select {own}, {self.key_hash('g')} as mz_key"
            f" from ({delta}) as g where g.mz_diff < 0) as g join {self.store} as s"
            f" on s.mz_key = g.mz_key and {same_row(self.columns, 's', 'g')}"
        )
        keyed = (
            f"select {self.alias}.*, {self.key_hash(self.alias)} as mz_key from ({self.source.state()}) as {self.alias}"
        )
        rows = f"select {names_of(self.columns, 'i')} from {touched} as k join ({keyed}) as i on i.mz_key = k.mz_key"
        changed = (self.source.changes_with(),)
        return [
            Step(f"delete from {touched}", when=when),
            Step(f"insert into {touched} {losers}", when=when),
            Step(
                # A winner that stays the winner is left alone, so that it still counts as there before.
                f"with new as materialized ({self.best(rows)}), kept as materialized (select s.ctid as mz_id, n.*"
                f" from new as n join {self.store} as s on s.mz_key = n.mz_key and {same_row(self.columns, 's', 'n')}),"
                f" fresh as (select n.* from new as n where not exists"
                f" (select from kept as k where k.mz_key = n.mz_key and {same_row(self.keys, 'k', 'n')})),"
                f" gone as (delete from {self.store} as s using {touched} as k where s.mz_key = k.mz_key"
                f" and not exists (select from kept where kept.mz_id = s.ctid) returning {names_of(self.columns, 's')}, s.mz_tick),"
                f" {self.noted('gone')},"
                f" stored as (insert into {self.store} ({own}, mz_key, mz_tick) select n.*, {TICK} from fresh as n)"
                f" insert into {self.delta_table} ({own}, mz_diff)"
                f" select {own}, -1 from gone union all select {own}, 1 from fresh",
                when=changed,
                counts="delta",
            ),
        ]

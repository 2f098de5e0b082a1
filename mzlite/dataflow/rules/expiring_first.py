"""Expiring first: DISTINCT ON over rows that come once and leave by the clock alone.

Reads the input's delta and the clock. A temporal filter under a DISTINCT ON would keep each valid
row, and the winners a second time. Where rows only come and expire, a row is kept once: as its
key's winner, or among the losers until it expires. When a winner expires, the key's losers decide
who follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.node import Step
from mzlite.dataflow.rel import NOW, TICK, Column, Mode, Rel, names_of
from mzlite.dataflow.rules.keys import same_row
from mzlite.dataflow.rules.winners import Winners
from mzlite.planner.expressions import quote
from mzlite.planner.operators import OrderItem

UNTIL = Column("mz_until", "bigint")
"""The input's last column: the first moment (ms) at which a row is no longer valid; null for never valid."""


class ExpiringFirst(Winners):
    """The winners among the rows that are valid now.

    Args:
        source: the input, append-only; its columns and `UNTIL`.
        alias, keys, order: see `Winners`.
    """

    title = "First of each key, until it expires"

    def __init__(
        self, number: int, owner: str, source: Rel, alias: str, keys: Sequence[str], order: Sequence[OrderItem]
    ) -> None:
        super().__init__(number, owner, source.columns[:-1], (UNTIL,), alias, keys, order)
        self.source = source

    @property
    def losers(self) -> str:
        """The table of the valid rows that are not winners."""
        return f"mzlite_data.l_{self.number}"

    @property
    def bereft(self) -> str:
        """The temporary table of the keys whose winner expired."""
        return f"pg_temp.k_{self.number}"

    def store_statements(self) -> list[str]:
        columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self.kept)
        return [*super().store_statements(), f"create table {self.losers} ({columns}, mz_key bigint not null)"]

    def index_statements(self) -> list[str]:
        return [
            *super().index_statements(),
            f"create index n_{self.number}_until on {self.store} (mz_until)",
            f"create index l_{self.number}_key on {self.losers} (mz_key)",
            f"create index l_{self.number}_until on {self.losers} (mz_until)",
        ]

    def drop_statements(self) -> list[str]:
        return [f"drop table if exists {self.losers}", *super().drop_statements()]

    def reset_statements(self) -> list[str]:
        return [*super().reset_statements(), f"truncate {self.losers}"]

    def session_statements(self) -> list[str]:
        return [*super().session_statements(), f"create temporary table k_{self.number} (mz_key bigint primary key)"]

    def passes_on(self) -> frozenset[int]:
        return self.source.changes_with()

    def session_tables(self) -> list[str]:
        return [*super().session_tables(), self.bereft]

    def ranked(self, rows: str) -> str:
        """The valid ones among `rows` with the hash of their key and their place (1 for the best) within it."""
        order = ", ".join(self.order)
        hash_, keys = self.key_hash(self.alias), names_of(self.keys, self.alias)
        return (
            f"select {names_of(self.kept, self.alias)}, {hash_} as mz_key,"
            f" row_number() over (partition by {hash_}, {keys} order by {order}) as mz_place"
            f" from ({rows}) as {self.alias} where {self.alias}.mz_until > {NOW}"
        )

    def steps(self, mode: Mode) -> list[Step]:
        delta = self.source.delta(mode)
        if mode is Mode.HYDRATE:
            return self.hydrate_steps(self.source.state())
        steps = self.clock_steps()
        if delta is not None:
            when = (self.source.changes_with(),)
            steps += [
                Step(f"delete from {self.challengers}", when=when),
                Step(self.challenge(self.ranked(delta)), when=when),
                Step(self.contest(self.losers), when=when, counts="delta"),
                *self.admit(when),
                Step(self.lose(), when=when),
            ]
        return [
            *steps,
            Step(f"perform 1 from {self.removed_table}", when=(frozenset({self.number}),), counts="removed"),
        ]

    def hydrate_steps(self, rows: str) -> list[Step]:
        """All rows at once."""
        own, kept = names_of(self.columns), names_of(self.kept)
        return [
            Step(f"insert into {self.challengers} select r.*, null, false from ({self.ranked(rows)}) as r"),
            Step(
                f"insert into {self.store} ({kept}, mz_key, mz_tick)"
                f" select {kept}, mz_key, {TICK} from {self.challengers} where mz_place = 1"
            ),
            Step(self.lose()),
            Step(f"insert into {self.delta_table} ({own}, mz_diff) select {own}, 1 from {self.store}", counts="delta"),
            Step(f"delete from {self.challengers}"),
        ]

    def lose(self) -> str:
        """The challengers that are not the best of their key wait among the losers."""
        kept = names_of(self.kept)
        return f"insert into {self.losers} ({kept}, mz_key) select {kept}, mz_key from {self.challengers} where mz_place > 1"

    def clock_steps(self) -> list[Step]:
        """What the passing of time does: winners and losers leave, losers follow winners."""
        own, kept = names_of(self.columns), names_of(self.kept)
        changed = (frozenset({self.number}),)
        chosen = (
            f"select distinct on ({names_of(self.keys, self.alias)}) {self.alias}.*, {self.key_hash(self.alias)} as mz_key"
            f" from (select l.ctid as mz_id, {names_of(self.kept, 'l')} from {self.bereft} as k"
            f" join {self.losers} as l on l.mz_key = k.mz_key where not exists (select from {self.store} as s"
            f" where {self.has_key('s', 'l.mz_key')} and {same_row(self.keys, 's', 'l')})) as {self.alias}"
            f" order by {', '.join([names_of(self.keys, self.alias), *self.order])}"
        )
        return [
            Step(f"delete from {self.losers} where mz_until <= {NOW}"),
            # No DISTINCT: PostgreSQL expects a third of all winners to expire, and would make room for as many keys each time.
            Step(
                f"with gone as (delete from {self.store} where mz_until <= {NOW} returning {own}, mz_key),"
                f" noted as (insert into {self.removed_table} ({own}) select {own} from gone),"
                f" keys as (insert into {self.bereft} select mz_key from gone on conflict do nothing)"
                f" insert into {self.delta_table} ({own}, mz_diff) select {own}, -1 from gone",
                counts="delta",
            ),
            Step(
                f"with chosen as materialized ({chosen}),"
                f" taken as (delete from {self.losers} where ctid = any (array(select mz_id from chosen))),"
                f" stored as (insert into {self.store} ({kept}, mz_key, mz_tick) select {kept}, mz_key, {TICK} from chosen)"
                f" insert into {self.delta_table} ({own}, mz_diff) select {own}, 1 from chosen",
                when=changed,
                counts="delta",
            ),
            Step(f"delete from {self.bereft}", when=changed),
        ]

    def due_query(self) -> str | None:
        # Losers leave unseen, whenever there is a tick.
        return f"(select min(mz_until) from {self.store})"

"""First: the first row of each key in an order (DISTINCT ON).

Reads the input's delta. The winner of a key is kept; a new row is compared with it alone, so the
work of an insertion does not depend on how many rows the key has. Only where a winner leaves are
the key's rows read again.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.node import Step
from mzlite.dataflow.rel import TICK, Mode, Rel, names_of, sought
from mzlite.dataflow.rules.keys import same_row
from mzlite.dataflow.rules.winners import Winners
from mzlite.planner.operators import OrderItem


class First(Winners):
    """The winners, one for each key, as rows of the input.

    Args:
        source: the input; unless it only grows, the hash of the keys finds its rows by an index.
        alias, keys, order: see `Winners`.
    """

    title = "First of each key"

    def __init__(
        self, number: int, owner: str, source: Rel, alias: str, keys: Sequence[str], order: Sequence[OrderItem]
    ) -> None:
        super().__init__(number, owner, source.columns, (), alias, keys, order)
        self.source = source

    @property
    def missed(self) -> str:
        """The temporary table of the keys whose winner left."""
        return f"pg_temp.k_{self.number}"

    def session_statements(self) -> list[str]:
        return [
            *super().session_statements(),
            f"create temporary table k_{self.number} (mz_key bigint primary key)",
        ]

    def passes_on(self) -> frozenset[int]:
        return self.source.changes_with()

    def session_tables(self) -> list[str]:
        return [*super().session_tables(), self.missed]

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
        best = self.best(f"select {own} from ({delta}) as d where d.mz_diff > 0")
        # Challengers first: one that beats a winner beats whatever that winner beat, also when the winner leaves.
        # One that comes and goes in the same tick may win here, and is then missed like any other winner.
        return [
            Step(f"delete from {self.challengers}", when=when),
            Step(self.challenge(f"select b.*, 1 as mz_place from ({best}) as b"), when=when),
            Step(self.contest(), when=when, counts="delta"),
            *self.admit(when),
            *(() if self.source.append_only else self.revise(delta)),
            Step(f"perform 1 from {self.removed_table}", when=(frozenset({self.number}),), counts="removed"),
        ]

    def revise(self, delta: str) -> list[Step]:
        """Where a winner left: the key's remaining rows decide anew."""
        own = names_of(self.columns)
        when = (self.source.changes_with(),)
        losers = (
            f"select s.mz_key from (select {own}, {self.key_hash('g')} as mz_key"
            f" from ({delta}) as g where g.mz_diff < 0) as g join {self.store} as s"
            f" on {self.has_key('s', 'g.mz_key')} and {same_row(self.columns, 's', 'g')}"
        )
        # The key goes into the relation, which may be a join: a condition outside of it would compute all of its rows.
        rows = (
            f"select i.* from {self.missed} as k cross join lateral (select {names_of(self.columns, self.alias)}"
            f" from ({sought(self.source)}) as {self.alias} where {self.has_key(self.alias, 'k.mz_key')} offset 0) as i"
        )
        return [
            Step(f"delete from {self.missed}", when=when),
            Step(f"insert into {self.missed} {losers} on conflict do nothing", when=when),
            Step(
                # A winner that stays the winner is left alone, so that it still counts as there before.
                f"with new as materialized ({self.best(rows)}), kept as materialized (select s.ctid as mz_id, n.*"
                f" from new as n join {self.store} as s on {self.has_key('s', 'n.mz_key')} and {same_row(self.columns, 's', 'n')}),"
                f" fresh as (select n.* from new as n where not exists"
                f" (select from kept as k where k.mz_key = n.mz_key and {same_row(self.keys, 'k', 'n')})),"
                f" gone as (delete from {self.store} as s using {self.missed} as k where {self.has_key('s', 'k.mz_key')}"
                f" and not exists (select from kept where kept.mz_id = s.ctid) returning {names_of(self.columns, 's')}, s.mz_tick),"
                f" {self.noted('gone')},"
                f" stored as (insert into {self.store} ({own}, mz_key, mz_tick) select n.*, {TICK} from fresh as n)"
                f" insert into {self.delta_table} ({own}, mz_diff)"
                f" select {own}, -1 from gone union all select {own}, 1 from fresh",
                when=when,
                counts="delta",
            ),
        ]

"""Per key: any function of all rows that share a key, recomputed for the touched keys only.

Reads the input's delta for the touched keys, and the input's state for all rows of these keys.
The result is compared with what is stored for them, so that only real differences go on. Covers
top-k, DISTINCT ON, window functions and aggregates that cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import TICK, Column, Mode, Rel, names_of, total
from mzlite.dataflow.rules.keys import hash_of, same_row
from mzlite.planner.expressions import quote


class PerKey(Node):
    """The stored result of a query over each key's rows.

    Args:
        columns: the output columns, the key columns among them.
        source: the input; its store is indexed by the hash of the keys.
        alias: under which the query and the keys refer to the input.
        keys: SQL of each key over the input.
        key_columns: the same keys' output columns.
        query: the SELECT, with `{input}` for the rows.
    """

    title = "Per key"

    def __init__(
        self,
        number: int,
        owner: str,
        columns: tuple[Column, ...],
        source: Rel,
        alias: str,
        keys: Sequence[str],
        key_columns: Sequence[str],
        query: str,
    ) -> None:
        super().__init__(number, owner, columns, False)
        self.source, self.alias = source, quote(alias)
        self.keys, self.key_columns, self.query = list(keys), list(key_columns), query

    def key_hash(self) -> str:
        """SQL of the hash of an input row's keys."""
        return hash_of(self.keys) if self.keys else "0::bigint"

    def output_hash(self, alias: str) -> str:
        """SQL of the same hash from an output row."""
        return hash_of([f"{alias}.{quote(name)}" for name in self.key_columns]) if self.keys else "0::bigint"

    def removed_query(self) -> str | None:
        # Equal rows are one row of the delta.
        return (
            f"select {names_of(self.columns, 't')} from {self.delta_table} as t, generate_series(1, -t.mz_diff)"
            " where t.mz_diff < 0"
        )

    def state_columns(self) -> Sequence[Column]:
        return [*super().state_columns(), Column("mz_key", "bigint not null")]

    def index_statements(self) -> list[str]:
        return [f"create index n_{self.number}_key on {self.store} (mz_key)"]

    def session_statements(self) -> list[str]:
        touched = f"create temporary table k_{self.number} (mz_key bigint primary key)"
        return [*super().session_statements(), touched]

    def passes_on(self) -> frozenset[int]:
        return self.source.changes_with()

    def session_tables(self) -> list[str]:
        return [*super().session_tables(), f"pg_temp.k_{self.number}"]

    def steps(self, mode: Mode) -> list[Step]:
        own = names_of(self.columns)
        delta = self.source.delta(mode)
        if mode is Mode.HYDRATE:
            result = self.query.replace("{input}", f"({self.source.state()})")
            head = f"insert into {self.delta_table} ({own}, mz_diff) select t.*, 1 from ({result}) as t"
            return [Step(head, counts="delta"), self.insertion(())]
        if delta is None:
            return []
        touched = f"pg_temp.k_{self.number}"
        when = (self.source.changes_with(),)
        rows = f"(select i.* from {touched} as k join ({self.indexed()}) as i on i.mz_key = k.mz_key)"
        # Without keys it is all rows; read as they are, an index may lead to those that count.
        result = self.query.replace("{input}", rows if self.keys else f"({self.source.state()})")
        if not self.keys:
            # An aggregate of everything has a row also where nothing was touched.
            result = f"select t.* from ({result}) as t where exists (select from {touched})"
        before = (
            f"select {names_of(self.columns, 's')} from {touched} as k join {self.store} as s on s.mz_key = k.mz_key"
        )
        changed = (frozenset({self.number}),)
        return [
            Step(f"delete from {touched}", when=when),
            Step(f"insert into {touched} select distinct {self.key_hash()} from ({delta}) as {self.alias}", when=when),
            Step(
                f"insert into {self.delta_table} ({own}, mz_diff) select {own}, {total('mz_diff')} from"
                f" (select t.*, 1 as mz_diff from ({result}) as t union all select t.*, -1 from ({before}) as t)"
                f" as b group by {own} having {total('mz_diff')} <> 0",
                when=when,
                counts="delta",
            ),
            Step(self.deletion(), when=changed),
            self.insertion(changed),
        ]

    def indexed(self) -> str:
        """The input's rows with the hash of their keys."""
        return f"select {self.alias}.*, {self.key_hash()} as mz_key from ({self.source.state()}) as {self.alias}"

    def insertion(self, when: tuple[frozenset[int], ...]) -> Step:
        """Adds the new rows."""
        own = names_of(self.columns)
        text = (
            f"insert into {self.store} ({own}, mz_tick, mz_key) select {names_of(self.columns, 't')}, {TICK}, {self.output_hash('t')}"
            f" from {self.delta_table} as t, generate_series(1, t.mz_diff)"
        )
        return Step(text, when=when)

    def deletion(self) -> str:
        """Takes the old rows out."""
        return (
            f"with gone as (select t.*, {self.output_hash('t')} as mz_key from {self.delta_table} as t where t.mz_diff < 0),"
            f" found as (select s.ctid as mz_id, gone.mz_diff, row_number() over (partition by s.mz_key, {names_of(self.columns, 's')})"
            f" as mz_rank from gone join {self.store} as s on s.mz_key = gone.mz_key and {same_row(self.columns, 's', 'gone')})"
            f" delete from {self.store} where ctid = any (array(select mz_id from found where mz_rank <= -mz_diff))"
        )

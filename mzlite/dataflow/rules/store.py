"""Store: keeps a relation's rows as a bag.

Reads the input's delta. A row that leaves is found by the hash of all its columns; append-only
inputs need neither hash nor search. Where somebody looks the rows up by the hash of some columns,
one index over both hashes serves both.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.indexes import hash_statement
from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import TICK, Column, Mode, Rel, into, names_of, total
from mzlite.dataflow.rules.keys import hash_of, row_hash, same_row
from mzlite.planner.expressions import quote


class Store(Node):
    """A table with the rows of a node, or of a choice of its columns."""

    title = "Store"

    def __init__(self, number: int, owner: str, source: Rel) -> None:
        super().__init__(number, owner, source.columns, source.append_only)
        self.source = source
        self.has_delta = False
        self.has_removed = not self.append_only

    def delta_query(self) -> str | None:
        return self.source.delta(Mode.TICK)

    def hydrated_query(self) -> str | None:
        return self.source.delta(Mode.HYDRATE)

    def changes_with(self) -> frozenset[int]:
        return self.source.changes_with()

    def state_columns(self) -> Sequence[Column]:
        return bag_columns(self.columns, self.append_only)

    def index_statements(self) -> list[str]:
        return bag_indexes(self)

    def shared_index(self, columns: Sequence[str]) -> str:
        """DDL of the index by which both are found: what others look up by the hash of these columns, and rows that leave."""
        return hash_statement(self.store, [quote(name) for name in columns], "mz_hash")

    def steps(self, mode: Mode) -> list[Step]:
        delta = self.source.delta(mode)
        if delta is None:
            return []
        return bag_steps(self, delta, mode, self.source.changes_with())


def bag_columns(columns: Sequence[Column], append_only: bool) -> list[Column]:
    """The columns of a bag's store."""
    extra = [Column("mz_tick", "bigint not null")]
    return [*columns, *extra] if append_only else [*columns, *extra, Column("mz_hash", "bigint not null")]


def bag_indexes(node: Node) -> list[str]:
    """The index by which a bag's rows are found again."""
    return [] if node.append_only else [row_index(node)]


def row_index(node: Node) -> str:
    """DDL of the index by the hash of all columns."""
    return f"create index n_{node.number}_hash on {node.store} (mz_hash)"


def insert_bag(node: Node, delta: str) -> list[str]:
    """Statements that add the positive rows of a delta to a bag, as many as their multiplicity says."""
    columns = [quote(column.name) for column in node.columns]
    values = [*(f"t.{name}" for name in columns), TICK]
    columns.append("mz_tick")
    if not node.append_only:
        columns.append("mz_hash")
        values.append(row_hash(node.columns, "t"))
    head = f"insert into {node.store} ({', '.join(columns)}) select {', '.join(values)} from ({delta}) as t"
    return [f"{head} where t.mz_diff > 0", f"{head}, generate_series(2, t.mz_diff) where t.mz_diff > 1"]


def delete_bag(node: Node, delta: str) -> str:
    """The statement that takes the negative rows of a delta out of a bag; rows that were there before the tick go to the removed table."""
    own = names_of(node.columns)
    lead = " = ".join(hash_of([f"{alias}.{quote(name)}" for name in node.found_by]) for alias in ("s", "gone"))
    return (
        f"with gone as (select row_number() over () as mz_n, g.* from (select {names_of(node.columns, 't')}"
        f"{', ' if own else ''}-{total('t.mz_diff')} as mz_count, {row_hash(node.columns, 't')} as mz_hash"
        f" from ({delta}) as t where t.mz_diff < 0 group by {names_of(node.columns, 't') or '()'}) as g),"
        f" found as (select s.ctid as mz_id, gone.mz_count, row_number() over (partition by gone.mz_n) as mz_rank"
        f" from gone join {node.store} as s on {f'{lead} and ' if node.found_by else ''}s.mz_hash = gone.mz_hash"
        f" and {same_row(node.columns, 's', 'gone')}),"
        f" taken as (delete from {node.store} where ctid = any (array(select mz_id from found where mz_rank <= mz_count))"
        f" returning {own}{', ' if own else ''}mz_tick)"
        f" insert into {into(node.removed_table, own)} select {own} from taken where mz_tick < {TICK}"
    )


def bag_steps(node: Node, delta: str, mode: Mode, when: frozenset[int]) -> list[Step]:
    """The statements that bring a bag up to date with a delta."""
    steps = [Step(sql, when=(when,)) for sql in insert_bag(node, delta)]
    if not node.append_only:
        steps.append(Step(delete_bag(node, delta), when=(when,), counts="removed"))
    return steps

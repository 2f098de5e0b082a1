"""Recompute: what can only be computed as a whole, such as the fixed point of a recursion.

Reads nothing but whether one of its inputs has changed; then the query runs over their present state, and the
difference to what is stored is the delta.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import Column, Mode, Rel, names_of, total
from mzlite.dataflow.rules.store import bag_columns, bag_indexes, bag_steps


class Recompute(Node):
    """The stored result of a query over whole relations.

    Args:
        sources: what the query reads.
        query: a SELECT of the columns.
    """

    title = "Recompute"

    def __init__(
        self, number: int, owner: str, columns: tuple[Column, ...], sources: Sequence[Rel], query: str
    ) -> None:
        super().__init__(number, owner, columns, False)
        self.sources, self.query = list(sources), query
        self.has_removed = True

    def state_columns(self) -> Sequence[Column]:
        return bag_columns(self.columns, self.append_only)

    def index_statements(self) -> list[str]:
        return bag_indexes(self)

    def steps(self, mode: Mode) -> list[Step]:
        own = names_of(self.columns)
        inputs = frozenset[int]().union(*(source.changes_with() for source in self.sources))
        if mode is Mode.TICK and not inputs:
            return []
        before = f" union all select {own}, -1 from {self.store}" if mode is Mode.TICK else ""
        compare = (
            f"insert into {self.delta_table} ({own}, mz_diff) select {own}, {total('mz_diff')} from"
            f" (select t.*, 1 as mz_diff from ({self.query}) as t{before}) as b group by {own} having {total('mz_diff')} <> 0"
        )
        delta = f"select {own}, mz_diff from {self.delta_table}"
        return [
            Step(compare, when=(inputs,), counts="delta"),
            *bag_steps(self, delta, mode, frozenset({self.number})),
        ]

"""Inner join of any number of inputs.

Reads, for each input, its delta against the state of those before it and the rows before the
tick (old and removed) of those after it: the sum over the inputs is exactly the change of the
join, and no pair is counted twice or has to be taken back. (The telescoped form of the product
rule, as in Gupta and Mumick, "Maintenance of Materialized Views", 1995.)
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import Column, Mode, Rel, names_of, total
from mzlite.planner.expressions import quote


@dataclass
class JoinInput:
    """One input under its alias."""

    alias: str
    rel: Rel


class Join(Node):
    """The change of an inner join; its state is the join of the states.

    Args:
        lookups: conditions that follow from `where` and lead to indexes.
    """

    title = "Join"

    def __init__(
        self,
        number: int,
        owner: str,
        columns: tuple[Column, ...],
        inputs: Sequence[JoinInput],
        outputs: Sequence[str],
        where: Sequence[str],
        tables: Sequence[str],
        lookups: Sequence[str] = (),
    ) -> None:
        super().__init__(number, owner, columns, all(item.rel.append_only for item in inputs))
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.where = list(where)
        self.lookups = list(lookups)
        self.tables = list(tables)
        self.has_store = False

    def query(self, froms: Sequence[str], diff: str | None, mode: Mode | None = None) -> str:
        """The join's SELECT with each input given as a SELECT; within a tick rows are looked up."""
        outputs = [f"{text} as {quote(column.name)}" for text, column in zip(self.outputs, self.columns, strict=True)]
        if diff is not None:
            outputs.append(f"{diff} as mz_diff")
        items = [f"({text}) as {quote(item.alias)}" for text, item in zip(froms, self.inputs, strict=True)]
        text = f"select {', '.join(outputs)} from {', '.join(items)}{''.join(self.tables)}"
        return text + self.conditions(mode)

    def conditions(self, mode: Mode | None) -> str:
        """The WHERE clause."""
        parts = [*self.where, *(self.lookups if mode is Mode.TICK else ())]
        return " where " + " and ".join(f"({part})" for part in parts) if parts else ""

    def state_query(self) -> str:
        return self.query([item.rel.state() for item in self.inputs], None)

    def old_query(self) -> str | None:
        olds = [item.rel.old(Mode.TICK) for item in self.inputs]
        if any(old is None for old in olds):
            return None
        return self.query([old for old in olds if old is not None], None, Mode.TICK)

    def removed_query(self) -> str | None:
        raise NotImplementedError("a join's rows are stored before they are joined again")

    def stored(self, name: str) -> tuple[str, str] | None:
        return None

    def shrinks_with(self) -> frozenset[int]:
        return frozenset().union(*(item.rel.shrinks_with() for item in self.inputs))

    def steps(self, mode: Mode) -> list[Step]:
        steps = []
        for position in range(len(self.inputs)):
            steps += self.steps_for(position, mode)
        return steps

    def steps_for(self, position: int, mode: Mode) -> list[Step]:
        """The statements for the change of one input."""
        own = self.inputs[position].rel
        return [
            Step(
                self.into_delta(self.query(froms, f"{quote(self.inputs[position].alias)}.mz_diff", mode)),
                when=(own.changes_with(),),
                when_removed=removals,
                counts="delta",
                hash_join=bool(removals),
            )
            for froms, removals in self.parts(position, mode)
        ]

    def parts(self, position: int, mode: Mode) -> list[tuple[list[str], tuple[frozenset[int], ...]]]:
        """What is joined for the change of one input: a SELECT for each input, and the nodes whose removed rows are read."""
        delta = self.inputs[position].rel.delta(mode)
        if delta is None:
            return []
        after = [item.rel.state() for item in self.inputs[:position]]
        before: list[list[tuple[str, frozenset[int] | None]]] = []
        for item in self.inputs[position + 1 :]:
            ways: list[tuple[str, frozenset[int] | None]] = []
            old, removed = item.rel.old(mode), item.rel.removed(mode)
            if old is not None:
                ways.append((old, None))
            if removed is not None:
                ways.append((removed, item.rel.shrinks_with()))
            before.append(ways)
        return [
            (
                [*after, delta, *(query for query, _ in combination)],
                tuple(nodes for _, nodes in combination if nodes is not None),
            )
            for combination in itertools.product(*before)
        ]

    def into_delta(self, query: str) -> str:
        """The statement that writes a SELECT of the columns and mz_diff down."""
        return f"insert into {self.delta_table} ({names_of(self.columns)}{', ' if self.columns else ''}mz_diff) {query}"

    def careful_steps(self) -> list[Step]:
        """A new row of one side is joined with rows of the other that left in the same tick, once with each sign.

        Here such pairs cancel as pairs, before any column is computed from them.
        """
        named = [
            (f"mz_{place}_{column.name}", f"{quote(item.alias)}.{quote(column.name)}", item.alias, column.name)
            for place, item in enumerate(self.inputs)
            for column in item.rel.columns
        ]
        # What a table function yields for a pair is not part of the pair.
        if self.append_only or self.tables or not named:
            return super().careful_steps()
        pairs = [
            f"select {', '.join(f'{text} as {quote(name)}' for name, text, _, _ in named)}, {quote(item.alias)}.mz_diff"
            f" from {', '.join(f'({text}) as {quote(other.alias)}' for text, other in zip(froms, self.inputs, strict=True))}"
            + self.conditions(Mode.TICK)
            for position, item in enumerate(self.inputs)
            for froms, _ in self.parts(position, Mode.TICK)
        ]
        if not pairs:
            return []
        names = ", ".join(quote(name) for name, _, _, _ in named)
        net = (
            f"select {names}, {total('mz_diff')} as mz_diff from ({' union all '.join(pairs)}) as mz_p"
            f" group by {names} having {total('mz_diff')} <> 0 offset 0"
        )
        sides = [
            ", ".join(
                f"mz_n.{quote(name)} as {quote(column)}" for name, _, alias, column in named if alias == item.alias
            )
            for item in self.inputs
        ]
        laterals = [
            f"lateral (select {columns}) as {quote(item.alias)}"
            for columns, item in zip(sides, self.inputs, strict=True)
        ]
        outputs = [f"{text} as {quote(column.name)}" for text, column in zip(self.outputs, self.columns, strict=True)]
        text = f"select {', '.join([*outputs, 'mz_n.mz_diff'])} from ({net}) as mz_n, {', '.join(laterals)}"
        changed = frozenset().union(*(item.rel.changes_with() for item in self.inputs))
        return [Step(self.into_delta(text), when=(changed,), counts="delta", hash_join=True)]

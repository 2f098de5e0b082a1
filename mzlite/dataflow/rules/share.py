"""Share: writes a relation's delta down once, for several readers.

Reads the input's delta. Keeps no rows: its state is the input's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import Column, Mode, NodeRel, Rel, names_of


@dataclass
class Share(Node):
    """A delta table over any relation."""

    source: Rel
    columns: tuple[Column, ...] = field(init=False)
    append_only: bool = field(init=False)

    title = "Share"

    def __init__(self, number: int, owner: str, source: Rel) -> None:
        super().__init__(number, owner, source.columns, source.append_only)
        self.source = source
        self.has_store = False

    @property
    def computes(self) -> bool:
        """Whether reading the input computes columns."""
        return not isinstance(self.source, NodeRel) and any(self.source.stored(c.name) is None for c in self.columns)

    def state_query(self) -> str:
        # The fence keeps PostgreSQL from computing a column again at each of its uses further up.
        return f"{self.source.state()} offset 0" if self.computes else self.source.state()

    def old_query(self) -> str | None:
        return self.source.old(Mode.TICK)

    def removed_query(self) -> str | None:
        return self.source.removed(Mode.TICK)

    def shrinks_with(self) -> frozenset[int]:
        return self.source.shrinks_with()

    def stored(self, name: str) -> tuple[str, str] | None:
        return None if self.computes else self.source.stored(name)

    def steps(self, mode: Mode) -> list[Step]:
        delta = self.source.delta(mode)
        if delta is None:
            return []
        sql = f"insert into {self.delta_table} ({names_of(self.columns)}, mz_diff) select * from ({delta}) as t"
        return [Step(sql, when=(self.source.changes_with(),), counts="delta")]

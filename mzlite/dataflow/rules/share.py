"""Share: writes a relation's delta down once, for several readers.

Reads the input's delta. Keeps no rows: its state is the input's. Over a source, where each message
counts for itself, it can be computed ahead of the tick.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import NOW, TICK, Column, MapRel, Mode, NodeRel, Rel, UnionRel, names_of
from mzlite.dataflow.rules.base import Base


@dataclass
class Share(Node):
    """A delta table over any relation."""

    source: Rel
    columns: tuple[Column, ...] = field(init=False)
    append_only: bool = field(init=False)
    ahead: bool = field(init=False)
    """Whether its changes follow from messages alone, one by one: not from the clock, and not from what is stored."""

    title = "Share"

    def __init__(self, number: int, owner: str, source: Rel) -> None:
        super().__init__(number, owner, source.columns, source.append_only)
        self.source = source
        self.has_store = False
        delta = source.delta(Mode.TICK) or NOW
        self.ahead = is_of_messages(source) and NOW not in delta and TICK not in delta

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
        return [Step(sql, when=(self.source.changes_with(),), counts="delta", ahead=self.ahead)]


def is_of_messages(rel: Rel) -> bool:
    """Whether a relation is computed row by row from what append-only sources receive."""
    match rel:
        case NodeRel():
            node = rel.node
            return node.ahead if isinstance(node, Share) else isinstance(node, Base) and node.append_only
        case MapRel():
            return is_of_messages(rel.source)
        case UnionRel():
            return all(is_of_messages(source) for source in rel.sources)
    return False

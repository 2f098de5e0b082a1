"""Base collections: tables and sources, whose changes come from outside.

A source only grows: the engine copies a batch into the delta table, or into the store where nobody
reads the delta. A table takes the rows that clients wrote into its inbox.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import Column, Mode, names_of
from mzlite.dataflow.rules.store import bag_columns, bag_indexes, bag_steps

TICK_SETTING = "mzlite.tick"
"""The parameter of the engine's session that has the tick's number."""

_DIFF = Column("mz_diff", "bigint")


class Base(Node):
    """The store of a source or table."""

    title = "Base"

    def __init__(self, number: int, owner: str, columns: tuple[Column, ...], *, append_only: bool) -> None:
        super().__init__(number, owner, columns, append_only)
        self.has_removed = not append_only

    @property
    def inbox(self) -> str:
        """Where writes of clients wait for a tick."""
        return f"mzlite_inbox.i_{self.number}"

    @property
    def staging_table(self) -> str:
        """Where the engine copies the messages of a source to."""
        return self.delta_table

    def state_columns(self) -> Sequence[Column]:
        return bag_columns(self.columns, self.append_only)

    def session_statements(self) -> list[str]:
        statements = super().session_statements()
        if self.append_only:
            # For rows that are copied into the store.
            default = f"alter column mz_tick set default current_setting('{TICK_SETTING}')::bigint"
            statements.append(f"alter table {self.store} {default}")
        return statements

    def index_statements(self) -> list[str]:
        return bag_indexes(self)

    def steps(self, mode: Mode) -> list[Step]:
        if mode is Mode.HYDRATE:
            return []
        delta = f"select {names_of((*self.columns, _DIFF))} from {self.delta_table}"
        return bag_steps(self, delta, mode, frozenset({self.number}))

    def collect_inbox(self) -> str:
        """Moves what clients wrote into the delta table."""
        own = names_of((*self.columns, _DIFF))
        return (
            f"with taken as (delete from {self.inbox} returning {own})"
            f" insert into {self.delta_table} ({own}) select {own} from taken"
        )

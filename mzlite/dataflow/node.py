"""Nodes: the places in a dataflow that keep rows, or write their changes down.

In: what a rule module says of itself. Out: the node's tables, the SELECTs over them, and the
statements that a tick runs for it, in order. A node's number gives its tables their names:
`d_7` (this tick's changes; temporary), `x_7` (rows removed by this tick; temporary) and
`mzlite_data.n_7` (its store).
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from mzlite.dataflow.rel import TICK, Column, Mode, names_of, total
from mzlite.planner.expressions import quote


@dataclass(frozen=True)
class Step:
    """One statement of a tick.

    Attributes:
        sql: its text; `{now}` and `{tick}` stand for the timestamp and the tick's number.
        when: sets of node numbers; it runs only if each set has a node that changed (an empty list: always).
        when_removed: the same for nodes that lost rows.
        unless_removed: it does not run if one of these has a node that may have lost rows.
        counts: "delta" or "removed" if the rows that it affects are this node's changes or removals.
        hash_join: it joins two deltas, so hash joins may be planned for it.
        ahead: it does not run in a tick for whose messages it has run ahead of it.
    """

    sql: str
    when: tuple[frozenset[int], ...] = ()
    when_removed: tuple[frozenset[int], ...] = ()
    unless_removed: tuple[frozenset[int], ...] = ()
    counts: str | None = None
    hash_join: bool = False
    ahead: bool = False


@dataclass
class Node:
    """A node of a dataflow. Rule modules subclass it.

    Attributes:
        number: unique in the database, ascending in dependency order.
        owner: id of the object it belongs to.
        columns: of its output.
        append_only: no row ever leaves.
    """

    number: int
    owner: str
    columns: tuple[Column, ...]
    append_only: bool
    indexes: list[str] = field(default_factory=list, init=False)
    has_delta: bool = field(default=True, init=False)
    has_store: bool = field(default=True, init=False)
    has_removed: bool = field(default=False, init=False)

    title = "Node"
    found_by: tuple[str, ...] = field(default=(), init=False, compare=False)
    """Columns of the store by whose hash, together with `mz_hash`, rows that leave are found; none: by `mz_hash` alone."""

    @property
    def store(self) -> str:
        """The qualified name of its store."""
        return f"mzlite_data.n_{self.number}"

    @property
    def delta_table(self) -> str:
        """The temporary table of this tick's changes."""
        return f"pg_temp.d_{self.number}"

    @property
    def removed_table(self) -> str:
        """The temporary table of the rows that this tick removed."""
        return f"pg_temp.x_{self.number}"

    # How others read it --------------------------------------------------------

    def delta_query(self) -> str | None:
        """SELECT of the columns and mz_diff."""
        own = names_of(self.columns)
        return f"select {own}{', ' if own else ''}mz_diff from {self.delta_table}"

    def hydrated_query(self) -> str | None:
        """The same while its object is filled for the first time."""
        return self.delta_query()

    def state_query(self) -> str:
        """SELECT of all rows after the tick."""
        return f"select {names_of(self.columns)} from {self.store}"

    def sought_query(self) -> str:
        """The same, with what leads a tick's look-ups to indexes."""
        return self.state_query()

    def old_query(self) -> str | None:
        """SELECT of the rows of the state that were there before the tick."""
        return f"{self.state_query()} where mz_tick < {TICK}"

    def removed_query(self) -> str | None:
        """SELECT of the rows that this tick took away; by default the negative part of the delta, which must then be consolidated."""
        if self.append_only:
            return None
        if self.has_removed:
            return f"select {names_of(self.columns)} from {self.removed_table}"
        return f"select {names_of(self.columns)} from {self.delta_table} where mz_diff < 0"

    def changes_with(self) -> frozenset[int]:
        """The nodes whose delta decides whether this one's has rows."""
        return frozenset({self.number})

    def shrinks_with(self) -> frozenset[int]:
        """The nodes whose removed rows decide whether this one has any."""
        return frozenset() if self.append_only else frozenset({self.number})

    def stored(self, name: str) -> tuple[str, str] | None:
        """(store, column) of an output column that can be indexed."""
        return (self.store, name) if self.has_store else None

    def extra_counters(self) -> bool:
        """Whether removed rows are counted apart (else a delta counts as a possible removal)."""
        return self.has_removed

    # What it needs ---------------------------------------------------------------

    def state_columns(self) -> Sequence[Column]:
        """The columns of the store."""
        return (*self.columns, Column("mz_tick", "bigint not null"))

    def store_statements(self) -> list[str]:
        """DDL of the store, and of the indexes by which it is filled."""
        if not self.has_store:
            return []
        columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self.state_columns())
        return [f"create table {self.store} ({columns})"]

    def adopt(self, stored: AbstractSet[str]) -> None:
        """Goes on as the version did that made the store, which has these columns; where that is not possible, nothing."""

    def index_statements(self) -> list[str]:
        """DDL of the indexes that ticks need; made when the store is filled, which is cheaper than to fill them row by row."""
        return []

    def replaced_indexes(self) -> dict[str, str]:
        """The names of indexes that earlier versions made, each with the DDL of the one that stands in its place."""
        return {}

    def session_statements(self) -> list[str]:
        """DDL of the temporary tables, run in each session of the engine."""
        statements = [self.delta_statement()] if self.has_delta else []
        if self.has_removed:
            columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self.columns)
            statements.append(f"create temporary table x_{self.number} ({columns})")
        return statements

    def delta_statement(self) -> str:
        """DDL of the temporary table of changes."""
        columns = "".join(f"{quote(column.name)} {column.type}, " for column in self.columns)
        return f"create temporary table d_{self.number} ({columns}mz_diff bigint not null default 1)"

    def session_tables(self) -> list[str]:
        """The temporary tables that hold this tick's rows."""
        tables = [self.delta_table] if self.has_delta else []
        return [*tables, self.removed_table] if self.has_removed else tables

    def passes_on(self) -> frozenset[int]:
        """The nodes whose changed rows go through temporary tables of its own, beside those of its own changes."""
        return frozenset()

    def drop_statements(self) -> list[str]:
        """DDL that removes all of it."""
        stores = [f"drop table if exists {self.store}"] if self.has_store else []
        return [*stores, *(f"drop table if exists {table}" for table in self.session_tables())]

    def reset_statements(self) -> list[str]:
        """Statements that empty what it keeps, before it is filled anew."""
        stores = [f"truncate {self.store}"] if self.has_store else []
        return [*stores, *(f"truncate {table}" for table in self.session_tables())]

    def steps(self, mode: Mode) -> list[Step]:
        """The statements of a tick, or of hydration."""
        raise NotImplementedError

    def consolidate(self) -> str:
        """The statement that leaves of equal rows in the delta only what does not cancel."""
        own = names_of(self.columns)
        comma = ", " if own else ""
        return (
            f"with taken as (delete from {self.delta_table} returning {own}{comma}mz_diff)"
            f" insert into {self.delta_table} ({own}{comma}mz_diff) select {own}{comma}{total('mz_diff')} from taken"
            f" group by {own or '()'} having {total('mz_diff')} <> 0"
        )

    def careful_steps(self) -> list[Step]:
        """The statements of a tick that compute nothing from rows which cancel; dearer than `steps`."""
        steps = self.steps(Mode.TICK)
        if steps and self.has_delta and not self.append_only:
            steps.append(Step(self.consolidate(), when=(frozenset({self.number}),)))
        return steps

    def due_query(self) -> str | None:
        """SELECT of the next moment at which the clock alone changes it (ms, or null)."""
        return None

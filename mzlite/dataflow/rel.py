"""Readable relations: how a rule reads the rows of what is below it, before, after and through a tick.

In: stores and delta tables of nodes. Out: SELECT statements as text. Every relation can be
read four ways:

* `delta`: what this tick changes, with the multiplicity `mz_diff` (+n inserted, -n deleted);
* `state`: all rows, after the tick;
* `old`: those of `state` that were there before the tick;
* `removed`: the rows that were there before and are no longer.

So the rows before the tick are `old` and `removed` together. None stands for "never any".
In `Mode.HYDRATE` a relation outside the object under construction counts as if all its rows
arrived in this tick.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mzlite.planner.expressions import quote

if TYPE_CHECKING:
    from mzlite.dataflow.node import Node


class Mode(enum.Enum):
    """Which statements are made: those of an ordinary tick, or those that fill a new object."""

    TICK = "tick"
    HYDRATE = "hydrate"


NOW = "{now}"
"""Stands for the tick's timestamp (ms) in a statement's text: what mz_now() is compared with."""
TICK = "{tick}"
"""Stands for the tick's number: rows carry it as `mz_tick`, and a tick knows by it what is its own."""


@dataclass(frozen=True)
class Column:
    """A column of a relation: its name and PostgreSQL type, for example ("amount", "numeric(10,2)")."""

    name: str
    type: str


def total(times: str) -> str:
    """SQL of a sum of multiplicities; that of PostgreSQL's own sum() is a numeric, which takes several times as long."""
    return f"mzlite.total({times})"


def names_of(columns: Sequence[Column], alias: str | None = None) -> str:
    """The columns as a select list."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + quote(column.name) for column in columns)


def into(table: str, own: str) -> str:
    """What follows INSERT INTO: a table and the columns, if there are any."""
    return f"{table} ({own})" if own else table


class Rel:
    """A relation that rules can read. See the module's text for the four ways."""

    columns: tuple[Column, ...]
    append_only: bool

    def delta(self, mode: Mode) -> str | None:
        """SELECT of the columns and `mz_diff`; None when it never changes after hydration."""
        raise NotImplementedError

    def state(self) -> str:
        """SELECT of the columns."""
        raise NotImplementedError

    def old(self, mode: Mode) -> str | None:
        """SELECT of the columns."""
        raise NotImplementedError

    def removed(self, mode: Mode) -> str | None:
        """SELECT of the columns."""
        raise NotImplementedError

    def changes_with(self) -> frozenset[int]:
        """Numbers of the nodes without whose delta this one is empty."""
        raise NotImplementedError

    def shrinks_with(self) -> frozenset[int]:
        """Numbers of the nodes without whose removed rows there are none here."""
        raise NotImplementedError

    def stored(self, name: str) -> tuple[str, str] | None:
        """(store, column) when the column is a plain column of one stored table that all columns come from."""
        return None

    def type_of(self, name: str) -> str:
        """The PostgreSQL type of a column."""
        return next(column.type for column in self.columns if column.name == name)


@dataclass
class NodeRel(Rel):
    """The rows of a node. `foreign` says that it belongs to another object than the one being built."""

    node: Node
    foreign: bool
    columns: tuple[Column, ...] = field(init=False)
    append_only: bool = field(init=False)

    def __post_init__(self) -> None:
        self.columns = self.node.columns
        self.append_only = self.node.append_only

    def delta(self, mode: Mode) -> str | None:
        if mode is Mode.HYDRATE and self.foreign:
            own = names_of(self.columns)
            return f"select {own}{', ' if own else ''}1::bigint as mz_diff from ({self.state()}) as s"
        return self.node.delta_query() if mode is Mode.TICK else self.node.hydrated_query()

    def state(self) -> str:
        return self.node.state_query()

    def old(self, mode: Mode) -> str | None:
        return None if mode is Mode.HYDRATE else self.node.old_query()

    def removed(self, mode: Mode) -> str | None:
        return None if mode is Mode.HYDRATE else self.node.removed_query()

    def changes_with(self) -> frozenset[int]:
        return self.node.changes_with()

    def shrinks_with(self) -> frozenset[int]:
        return self.node.shrinks_with()

    def stored(self, name: str) -> tuple[str, str] | None:
        return self.node.stored(name)


@dataclass
class MapRel(Rel):
    """A filter, projection and flat map over one relation, evaluated wherever it is read.

    Attributes:
        outputs: SQL text of each column, reading `alias`.
        plain: for outputs that are bare columns of the input, which one.
        tables: FROM items (`, lateral f(..) as x`) evaluated for each row.
    """

    source: Rel
    alias: str
    columns: tuple[Column, ...]
    outputs: tuple[str, ...]
    plain: tuple[str | None, ...]
    where: tuple[str, ...]
    tables: tuple[str, ...] = ()
    append_only: bool = field(init=False)

    def __post_init__(self) -> None:
        self.append_only = self.source.append_only

    def over(self, query: str | None, *, diff: bool = False) -> str | None:
        """This relation's query with the input given as a SELECT."""
        if query is None:
            return None
        outputs = [f"{text} as {quote(column.name)}" for text, column in zip(self.outputs, self.columns, strict=True)]
        if diff:
            outputs.append(f"{quote(self.alias)}.mz_diff")
        text = f"select {', '.join(outputs)} from ({query}) as {quote(self.alias)}"
        text += "".join(self.tables)
        if self.where:
            text += " where " + " and ".join(f"({part})" for part in self.where)
        return text

    def delta(self, mode: Mode) -> str | None:
        return self.over(self.source.delta(mode), diff=True)

    def state(self) -> str:
        return self.over(self.source.state()) or ""

    def old(self, mode: Mode) -> str | None:
        return self.over(self.source.old(mode))

    def removed(self, mode: Mode) -> str | None:
        return self.over(self.source.removed(mode))

    def changes_with(self) -> frozenset[int]:
        return self.source.changes_with()

    def shrinks_with(self) -> frozenset[int]:
        return self.source.shrinks_with()

    def stored(self, name: str) -> tuple[str, str] | None:
        if self.tables:
            return None
        for column, plain in zip(self.columns, self.plain, strict=True):
            if column.name == name and plain is not None:
                return self.source.stored(plain)
        return None


@dataclass
class UnionRel(Rel):
    """UNION ALL of relations with the same columns."""

    sources: tuple[Rel, ...]
    columns: tuple[Column, ...]
    append_only: bool = field(init=False)

    def __post_init__(self) -> None:
        self.append_only = all(source.append_only for source in self.sources)

    def both(self, queries: list[str | None], *, diff: bool = False) -> str | None:
        """The queries that exist, united under this relation's column names."""
        found = []
        for source, query in zip(self.sources, queries, strict=True):
            if query is not None:
                pairs = zip(source.columns, self.columns, strict=True)
                outputs = [f"{quote(own.name)}::{column.type} as {quote(column.name)}" for own, column in pairs]
                if diff:
                    outputs.append("mz_diff")
                found.append(f"select {', '.join(outputs)} from ({query}) as u")
        return " union all ".join(found) or None

    def delta(self, mode: Mode) -> str | None:
        return self.both([source.delta(mode) for source in self.sources], diff=True)

    def state(self) -> str:
        return self.both([source.state() for source in self.sources]) or ""

    def old(self, mode: Mode) -> str | None:
        return self.both([source.old(mode) for source in self.sources])

    def removed(self, mode: Mode) -> str | None:
        return self.both([source.removed(mode) for source in self.sources])

    def changes_with(self) -> frozenset[int]:
        return frozenset().union(*(source.changes_with() for source in self.sources))

    def shrinks_with(self) -> frozenset[int]:
        return frozenset().union(*(source.shrinks_with() for source in self.sources))


@dataclass
class ConstantRel(Rel):
    """Rows that never change: they arrive at hydration."""

    query: str
    columns: tuple[Column, ...]
    append_only: bool = True

    def delta(self, mode: Mode) -> str | None:
        if mode is Mode.TICK:
            return None
        own = names_of(self.columns)
        return f"select {own}{', ' if own else ''}1::bigint as mz_diff from ({self.query}) as k"

    def state(self) -> str:
        return f"select {names_of(self.columns)} from ({self.query}) as k"

    def old(self, mode: Mode) -> str | None:
        return None if mode is Mode.HYDRATE else self.state()

    def removed(self, mode: Mode) -> str | None:
        return None

    def changes_with(self) -> frozenset[int]:
        return frozenset()

    def shrinks_with(self) -> frozenset[int]:
        return frozenset()


def is_plain(rel: Rel) -> bool:
    """A choice of columns of one node: reading it again costs nothing more."""
    return (
        isinstance(rel, MapRel)
        and isinstance(rel.source, NodeRel)
        and None not in rel.plain
        and not rel.tables
        and not rel.where
    )


def is_stored(rel: Rel) -> bool:
    """Whether reading the relation reads one stored table, without computing columns."""
    return bool(rel.columns) and all(rel.stored(column.name) is not None for column in rel.columns)


def sought(rel: Rel) -> str:
    """SELECT of all rows, of which a statement of a tick looks few up by index."""
    if isinstance(rel, MapRel):
        return rel.over(sought(rel.source)) or ""
    return rel.node.sought_query() if isinstance(rel, NodeRel) else rel.state()


def node_of(rel: Rel) -> Node | None:
    """The node whose rows a relation has, all or a choice of their columns."""
    if is_plain(rel):
        rel = rel.source  # type: ignore[attr-defined]
    return rel.node if isinstance(rel, NodeRel) else None

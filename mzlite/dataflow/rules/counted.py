"""Counted sets: distinct rows with how often each occurs on each side.

Reads the deltas of one or two inputs. One row of the store stands for all equal rows; its counts
decide how often the row is in the result: DISTINCT, UNION, EXCEPT and INTERSECT, with and
without ALL. A count that passes a boundary makes the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import TICK, Column, Mode, Rel, UnionRel, names_of, total
from mzlite.dataflow.rules.keys import hash_of, signs
from mzlite.planner.expressions import quote

RESULTS = {
    "distinct": "({0}mz_left > 0)::int",
    "union": "({0}mz_left + {0}mz_right > 0)::int",
    "except": "({0}mz_left > 0 and {0}mz_right <= 0)::int",
    "except all": "greatest({0}mz_left - greatest({0}mz_right, 0), 0)",
    "intersect": "({0}mz_left > 0 and {0}mz_right > 0)::int",
    "intersect all": "greatest(least({0}mz_left, {0}mz_right), 0)",
}
"""How often a row is in the result, from its counts; `{0}` is the prefix of the counts."""
INDEXED_CHARACTERS = 600
"""Of a text that is ordered by index, which takes 2,704 bytes; a character has up to four."""


class Counted(Node):
    """A set operation over one or two inputs with the same columns."""

    title = "Set operation"

    def __init__(self, number: int, owner: str, kind: str, columns: tuple[Column, ...], sources: Sequence[Rel]) -> None:
        growing = all(source.append_only for source in sources) and kind in ("distinct", "union", "intersect")
        super().__init__(number, owner, columns, growing)
        self.kind, self.sources = kind, list(sources)
        self.signs = signs(columns)

    def adopt(self, stored: AbstractSet[str]) -> None:
        if "mz_key2" in stored:
            # Made by an earlier version, which took rows for equal that differ in the signs of numbers alone.
            self.signs = []

    @property
    def second(self) -> str:
        """The column of the second hash, in which rows differ that differ in the signs of numbers alone."""
        return "mz_signed_key" if self.signs else "mz_key2"

    @property
    def many(self) -> bool:
        """Whether a row can be in the result more than once."""
        return self.kind.endswith("all")

    def result(self, prefix: str = "") -> str:
        """SQL of the multiplicity in the result."""
        return RESULTS[self.kind].format(prefix)

    def state_columns(self) -> Sequence[Column]:
        counts = [Column(name, "bigint not null default 0") for name in ("mz_left", "mz_right")]
        keys = [Column(name, "bigint not null") for name in ("mz_key", self.second)]
        return [*(self.columns if self.own_stored else ()), *counts, *keys, Column("mz_tick", "bigint not null")]

    def index_statements(self) -> list[str]:
        # Two independent hashes stand for the row: wide rows do not fit into an index.
        return [f"create unique index n_{self.number}_row on {self.store} (mz_key, {self.second})"]

    def state_query(self) -> str:
        copies = f", generate_series(1, {self.result('s.')})" if self.many else ""
        return f"select {names_of(self.columns, 's')} from {self.store} as s{copies} where {self.result('s.')} > 0"

    def old_query(self) -> str | None:
        raise NotImplementedError("a counted set is stored as a bag before it is joined")

    def removed_query(self) -> str | None:
        raise NotImplementedError("a counted set is stored as a bag before it is joined")

    def stored(self, name: str) -> tuple[str, str] | None:
        return None

    def steps(self, mode: Mode) -> list[Step]:
        parts = []
        for position, source in enumerate(self.sources):
            typed = UnionRel((source,), self.columns)
            delta = typed.delta(mode)
            if delta is not None:
                counts = ("mz_diff", "0") if position == 0 else ("0", "mz_diff")
                parts.append(
                    f"select {names_of(self.columns)}, {counts[0]} as mz_l, {counts[1]} as mz_r from ({delta}) as t"
                )
        if not parts:
            return []
        when = (frozenset().union(*(source.changes_with() for source in self.sources)),)
        changes = " union all ".join(parts)
        text = self.insertion(changes) if mode is Mode.HYDRATE else self.upsert(changes)
        return [Step(text, when=when, counts="delta")]

    @property
    def own_stored(self) -> bool:
        """Whether the store has the rows' columns, and not their hashes alone."""
        return True

    def counted(self, changes: str) -> str:
        """SELECT of each row of the changes once, with its two hashes and the sums for its counts."""
        own = names_of(self.columns)
        names = [quote(column.name) for column in self.columns]
        first, second = hash_of(names), hash_of([*names, *self.signs], 1)
        hashes = f"{first} as mz_k, {second} as mz_k2"
        left, right = total("mz_l"), total("mz_r")
        return (
            f"select {own}, {hashes}, {left} as mz_left, {right} as mz_right from ({changes}) as c"
            f" group by {own} having {left} <> 0 or {right} <> 0"
        )

    def insertion(self, rows: str) -> str:
        """Fills an empty store."""
        own = names_of(self.columns)
        stored = f"{own}, " if self.own_stored else ""
        return (
            f"with d as materialized ({self.counted(rows)}),"
            f" stored as (insert into {self.store} ({stored}mz_left, mz_right, mz_key, {self.second}, mz_tick)"
            f" select {stored}mz_left, mz_right, mz_k, mz_k2, {TICK} from d)"
            f" insert into {self.delta_table} ({own}, mz_diff) select {own}, {self.result()} from d where {self.result()} <> 0"
        )

    def upsert(self, changes: str) -> str:
        """Adds the changes to the counts and writes down what that does to the result; rows that no longer occur anywhere leave."""
        own = names_of(self.columns)
        gone = "s.mz_left + d.mz_left = 0 and s.mz_right + d.mz_right = 0"
        old, new = self.result("o_"), self.result("n_")
        stored, given, told = "", "", names_of(self.columns, "d")
        if self.own_stored:
            stored, given = f"{own}, ", f"{names_of(self.columns, 'd')}, "
            # A row goes as it came: of values that are equal, others may print differently.
            told = ", ".join(
                f"case when merge_action() = 'DELETE' then old.{name} else new.{name} end as {name}"
                for name in (quote(column.name) for column in self.columns)
            )
        counts = [
            f"coalesce({version}.{name}, 0) as {prefix}_{name}"
            for version, prefix in (("old", "o"), ("new", "n"))
            for name in ("mz_left", "mz_right")
        ]
        # MERGE instead of ON CONFLICT: nobody else writes here, and a new row needs no speculative insertion.
        return (
            f"with u as (merge into {self.store} as s using ({self.counted(changes)}) as d"
            f" on s.mz_key = d.mz_k and s.{self.second} = d.mz_k2"
            f" when matched and {gone} then delete"
            f" when matched then update set mz_left = s.mz_left + d.mz_left, mz_right = s.mz_right + d.mz_right, mz_tick = {TICK}"
            f" when not matched then insert ({stored}mz_left, mz_right, mz_key, {self.second}, mz_tick)"
            f" values ({given}d.mz_left, d.mz_right, d.mz_k, d.mz_k2, {TICK})"
            f" returning {told}, {', '.join(counts)})"
            f" insert into {self.delta_table} ({own}, mz_diff)"
            f" select {own}, {new} - {old} from u where {new} <> {old}"
        )


class Values(Counted):
    """The distinct values per group, for DISTINCT aggregates, MIN and MAX.

    The columns are the group's keys, then the values: one for a DISTINCT aggregate, and for MIN and MAX all of them side
    by side, so that a change is written once however many of them there are. An index in the order of keys and value
    finds a group's smallest and largest. Where nobody asks for those, the store holds the hashes and counts alone.

    Args:
        columns: the keys, then the values.
        keys: how many of the columns are keys.
    """

    title = "Values per group"

    def __init__(
        self, number: int, owner: str, columns: tuple[Column, ...], keys: int, source: Rel, *, with_extremes: bool
    ) -> None:
        super().__init__(number, owner, "distinct", columns, (source,))
        self.keys, self.values = columns[:keys], columns[keys:]
        self.with_extremes = with_extremes

    @property
    def own_stored(self) -> bool:
        return self.with_extremes

    def state_query(self) -> str:
        raise NotImplementedError("the values of a group are read by its aggregate alone")

    def extreme(self, column: str, keys: Sequence[str], *, largest: bool) -> str:
        """A subquery for the extreme value in a column, of the group whose keys the given SQL expressions have."""
        value = quote(column)
        # A global aggregate's constant key is not among the columns.
        keys = keys[: len(self.keys)]
        conditions = ["v.mz_left > 0", f"v.{value} is not null"]
        for key, expression in zip(self.keys, keys, strict=True):
            conditions.append(f"v.{quote(key.name)} is not distinct from {expression}")
        # The hash of the keys leads to the group by index also where a key is null.
        group = [f"v.{quote(key.name)}" for key in self.keys]
        direction = " desc" if largest else ""
        order = [f"{item}{direction}" for item in (*ordered(column, self.type_of(column), "v."), f"v.{value}")]
        if keys:
            conditions.insert(0, f"{hash_of(group)} = {hash_of(keys)}")
            order.insert(0, f"{hash_of(group)}{direction}")
        return f"(select v.{value} from {self.store} as v where {' and '.join(conditions)} order by {', '.join(order)} limit 1)"

    def type_of(self, column: str) -> str:
        """The type of a column."""
        return next(item.type for item in self.columns if item.name == column)

    def index_statements(self) -> list[str]:
        statements = super().index_statements()
        if self.with_extremes:
            # The counts are in no index, so that a value that comes again is counted in place.
            statements += [self.ordered_index(position, value) for position, value in enumerate(self.values)]
        return statements

    def replaced_indexes(self) -> dict[str, str]:
        return {
            f"n_{self.number}_value{position}": self.ordered_index(position, value)
            for position, value in enumerate(self.values if self.with_extremes else ())
            if is_text(value.type)
        }

    def ordered_index(self, position: int, column: Column) -> str:
        """DDL of the index that finds a group's extreme values."""
        name = f"n_{self.number}_{'beginning' if is_text(column.type) else 'value'}{position}"
        items = ordered(column.name, column.type) or [quote(column.name)]
        group = [f"({hash_of([quote(key.name) for key in self.keys])})"] if self.keys else []
        condition = f"{quote(column.name)} is not null"
        return f"create index if not exists {name} on {self.store} ({', '.join([*group, *items])}) where {condition}"


def is_text(type_: str) -> bool:
    """Whether the type's values are texts of any length, in the order of their characters."""
    return type_.partition("(")[0] in ("text", "character varying")


def ordered(column: str, type_: str, prefix: str = "") -> list[str]:
    """What comes before a column's value in an order by it: the beginning of a text, which is never too wide for an index."""
    return [f"(left({prefix}{quote(column)}, {INDEXED_CHARACTERS}))"] if is_text(type_) else []


@dataclass(frozen=True)
class Place:
    """Where the values of an aggregate's argument lie: a node, and their column in it."""

    values: Values
    column: str

    @property
    def value(self) -> str:
        """SQL of the value in a change `v` of the node."""
        return f"v.{quote(self.column)}"

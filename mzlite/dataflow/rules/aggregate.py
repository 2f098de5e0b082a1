"""Aggregates that accumulate: one row per group, updated by the change alone.

Reads the input's delta (and, for DISTINCT, MIN and MAX, the changes of the values per group). A
group's row holds the count of its rows and the accumulators of its aggregates; the work of a tick
is that of its touched groups. A group without rows leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import TICK, Column, Mode, Rel, total
from mzlite.dataflow.rules.accumulators import Accumulator, Call, Reader, accumulators_of
from mzlite.dataflow.rules.counted import Place, Values
from mzlite.dataflow.rules.keys import hash_of, is_narrow, signs
from mzlite.planner.expressions import quote


@dataclass(frozen=True)
class Key:
    """A group key: its column and its SQL over the input's alias."""

    column: Column
    sql: str


@dataclass
class CallPlan:
    """An aggregate call with where its numbers come from."""

    call: Call
    accumulators: tuple[Accumulator, ...]
    values: Values | None


class Aggregate(Node):
    """GROUP BY (or one group over everything) with accumulating aggregates."""

    title = "Aggregate"

    def __init__(
        self, number: int, owner: str, keys: Sequence[Key], calls: Sequence[CallPlan], source: Rel, alias: str
    ) -> None:
        columns = (*(key.column for key in keys), *(Column(plan.call.name, plan.call.type) for plan in calls))
        super().__init__(number, owner, columns, False)
        self.keys, self.calls = list(keys), list(calls)
        self.source, self.alias = source, quote(alias)

    @property
    def is_global(self) -> bool:
        """Without keys there is always exactly one row."""
        return not self.keys

    def key_names(self, prefix: str = "") -> list[str]:
        """The key columns; a constant one where there are no keys."""
        return [prefix + quote(key.column.name) for key in self.keys] or [f"{prefix}mz_all"]

    def wide_names(self) -> list[str]:
        """The key columns whose values may be too wide for an index."""
        return [quote(key.column.name) for key in self.keys if not is_narrow(key.column.type)]

    def accumulators(self) -> list[Accumulator]:
        """All accumulators, in the order of the store's columns."""
        return [accumulator for plan in self.calls for accumulator in plan.accumulators]

    def state_columns(self) -> Sequence[Column]:
        keys = [key.column for key in self.keys] or [Column("mz_all", "smallint")]
        sums = [Column(item.name, item.type) for item in self.accumulators()]
        return [*keys, Column("mz_count", "bigint not null"), *sums, Column("mz_tick", "bigint not null")]

    def store_statements(self) -> list[str]:
        create, *rest = super().store_statements()
        # Groups are updated in place: leave room on the page for the next version.
        return [f"{create} with (fillfactor = 70)", *rest, self.unique_index()]

    def replaced_indexes(self) -> dict[str, str]:
        earlier = ("key", "group") if self.signs() else ("key",)
        return {f"n_{self.number}_{name}": self.unique_index() for name in earlier}

    def signs(self) -> list[str]:
        """SQL by which groups differ whose wide keys have equal hashes."""
        return signs([key.column for key in self.keys if not is_narrow(key.column.type)])

    def unique_index(self) -> str:
        """DDL of the index that finds a group."""
        name = f"n_{self.number}_{'signed_group' if self.signs() else 'group'}"
        return f"create unique index if not exists {name} on {self.store} ({self.identity()}) nulls not distinct"

    def identity(self) -> str:
        """What is unique for a group, as items of an index: two independent hashes stand for keys that may be wide."""
        wide = self.wide_names()
        narrow = [name for name in self.key_names() if name not in wide]
        hashes = [hash_of(wide), hash_of([*wide, *self.signs()], 1)] if wide else []
        return ", ".join([*(f"({text})" for text in hashes), *narrow])

    def outputs(self, read: Reader) -> list[str]:
        """SQL of each output column from a group's row."""
        return [*(read(key.column.name) for key in self.keys), *(plan.call.result(read) for plan in self.calls)]

    def state_query(self) -> str:
        names = [quote(column.name) for column in self.columns]
        outputs = self.outputs(lambda name: f"s.{quote(name)}")
        selected = ", ".join(f"{text} as {name}" for text, name in zip(outputs, names, strict=True))
        return f"select {selected} from {self.store} as s where {'true' if self.is_global else 's.mz_count > 0'}"

    def old_query(self) -> str | None:
        return f"{self.state_query()} and s.mz_tick < {TICK}"

    def stored(self, name: str) -> tuple[str, str] | None:
        return (self.store, name) if any(key.column.name == name for key in self.keys) else None

    def steps(self, mode: Mode) -> list[Step]:
        changes = self.changes(mode)
        if not changes:
            return []
        when = self.source.changes_with().union(*(plan.values.changes_with() for plan in self.calls if plan.values))
        steps = [Step(self.upsert(" union all ".join(changes)), when=(when,), counts="delta")]
        if mode is Mode.TICK and not self.source.append_only and not self.is_global:
            # Only groups that this tick touched can be empty; they are found by their own delta.
            keys = ", ".join(self.key_names())
            gone = f"select {keys} from {self.delta_table} where mz_diff < 0"
            match = " and ".join(f"s.{key} is not distinct from t.{key}" for key in self.key_names())
            probe = self.probe("s", "t")
            text = f"delete from {self.store} as s using ({gone}) as t where {probe}{match} and s.mz_count = 0"
            steps.append(Step(text, when=(frozenset({self.number}),)))
        return steps

    def probe(self, left: str, right: str) -> str:
        """A condition that lets the key's index be used although keys may be null."""
        if wide := self.wide_names():
            first, second = (hash_of([f"{alias}.{name}" for name in wide]) for alias in (left, right))
            return f"{first} = {second} and "
        first = self.key_names()[0]
        return f"({left}.{first} = {right}.{first} or ({left}.{first} is null and {right}.{first} is null)) and "

    def changes(self, mode: Mode) -> list[str]:
        """SELECTs of (keys, count, accumulators) whose sums are added to the groups."""
        width = self.accumulators()
        parts = []
        delta = self.source.delta(mode)
        if delta is not None:
            keys = [key.sql for key in self.keys] or ["0::smallint"]
            diff = f"{self.alias}.mz_diff"
            sums = [item.change(diff) if item.values is None else item.zero for item in width]
            parts.append(f"select {', '.join([*keys, diff, *sums])} from ({delta}) as {self.alias}")
        # Calls over the same values share their node, whose changes count once.
        for values in {plan.values.number: plan.values for plan in self.calls if plan.values is not None}.values():
            delta = values.delta_query()
            keys = [f"v.{quote(column.name)}" for column in values.keys] or ["0::smallint"]
            sums = [item.change("v.mz_diff") if item.values is values else item.zero for item in width]
            parts.append(f"select {', '.join([*keys, '0', *sums])} from ({delta}) as v")
        if self.is_global and mode is Mode.HYDRATE:
            # The one row is there even when the input is empty.
            parts.append("select " + ", ".join(["0::smallint", "0", *(item.zero for item in width)]))
        return parts

    def upsert(self, changes: str) -> str:
        """Adds the changes to the groups and writes down the rows that they replace and make."""
        keys = self.key_names()
        width = self.accumulators()
        names = [*keys, "mz_count", *(quote(item.name) for item in width)]
        sums = [total("c.mz_count"), *(item.total(f"c.{quote(item.name)}") for item in width)]
        grouped = ", ".join([*(f"c.{key}" for key in keys), *sums])
        by = ", ".join(f"c.{key}" for key in keys)
        inserted = ", ".join(f"d.{name}" for name in names)
        # A group whose accumulators stay as they are keeps its tick: it was there before, and has no change to tell.
        same = [text for item in width if (text := item.unchanged(keys)) is not None]
        if not self.is_global:
            same += ["g.mz_count > 0", "g.mz_count + excluded.mz_count > 0"]
        kept = " and ".join(same) or "true"
        sets = [
            "mz_count = g.mz_count + excluded.mz_count",
            *(text for item in width if (text := item.assign(keys)) is not None),
            f"mz_tick = case when {kept} then g.mz_tick else {TICK} end",
        ]
        both = [f"{version}.{name} as {renamed(version, name)}" for version in ("old", "new") for name in names]
        both.append("new.mz_tick as new_mz_tick")
        was = ", ".join(self.outputs(lambda name: f"u.{renamed('old', quote(name))}"))
        now = ", ".join(self.outputs(lambda name: f"u.{renamed('new', quote(name))}"))
        had = "u.old_mz_count is not null" if self.is_global else "coalesce(u.old_mz_count, 0) > 0"
        has = "true" if self.is_global else "u.new_mz_count > 0"
        own = ", ".join(quote(column.name) for column in self.columns)
        return (
            f"with c ({', '.join(names)}) as ({changes}),"
            f" d ({', '.join(names)}) as (select {grouped} from c group by {by}),"
            f" u as (insert into {self.store} as g ({', '.join(names)}, mz_tick) select {inserted}, {TICK} from d"
            f" on conflict ({self.identity()}) do update set {', '.join(sets)} returning {', '.join(both)})"
            f" insert into {self.delta_table} ({own}, mz_diff) select r.* from u"
            f" cross join lateral (select {was}, -1 where {had} union all select {now}, 1 where {has}) as r"
            f" where u.new_mz_tick = {TICK}"
        )


def renamed(version: str, name: str) -> str:
    """The name of a column's old or new value beside the other."""
    return quote(f"{version}_{name[1:-1]}") if name.startswith('"') else f"{version}_{name}"


def plan_call(call: Call, place: Place | None, append_only: bool) -> CallPlan:
    """Gives a call its accumulators; `place` where it aggregates the distinct values per group."""
    return CallPlan(call, accumulators_of(call, place, append_only), place.values if place is not None else None)

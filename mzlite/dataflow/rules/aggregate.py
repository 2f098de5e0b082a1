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
from mzlite.dataflow.rules.keys import hash_of, signs
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
        return [f"{create} with (fillfactor = 70)", *rest]

    def index_statements(self) -> list[str]:
        # Two independent hashes stand for the keys: a wide key does not fit into an index, and a null is found by none.
        items = ", ".join(f"({text})" for text in self.hashes())
        return [f"create unique index if not exists n_{self.number}_identity on {self.store} ({items})"]

    def replaced_indexes(self) -> dict[str, str]:
        return {f"n_{self.number}_{name}": self.index_statements()[0] for name in ("key", "group", "signed_group")}

    def hashes(self, prefix: str = "") -> tuple[str, str]:
        """SQL of two hashes of the keys, of which at least one differs for two groups."""
        columns = [key.column for key in self.keys]
        # Groups whose keys have equal hashes differ by these.
        behind = signs(columns, prefix)
        names = self.key_names(prefix)
        return hash_of(names), hash_of([*names, *behind], 1)

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
        rows = " union all ".join(changes)
        text = self.insertion(rows) if mode is Mode.HYDRATE else self.upsert(rows)
        return [Step(text, when=(when,), counts="delta")]

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

    def state_names(self) -> list[str]:
        """The columns of the store that the changes add up to."""
        return [*self.key_names(), "mz_count", *(quote(item.name) for item in self.accumulators())]

    def added_up(self, changes: str) -> str:
        """CTEs: the changes `c`, and `d`, what they add up to for each group, with the hashes of its keys."""
        names, keys = self.state_names(), self.key_names("c.")
        sums = [total("c.mz_count"), *(item.total(f"c.{quote(item.name)}") for item in self.accumulators())]
        hashes = self.hashes("c.")
        return (
            f"c ({', '.join(names)}) as ({changes}),"
            f" d ({', '.join(names)}, mz_k, mz_k2) as (select {', '.join([*keys, *sums, *hashes])} from c group by {', '.join(keys)})"
        )

    def insertion(self, changes: str) -> str:
        """Fills an empty store."""
        names = ", ".join(self.state_names())
        there = "true" if self.is_global else "d.mz_count <> 0"
        own = ", ".join(quote(column.name) for column in self.columns)
        now = ", ".join(self.outputs(lambda name: f"d.{quote(name)}"))
        return (
            f"with {self.added_up(changes)},"
            f" stored as (insert into {self.store} ({names}, mz_tick) select {names}, {TICK} from d where {there})"
            f" insert into {self.delta_table} ({own}, mz_diff) select {now}, 1 from d where {there}"
        )

    def upsert(self, changes: str) -> str:
        """Adds the changes to the groups and writes down the rows that they replace and make; a group without rows leaves.

        MERGE instead of ON CONFLICT: nobody else writes here, and a new group needs no speculative insertion.
        """
        keys, names = self.key_names(), self.state_names()
        width = self.accumulators()
        # A group whose accumulators stay as they are keeps its tick: it was there before, and has no change to tell.
        kept = " and ".join(text for item in width if (text := item.unchanged(keys)) is not None) or "true"
        sets = [
            "mz_count = g.mz_count + d.mz_count",
            *(text for item in width if (text := item.assign(keys)) is not None),
            f"mz_tick = case when {kept} then g.mz_tick else {TICK} end",
        ]
        gone = "" if self.is_global else "when matched and g.mz_count + d.mz_count = 0 then delete "
        both = [f"{version}.{name} as {renamed(version, name)}" for version in ("old", "new") for name in names]
        both.append("new.mz_tick as new_mz_tick")
        was = ", ".join(self.outputs(lambda name: f"u.{renamed('old', quote(name))}"))
        now = ", ".join(self.outputs(lambda name: f"u.{renamed('new', quote(name))}"))
        own = ", ".join(quote(column.name) for column in self.columns)
        found = " and ".join(
            f"{hash_} = d.{name}" for hash_, name in zip(self.hashes("g."), ("mz_k", "mz_k2"), strict=True)
        )
        return (
            f"with {self.added_up(changes)}, u as (merge into {self.store} as g using d on {found}"
            f" {gone}when matched then update set {', '.join(sets)}"
            # Rows that come and go within the tick make no group.
            f" when not matched and d.mz_count <> 0 then insert ({', '.join(names)}, mz_tick)"
            f" values ({', '.join(f'd.{name}' for name in names)}, {TICK})"
            f" returning {', '.join(both)})"
            f" insert into {self.delta_table} ({own}, mz_diff) select r.* from u"
            f" cross join lateral (select {was}, -1 where u.old_mz_count is not null union all"
            f" select {now}, 1 where u.new_mz_count is not null) as r"
            f" where coalesce(u.new_mz_tick, {TICK}) = {TICK}"
        )


def renamed(version: str, name: str) -> str:
    """The name of a column's old or new value beside the other."""
    return quote(f"{version}_{name[1:-1]}") if name.startswith('"') else f"{version}_{name}"


def plan_call(call: Call, place: Place | None, append_only: bool) -> CallPlan:
    """Gives a call its accumulators; `place` where it aggregates the distinct values per group."""
    return CallPlan(call, accumulators_of(call, place, append_only), place.values if place is not None else None)

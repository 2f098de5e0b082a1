"""Left, full, semi and anti join.

The inner part is the rule of `join`. What depends on whether a row has a partner is kept by this
sum: each changed left row counts if it has (semi) or lacks (anti, null-extended) a partner after
the tick; each left row that was there before and whose right-hand key was touched counts by the
difference between having a partner after and before. No match counts are stored: existence is
looked up by index in the right side's state, old and removed rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import Column, Mode, Rel, is_stored, names_of
from mzlite.dataflow.rules.join import Join, JoinInput
from mzlite.planner.expressions import quote

Kind = Literal["left", "full", "semi", "anti"]


class OuterJoin(Node):
    """The change of a join that depends on the existence of partners; its state is computed when read.

    Args:
        outputs: SQL of each column over both aliases; for semi and anti join over the left one only.
        left_only, right_only: SQL of each column for a left (right) row without a partner.
        on: SQL conditions over both aliases.
        keys: pairs (left SQL, right SQL) of the equalities among them, or of hashes that are equal with them.
        places: of each column the alias and the column that it is.
        lookups: conditions that follow from `on` and lead to indexes.
    """

    title = "Outer join"

    def __init__(
        self,
        number: int,
        owner: str,
        kind: Kind,
        columns: tuple[Column, ...],
        left: JoinInput,
        right: JoinInput,
        outputs: Sequence[str],
        left_only: Sequence[str],
        right_only: Sequence[str],
        on: Sequence[str],
        keys: Sequence[tuple[str, str]],
        places: Mapping[str, tuple[str, str]],
        lookups: Sequence[str] = (),
    ) -> None:
        semi_of_growing = kind == "semi" and left.rel.append_only and right.rel.append_only
        super().__init__(number, owner, columns, semi_of_growing)
        self.kind = kind
        self.left, self.right = left, right
        self.outputs = list(outputs)
        self.left_only, self.right_only = list(left_only), list(right_only)
        self.on, self.found = (" and ".join(f"({part})" for part in parts) or "true" for parts in (on, [*on, *lookups]))
        self.keys = list(keys)
        self.places = dict(places)
        self.has_store = False
        # Partners' changes meet the left rows from before the tick, left rows' changes the partners after it: so
        # that one look-up tells a left row both its partners and whether it has any.
        self.inner = Join(number, owner, columns, (right, left), outputs, on, (), lookups)

    def stored(self, name: str) -> tuple[str, str] | None:
        return None

    def shrinks_with(self) -> frozenset[int]:
        return frozenset({self.number})

    def old_query(self) -> str | None:
        raise NotImplementedError("an outer join's rows are stored before they are joined again")

    def removed_query(self) -> str | None:
        raise NotImplementedError("an outer join's rows are stored before they are joined again")

    def looked_up(self, names: Sequence[str]) -> tuple[Rel, list[str]] | None:
        """By what rows with certain values in these columns are found: the left input and its columns; None if they are not all its own.

        A left join has each left row at least once, so its rows are found by the left input's indexes.
        """
        places = [self.places[name] for name in names]
        if self.kind != "left" or any(alias != self.left.alias for alias, _ in places):
            return None
        return self.left.rel, [column for _, column in places]

    @property
    def is_cheap_to_read(self) -> bool:
        """Whether to compute all rows is little more work than to read them from a store.

        A left join has no fewer rows than its left input. Its inputs must be stored, and meet by their keys.
        """
        return self.kind == "left" and bool(self.keys) and all(is_stored(side.rel) for side in (self.left, self.right))

    def select(self, outputs: Sequence[str]) -> str:
        """Column expressions under the output names."""
        return ", ".join(f"{text} as {quote(column.name)}" for text, column in zip(outputs, self.columns, strict=True))

    def state_query(self) -> str:
        return self.left_query(self.on) if self.kind == "left" else self.full_query()

    def sought_query(self) -> str:
        return self.left_query(self.found) if self.kind == "left" else self.full_query()

    def left_query(self, on: str) -> str:
        """All rows of a left join."""
        left = f"({self.left.rel.state()}) as {quote(self.left.alias)}"
        right = f"({self.right.rel.state()}) as {quote(self.right.alias)}"
        return f"select {self.select(self.outputs)} from {left} left join {right} on {on}"

    def full_query(self) -> str:
        """All rows of the other kinds."""
        left = f"({self.left.rel.state()}) as {quote(self.left.alias)}"
        right = f"({self.right.rel.state()}) as {quote(self.right.alias)}"
        partner = f"exists (select from {right} where {self.on})"
        if self.kind == "semi":
            return f"select {self.select(self.left_only)} from {left} where {partner}"
        alone = f"select {self.select(self.left_only)} from {left} where not {partner}"
        if self.kind == "anti":
            return alone
        other = f"exists (select from {left} where {self.on})"
        return (
            f"select {self.select(self.outputs)} from {left}, {right} where {self.on} union all {alone}"
            f" union all select {self.select(self.right_only)} from {right} where not {other}"
        )

    def steps(self, mode: Mode) -> list[Step]:
        if self.kind == "semi":
            return self.existence(mode, self.left, self.right, self.left_only, swap=False, having=True)
        if self.kind == "anti":
            return self.existence(mode, self.left, self.right, self.left_only, swap=False, having=False)
        steps = [*self.inner.steps_for(0, mode), *self.left_steps(mode)]
        steps += self.partner_steps(mode, self.left, self.right, self.left_only, swap=False, having=False)
        if self.kind == "full":
            steps += self.existence(mode, self.right, self.left, self.right_only, swap=True, having=False)
        return steps

    @property
    def head(self) -> str:
        """The beginning of a statement that writes changes down."""
        return f"insert into {self.delta_table} ({names_of(self.columns)}, mz_diff) "

    def left_steps(self, mode: Mode) -> list[Step]:
        """The statement for the left rows that change: each with its partners, or alone."""
        delta = self.left.rel.delta(mode)
        if delta is None:
            return []
        left, right = quote(self.left.alias), quote(self.right.alias)
        text = (
            f"select {self.select(self.outputs)}, {left}.mz_diff from ({delta}) as {left}"
            f" left join ({self.right.rel.state()}) as {right} on {self.found if mode is Mode.TICK else self.on}"
        )
        return [Step(self.head + text, when=(self.left.rel.changes_with(),), counts="delta")]

    def partner_exists(self, rows: str, mode: Mode) -> str:
        """A condition: one of the rows is a partner.

        In a tick it is looked up by index. Without the OFFSET PostgreSQL may choose, when it plans for a small state, to
        put all of the state into a hash table, and does so in each tick from then on.
        """
        condition = f"{self.found} offset 0" if mode is Mode.TICK else self.on
        return f"exists (select from {rows} where {condition})"

    def existence(
        self, mode: Mode, row: JoinInput, partner: JoinInput, outputs: Sequence[str], *, swap: bool, having: bool
    ) -> list[Step]:
        """Statements for the rows of one side that have (`having`) or lack a partner on the other."""
        delta = row.rel.delta(mode)
        steps = []
        if delta is not None:
            alias, other = quote(row.alias), quote(partner.alias)
            after = self.partner_exists(f"({partner.rel.state()}) as {other}", mode)
            condition = after if having else f"not {after}"
            text = f"select {self.select(outputs)}, {alias}.mz_diff from ({delta}) as {alias} where {condition}"
            steps.append(Step(self.head + text, when=(row.rel.changes_with(),), counts="delta"))
        return steps + self.partner_steps(mode, row, partner, outputs, swap=swap, having=having)

    def partner_steps(
        self, mode: Mode, row: JoinInput, partner: JoinInput, outputs: Sequence[str], *, swap: bool, having: bool
    ) -> list[Step]:
        """Statements for the rows that were there before and get their first partner, or lose their last one."""
        partner_delta = partner.rel.delta(mode)
        if mode is Mode.HYDRATE or partner_delta is None:
            return []
        steps = []
        alias, other = quote(row.alias), quote(partner.alias)
        after = self.partner_exists(f"({partner.rel.state()}) as {other}", mode)
        keys = [(right, left) if swap else (left, right) for left, right in self.keys]
        gained, lost = (1, -1) if having else (-1, 1)
        shrinks = partner.rel.shrinks_with()
        # The look-up among removed partners is left out of the statement while there are none.
        for before, guards in self.existed(partner.rel, other, shrinks):
            for rows, removals in ((row.rel.old(mode), ()), (row.rel.removed(mode), (row.rel.shrinks_with(),))):
                if rows is None:
                    continue
                rows_touched = touched(rows, alias, partner_delta, other, keys, by_index=not removals)
                if guards["when_removed"]:
                    text = (
                        f"select {self.select(outputs)}, case when mz_e.mz_after then {gained} else {lost} end"
                        f" from {rows_touched} cross join lateral"
                        f" (select {after} as mz_after, {before} as mz_before offset 0) as mz_e"
                        " where mz_e.mz_after <> mz_e.mz_before"
                    )
                else:
                    # Partners only come: a row that had one has one, and is not asked again.
                    text = (
                        f"select {self.select(outputs)}, {gained} from {rows_touched}"
                        f" where case when {before} then false else {after} end"
                    )
                steps.append(
                    Step(
                        self.head + text,
                        when=(partner.rel.changes_with(),),
                        when_removed=(*removals, *guards["when_removed"]),
                        unless_removed=guards["unless_removed"],
                        counts="delta",
                        hash_join=bool(removals),
                    )
                )
        return steps

    def existed(
        self, rel: Rel, alias: str, shrinks: frozenset[int]
    ) -> list[tuple[str, dict[str, tuple[frozenset[int], ...]]]]:
        """Conditions for "a partner was there before the tick", each with the guards under which it holds."""
        old, removed = rel.old(Mode.TICK), rel.removed(Mode.TICK)
        plain = self.partner_exists(f"({old}) as {alias}", Mode.TICK) if old is not None else "false"
        if removed is None:
            return [(plain, {"when_removed": (), "unless_removed": ()})]
        gone = self.partner_exists(f"({removed}) as {alias}", Mode.TICK)
        return [
            (plain, {"when_removed": (), "unless_removed": (shrinks,)}),
            (f"({plain} or {gone})", {"when_removed": (shrinks,), "unless_removed": ()}),
        ]


def touched(rows: str, alias: str, delta: str, other: str, keys: Sequence[tuple[str, str]], *, by_index: bool) -> str:
    """FROM clause: the rows whose key equals one of the delta's keys, each row once; without keys, all rows.

    By index each key is looked up, whatever PostgreSQL takes the sizes for: planned while both are small, it would go
    through all rows for each key, and do so for some seconds after a start.
    """
    if not keys:
        return f"({rows}) as {alias}"
    named = ", ".join(f"{partner} as mz_k{position}" for position, (_, partner) in enumerate(keys))
    match = " and ".join(f"{own} = mz_t.mz_k{position}" for position, (own, _) in enumerate(keys))
    met = f"(select distinct {named} from ({delta}) as {other}) as mz_t"
    if by_index:
        return f"{met} cross join lateral (select * from ({rows}) as {alias} where {match} offset 0) as {alias}"
    return f"{met} join ({rows}) as {alias} on {match}"

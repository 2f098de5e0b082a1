"""Temporal filter: a row is there while mz_now() lies in its interval [from, until).

Reads the input's delta and the clock. Rows that are valid now and will leave are kept in the
store with the moment they leave, rows that are still to come in a second table with the moment
they enter; each moment is found by index, also when no event arrives. With lower bounds only,
rows never leave by the clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import NOW, TICK, Column, Mode, Rel, into, names_of, total
from mzlite.dataflow.rules.keys import row_hash, same_row
from mzlite.dataflow.rules.store import bag_columns
from mzlite.planner.expressions import quote

FOREVER = "9223372036854775807"


class Temporal(Node):
    """A bag of the valid rows, with those to come beside it.

    Args:
        source: the input.
        alias: under which the bounds' SQL refers to the input.
        lower: SQL (bigint, ms) of each first valid moment.
        upper: SQL (bigint, ms) of each first moment no longer valid.
    """

    title = "Temporal filter"

    def __init__(
        self,
        number: int,
        owner: str,
        columns: tuple[Column, ...],
        source: Rel,
        alias: str,
        lower: Sequence[str],
        upper: Sequence[str],
    ) -> None:
        super().__init__(number, owner, columns, source.append_only and not upper)
        self.source, self.alias = source, quote(alias)
        self.lower, self.upper = list(lower), list(upper)
        self.has_removed = not self.append_only

    @property
    def is_searched(self) -> bool:
        """Whether rows are taken back by value, and not by the clock alone."""
        return not self.source.append_only

    @property
    def waiting(self) -> str:
        """The table of the rows whose interval has not begun."""
        return f"mzlite_data.w_{self.number}"

    def state_columns(self) -> Sequence[Column]:
        return [
            *bag_columns(self.columns, not self.is_searched),
            Column("mz_until", f"bigint not null default {FOREVER}"),
        ]

    def store_statements(self) -> list[str]:
        statements = super().store_statements()
        if self.lower:
            columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self.columns)
            extra = "mz_from bigint not null, mz_until bigint not null, mz_hash bigint not null"
            statements.append(f"create table {self.waiting} ({columns}{', ' if columns else ''}{extra})")
        return statements

    def index_statements(self) -> list[str]:
        name = f"n_{self.number}"
        statements = []
        if self.is_searched:
            statements.append(f"create index {name}_hash on {self.store} (mz_hash)")
        if self.upper:
            statements.append(f"create index {name}_until on {self.store} (mz_until)")
        if self.lower:
            statements += [
                f"create index w_{self.number}_from on {self.waiting} (mz_from)",
                f"create index w_{self.number}_hash on {self.waiting} (mz_hash)",
            ]
        return statements

    def session_statements(self) -> list[str]:
        columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self.columns)
        extra = "mz_diff bigint not null, mz_from bigint not null, mz_until bigint not null"
        return [
            *super().session_statements(),
            # The tick's input with its intervals, computed once.
            f"create temporary table i_{self.number} ({columns}{', ' if columns else ''}{extra})",
        ]

    def passes_on(self) -> frozenset[int]:
        return self.source.changes_with()

    def session_tables(self) -> list[str]:
        return [*super().session_tables(), f"pg_temp.i_{self.number}"]

    def drop_statements(self) -> list[str]:
        return [*super().drop_statements(), *([f"drop table if exists {self.waiting}"] if self.lower else [])]

    def reset_statements(self) -> list[str]:
        return [*super().reset_statements(), *([f"truncate {self.waiting}"] if self.lower else [])]

    def steps(self, mode: Mode) -> list[Step]:
        steps = [] if mode is Mode.HYDRATE else self.clock_steps()
        delta = self.source.delta(mode)
        if delta is not None:
            steps += self.input_steps(delta)
        return steps

    def clock_steps(self) -> list[Step]:
        """What the passing of time does: rows leave, then rows enter."""
        own, comma = names_of(self.columns), ", " if self.columns else ""
        steps = []
        if self.upper:
            text = (
                f"with gone as (delete from {self.store} where mz_until <= {NOW} returning {own}),"
                f" noted as (insert into {into(self.removed_table, own)} select {own} from gone)"
                f" insert into {self.delta_table} ({own}{comma}mz_diff) select {own}{comma}-1 from gone"
            )
            # Each row that leaves is both a change and a removal: the same number.
            steps.append(Step(text, counts="delta and removed"))
        if self.lower:
            columns, values = self.stored_values("come")
            text = (
                f"with come as (delete from {self.waiting} where mz_from <= {NOW} returning *),"
                f" stored as (insert into {self.store} ({columns}) select {values} from come where mz_until > {NOW})"
                f" insert into {self.delta_table} ({own}{comma}mz_diff) select {own}{comma}1 from come where mz_until > {NOW}"
            )
            steps.append(Step(text, counts="delta"))
        return steps

    def stored_values(self, alias: str) -> tuple[str, str]:
        """Column list and values of a row that enters the store."""
        columns = [quote(column.name) for column in self.columns] + ["mz_tick", "mz_until"]
        values = [f"{alias}.{quote(column.name)}" for column in self.columns] + [TICK, f"{alias}.mz_until"]
        if self.is_searched:
            columns.append("mz_hash")
            values.append(row_hash(self.columns, alias))
        return ", ".join(columns), ", ".join(values)

    def input_steps(self, delta: str) -> list[Step]:
        """What the input's change does."""
        own, comma = names_of(self.columns), ", " if self.columns else ""
        table = f"pg_temp.i_{self.number}"
        lower = f"greatest({', '.join(self.lower)})" if self.lower else "0"
        upper = f"least({', '.join(self.upper)})" if self.upper else FOREVER
        # greatest and least skip nulls, but a null bound means that the condition never holds.
        known = " and ".join(f"({text}) is not null" for text in (*self.lower, *self.upper))
        when = (self.source.changes_with(),)
        live = f"select * from {table} where mz_from <= {NOW}"
        inner = (
            f"select {names_of(self.columns, self.alias)}{comma}{self.alias}.mz_diff, {lower} as mz_from, {upper} as mz_until"
            f" from ({delta}) as {self.alias} where {known}"
        )
        steps = [
            Step(f"delete from {table}", when=when),
            Step(
                f"insert into {table} ({own}{comma}mz_diff, mz_from, mz_until)"
                f" select * from ({inner}) as b where b.mz_until > {NOW} and b.mz_until > b.mz_from",
                when=when,
            ),
            Step(
                f"insert into {self.delta_table} ({own}{comma}mz_diff) select {own}{comma}mz_diff from ({live}) as t",
                when=when,
                counts="delta",
            ),
        ]
        columns, values = self.stored_values("t")
        steps += [
            Step(f"insert into {self.store} ({columns}) select {values} from ({live}) as t{more}", when=when)
            for more in (" where t.mz_diff > 0", ", generate_series(2, t.mz_diff) where t.mz_diff > 1")
        ]
        if self.is_searched:
            steps.append(Step(self.take(self.store, f"({live})", removed=True), when=when, counts="removed"))
        if self.lower:
            later = f"(select * from {table} where mz_from > {NOW})"
            names = f"{own}{comma}mz_from, mz_until"
            values = f"{names_of(self.columns, 't')}{comma}t.mz_from, t.mz_until, {row_hash(self.columns, 't')}"
            steps += [
                Step(
                    f"insert into {self.waiting} ({names}, mz_hash) select {values} from {later} as t{more}", when=when
                )
                for more in (" where t.mz_diff > 0", ", generate_series(2, t.mz_diff) where t.mz_diff > 1")
            ]
            if self.is_searched:
                steps.append(Step(self.take(self.waiting, later, removed=False), when=when))
        return steps

    def take(self, table: str, rows: str, *, removed: bool) -> str:
        """Takes the negative rows of the input out of the store or the waiting rows."""
        own, comma = names_of(self.columns), ", " if self.columns else ""
        # The bounds need not be a function of the columns that are kept, so they take part in the search.
        bounds = ["mz_until"] if removed else ["mz_from", "mz_until"]
        same = " and ".join(f"s.{bound} = gone.{bound}" for bound in bounds)
        grouped = ", ".join(
            [*([names_of(self.columns, "t")] if self.columns else []), *(f"t.{bound}" for bound in bounds)]
        )
        head = (
            f"with gone as (select row_number() over () as mz_n, g.* from (select {grouped}, -{total('t.mz_diff')} as mz_count,"
            f" {row_hash(self.columns, 't')} as mz_hash from {rows} as t where t.mz_diff < 0 group by {grouped}) as g),"
            f" found as (select s.ctid as mz_id, gone.mz_count, row_number() over (partition by gone.mz_n) as mz_rank"
            f" from gone join {table} as s on s.mz_hash = gone.mz_hash and {same} and {same_row(self.columns, 's', 'gone')})"
        )
        victims = "ctid = any (array(select mz_id from found where mz_rank <= mz_count))"
        if not removed:
            return f"{head} delete from {table} where {victims}"
        return (
            f"{head}, taken as (delete from {table} where {victims} returning {own}{comma}mz_tick)"
            f" insert into {into(self.removed_table, own)} select {own} from taken where mz_tick < {TICK}"
        )

    def due_query(self) -> str | None:
        parts = []
        if self.upper:
            parts.append(f"(select min(mz_until) from {self.store} where mz_until < {FOREVER})")
        if self.lower:
            parts.append(f"(select min(mz_from) from {self.waiting})")
        return f"least({', '.join(parts)})" if parts else None

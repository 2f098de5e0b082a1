"""Winners: what the rules of DISTINCT ON have in common.

A winner is the first row of its key in an order. Winners are kept in the store, one row each,
found by the hash of the key. Rows that come are challengers: the best one of each key is weighed
against the winner, or admitted where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.indexes import hash_statement
from mzlite.dataflow.node import Node, Step
from mzlite.dataflow.rel import TICK, Column, names_of
from mzlite.dataflow.rules.keys import hash_of, same_row
from mzlite.planner.expressions import quote
from mzlite.planner.operators import OrderItem


class Winners(Node):
    """The store of the winners and the statements that change it.

    Args:
        columns: of a row.
        carried: further columns of the input that a row keeps beside it, not part of the output.
        alias: under which keys and order refer to the input.
        keys: the key columns.
        order: the ORDER BY items behind the keys, over `alias`, ties broken by the whole row.
    """

    def __init__(
        self,
        number: int,
        owner: str,
        columns: tuple[Column, ...],
        carried: tuple[Column, ...],
        alias: str,
        keys: Sequence[str],
        order: Sequence[OrderItem],
    ) -> None:
        super().__init__(number, owner, columns, False)
        self.carried, self.alias = carried, quote(alias)
        self.kept = (*columns, *carried)
        self.keys = [column for column in columns if column.name in keys]
        self.items = list(order)
        self.order = [item.text for item in order]
        self.has_removed = True

    def key_hash(self, alias: str) -> str:
        """SQL of the hash of a row's keys."""
        return hash_of([f"{alias}.{quote(column.name)}" for column in self.keys])

    @property
    def challengers(self) -> str:
        """The temporary table of this tick's challengers; `mz_id` is where their key's winner is, `mz_wins` whether it is beaten."""
        return f"pg_temp.b_{self.number}"

    def state_columns(self) -> Sequence[Column]:
        return [*super().state_columns(), *self.carried, Column("mz_key", "bigint not null")]

    def store_statements(self) -> list[str]:
        create, *rest = super().store_statements()
        # Winners are replaced in place; room on the page keeps the new version beside the old one.
        return [f"{create} with (fillfactor = 80)", *rest]

    def index_statements(self) -> list[str]:
        return [self.key_index()]

    def key_index(self) -> str:
        """DDL of the index that finds a key's winner: by the expression, which joins by the same columns share."""
        return hash_statement(self.store, [quote(column.name) for column in self.keys])

    def has_key(self, alias: str, key: str) -> str:
        """A condition, by which the index is used: the stored row `alias` has the keys with this hash."""
        return f"{self.key_hash(alias)} = {key}"

    def replaced_indexes(self) -> dict[str, str]:
        return {f"n_{self.number}_key": self.key_index()}

    def session_statements(self) -> list[str]:
        columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self.kept)
        return [
            *super().session_statements(),
            f"create temporary table b_{self.number} ({columns}, mz_key bigint, mz_place bigint, mz_id tid, mz_wins boolean)",
        ]

    def session_tables(self) -> list[str]:
        return [*super().session_tables(), self.challengers]

    def best(self, rows: str) -> str:
        """The first row of each key among `rows`, with the key's hash, in the order of the hashes.

        It is the order of the index by which winners are found, so that one look-up leads to the page of the next;
        and numbers are sorted more quickly than texts.
        """
        keys = f"{self.key_hash(self.alias)}, {names_of(self.keys, self.alias)}"
        return (
            f"select distinct on ({keys}) {names_of(self.kept, self.alias)}, {self.key_hash(self.alias)} as mz_key"
            f" from ({rows}) as {self.alias} order by {', '.join([keys, *self.order])}"
        )

    def challenge(self, ranked: str) -> str:
        """Writes the challengers down, each with its key's winner, and weighs the best one of a key against it.

        `ranked` gives kept columns, mz_key and mz_place.
        """
        return (
            f"insert into {self.challengers} select r.*, s.ctid,"
            f" case when r.mz_place = 1 and s.ctid is not null then {self.beats()} else false end"
            f" from ({ranked}) as r"
            f" left join {self.store} as s on {self.has_key('s', 'r.mz_key')} and {same_row(self.keys, 's', 'r')}"
            f" cross join lateral ({self.weights('r')}) as a cross join lateral ({self.weights('s')}) as b"
        )

    def weights(self, alias: str) -> str:
        """SELECT of what a row is ordered by."""
        items = ", ".join(f"{item.expression} as w{position}" for position, item in enumerate(self.items))
        return f"select {items} from (select {names_of(self.kept, alias)}) as {self.alias}"

    def beats(self) -> str:
        """A condition: the row with the weights `a` goes before the one with the weights `b`."""
        condition = "false"
        for position, item in reversed(list(enumerate(self.items))):
            first, second = f"a.w{position}", f"b.w{position}"
            before = f"{first} {'>' if item.is_descending else '<'} {second}"
            # A comparison is null where one of both is.
            with_null = f"{first if item.nulls_first else second} is null"
            condition = (
                f"case when {first} is not distinct from {second} then {condition}"
                f" else coalesce({before}, {with_null}) end"
            )
        return condition

    def contest(self, losers: str | None = None) -> str:
        """Challengers that beat their key's winner take its place; who is beaten may go to `losers`."""
        own, kept = names_of(self.columns), names_of(self.kept)
        sets = ", ".join(f"{quote(column.name)} = w.{quote(column.name)}" for column in self.kept)
        lost = (
            f" lost as (insert into {losers} ({kept}, mz_key) select {kept}, mz_key from changed"
            f" union all select {kept}, mz_key from {self.challengers} where mz_place = 1 and not mz_wins and mz_id is not null),"
            if losers is not None
            else ""
        )
        return (
            f"with changed as (update {self.store} as t set {sets}, mz_tick = {TICK} from {self.challengers} as w"
            f" where w.mz_wins and t.ctid = w.mz_id"
            f" returning {names_of(self.kept, 'old')}, old.mz_tick, old.mz_key, {self.renamed('new')}),{lost} {self.noted('changed')}"
            f" insert into {self.delta_table} ({own}, mz_diff)"
            f" select {own}, -1 from changed union all select {self.renamed_list()}, 1 from changed"
        )

    def admit(self, when: tuple[frozenset[int], ...]) -> list[Step]:
        """A challenger whose key has no winner is the winner.

        Reading the challengers twice is cheaper than handing each row on with RETURNING.
        """
        own, kept = names_of(self.columns), names_of(self.kept)
        new = f"from {self.challengers} where mz_place = 1 and mz_id is null"
        return [
            Step(f"insert into {self.store} ({kept}, mz_tick, mz_key) select {kept}, {TICK}, mz_key {new}", when=when),
            Step(f"insert into {self.delta_table} ({own}, mz_diff) select {own}, 1 {new}", when=when, counts="delta"),
        ]

    def noted(self, rows: str) -> str:
        """A CTE that writes down which of the replaced winners were there before the tick."""
        own = names_of(self.columns)
        return f"noted as (insert into {self.removed_table} ({own}) select {own} from {rows} where mz_tick < {TICK})"

    def renamed(self, version: str) -> str:
        """The columns of an updated row under names of their own."""
        return ", ".join(
            f"{version}.{quote(column.name)} as {quote('mz_new_' + column.name)}" for column in self.columns
        )

    def renamed_list(self) -> str:
        """Those names."""
        return ", ".join(quote("mz_new_" + column.name) for column in self.columns)

"""Upsert: a source whose messages are their keys' new values.

The engine copies a batch into the staging table, at most one row for each key. A key's new value
replaces the one before it, a tombstone removes it, and a value that cannot be decoded takes the
key's row out and leaves its error: while there is any, the source cannot be read. The store is found
by the hash of the key's own bytes, so the work of a tick grows with the batch alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from mzlite.dataflow.node import Step
from mzlite.dataflow.rel import TICK, Column, Mode, names_of
from mzlite.dataflow.rules.base import Base
from mzlite.dataflow.rules.keys import hash_of
from mzlite.kafka.spec import MARK_ERROR, MARK_VALUE, STAGED_ERROR, STAGED_KEY, STAGED_MARK
from mzlite.planner.expressions import quote

STAGED = (Column(STAGED_KEY, "bytea"), Column(STAGED_MARK, "smallint"), Column(STAGED_ERROR, "text"))


class Upsert(Base):
    """The store of a source with ENVELOPE UPSERT, and the errors of its keys."""

    title = "Upsert"

    def __init__(self, number: int, owner: str, columns: tuple[Column, ...]) -> None:
        super().__init__(number, owner, columns, append_only=False)

    @property
    def staging_table(self) -> str:
        return f"pg_temp.s_{self.number}"

    @property
    def errors_table(self) -> str:
        """The keys that have an error instead of a value."""
        return f"mzlite_data.e_{self.number}"

    def state_columns(self) -> Sequence[Column]:
        return (*self.columns, Column("mz_tick", "bigint not null"), Column("mz_key", "bytea not null"))

    def store_statements(self) -> list[str]:
        columns = ", ".join(f"{quote(column.name)} {column.type}" for column in self.state_columns())
        # A key may be longer than an index takes, its hash is not.
        return [
            f"create table {self.store} ({columns})",
            f"create table {self.errors_table} (mz_key bytea not null, message text not null, mz_tick bigint not null)",
        ]

    def index_statements(self) -> list[str]:
        return [f"create index n_{self.number}_key on {self.store} (({hash_of(['mz_key'])}))"]

    def session_statements(self) -> list[str]:
        staged = ", ".join(f"{quote(column.name)} {column.type}" for column in (*STAGED, *self.columns))
        return [*super().session_statements(), f"create temporary table s_{self.number} ({staged})"]

    def session_tables(self) -> list[str]:
        return [*super().session_tables(), self.staging_table]

    def drop_statements(self) -> list[str]:
        return [*super().drop_statements(), f"drop table if exists {self.errors_table}"]

    def reset_statements(self) -> list[str]:
        return [*super().reset_statements(), f"truncate {self.errors_table}"]

    def steps(self, mode: Mode) -> list[Step]:
        if mode is Mode.HYDRATE:
            return []
        own = names_of(self.columns)
        comma = ", " if own else ""
        staged, old = names_of(self.columns, "s"), names_of(self.columns, "n")
        same_key = f"{hash_of(['n.mz_key'])} = {hash_of([f's.{STAGED_KEY}'])} and n.mz_key = s.{STAGED_KEY}"
        stays = f"s.{STAGED_MARK} = {MARK_VALUE} and row({staged}) is not distinct from row({old})"
        when = (frozenset({self.number}),)
        return [
            Step(
                f"with gone as (delete from {self.store} as n using {self.staging_table} as s"
                f" where {same_key} and not ({stays}) returning {old})"
                f" insert into {self.removed_table} ({own}) select {own} from gone",
                when=when,
                counts="removed",
            ),
            Step(
                f"insert into {self.delta_table} ({own}{comma}mz_diff) select {own}{comma}-1 from {self.removed_table}",
                when_removed=when,
                counts="delta",
            ),
            # What is still there under its key is the same row again.
            Step(
                f"with new as (insert into {self.store} ({own}{comma}mz_tick, mz_key)"
                f" select {staged}{comma}{TICK}, s.{STAGED_KEY} from {self.staging_table} as s"
                f" where s.{STAGED_MARK} = {MARK_VALUE} and not exists (select from {self.store} as n where {same_key})"
                f" returning {own})"
                f" insert into {self.delta_table} ({own}{comma}mz_diff) select {own}{comma}1 from new",
                when=when,
                counts="delta",
            ),
            Step(
                f"delete from {self.errors_table} as e using {self.staging_table} as s where e.mz_key = s.{STAGED_KEY}",
                when=when,
            ),
            Step(
                f"insert into {self.errors_table} select s.{STAGED_KEY}, s.{STAGED_ERROR}, {TICK}"
                f" from {self.staging_table} as s where s.{STAGED_MARK} = {MARK_ERROR}",
                when=when,
            ),
            Step(f"delete from {self.staging_table}", when=when),
        ]

    def error_query(self) -> str:
        """SELECT of the error that the source is read with: that of the key that has it longest."""
        return f"select message from {self.errors_table} order by mz_tick, message limit 1"

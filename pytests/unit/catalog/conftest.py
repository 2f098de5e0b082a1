"""The inner PostgreSQL with the real bootstrap, and the smallest dataflow that behaves: plain tables and views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg.pq.abc import PGresult

from mzlite.catalog.execute import execute
from mzlite.catalog.registry import quote_name, search_path
from mzlite.dataflow.transaction import analysed
from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect.parse import parse
from mzlite.kafka.spec import IngestSpec, SinkSpec
from mzlite.session import Session
from mzlite.storage.postgres import Postgres


class PlainDataflow:
    """Makes a table for what is stored and a view for what is computed; remembers ingests and sinks."""

    def __init__(self) -> None:
        self.ingests: dict[str, IngestSpec] = {}
        self.sinks: dict[str, SinkSpec] = {}
        self.dropped: list[str] = []

    def create_table(
        self, tx: Transaction, object_id: str, schema: str, name: str, columns: Sequence[d.ColumnDefinition]
    ) -> int:
        listed = ", ".join(f"{quote_name(column.name)} {column.type}" for column in columns)
        tx.execute(f"create table mzlite_data.s_{object_id} ({listed})")
        return self._show(tx, schema, name, f"table mzlite_data.s_{object_id}")

    def create_source(
        self,
        tx: Transaction,
        object_id: str,
        schema: str,
        name: str,
        columns: Sequence[d.ColumnDefinition],
        *,
        upsert: bool = False,
    ) -> int:
        return self.create_table(tx, object_id, schema, name, columns)

    def create_view(
        self,
        tx: Transaction,
        object_id: str,
        schema: str,
        name: str,
        columns: Sequence[str],
        query: str,
        path: Sequence[str],
    ) -> int:
        return self._show(tx, schema, name, query, columns, path)

    def create_materialized_view(
        self,
        tx: Transaction,
        object_id: str,
        schema: str,
        name: str,
        columns: Sequence[str],
        query: str,
        path: Sequence[str],
    ) -> int:
        self._show(tx, "mzlite_def", f"d_{object_id}", query, columns, path)
        return self._show(tx, schema, name, f"table mzlite_def.d_{object_id}")

    def create_index(
        self, tx: Transaction, object_id: str, on_relation: int, expressions: Sequence[str] | None
    ) -> list[str]:
        return list(expressions or [])

    def create_sink(self, tx: Transaction, from_id: str, spec: SinkSpec) -> None:
        self.sinks[spec.sink_id] = spec

    def start_ingest(self, tx: Transaction, object_id: str, spec: IngestSpec) -> None:
        self.ingests[object_id] = spec

    def drop(self, tx: Transaction, object_id: str) -> None:
        self.dropped.append(object_id)
        row = tx.execute("select relation::regclass::text from mzlite.objects where id = %s", (object_id,)).fetchone()
        if row is not None and row[0] is not None:
            tx.execute(f"drop view {row[0]}")
        tx.execute(f"drop view if exists mzlite_def.d_{object_id}")
        tx.execute(f"drop table if exists mzlite_data.s_{object_id}")

    def _show(
        self, tx: Transaction, schema: str, name: str, query: str, columns: Sequence[str] = (), path: Sequence[str] = ()
    ) -> int:
        shown = f"{quote_name(schema)}.{quote_name(name)}"
        listed = f" ({', '.join(quote_name(column) for column in columns)})" if columns else ""
        tx.execute("select set_config('search_path', %s, true)", (", ".join(quote_name(part) for part in path),))
        tx.execute(f"create view {shown}{listed} as {query}")
        tx.execute("select set_config('search_path', '', true)")
        tx.execute(f"grant select on {shown} to materialize")
        row = tx.execute("select %s::regclass::oid::bigint", (shown,)).fetchone()
        assert row is not None
        return int(row[0])


@dataclass
class Transaction:
    """The engine's side of a transaction."""

    connection: psycopg.Connection[Any]
    dataflow: PlainDataflow
    timestamp: int = 0
    answers: None = None

    def execute(self, sql: str, params: Sequence[Any] | None = None) -> psycopg.Cursor[Any]:
        return self.connection.execute(sql, params)  # type: ignore[call-overload,no-any-return]

    def analysed(self, query: str) -> PGresult:
        return analysed(self.connection, query)


@dataclass
class Database:
    """One database with one client session; its statements go the way that the coordinator sends them."""

    postgres: Postgres
    session: Session = field(default_factory=lambda: Session(7))
    dataflow: PlainDataflow = field(default_factory=PlainDataflow)
    _connection: psycopg.Connection[Any] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self.postgres.connect(autocommit=False) as connection:
            connection.execute("set search_path = ''")
            yield Transaction(connection, self.dataflow)

    def run(self, sql: str) -> tuple[str, list[str]]:
        """Carry out own statements; the tag and the notices of the last."""
        tag, notices = "", []
        for statement in parse(sql):
            with self.transaction() as tx:
                result = execute(statement, self.session, tx)  # type: ignore[arg-type]
                tag, notices = result.tag, [notice.message for notice in result.notices]
        return tag, notices

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a SELECT or SHOW as the client."""
        (statement,) = parse(sql)
        assert isinstance(statement, s.Relayed)
        with self.postgres.connect(user="materialize") as connection:
            path = ", ".join(quote_name(name) for name in search_path(self.session))
            connection.execute("select set_config('search_path', %s, false)", (path,))
            return connection.execute(statement.relay_sql).fetchall()  # type: ignore[call-overload,no-any-return]

    def create_sql(self, kind: str, name: str) -> str:
        """What SHOW CREATE says."""
        ((_, text),) = self.rows(f"show create {kind} {name}")
        return str(text)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """The database with an empty schema `probe` in the search path; it is empty again afterwards."""
    found = Database(postgres)
    found.run("create schema probe")
    found.session.search_path = ["probe"]
    yield found
    found.session.search_path = ["public"]
    with found.transaction() as tx:
        rows = tx.execute(
            "select name from mzlite.named_schemas where database_id = 'u1' and name <> 'public'"
        ).fetchall()
    for (name,) in rows:
        found.run(f'drop schema "{name}" cascade')
    with found.transaction() as tx:
        clusters = tx.execute("select name from mzlite.clusters where id like 'u%%' and id <> 'u1'", ()).fetchall()
    for (name,) in clusters:
        found.run(f'drop cluster "{name}" cascade')

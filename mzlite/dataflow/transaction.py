"""A transaction on the engine's connection, between ticks.

In: the engine's connection. Out: what definitions work with: statements, the timestamp, and the
dataflow that they change.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from mzlite.dataflow.rel import Column

if TYPE_CHECKING:
    from mzlite.dataflow.dataflow import Dataflow


CLIENT_ROLE = "materialize"
"""The role of the clients' backends in the inner PostgreSQL."""
ENGINE_PATH = "pg_catalog, mz_catalog, mzlite_compare"
"""The engine's search path: PostgreSQL's own functions first, then the operators of Materialize's types."""


def run(connection: psycopg.Connection[Any], text: str, params: Sequence[object] | None = None) -> psycopg.Cursor[Any]:
    """Runs one statement whose text this program made."""
    return connection.execute(sql.SQL(text) if params is None else text, params)


def engine_session(connect: Callable[[], psycopg.Connection[Any]]) -> psycopg.Connection[Any]:
    """A session that computes views."""
    connection = connect()
    connection.autocommit = True
    connection.prepare_threshold = 2
    run(connection, f"set search_path = {ENGINE_PATH}")
    run(connection, "set client_min_messages = error")
    # A tick's delta tables are to stay in memory; the default of 8 MB writes them to files and reads them back.
    run(connection, "set temp_buffers = '256MB'")
    run(connection, "set work_mem = '64MB'")
    # A tick loses nothing when it is replayed from the offsets it committed with; definitions, and ticks that
    # feed a sink, wait for the disk.
    run(connection, "set synchronous_commit = off")
    return connection


def analysed(connection: psycopg.Connection[Any], query: str, parameters: Sequence[int] = ()) -> PGresult:
    """What PostgreSQL says of the columns of a SELECT; it is not planned, as a constant in it may fail.

    Args:
        connection: where it is said.
        query: the SELECT.
        parameters: oids of the types of its parameters, as far as they are known.
    """
    pgconn = connection.pgconn
    result = pgconn.prepare(b"", query.encode(), parameters)
    if result.status == ExecStatus.COMMAND_OK:
        result = pgconn.describe_prepared(b"")
    if result.status != ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result)
    return result


@dataclass
class EngineTransaction:
    """One PostgreSQL transaction of the engine.

    Attributes:
        connection: a superuser's, inside the transaction.
        timestamp: of what the transaction does, in ms.
        tick: its number.
        after_commit: run when it has committed, in order.
        answers: what other systems have answered so far in this statement; None where they may be asked at once.
    """

    connection: psycopg.Connection[Any]
    timestamp: int
    tick: int
    dataflow: Dataflow
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    answers: dict[Hashable, Any] | None = None

    def execute(self, text: str, params: Sequence[object] | None = None) -> psycopg.Cursor[Any]:
        """Runs one statement."""
        return run(self.connection, text, params)

    def analysed(self, query: str) -> PGresult:
        """What PostgreSQL says of the columns of a SELECT."""
        return analysed(self.connection, query)

    def describe(self, query: str) -> list[Column]:
        """The names and types of a SELECT's columns."""
        result = self.analysed(query)
        count = result.nfields
        if count == 0:
            return []
        types = [f"format_type({result.ftype(index)}, {result.fmod(index)})" for index in range(count)]
        row = self.execute("select " + ", ".join(types)).fetchone()
        names = [(result.fname(index) or b"").decode() for index in range(count)]
        assert row is not None
        return [Column(name, type_) for name, type_ in zip(names, row, strict=True)]


class Executes(Protocol):
    """What runs statements in a transaction."""

    def execute(self, text: str, params: Sequence[Any] | None = None) -> psycopg.Cursor[Any]:
        """Run one statement."""


def as_client(tx: Executes, text: str) -> psycopg.Cursor[Any]:
    """Runs a statement that has a client's expression in it, with the names and the rights that clients have."""
    tx.execute("select set_config('search_path', 'mz_catalog, pg_catalog', true)")
    tx.execute(f"set local role {CLIENT_ROLE}")
    cursor = tx.execute(text)
    tx.execute("reset role")
    tx.execute("select set_config('search_path', %s, true)", (ENGINE_PATH,))
    return cursor

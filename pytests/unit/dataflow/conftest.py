"""An engine over a real PostgreSQL with a clock that the test holds, and the comparison of every view with its definition."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from mzlite.clock import Clock
from mzlite.dataflow.engine import Engine, EngineOptions
from mzlite.dialect.definitions import ColumnDefinition
from mzlite.storage.postgres import Postgres
from pytests.postgres import bootstrapped

START = 1_767_225_600_000
"""2026-01-01 00:00:00 UTC in ms: where the held clock begins."""
PATH = ("mz_catalog", "pg_catalog", "public")
DEADLINE = 60.0


@dataclass
class Harness:
    """One engine, its objects by name, and a client's connection."""

    postgres: Postgres
    clock: Clock = field(default_factory=Clock)
    ids: dict[str, str] = field(default_factory=dict)
    views: list[str] = field(default_factory=list)
    engine: Engine = field(init=False)
    client: psycopg.Connection[Any] = field(init=False)
    system: psycopg.Connection[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.clock.hold(self.clock.held or START)
        self.client = self.postgres.connect(user="materialize")
        self.client.execute("set search_path = public")
        self.system = self.postgres.connect()
        self.start()

    def start(self) -> None:
        self.make_engine()
        self.engine.start()

    def make_engine(self) -> None:
        """An engine that does not run yet."""
        # A single message is decoded ahead, where a tick leaves time for it.
        self.engine = Engine(lambda: self.postgres.connect(), self.clock, EngineOptions(ahead_rows=1))

    def restart(self) -> None:
        self.engine.stop()
        self.start()

    def close(self) -> None:
        self.engine.stop()
        self.client.close()
        self.system.close()

    def identity(self, name: str) -> str:
        return self.ids.setdefault(name, f"u{len(self.ids) + 1}")

    def table(self, name: str, /, **columns: str) -> None:
        definitions = [ColumnDefinition(column, type_) for column, type_ in columns.items()]
        object_id = self.identity(name)
        self.engine.submit(lambda tx: tx.dataflow.create_table(tx, object_id, "public", name, definitions)).result(
            DEADLINE
        )

    def view(self, name: str, query: str) -> None:
        """A materialized view."""
        object_id = self.identity(name)

        def job(tx: Any) -> None:
            tx.dataflow.create_materialized_view(tx, object_id, "public", name, (), query, PATH)

        self.engine.submit(job).result(DEADLINE)
        self.views.append(name)

    def all_views(self, queries: Mapping[str, str]) -> None:
        """Materialized views by their names, each of which equals its definition when it is made."""
        for name, query in queries.items():
            self.view(name, query)
        assert self.differences() == {}

    def orders_and_status(self) -> None:
        """Two tables that can be joined."""
        self.table("orders", order_id="integer", ts="timestamp", amount="numeric(10,2)", rk="text")
        self.table("status", order_id="integer", name="text", st="timestamp")

    def plain_view(self, name: str, query: str) -> int:
        object_id = self.identity(name)

        def job(tx: Any) -> int:
            return int(tx.dataflow.create_view(tx, object_id, "public", name, (), query, PATH))

        return int(self.engine.submit(job).result(DEADLINE))

    def write(self, *statements: str) -> None:
        """Each statement is a write of its own; the last one is absorbed when this returns."""
        for statement in statements:
            self.client.execute(statement.encode())
        self.tick()

    def change(self, seed: int, ticks: int, statements: Sequence[str]) -> None:
        """Ticks of one of the statements each, with some key and number; everything equals its definition after each."""
        source = random.Random(seed)
        for _ in range(ticks):
            key, number = source.choice(["'a'", "'b'", "null", "''"]), source.randrange(3)
            self.write(source.choice(statements).format(key=key, number=number))
            assert self.differences() == {}

    def tick(self) -> int:
        return self.engine.absorb_writes().result(DEADLINE)

    def decode_ahead(self) -> None:
        """Lets the messages that wait be decoded, as if a tick were running."""
        self.engine.ahead.begin()
        self.until(lambda: self.engine.ahead.settled, "messages are decoded for ever")

    def until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Waits for a condition; fails with a text when it does not come true."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.001)

    def advance(self, milliseconds: int) -> None:
        """Moves the clock and lets the engine see it."""
        assert self.clock.held is not None
        self.clock.hold(self.clock.held + milliseconds)
        self.tick()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.client.execute(query.encode()).fetchall()

    def differences(self) -> dict[str, list[tuple[Any, ...]]]:
        """For each view that is not equal to its definition: the rows that only one side has."""
        found = {}
        for name in self.views:
            definition = f"mzlite_def.d_{self.ids[name]}"
            rows = self.system.execute(
                f"(select 'extra', * from (table public.{name} except all table {definition}) as a)"
                f" union all (select 'missing', * from (table {definition} except all table public.{name}) as b)".encode()
            ).fetchall()
            if rows:
                found[name] = rows
        return found


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with bootstrapped(tmp_path_factory.mktemp("mzlite"), shared_buffers_mb=64) as server:
        yield server


@pytest.fixture(scope="module")
def harness(postgres: Postgres) -> Iterator[Harness]:
    made = Harness(postgres)
    try:
        yield made
    finally:
        made.close()

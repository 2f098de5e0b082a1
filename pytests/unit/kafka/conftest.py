"""A PostgreSQL with what `storage/sql/kafka.sql` creates, for tests of bytes and expressions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mzlite.storage.postgres import Postgres

KAFKA_SQL = Path(__file__).parents[3] / "mzlite" / "storage" / "sql" / "kafka.sql"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"), shared_buffers_mb=32)
    server.start()
    try:
        with server.connect("postgres") as connection:
            connection.execute("create schema mzlite; create schema mz_catalog")
            connection.execute(KAFKA_SQL.read_text())  # type: ignore[call-overload]
        yield server
    finally:
        server.stop()


@pytest.fixture
def connection(postgres: Postgres) -> Iterator[psycopg.Connection]:
    with postgres.connect("postgres") as connection:
        yield connection

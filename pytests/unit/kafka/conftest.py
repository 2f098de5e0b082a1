"""The inner PostgreSQL as the engine has it, for tests of bytes and expressions."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from mzlite.dataflow.transaction import ENGINE_PATH
from mzlite.storage.postgres import Postgres


@pytest.fixture
def connection(postgres: Postgres) -> Iterator[psycopg.Connection]:
    with postgres.connect() as connection:
        connection.execute(f"set search_path = {ENGINE_PATH}")  # type: ignore[call-overload]
        yield connection

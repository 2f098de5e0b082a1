"""A PostgreSQL with mzlite's own types, functions and catalog, for the tests that need one to judge."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from mzlite.storage.postgres import Postgres


@pytest.fixture
def client(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """What a client's session has: an unprivileged role that sees mz_catalog without naming it."""
    with postgres.connect(user="materialize") as connection:
        connection.execute("set search_path = public, mz_catalog, pg_catalog")
        yield connection

"""Renames and swaps in a transaction: all at one moment, mistakes at once, and nobody else's definitions in between."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from mzlite.testing import Mzlite


@pytest.fixture
def two(mzlite: Mzlite) -> Mzlite:
    for schema, version in (("blue", 1), ("green", 2)):
        mzlite.execute(f"create schema {schema}")
        mzlite.execute(f"create materialized view {schema}.a as select {version} as version")
        mzlite.execute(f"create view {schema}.b as select {version} as version")
    mzlite.execute(f"create cluster {mzlite.name}_blue size '25cc'")
    mzlite.execute(f"create cluster {mzlite.name}_green size '25cc'")
    return mzlite


def versions(mzlite: Mzlite) -> list[tuple[Any, ...]]:
    return mzlite.query("select blue.a.version, blue.b.version from blue.a, blue.b")


def schema_id(mzlite: Mzlite, name: str) -> str:
    """The query for a schema's id."""
    database = f"(select id from mz_databases where name = '{mzlite.name}')"
    return f"select id from mz_schemas where name = '{name}' and database_id = {database}"


def test_a_swap_of_schemas_and_clusters_is_one_moment(two: Mzlite) -> None:
    # Of catalogs alone: names that stand in a statement are looked up before it takes its snapshot.
    blue, green = (two.query(schema_id(two, name))[0][0] for name in ("blue", "green"))
    seen: set[Any] = set()
    stop = threading.Event()

    def read() -> None:
        with two.server.connect(dbname=two.name) as connection:
            while not stop.is_set():
                size = f"select size from mz_clusters where name = '{two.name}_blue'"
                row = connection.execute(f"select ({schema_id(two, 'blue')}), ({size})".encode()).fetchone()
                seen.add(row)

    two.execute(f"alter cluster {two.name}_green set (size = '50cc')")
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(10):
            two.execute(
                "begin; alter schema blue swap with green;"
                f" alter cluster {two.name}_blue swap with {two.name}_green; commit"
            )
    finally:
        stop.set()
        reader.join()
    assert seen
    assert seen <= {(blue, "25cc"), (green, "50cc")}
    assert versions(two) == [(1, 1)]
    two.execute("begin; alter schema blue swap with green; alter schema green rename to old; commit")
    assert versions(two) == [(2, 2)]
    two.assert_rows("old.a", [(1,)])


def test_a_mistake_shows_at_once_and_nothing_has_changed(two: Mzlite) -> None:
    with two.connect() as connection:
        connection.execute("begin")
        connection.execute("alter schema blue swap with green")
        with pytest.raises(psycopg.Error, match="unknown schema 'nosuch'"):
            connection.execute("alter schema blue swap with nosuch")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("alter schema blue swap with green")
        connection.execute("commit")
    assert versions(two) == [(1, 1)]


def test_a_later_statement_knows_the_earlier_ones(two: Mzlite) -> None:
    two.execute("begin; alter view blue.b rename to c; alter view blue.c rename to d; commit")
    two.assert_rows("blue.d", [(1,)])
    with pytest.raises(psycopg.Error, match=r"unknown catalog item 'blue\.d'"):
        two.execute("begin; alter view blue.d rename to e; alter view blue.d rename to f; commit")
    two.execute("rollback")
    two.assert_rows("blue.d", [(1,)])


def test_definitions_of_others_end_the_transaction(two: Mzlite) -> None:
    with two.connect() as connection:
        connection.execute("begin")
        connection.execute("alter schema blue swap with green")
        two.execute("create table meanwhile (a int)")
        with pytest.raises(psycopg.errors.SerializationFailure) as caught:
            connection.execute("commit")
        assert caught.value.diag.message_primary == (
            "another session modified the catalog while this DDL transaction was open"
        )
        assert versions(two) == [(1, 1)]
        connection.execute("begin")
        connection.execute("alter schema blue swap with green")
        connection.execute("rollback")
        assert versions(two) == [(1, 1)]
        # In the extended protocol, too.
        connection.execute("begin")
        connection.execute("alter schema blue swap with green", prepare=True)
        connection.execute("commit", prepare=True)
    assert versions(two) == [(2, 2)]

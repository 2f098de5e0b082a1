"""Long names that nothing has any more are forgotten, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from mzlite.long_names import digest
from mzlite.storage.names import names_in_use
from pytests.postgres import bootstrapped

NAMES = {kind: f"{kind}_" + "n" * 80 for kind in ("relation", "column", "alias", "role", "schema", "database", "gone")}
SHORT = {kind: digest(name) for kind, name in NAMES.items()}


@pytest.fixture
def connection(tmp_path: Any) -> Iterator[psycopg.Connection[Any]]:
    with bootstrapped(tmp_path) as server, server.connect() as found:
        yield found


def test_what_nothing_has_is_forgotten(connection: psycopg.Connection[Any]) -> None:
    assert names_in_use(connection) == []
    kept = dict(NAMES)
    # The name of a schema has its database's in it.
    kept["schema"] = f"{SHORT['database']}.{NAMES['schema']}"
    for kind, name in kept.items():
        connection.execute("insert into mzlite.long_names values (%s, %s)", (SHORT[kind], name))
    for statement in (
        f"create schema {SHORT['schema']}",
        f"create table {SHORT['schema']}.{SHORT['relation']} (a int, {SHORT['column']} int)",
        f"create view {SHORT['schema']}.v as select x.{SHORT['alias']} + 1 as b from (select 1 as {SHORT['alias']}) as x",
        f"insert into mzlite.roles (id, name) values ('u99', '{SHORT['role']}')",
    ):
        connection.execute(statement.encode())
    wanted = {SHORT[kind]: name for kind, name in kept.items() if kind != "gone"}
    assert dict(names_in_use(connection)) == wanted
    assert dict(connection.execute("select short, name from mzlite.long_names").fetchall()) == wanted

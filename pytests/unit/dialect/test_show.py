"""SHOW as a query over the catalog: it runs, and has the columns of Materialize."""

from __future__ import annotations

import psycopg
import pytest

from mzlite.dialect.parse import parse
from mzlite.dialect.pg_errors import translate
from mzlite.dialect.statements import Relayed, ShowVariable

COLUMNS = {
    "show tables": ["name", "comment"],
    "show tables from public like 'a%'": ["name", "comment"],
    "show views where name = 'x'": ["name", "comment"],
    "show materialized views in cluster quickstart": ["name", "cluster", "comment"],
    "show sources": ["name", "type", "cluster", "comment"],
    "show sinks from materialize.public": ["name", "type", "cluster", "comment"],
    "show indexes": ["name", "on", "cluster", "key", "comment"],
    "show indexes in cluster quickstart": ["name", "on", "cluster", "key", "comment"],
    "show connections": ["name", "type", "comment"],
    "show secrets": ["name", "comment"],
    "show clusters": ["name", "replicas", "comment"],
    "show cluster replicas": ["cluster", "replica", "size", "ready", "comment"],
    "show cluster replicas where cluster = 'quickstart'": ["cluster", "replica", "size", "ready", "comment"],
    "show databases": ["name", "comment"],
    "show schemas": ["name", "comment"],
    "show schemas from materialize": ["name", "comment"],
    "show objects": ["name", "type", "comment"],
    "show types": ["name", "comment"],
    "show roles": ["name", "comment"],
    "show subsources": ["name", "type"],
    "show columns from mz_catalog.mz_tables": ["name", "nullable", "type", "comment"],
    "show network policies": ["name", "rules", "comment"],
    "show privileges": ["grantor", "grantee", "database", "schema", "name", "object_type", "privilege_type"],
    "show default privileges": ["object_owner", "database", "schema", "object_type", "grantee", "privilege_type"],
    "show role membership": ["role", "member", "grantor"],
    "show create cluster quickstart": ["name", "create_sql"],
    "select * from (show clusters) where name = 'quickstart'": ["name", "replicas", "comment"],
}
REFUSED = {
    "show tables from nosuch": "unknown schema 'nosuch'",
    "show tables from nosuch.public": "unknown database 'nosuch'",
    "show schemas from nosuch": "unknown database 'nosuch'",
    "show materialized views in cluster nosuch": "unknown cluster 'nosuch'",
    "show columns from nosuch": "unknown catalog item 'nosuch'",
    "show indexes on nosuch": "unknown catalog item 'nosuch'",
    "show create table nosuch": "unknown catalog item 'nosuch'",
    "show create cluster nosuch": "unknown cluster 'nosuch'",
}


def sql_for(text: str) -> bytes:
    (statement,) = parse(text)
    assert isinstance(statement, Relayed)
    return statement.relay_sql.encode()


@pytest.mark.parametrize("text", COLUMNS)
def test_columns(client: psycopg.Connection, text: str) -> None:
    cursor = client.execute(sql_for(text))
    assert cursor.description is not None
    assert [column.name for column in cursor.description] == COLUMNS[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_does_not_exist_is_named(client: psycopg.Connection, text: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        client.execute(sql_for(text))
    diagnostics = caught.value.diag
    error = translate({"C": diagnostics.sqlstate or "", "M": diagnostics.message_primary or ""})
    assert (error.message, error.sqlstate) == (REFUSED[text], "XX000")


def test_conditions_are_over_the_columns_shown(client: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn):
        client.execute(sql_for("show tables where schema_id = 'u1'"))


def test_the_default_cluster_is_shown(client: psycopg.Connection) -> None:
    rows = client.execute(sql_for("show clusters like 'quick%'")).fetchall()
    assert [row[0] for row in rows] == ["quickstart"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("show cluster", "cluster"),
        ("show time zone", "timezone"),
        ("show transaction isolation level", "transaction_isolation"),
        ("show Search_Path", "search_path"),
        ("show all", "all"),
    ],
)
def test_variables(text: str, name: str) -> None:
    (statement,) = parse(text)
    assert statement == ShowVariable(text, name)

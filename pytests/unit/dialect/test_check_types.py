"""Forms of functions and operators that PostgreSQL has and Materialize has not, told by the rule of a view."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from mzlite.dialect import ast
from mzlite.dialect.check_types import check_rule
from mzlite.dialect.parser import StatementParser
from mzlite.dialect.tokens import tokenize
from mzlite.errors import MzError
from mzlite.storage.postgres import Postgres

COLUMNS = (
    "i int, b bigint, n numeric, f float8, r real, s text, v varchar, d date, ts timestamp, tz timestamptz, tm time,"
    " iv interval, j jsonb, a int[], ta text[], x bytea, u uuid, ok boolean, rg int4range"
)
ACCEPTED = [
    "date_part('year', d)",
    "date_trunc('day', d)",
    "extract(epoch from ts)",
    "round(n, 2)",
    "round(i)",
    "avg(n), avg(i), stddev(n), sum(b), max(v), min(d), count(distinct u), bool_and(ok)",
    "to_char(ts, 'YYYY'), to_char(d, 'YYYY')",
    "substring(s, 1, 2), substr(s, 2), left(v, 1), length(s), length(x), md5(s)",
    "regexp_replace(s, 'a', 'b', 'g'), split_part(s, ',', 1)",
    "jsonb_agg(j), jsonb_object_agg(s, i), array_agg(i order by d), string_agg(s, ',')",
    "to_jsonb(i), jsonb_build_object('a', i), concat(s, i, d), concat_ws(',', s, v)",
    "lag(i) over (order by d), lead(i, 1, 0) over (order by d), first_value(s) over (order by d)",
    "d + iv, ts + iv, ts - ts, d - d, tz - iv, tm - tm, iv * 2, iv / 2, i % 2, n * f, -n, b # 1",
    "j -> 'a' ->> 'b', j #> ta, j @> j, j ? 'a', j - 'a', j || j, a || a, s || i, rg @> i, rg && rg",
    "s ~ 'a', s ilike 'b', u = u, x = x, i between 1 and 2, a = a, i = any (a)",
    "array_length(a, 1), array_position(a, 1), array_to_string(a, ','), a[1]",
    "greatest(i, 2), nullif(i, 1), i::text, s::int, n::int, j::text, s::bytea, ok::int",
    "generate_series(1, i), unnest(a), jsonb_array_elements(j), regexp_matches(s, 'a')",
    "mz_catalog.mz_now()",
]
REFUSED = [
    ("to_char(n, '999')", "function to_char(numeric, text) does not exist"),
    ("substring(s, 'a.c')", "function substring(text, text) does not exist"),
    ("max(a)", "function max(anyarray) does not exist"),
    ("max(x)", "function max(bytea) does not exist"),
    ("date_trunc('day', tz, 'UTC')", "function date_trunc(text, timestamp with time zone, text) does not exist"),
    ("age(ts)", "function age(timestamp) does not exist"),
    ("d + 1", "operator does not exist: date + integer"),
    ("d - 1", "operator does not exist: date - integer"),
    ("j - ta", "operator does not exist: jsonb - text[]"),
    ("j ?| ta", "operator does not exist: jsonb ?| text[]"),
]


@pytest.fixture(scope="module")
def table(postgres: Postgres) -> Iterator[psycopg.Connection]:
    with postgres.connect() as connection:
        connection.execute("set search_path = public, mz_catalog")
        connection.execute(f"create table typed ({COLUMNS})".encode())
        yield connection
        connection.execute("drop table typed cascade")


def rule(connection: psycopg.Connection, expressions: str) -> str:
    sql = f"select {expressions}"
    body = StatementParser(tokenize(sql)).query().body
    assert isinstance(body, ast.Select)
    items = ", ".join(f"{sql[item.start : item.end]} as c{number}" for number, item in enumerate(body.items))
    with connection.transaction(force_rollback=True):
        connection.execute(f"create view probe as select {items} from typed".encode())
        row = connection.execute("select ev_action::text from pg_rewrite where ev_class = 'probe'::regclass").fetchone()
        assert row is not None
        return str(row[0])


@pytest.mark.parametrize("expressions", ACCEPTED)
def test_accepted(table: psycopg.Connection, expressions: str) -> None:
    check_rule(rule(table, expressions), lambda sql: table.execute(sql.encode()).fetchall())


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_refused(table: psycopg.Connection, expression: str, message: str) -> None:
    with pytest.raises(MzError) as caught:
        check_rule(rule(table, expression), lambda sql: table.execute(sql.encode()).fetchall())
    assert caught.value.message == message
    assert caught.value.sqlstate == "XX000"

"""Forms of functions, operators and casts that PostgreSQL has and Materialize has not, and those that both have."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from mzlite.dialect.parse import parse
from mzlite.dialect.pg_errors import from_psycopg
from mzlite.dialect.statements import Relayed
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
    ("to_char(n, '999')", "function to_char(numeric, unknown) does not exist"),
    ("to_char(iv, 'HH')", "function to_char(interval, unknown) does not exist"),
    ("substring(s, s)", "function substring(text, text) does not exist"),
    ("substring(x, 1, 2)", "function substring(bytea, integer, integer) does not exist"),
    ("max(a)", "function max(integer[]) does not exist"),
    ("max(x)", "function max(bytea) does not exist"),
    ("min(j)", "function min(jsonb) does not exist"),
    ("trunc(n, 2)", "function trunc(numeric, integer) does not exist"),
    ("age(ts)", "function age(timestamp without time zone) does not exist"),
    ("d + 1", "operator does not exist: date + integer"),
    ("1 + d", "operator does not exist: integer + date"),
    ("d - 1", "operator does not exist: date - integer"),
    ("j - ta", "operator does not exist: jsonb - text[]"),
    ("j ?| ta", "operator does not exist: jsonb ?| text[]"),
    ("a && a", "operator does not exist: integer[] && integer[]"),
    ("a || 1", "operator does not exist: integer[] || integer"),
    ("x::int", "CAST does not support casting from bytea to integer"),
    ("iv::int", "CAST does not support casting from interval to integer"),
]


@pytest.fixture(scope="module")
def table(postgres: Postgres) -> Iterator[psycopg.Connection]:
    with postgres.connect() as connection:
        connection.execute("set search_path = mz_catalog, pg_catalog, public")
        connection.execute(f"create table typed ({COLUMNS})".encode())
        yield connection
        connection.execute("drop table typed cascade")


def make_view(connection: psycopg.Connection, expressions: str) -> None:
    (statement,) = parse(f"select {expressions} from typed")
    assert isinstance(statement, Relayed)
    count = len(connection.execute(f"{statement.relay_sql} limit 0".encode()).description or ())
    columns = ", ".join(f"c{number}" for number in range(count))
    with connection.transaction(force_rollback=True):
        connection.execute(f"create view probe ({columns}) as {statement.relay_sql}".encode())


@pytest.mark.parametrize("expressions", ACCEPTED)
def test_accepted(table: psycopg.Connection, expressions: str) -> None:
    make_view(table, expressions)


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_refused(table: psycopg.Connection, expression: str, message: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        table.execute(f"select {expression} from typed".encode())
    error = from_psycopg(caught.value)
    assert (error.message, error.sqlstate) == (message, "XX000")

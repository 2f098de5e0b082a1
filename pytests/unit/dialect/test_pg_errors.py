"""PostgreSQL's own errors in Materialize's words."""

from __future__ import annotations

import psycopg
import pytest

from mzlite.dialect.pg_errors import translate
from mzlite.errors import MzError
from mzlite.storage.postgres import Postgres

RECORDED = [
    ("select * from nosuch", "XX000", "unknown catalog item 'nosuch'"),
    ("select * from public.nosuch", "XX000", "unknown catalog item 'public.nosuch'"),
    ("select nosuch", "XX000", 'column "nosuch" does not exist'),
    ("select 1 as a where nosuch = 1", "XX000", 'WHERE clause error: column "nosuch" does not exist'),
    ("select (select 1 where x.y = 1) from (select 1) as x", "XX000", 'WHERE clause error: column "x.y" does not exist'),
    ("select 1/0", "XX000", "division by zero"),
    ("select 'x'::int", "XX000", 'invalid input syntax for type integer: invalid digit found in string: "x"'),
    ("select ''::bigint", "XX000", 'invalid input syntax for type bigint: cannot parse integer from empty string: ""'),
    ("select '99999999999'::int", "XX000", 'invalid input syntax for type integer: number too large to fit in target type: "99999999999"'),
    ("select 9223372036854775807 + 1", "XX000", "numeric field overflow"),
    ("select round(1.25::float8, 1)", "XX000", "function round(double precision, integer) does not exist"),
    ("select mz_now() + interval '1 day'", "XX000", "operator does not exist: mz_timestamp + interval"),
    ("select id, count(*) from (select 1 as id) as t", "XX000", 'column "t.id" must appear in the GROUP BY clause or be used in an aggregate function'),
    ("select id from (select 1 as id) a, (select 2 as id) b", "XX000", 'column reference "id" is ambiguous'),
    ("select 1::nosuch", "XX000", 'type "nosuch" does not exist'),
    ("select convert_from('\\xff'::bytea, 'utf8')", "XX000", "invalid byte sequence 'invalid utf-8 sequence of 1 bytes from index 0' for encoding 'utf8'"),
    ("select * from mzlite.objects", "XX000", "unknown catalog item 'objects'"),
    ("select 1 where 1", "XX000", "WHERE clause must have type boolean, not type integer"),
    ("select 1 from (select 1) a join (select 2) b on 1", "XX000", "ON clause must have type boolean, not type integer"),
    ("select 'a'::jsonb", "XX000", "invalid input syntax for type jsonb"),
    ("fetch c", "34000", 'cursor "c" does not exist'),
    ("execute p", "26000", 'prepared statement "p" does not exist'),
]  # fmt: skip


def failure(client: psycopg.Connection, sql: str) -> MzError:
    with pytest.raises(psycopg.Error) as caught:
        client.execute(sql.encode())
    diagnostics = caught.value.diag
    fields = {
        "C": diagnostics.sqlstate,
        "M": diagnostics.message_primary,
        "D": diagnostics.message_detail,
        "H": diagnostics.message_hint,
        "P": diagnostics.statement_position,
    }
    return translate({code: text for code, text in fields.items() if text is not None}, sql)


@pytest.mark.parametrize(("sql", "state", "message"), RECORDED, ids=[sql for sql, _, _ in RECORDED])
def test_words(client: psycopg.Connection, sql: str, state: str, message: str) -> None:
    error = failure(client, sql)
    assert (error.sqlstate, error.message) == (state, message)


def test_not_null(postgres: Postgres, client: psycopg.Connection) -> None:
    with postgres.connect() as owner:
        owner.execute("create table public.strict (id int not null)")
        owner.execute("grant insert on public.strict to materialize")
    error = failure(client, "insert into public.strict values (null)")
    assert error.sqlstate == "23502"
    assert error.message == 'null value in column "id" violates not-null constraint'
    assert error.detail is None


def test_hints_are_those_of_materialize(client: psycopg.Connection) -> None:
    assert failure(client, "select mz_now() + interval '1 day'").hint == (
        "No operator matches the given name and argument types.  You might need to add explicit type casts."
    )

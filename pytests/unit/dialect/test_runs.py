"""What is relayed runs in PostgreSQL and gives what Materialize gives."""

from __future__ import annotations

import decimal

import psycopg
import pytest

from mzlite.dialect.check import check_query
from mzlite.dialect.definitions import CreateView
from mzlite.dialect.parse import parse
from mzlite.dialect.pg_errors import from_psycopg
from mzlite.dialect.statements import Relayed

RESULTS: list[tuple[str, list[tuple[object, ...]]]] = [
    ("select -7 % 3, -1::text, -(1)::int2", [(-1, "-1", -1)]),
    ("select 1 = 1 = true, 2 > 1 = false", [(True, False)]),
    ("select null is distinct from true and false, false is not distinct from true and false", [(True, True)]),
    ("select array[1,2][1], list[1,2][2], list[[1],[2]][2][1]", [(1, 2, 2)]),
    ("select map['a' => 1] -> 'a', interval '2' days::text, '{1,2}'::int list", [(1, "2 days", "{1,2}")]),
    ("select '{\"a\": 1}'::json ->> 'a', 'x'::string, 1.5::double", [("1", "x", 1.5)]),
    ("select x.timestamp, \"offset\" from (select 1 as timestamp, 2 as offset) as x", [(1, 2)]),
    ("select current_user(), user = current_user", [("materialize", True)]),
    ("select * from (values (1, 2)) as for", [(1, 2)]),
    (
        "with mutually recursive r (n bigint) as (select 1 union select n + 1 from r where n < 4) select n from r",
        [(1,), (2,), (3,), (4,)],
    ),
    (
        "with mutually recursive (recursion limit 50) r (a int, b text) as (select 1, 'x' union all select a + 1, "
        "b || 'y' from r where a < 3), s (n int) as (select a from r where a > 1) select n, b "
        "from s join r on r.a = s.n",
        [(2, "xy"), (3, "xyy")],
    ),
    ("with mutually recursive foo (a int, b int) as (select 1, 2 union select a, 7 from bar), bar (a int) as "
     "(select a from foo) select * from bar", [(1,), (1,)]),
    ("with mutually recursive t (n int) as (values (1) union all select n+1 from t where n < 100) select sum(n) from t",
     [(5050,)]),
    ("with mutually recursive evens(n int) as (values (1) union all select n+1 from odds where n < 100), odds (n int) as "
     "(values (0) union all select n+1 from evens), both (n int) as (select * from evens union all select * from odds) "
     "select sum(n) from both", [(10100,)]),
    ("with mutually recursive numbers (n int) as (values (1) union all (with rebound as (select * from numbers) select "
     "distinct t1.n + t2.n as n from rebound as t1, rebound as t2 where t1.n <= 256 and t2.n <= 256)) "
     "select count(*) from numbers", [(512,)]),
    ("with mutually recursive foo (a int, b int) as (select (select min(c) from bar), 2 union select 5, 5 from bar), "
     "bar (c int) as (select a from foo) select * from foo, bar order by 1, 2, 3",
     [(5, 2, 5), (5, 2, 5), (5, 5, 5), (5, 5, 5)]),
    ("with mutually recursive start(pos int) as (select 0), head(pos int) as (select pos from start except all select pos "
     "from start_delayed union all select case when pos < 3 then pos + 1 else pos end from head), start_delayed(pos int) "
     "as (select pos from start) select pos from head", [(3,)]),
    ("with mutually recursive (return at recursion limit 3) c(n int) as (select 1 union select n + 1 from c where n < 100)"
     " select n from c order by n", [(1,), (2,), (3,)]),
    ("with mutually recursive t(x numeric(38,2)) as (select 1.23456) select x::text from t", [("1.23",)]),
    ("with mutually recursive t(x numeric, y text) as (select 1.5, null union select x * 1.0, y from t) select * from t",
     [(decimal.Decimal("1.5"), None)]),
    ("with e as (select 1 as a, 2 as b union all select 2, 3) select * from (with mutually recursive r (a int, b int) as "
     "(select a, b from e union select r.a, e.b from r join e on e.a = r.b) select a, b from r) as x order by 1, 2",
     [(1, 2), (1, 3), (2, 3)]),
    ("with mutually recursive a (n int) as (select 1 union select n + 1 from a where n < 3) select * from (with mutually "
     "recursive b (m int) as (select max(n) from a union select m + 1 from b where m < 5) select m from b) as x "
     "order by m", [(3,), (4,), (5,)]),
    ("with mutually recursive o (n int) as (select 1 union select k from (with mutually recursive i (k int) as (select "
     "max(n) from o union select k + 1 from i where k < 3) select k from i) as x) select n from o order by n",
     [(1,), (3,)]),
]  # fmt: skip


ERRORS = [
    ("with mutually recursive bar(x int8) as (select '1') select * from bar",
     'WITH MUTUALLY RECURSIVE query "bar" declared types (bigint), but query returns types (text)'),
    ("with mutually recursive foo (a int, b int) as (select 1 union select a from bar), bar (a int) as (select a from foo)"
     " select 1 from foo",
     'WITH MUTUALLY RECURSIVE query "foo" declared types (integer, integer), but query returns types (integer)'),
    ("with mutually recursive foo (a timestamp) as (select 1::numeric, 2) select 1 from foo",
     'WITH MUTUALLY RECURSIVE query "foo" declared types (timestamp without time zone), but query returns types'
     " (numeric, integer)"),
    ("with mutually recursive (error at recursion limit 5) c(n int) as (select 1 union all select n from c) select * from c",
     "Evaluation error: Recursive query exceeded the recursion limit 5. (Use RETURN AT RECURSION LIMIT to not error, but"
     " return the current state as the final result when reaching the limit.)"),
    ("with mutually recursive foo (a int) as (select c from foo) select * from foo", 'column "c" does not exist'),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message"), ERRORS, ids=[sql[:60] for sql, _ in ERRORS])
def test_errors(client: psycopg.Connection, sql: str, message: str) -> None:
    (statement,) = parse(sql)
    assert isinstance(statement, Relayed)
    with pytest.raises(psycopg.Error) as caught:
        client.execute(statement.relay_sql.encode())
    error = from_psycopg(caught.value)
    assert (error.message, error.sqlstate) == (message, "XX000")


@pytest.mark.parametrize(("sql", "expected"), RESULTS, ids=[sql[:60] for sql, _ in RESULTS])
def test_results(client: psycopg.Connection, sql: str, expected: list[tuple[object, ...]]) -> None:
    (statement,) = parse(sql)
    assert isinstance(statement, Relayed)
    assert client.execute(statement.relay_sql.encode()).fetchall() == expected


def test_column_names_are_those_of_materialize(client: psycopg.Connection) -> None:
    (statement,) = parse(
        "select list[1], map['a' => 1], list[1][1], array[1], interval '1 day', true, case 1 when 1 then 2 end,"
        " true::text, '{1}'::int[], '{1}'::int list, interval '1 day'::text, case when true then 1 else true::int end"
    )
    assert isinstance(statement, Relayed)
    description = client.execute(statement.relay_sql.encode()).description
    assert description is not None
    assert [column.name for column in description] == [
        "list", "map", "list", "array", "interval", "bool", "case", "bool", "_int4", "list", "interval", "bool",
    ]  # fmt: skip


def test_the_text_for_postgresql_can_be_checked_again() -> None:
    (statement,) = parse(
        "create view v as with r as (select 1) select array[1] as a, x::json from r, t where a is distinct from b or c"
    )
    assert isinstance(statement, CreateView)
    check_query(statement.query, maintained=True)

"""What is relayed runs in PostgreSQL and gives what Materialize gives."""

from __future__ import annotations

import psycopg
import pytest

from mzlite.dialect.check import check_query
from mzlite.dialect.parse import parse
from mzlite.dialect.statements import CreateView, Relayed

RESULTS: list[tuple[str, list[tuple[object, ...]]]] = [
    ("select -7 % 3, -1::text, -(1)::int2", [(-1, "-1", -1)]),
    ("select 1 = 1 = true, 2 > 1 = false", [(True, False)]),
    ("select null is distinct from true and false, false is not distinct from true and false", [(True, True)]),
    ("select array[1,2][1], list[1,2][2], list[[1],[2]][2][1]", [(1, 2, 2)]),
    ("select map['a' => 1] -> 'a', interval '2' days::text, '{1,2}'::int list", [(1, "2 days", [1, 2])]),
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
]  # fmt: skip


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
        "create view v as with mutually recursive r (n int) as (select 1 union select n + 1 from r where n < 4)"
        " select list[1] as a, x::json from r, t where a is distinct from b or c"
    )
    assert isinstance(statement, CreateView)
    check_query(statement.query, maintained=True)

"""Cases that failed once, each made small and named after what was wrong."""

from __future__ import annotations

import pytest

from pytests.property.cases import Case, Step, View
from pytests.property.system import System

CASES = {
    "an input of which no column is read": Case(
        tables=(("t0", "k integer"),),
        sources=(),
        views=(
            View("v0", "materialized", "select k as c0 from t0"),
            View("v1", "materialized", "select avg(3) as c0, count(*) as c1 from v0 a, v0 b"),
        ),
        steps=(Step(("insert into t0 values (1), (2)",)), Step(("delete from t0 where k = 1",))),
    ),
    "a join over a distinct view that is shared, made when there are rows": Case(
        tables=(("t0", "b boolean"),),
        sources=(),
        views=(
            View("v0", "view", "select distinct b as c0 from t0", 1),
            View("v1", "materialized", "select x as c0, c0 as c1 from (values (-1)) as v (x) cross join v0", 1),
            View("v2", "materialized", "select t0.b as c0, v0.c0 as c1 from t0 left join v0 on v0.c0 = t0.b", 1),
            View("v3", "materialized", "select t0.b as c0, v0.c0 as c1 from t0 join v0 on v0.c0 = t0.b", 1),
        ),
        steps=(Step(("insert into t0 values (true), (true), (null)",)), Step(("delete from t0 where b",))),
    ),
    "braces in a literal below an aggregate and in an outer join": Case(
        tables=(("t0", "k integer, a jsonb"),),
        sources=(),
        views=(
            View(
                "v0",
                "materialized",
                """select count('{"a": 1}'::jsonb) as c0, sum(k) filter (where a = '{}') as c1 from t0""",
            ),
            View(
                "v1",
                "materialized",
                "select x.k as c0, y.k as c1 from t0 x left join t0 y on x.k = y.k and y.a <> '{}'",
            ),
        ),
        steps=(
            Step(("insert into t0 values (1, '{}'), (1, '{\"a\": 1}'), (2, '{}')",)),
            Step(("delete from t0 where a <> '{}'",)),
        ),
    ),
    "constants beside what an order or a limit is by": Case(
        tables=(("t0", "k integer"),),
        sources=(),
        views=(
            View(
                "v0", "materialized", "select 3 as c0, k as c1, 1.5 as c2, 1 as c3 from t0 order by 1, 2 desc limit 2"
            ),
            View("v1", "materialized", "select false as c0 from t0 limit 3"),
            View("v2", "materialized", "select distinct on (k) k as c0, 1.5 as c1 from t0 order by k, 2"),
        ),
        steps=(
            Step(("insert into t0 values (1), (2), (3), (3)",)),
            Step(("delete from t0 where k = 3",)),
        ),
    ),
    "extremes of several columns, whose best rows leave, come again and change groups": Case(
        tables=(("t0", "k integer, a integer, b text, d double precision"),),
        sources=(),
        views=(
            View(
                "v0",
                "materialized",
                "select k as c0, min(a) as c1, max(a) as c2, min(b) as c3, max(d) as c4, max(a) filter (where b = 'y') as c5,"
                " count(distinct b) as c6, max(b) as c7 from t0 group by k",
            ),
            View("v1", "materialized", "select max(a) as c0, min(d) as c1, count(*) as c2 from t0"),
            View("v2", "materialized", "select c0, max(c2) as c1, min(c1) as c2 from v0 group by c0"),
        ),
        steps=(
            Step(("insert into t0 values (1, 1, 'x', 1), (1, 2, 'y', 'NaN'), (2, 5, 'x', -0.0), (null, 3, 'z', 0)",)),
            Step(("insert into t0 values (1, 2, 'z', 'Infinity'), (2, 4, 'y', 0.0), (null, null, null, null)",)),
            Step(("delete from t0 where a = 2 and b = 'y'", "insert into t0 values (1, 0, 'a', 2)")),
            Step(("delete from t0 where a in (0, 5)", "insert into t0 values (2, 5, 'w', 'NaN')")),
            Step(("update t0 set k = 2 where k = 1 and a = 2",)),
            Step(("delete from t0 where k = 2",)),
            Step(("insert into t0 values (2, 1, 'q', 3)", "delete from t0 where k is null")),
            Step(("delete from t0",)),
        ),
    ),
    "equal rows of a window that leave while what they are joined with leaves": Case(
        tables=(("t0", "k integer"), ("t1", "k integer")),
        sources=(),
        views=(
            View(
                "v0",
                "materialized",
                "select x.k as c0, row_number() over (partition by y.k order by x.k) > 0 as c1 from t0 x, t0 y",
            ),
            View("v1", "materialized", "select t1.k as c0, v0.c0 as c1 from t1 cross join v0"),
        ),
        steps=(
            Step(("insert into t0 values (3), (1)", "insert into t1 values (7)")),
            Step(("delete from t0", "delete from t1")),
        ),
    ),
    "one row of a recomputed aggregate of everything, when what arrives is filtered out": Case(
        tables=(("t0", "k integer"),),
        sources=(),
        views=(View("v0", "materialized", "select var_pop(k) as c0 from t0 where k > k"),),
        steps=(Step(("insert into t0 values (1)",)),),
    ),
    "a table function's column beside IS NOT DISTINCT FROM in a join": Case(
        tables=(("t0", "k integer, a integer"), ("t1", "k integer")),
        sources=(),
        views=(
            View(
                "v0",
                "materialized",
                "select t0.k as c0, t1.k as c1, f.x as c2 from t0, t1, generate_series(1, t0.a) as f (x)"
                " where f.x is not distinct from t1.k",
            ),
        ),
        steps=(Step(("insert into t0 values (1, 3)", "insert into t1 values (2), (null)")), Step(("delete from t0",))),
    ),
    "a quotient of aggregates that fails, is healed and fails again": Case(
        tables=(("t0", "k integer, a integer"),),
        sources=(),
        views=(
            View("v0", "materialized", "select k as c0, 10 / sum(a) as e1, count(*) as e2 from t0 group by k"),
            View("v1", "materialized", "select count(*) as c0 from v0"),
            View("v2", "indexed", "select k as c0, max(a) % min(a) as e1 from t0 group by k"),
            View("v3", "materialized", "select k as c0, 10 / nullif(sum(a), 0) as c1 from t0 group by k"),
        ),
        steps=(
            Step(("insert into t0 values (1, 5), (2, 3)",)),
            Step(("insert into t0 values (2, -3)",)),
            Step(("delete from t0 where a = 3",)),
            Step(("insert into t0 values (1, 0)",)),
            Step(("delete from t0",)),
        ),
    ),
    "a table function in the select list whose name is that of a column beside it": Case(
        tables=(("t0", "k integer, a integer[]"),),
        sources=(),
        views=(
            View("v0", "materialized", "select a as c0, unnest(a) as a from t0"),
            View(
                "v1",
                "materialized",
                "select s.c2 as c0, generate_series(1, s.c1) as c2, generate_series(1, s.c2) as c1"
                " from (select k as c1, k + 1 as c2 from t0) s",
            ),
        ),
        steps=(
            Step(("insert into t0 values (1, '{1,2}'), (2, '{}'), (3, null)",)),
            Step(("delete from t0 where k > 1",)),
        ),
    ),
    "NOT before a temporal condition of a join": Case(
        tables=(("t0", "k integer, a timestamp"), ("t1", "k integer")),
        sources=(),
        views=(
            View("v0", "materialized", "select x.k as c0 from t0 x join t1 y on x.k = y.k and not (x.a < mz_now())"),
            View(
                "v1",
                "materialized",
                "select y.k as c0, x.a as c1 from t1 y left join t0 x on x.k = y.k and not (mz_now() >= x.a)",
            ),
        ),
        steps=(
            Step(("insert into t0 values (1, @30@), (2, @90@)", "insert into t1 values (1), (2), (3)")),
            Step(advance=3_600_000),
            Step(("delete from t1 where k = 2",), advance=1_800_000),
            Step(advance=1),
        ),
    ),
    "rows without columns that are kept for a time, of what is limited": Case(
        tables=(("t0", "k integer"),),
        sources=(("s0", "k integer"),),
        views=(
            View("v0", "materialized", "select 120 as c2 from s0 as r1 limit 2 offset 1"),
            View("v1", "materialized", "select max('a') as c0 from v0 as r2 where mz_now() <= c2"),
            View("v2", "materialized", "select count(*) as c0 from t0 as r2 where mz_now() <= k + 4102444800000"),
        ),
        steps=(
            Step(("insert into t0 values (1), (2), (1)",)),
            Step(("delete from t0 where k = 1",)),
        ),
    ),
    "groups, joins and orders by moments in UTC, JSON, texts and lists, which PostgreSQL calls stable": Case(
        tables=(("t0", "k integer, a timestamptz, b text"), ("t1", "k integer, a timestamp")),
        sources=(),
        views=(
            View("v0", "materialized", "select date_trunc('hour', a) as c0, list_agg(k) as c1 from t0 group by 1"),
            View("v1", "materialized", "select to_jsonb(b) as c0, string_agg(b, ',') as c1 from t0 group by 1"),
            View("v2", "materialized", "select '{2}'::lst as c0, b as c1, list_agg(k) as c2 from t0 group by 1, 2"),
            View("v3", "materialized", "select ('{' || k || '}')::lst as c0, list_agg(b) as c1 from t0 group by 1"),
            View("v4", "materialized", "select t0.k as c0, t1.k as c1 from t0 join t1 on t0.a::date = t1.a::date"),
            View("v5", "materialized", "select t0.k as c0, t1.k as c1 from t0 left join t1 on t0.a::date = t1.a::date"),
            View("v6", "materialized", "select k as c0 from t0 where a::date in (select a::date from t1)"),
            View("v7", "materialized", "select k as c0 from t0 order by a::date desc, k limit 1"),
            View("v8", "materialized", "select k as c0, count(*) over (partition by a::date) as c1 from t0"),
            View("v9", "materialized", "select concat(a, b) as c0, list_agg(k) as c1 from t0 group by 1"),
            View("v10", "materialized", "select to_char(a, 'YYYY') as c0, list_agg(k) as c1 from t0 group by 1"),
        ),
        steps=(
            Step(
                (
                    "insert into t0 values (1, @0@, 'a'), (2, @30@, 'b'), (1, @1500@, 'a'), (3, null, null)",
                    "insert into t1 values (1, @0@), (2, @1500@), (3, @1501@)",
                )
            ),
            Step(("delete from t0 where k = 2", "delete from t1 where k = 2")),
            Step(("update t0 set a = @1500@ where k = 3", "update t1 set a = @0@ where k = 3")),
        ),
    ),
    "functions of as many columns as an argument says, side by side": Case(
        tables=(("t0", "k integer, a text"),),
        sources=(),
        views=(
            View(
                "v0",
                "materialized",
                "select f.x0 as c0, f.x1 as c1, f.x2 as c2 from t0 cross join lateral"
                " rows from (regexp_extract('(?P<x>a)(b)?', a), generate_series(1, k)) f (x0, x1, x2)",
            ),
            View(
                "v1",
                "materialized",
                "select f.x0 as c0, f.x2 as c1, f.n as c2 from t0 cross join lateral"
                " rows from (generate_series(1, k), csv_extract(2, a || ',b')) with ordinality f (x0, x1, x2, n)",
            ),
            View(
                "v2",
                "materialized",
                "select csv_extract.column1 as c0 from t0 cross join lateral rows from (csv_extract(2, a || ',b'))",
            ),
        ),
        steps=(Step(("insert into t0 values (1, 'ab'), (2, 'a'), (0, 'x')",)), Step(("delete from t0 where k = 2",))),
    ),
    "constants of functions that fail for others": Case(
        tables=(("t0", "k integer"),),
        sources=(),
        views=(
            View("v0", "materialized", "select length(split_part('a', 'b', 1)) as c0 from t0 where k > 5"),
            View(
                "v1",
                "materialized",
                "select left(lpad('a', 3, 'x'), 1) as c0, count(*) as c1, (array_agg(k))[1] as c2 from t0 group by 1",
            ),
            View("v2", "materialized", "select lpad('a', k) as c0, split_part('a,b', ',', k) as c1 from t0"),
        ),
        steps=(Step(("insert into t0 values (1), (2), (7)",)), Step(("delete from t0 where k = 1",))),
    ),
    "rows in order of which the first column's type has operators of its own": Case(
        tables=(("t0", "k integer, a uint4, b integer[], c text, d integer"),),
        sources=(),
        views=(
            View("v0", "materialized", "select x.k as c0, y.k as c1 from t0 x, t0 y where (x.a, x.b) < (y.a, y.b)"),
            View("v1", "materialized", "select x.k as c0, y.k as c1 from t0 x, t0 y where (x.a, x.d) >= (y.a, y.d)"),
            View("v2", "materialized", "select k as c0, row(a, c, k) <= row(2::uint4, 'b', 2) as c1 from t0"),
            View("v3", "materialized", "select (a, c) > any (select a, c from t0 where k = 2) as c0 from t0"),
        ),
        steps=(
            Step(("insert into t0 values (1, 2::uint4, '{1}', 'a', -1), (2, 2::uint4, '{2}', 'b', -2)",)),
            Step(("insert into t0 values (3, 2::uint4, null, 'b', null), (4, null, '{1}', 'b', 1)",)),
            Step(("delete from t0 where k = 1",)),
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_that_failed_once(system: System, name: str) -> None:
    refused = system.tally.refused.total()
    system.run(CASES[name])
    assert system.tally.refused.total() == refused

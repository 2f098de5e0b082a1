"""What Materialize's planner refuses, and what it must not refuse."""

from __future__ import annotations

import pytest

from mzlite.dialect.check import check_query
from mzlite.dialect.features import FLAGS
from mzlite.dialect.parse import parse
from mzlite.dialect.statements import Refused, Relayed
from mzlite.errors import MzError

REFUSED = [
    ("select json_agg(x) from t", 'function "json_agg" does not exist', "Try using jsonb_agg"),
    ("select random()", 'function "random" does not exist', None),
    ("select gen_random_uuid()", 'function "gen_random_uuid" does not exist', None),
    ("select public.f(1)", 'function "public.f" does not exist', None),
    ("select ntile(4) over (order by x) from t", 'function "ntile" does not exist', None),
    ("select mode() from t", 'function "mode" does not exist', None),
    ("select age(date '2020-01-01')", "function age(date) does not exist", None),
    ("select round(1.5, 1, 2)", "function round(numeric, integer, integer) does not exist", None),
    ("select x ^ 2 from t", "[^] not yet supported", None),
    ("select x @@ y from t", "[@@] not yet supported", None),
    ("select x #- y from t", "[#-] not yet supported", None),
    ("select x operator(public.+) y from t", "operator does not exist: public.+", None),
    ("select x::money from t", 'type "money" does not exist', None),
    ("select x::pg_catalog.xml from t", 'type "pg_catalog.xml" does not exist', None),
    ("select x::time with time zone from t", 'type "timetz" does not exist', None),
    ("select x::numeric(40, 2) from t", "precision for type numeric must be between 1 and 39", None),
    ("select x::numeric(5, 6) from t", "scale for type numeric must be between 0 and precision 5", None),
    ("select x::timestamp(7) from t", "precision for type timestamp or timestamptz must be between 0 and 6", None),
    ("select x::varchar(0) from t", "length for type character varying must be between 1 and 10485760", None),
    ("select x::map[int => text] from t", "map key type must be text, got integer", None),
    ("select x'ff'", "hex string literals not yet supported", None),
    ("select 1e40", '"1E40" is out of range for type numeric: exceeds maximum precision 39', None),
    ("select '0x10'::int", 'invalid input syntax for type integer: invalid digit found in string: "0x10"', None),
    ("select a collate \"C\" from t", "COLLATE not yet supported", None),
    ("select array[1,2,3][1:2]", "array subscript does not support slices", None),
    ("select *", "SELECT * with no tables specified is not valid", None),
    ("select a from t group by 2", "column reference 2 in GROUP BY clause is out of range (1 - 1)", None),
    ("select a from t order by 0", "column reference 0 in ORDER BY clause is out of range (1 - 1)", None),
    ("select a from t order by -1", "unable to parse column reference in ORDER BY clause: -1: invalid digit found in string", None),
    ("select a from t order by 1.5", "unable to parse column reference in ORDER BY clause: 1.5: invalid digit found in string", None),
    ("select distinct on (3) a, b from t", "column reference 3 in DISTINCT ON clause is out of range (1 - 2)", None),
    ("select a from t union select b from t order by 2", "column reference 2 in ORDER BY clause of a set expression is out of range (1 - 1)", None),
    ("select 1 limit -1", "LIMIT must not be negative", None),
    ("select 1 offset -1", "Invalid OFFSET clause: must not be negative, got -1", None),
    ("select 1 fetch first 2 rows with ties", "FETCH ... WITH TIES not yet supported", None),
    ("values (1), (1, 2)", "VALUES expression has varying number of columns: 2 vs 1", None),
    ("select 1 union select 1, 2", "each UNION query must have the same number of columns: 1 vs 2", None),
    ("select (select 1, 2)", "Expected subselect to return 1 column, got 2 columns", None),
    ("select * from (select 1) as x(a, b)", "x has 1 columns available but 2 columns specified", None),
    ("with a as (select 1), a as (select 2) select 1", 'WITH query name "a" specified more than once', None),
    ("with mutually recursive (recursion limit 0) r (n int) as (select 1) select 1", "Invalid WITH MUTUALLY RECURSIVE recursion limit. Recursion limit has to be greater than 0.", None),
    ("select 1 where sum(x) > 1", "WHERE clause error: aggregate functions are not allowed in WHERE clause (function pg_catalog.sum)", None),
    ("select 1 from t where a and max(x) > 1", "WHERE clause error: aggregate functions are not allowed in AND argument (function pg_catalog.max)", None),
    ("select sum(sum(x)) from t", "nested aggregate functions are not allowed", None),
    ("select 1 from t group by count(*)", "aggregate functions are not allowed in GROUP BY clause (function pg_catalog.count)", None),
    ("select 1 from t join u on count(*) = 1", "aggregate functions are not allowed in ON clause (function pg_catalog.count)", None),
    ("select 1 from t where row_number() over () = 1", "WHERE clause error: window functions are not allowed in WHERE clause (function pg_catalog.row_number)", None),
    ("select row_number() from t", "window function pg_catalog.row_number requires an OVER clause", None),
    ("select abs(x) over () from t", "OVER clause not allowed on pg_catalog.abs. The OVER clause can only be used with window functions (including aggregations).", None),
    ("select abs(distinct x) from t", "DISTINCT specified, but abs is not an aggregate function", None),
    ("select abs(x) filter (where y) from t", "FILTER specified, but abs is not an aggregate function", None),
    ("select count() from t", "count(*) must be used to call a parameterless aggregate function", None),
    ("select sum(distinct x) over () from t", "DISTINCT in window aggregates not yet supported", None),
    ("select sum(x) over (order by y groups 1 preceding) from t", "GROUPS in window frames not yet supported", None),
    ("select sum(x) over (order by y range 1 preceding) from t", "RANGE in non-default window frames not yet supported", None),
    ("select sum(x) over (order by y rows between 1 preceding and unbounded following) from t", "mixed unbounded - offset frames not yet supported", None),
    ("select sum(x) over (rows between current row and 1 preceding) from t", "frame starting from current row cannot have preceding rows", None),
    ("select sum(x) over (rows unbounded following) from t", "frame start cannot be UNBOUNDED FOLLOWING", None),
    ("select rank(1) over () from t", "function rank has 0 parameters, but was called with 1", None),
    ("select first_value(x) ignore nulls over () from t", "IGNORE NULLS and RESPECT NULLS options for functions other than LAG and LEAD not yet supported", None),
    ("select 1 from t where generate_series(1, 2) = 1", "WHERE clause error: table functions are not allowed in WHERE clause (function pg_catalog.generate_series)", None),
    ("select * from sum(1)", "aggregate functions are not supported in functions in FROM", None),
    ("select coalesce(unnest(x)) from t", "table functions are not allowed in coalesce (function mz_catalog.unnest)", None),
    ("select mz_logical_timestamp()", "mz_logical_timestamp() has been renamed to mz_now()", None),
    ("insert into t values (mz_now())", "calls to mz_now in write statements are not supported", None),
    ("create table t (a int, a int)", 'column "a" specified more than once', None),
    ("create table t (a int check (a > 1))", "CREATE TABLE with a check constraint is not supported", None),
    ("create table t (a int, foreign key (a) references u (b))", "CREATE TABLE with a foreign key is not supported", None),
    ("create table t (a int default (select 1))", "DEFAULT expression does not allow subqueries", None),
    ("create view v as select 1, 2", 'column "?column?" specified more than once', None),
    ("create view v (a) as select 1, 2 as a", 'column "a" specified more than once', None),
    ("create view v as select * from (show tables)", "SHOW commands are not allowed in views", None),
    ("create index i on t ((select 1))", "CREATE INDEX does not allow subqueries", None),
    ("create materialized view m with (refresh every '1 day') as select 1", "REFRESH EVERY and REFRESH AT materialized views is not available", "Contact support to discuss enabling the feature in your Materialize region."),
    ("create sink s from v into kafka connection c (topic 'x') format json envelope upsert", "upsert sinks must specify a key", "See: https://materialize.com/s/sink-key-selection"),
    ("create sink from v into kafka connection c (topic 'x') format json envelope debezium", "unspecified name for sink", None),
    ("create source s from kafka connection c (topic 'x') format json include key", "INCLUDE KEY requires specifying KEY FORMAT .. VALUE FORMAT, got bare FORMAT", None),
    ("commit and chain", "CHAIN not yet supported", None),
]  # fmt: skip
ACCEPTED = [
    "select a, b from t where x in (select y from u) and exists (select 1) order by (select 1)",
    "select count(*), count(distinct x), sum(x) filter (where y), array_agg(x order by y) from t group by 1, 2 having max(x) > 1",
    "select lag(x) over (partition by a order by b), sum(x) over (order by y rows between unbounded preceding and current row) from t",
    "select sum(x) over (order by y range between unbounded preceding and current row) from t",
    "select generate_series(1, 3), unnest(x), jsonb_array_elements(j) from t",
    "select * from generate_series(1, 2) with ordinality, lateral jsonb_each(j), abs(1)",
    "select distinct on (a) * from t order by a, b desc nulls last limit 5 offset 2",
    "select a from t union all (select 1 limit 1) except select 2 intersect select 3",
    "select x::mytype, y::public.othertype, z::int2, w::uint8, v::mz_timestamp, u::_int4, t::numeric(39, 10) from t",
    "select count(*) over () from t",
    "select coalesce(max(x), 0), greatest(sum(y), 1), case when count(*) > 1 then 1 end, not bool_and(z) from t",
    "select concat('a'), concat('a', 1, null), concat_ws(',', 'a'), jsonb_build_object(), jsonb_build_array(1, 2, 3)",
    "select normalize('x'), normalize('x', nfd), trim('x'), substring('abc' for 2), position('a' in 'b'), extract(epoch from now())",
    "select current_timestamp, current_user, current_database(), user, session_user, mz_version()",
    "select a collate pg_catalog.default, b operator(pg_catalog.~) 'x' from t",
    "select lag(x, 1, 0) over (order by y) from t order by row_number() over (order by z)",
    "select 1 where true order by 1 limit all",
    "table t",
    "select",
]  # fmt: skip
MAINTAINED = [
    ("select now()", "cannot materialize call to current_timestamp"),
    ("select * from t where ts > current_timestamp", "cannot materialize call to current_timestamp"),
    ("select current_database()", "cannot materialize call to current_database"),
    ("select session_user", "cannot materialize call to session_user"),
    ("select current_schemas(true)", "cannot materialize call to current_schemas(true)"),
    ("select mz_version()", "cannot materialize call to mz_version"),
    ("select mz_now() from t", "cannot materialize call to mz_now"),
    ("select count(*) filter (where mz_now() < ts) from t", "cannot materialize call to mz_now"),
    ("select 1 from t group by mz_now()", "cannot materialize call to mz_now"),
    ("select 1 from t order by mz_now()", "cannot materialize call to mz_now"),
    ("select * from (select mz_now() as n from t) as x", "cannot materialize call to mz_now"),
    ("select 1 from t where a = (select mz_now())", "cannot materialize call to mz_now"),
    ("select 1 from t where mz_now() <> ts", "Unsupported binary temporal operation: NotEq(NotEq)"),
    ("select 1 from t where not (mz_now() = ts)", "Unsupported binary temporal operation: NotEq(NotEq)"),
    ("select 1 from t where mz_now() in (a, b)", "Unsupported temporal predicate"),
    ("select 1 from t where mz_now() not between a and b", "Unsupported temporal predicate"),
    ("select 1 from t where mz_now() < ts or a", "Unsupported temporal predicate"),
    ("select 1 from t where (mz_now() < ts) is true", "Unsupported temporal predicate"),
    ("select 1 from t where case when a then mz_now() < ts end", "Unsupported temporal predicate"),
    ("select 1 from t where mz_now() < mz_now()", "Unsupported temporal predicate"),
    ("select 1 from t where greatest(mz_now(), a) < ts", "Unsupported temporal predicate"),
    ("select 1 from t where a and (b or mz_now() < ts)", "Unsupported temporal predicate"),
]
TEMPORAL = [
    "mz_now() < ts",
    "ts >= mz_now()",
    "(mz_now()) <= (ts + interval '1 day')",
    "mz_now() = ts",
    "mz_now()::mz_timestamp < ts",
    "mz_now() between a and b and c > 1",
    "a < 1 and (mz_now() > ts and b)",
    "not (mz_now() > ts)",
    "not (mz_now() > a or mz_now() < b)",
    "mz_now() in (ts)",
]


def error_of(sql: str) -> MzError:
    with pytest.raises(MzError) as caught:
        parse(sql)
    return caught.value


@pytest.mark.parametrize(("sql", "message", "hint"), REFUSED, ids=[sql[:60] for sql, _, _ in REFUSED])
def test_refused(sql: str, message: str, hint: str | None) -> None:
    error = error_of(sql)
    assert error.message == message
    assert error.sqlstate in ("XX000", "0A000")
    if hint is not None:
        assert error.hint == hint


@pytest.mark.parametrize("sql", ACCEPTED)
def test_accepted(sql: str) -> None:
    parse(sql)


@pytest.mark.parametrize(("sql", "message"), MAINTAINED, ids=[sql for sql, _ in MAINTAINED])
def test_refused_when_maintained(sql: str, message: str) -> None:
    check_query(sql, maintained=False)
    with pytest.raises(MzError) as caught:
        check_query(sql, maintained=True)
    assert caught.value.message.startswith(message)
    assert caught.value.sqlstate == "0A000"


@pytest.mark.parametrize("condition", TEMPORAL)
def test_temporal_filters(condition: str) -> None:
    for sql in (
        f"select * from t where {condition}",
        f"select a, max(b) from t group by a having {condition}",
        f"select * from t join u on t.a = u.a and {condition}",
        f"with x as (select * from t where {condition}) select * from x union all select * from (select 1 where {condition}) y",
        f"select * from t where a in (select b from u where {condition})",
    ):
        check_query(sql, maintained=True)


def test_arithmetic_on_the_clock_is_told_by_its_types() -> None:
    error = error_of("select 1 from t where mz_now() - interval '1 day' < ts")
    assert error.message == "WHERE clause error: operator does not exist: mz_timestamp - interval"
    assert error.hint is None


def test_a_refusal_among_several_statements_waits_for_its_turn() -> None:
    first, second, third = parse("select 1; select nosuch(); select 2")
    assert isinstance(first, Relayed)
    assert isinstance(third, Relayed)
    assert isinstance(second, Refused)
    assert second.error.message == 'function "nosuch" does not exist'


def test_a_syntax_error_refuses_the_whole_text() -> None:
    assert error_of("select 1; selec 2").sqlstate == "42601"


def test_flags_open_what_is_behind_them() -> None:
    sql = "create materialized view m with (retain history for '1 hour') as select 1"
    assert error_of(sql).detail == "The requested feature (enable_logical_compaction_window) is in private preview."
    FLAGS.set("enable_logical_compaction_window", True)
    try:
        parse(sql)
    finally:
        FLAGS.set("enable_logical_compaction_window", False)
    with pytest.raises(MzError):
        FLAGS.set("nosuch", True)

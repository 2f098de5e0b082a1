"""What PostgreSQL is sent in place of Materialize's spelling."""

from __future__ import annotations

import pglast
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pglast.stream import RawStream

from mzlite.dialect import ast
from mzlite.dialect.definitions import CreateMaterializedView, CreateTable, CreateView
from mzlite.dialect.display import Display, Naming
from mzlite.dialect.parse import parse
from mzlite.dialect.parser import StatementParser
from mzlite.dialect.statements import Relayed
from mzlite.dialect.tokens import tokenize
from mzlite.errors import MzError

UNCHANGED = [
    "select 1",
    "select a.*, b.x from a join b using (id) where a.x like 'y%' order by 1 desc nulls last limit 3",
    "select $1::int + $2",
    "select interval '1' day, date '2026-01-01', timestamp with time zone '2026-01-01', interval '1 day'",
    "select count(*) filter (where x > 1), sum(y) over (partition by z order by t rows 3 preceding) from t",
    "select left(a, 1), right(b, 2), extract(epoch from c), position('a' in b), trim(both 'x' from y) from t",
    "select * from generate_series(1, 3) with ordinality as g(n, o), lateral (select 1) as x",
    "select E'a\\n', $$x$$, 'it''s'",
    "select now(), current_timestamp",
    "values (1, 'a'), (2, 'b')",
    "insert into t (a, b) values (1, null) returning a",
    "delete from t where a in (select 1)",
    "with x as (select 1 as a) select * from x union all select 2 except select 3",
]
CHANGED = [
    ("select string '1', x::string, x::bytes, x::json, x::double", "select text '1', x::text, x::bytea, x::jsonb, x::double precision"),
    ("select a is not distinct from b and c", "select a is not distinct from (b and c)"),
    ("select a = b = c", "select (a = b) = c"),
    ("select a < b <> c > d", "select ((a < b) <> c) > d"),
    ("select a like b like c", "select (a like b) like c"),
    ("select -1::text, - 1::text", "select (-1)::text, (- 1)::text"),
    ("select -x::text", "select -x::text"),
    ("select interval '1' days", "select interval '1' DAY"),
    ("select current_date", 'select "current_date"'),
    ("select \"offset\", partition, 1 as offset, 2 offset_", "select \"offset\", partition, 1 as \"offset\", 2 offset_"),
    ("select 1 notnull", 'select 1 "notnull"'),
    ("select 1 user", 'select 1 "user"'),
    ("select t.user from t", "select t.user from t"),
    ("select analyze, placing from t", 'select "analyze", "placing" from t'),
    ("select now (), current_user ()", 'select now (), mz_catalog."current_user" ()'),
    ("select current_user, t.user", 'select mz_catalog."current_user"(), t.user'),
    ("select 1_000", "select 1 _000"),
    ("select 5x", "select 5 x"),
    ("select list[1, 2], array[1]", "select mz_internal.list(array[1, 2]), array[1]"),
    (
        "select list[list[1], [2]][1]",
        "select (mz_internal.list(array[mz_internal.list(array[1]), mz_internal.list(array[2])]))[1]",
    ),
    ("select list[[1], []][1][2:3]", "select ((mz_internal.list(array[mz_internal.list(array[1]), '{}']))[1])[2:3]"),
    ("select x[1][2], y[1]", 'select mz_internal.item(x, 1, 2) AS "x", y[1]'),
    ("select 1 = any(x), 1 = any(array[1])", "select 1 = any(mz_internal.items(x)), 1 = any(array[1])"),
    ("select map['a' => 1]", "select mz_internal.map(array['a']::text[], array[1])"),
    (
        "select x::int list, int[] '{1}', '{}'::text list",
        "select x::mz_catalog.list_int4, '{1}'::int[] AS \"_int4\", '{}'::mz_catalog.list_text AS \"list\"",
    ),
    ("select jsonb_each(x).key", "select (jsonb_each(x)).key"),
    ("select timestamp from src", 'select "timestamp" from src'),
    ("insert into t values (default)", 'insert into t values ("default")'),
    ("select coalesce(a, b)[1]", "select (coalesce(a, b))[1]"),
    ("select 1 from t options (aggregate input group size = 1000)", "select 1 from t "),
    ("select * from [u1 as materialize.public.t]", 'select * from "public"."t"'),
    ("select 1 as of at least 5", "select 1"),
    ("select 1 fetch first 1 + 1 rows only", "select 1 fetch first (1 + 1) rows only"),
    ("begin isolation level strict serializable", "BEGIN ISOLATION LEVEL REPEATABLE READ"),
    ("start transaction read only", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    ("rollback work", "ROLLBACK"),
    ("copy into t from stdin", "copy  t from stdin"),
]  # fmt: skip


def relayed(sql: str) -> str:
    (statement,) = parse(sql)
    assert isinstance(statement, Relayed)
    return statement.relay_sql


@pytest.mark.parametrize("sql", UNCHANGED)
def test_common_sql_is_passed_on_as_it_is(sql: str) -> None:
    assert relayed(sql) == sql
    pglast.parse_sql(sql)


@pytest.mark.parametrize(("sql", "expected"), CHANGED, ids=[sql for sql, _ in CHANGED])
def test_other_spellings(sql: str, expected: str) -> None:
    try:
        assert relayed(sql) == expected
    finally:
        pglast.parse_sql(expected)


def test_definitions_carry_text_for_postgresql() -> None:
    view, materialized, table = parse(
        "create view v as select x::json from t; create materialized view m as select a is distinct from b or c from t;"
        "create table t (a string not null default 'x'::string, b timestamp(3) null, c decimal(10, 2), d text list)"
    )
    assert isinstance(view, CreateView)
    assert view.query == "select x::jsonb from t"
    assert view.sql == "create view v as select x::json from t"
    assert isinstance(materialized, CreateMaterializedView)
    assert materialized.query == "select a is distinct from (b or c) from t"
    assert isinstance(table, CreateTable)
    assert [(column.type, column.not_null, column.default_sql) for column in table.columns] == [
        ("text", True, "'x'::text"),
        ("timestamp(3)", False, None),
        ("decimal(10, 2)", False, None),
        ("mz_catalog.list_text", False, None),
    ]


class Explicit(Display):
    """Prints expressions with every pair of parentheses written."""

    def expression(self, node: ast.Expression) -> str:
        text = super().expression(node)
        if isinstance(node, ast.Function) and node.special == "at time zone" and node.arguments:
            text = f"{self.expression(node.arguments[1])} AT TIME ZONE {self.expression(node.arguments[0])}"
        if text.startswith("-"):
            return f"({text})"
        return text if isinstance(node, ast.Identifier | ast.Value | ast.Nested) else f"({text})"


names = st.sampled_from(["a", "b", "c"])
binary = st.sampled_from(
    ["+", "-", "*", "/", "%", "||", "->", "->>", "<", "<=", "=", "<>", ">=", "and", "or", "@>", "&", "is distinct from"]
)


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{} {} {}".format, inner, binary, inner),
        st.builds("not {}".format, inner),
        st.builds("- {}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{} is null".format, inner),
        st.builds("{}::text".format, inner),
        st.builds("{} like {}".format, inner, inner),
        st.builds("{} not in ({}, {})".format, inner, inner, inner),
        st.builds("{} between {} and {}".format, inner, inner, inner),
        st.builds("{} at time zone {}".format, inner, inner),
        st.builds("case when {} then {} end".format, inner, inner),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(st.one_of(names, st.sampled_from(["1", "'x'", "null"])), compound, max_leaves=8))
def test_postgresql_groups_operators_as_materialize_does(text: str) -> None:
    sql = f"select {text}"
    parser = StatementParser(tokenize(sql))
    try:
        query = parser.query()
    except MzError:
        return  # such as `a between b is null and c`
    if parser.peek_kind() != "EOF":
        return
    sent = parser.relay(query.start, query.end)
    meant = Explicit(Naming()).query(query)
    assert RawStream()(sent) == RawStream()(meant), (sent, meant)


IN_DATABASES = [
    (
        "materialize",
        "select d2.public.t.a, s.u.* from d2.public.t, s.u",
        'select "d2.public"."t"."a", s.u.* from "d2.public"."t", s.u',
    ),
    (
        "d2",
        "select public.t.a, public.t.* from public.t",
        'select "d2.public"."t"."a", "d2.public"."t".* from "d2.public"."t"',
    ),
    (
        "d2",
        "select * from materialize.public.t, mz_catalog.mz_tables",
        'select * from "public"."t", mz_catalog.mz_tables',
    ),
    ("d2", 'table s."T"', 'table "d2.s"."T"'),
    ("materialize", "insert into d2.s.t values (1::d2.s.l)", 'insert into "d2.s"."t" values (1::"d2.s"."l")'),
    ("materialize", "update d2.s.t set a = 1", 'update "d2.s"."t" set a = 1'),
    ("materialize", "delete from d2.s.t where d2.s.t.a = 1", 'delete from "d2.s"."t" where "d2.s"."t"."a" = 1'),
    ("materialize", "copy (table d2.s.t) to stdout", 'copy (table "d2.s"."t") to stdout with (format text)'),
]


@pytest.mark.parametrize(("database", "sql", "expected"), IN_DATABASES, ids=[sql for _, sql, _ in IN_DATABASES])
def test_names_in_databases(database: str, sql: str, expected: str) -> None:
    (statement,) = parse(sql, database)
    assert isinstance(statement, Relayed)
    assert statement.relay_sql == expected

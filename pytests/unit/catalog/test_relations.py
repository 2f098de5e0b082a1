"""Tables, views, materialized views and indexes: what is made, what is shown, what is refused."""

from __future__ import annotations

import pytest

from mzlite.errors import MzError

from .conftest import Database


def refused(database: Database, sql: str) -> MzError:
    with pytest.raises(MzError) as caught:
        database.run(sql)
    return caught.value


@pytest.fixture
def filled(database: Database) -> Database:
    database.run(
        "create table t (id int not null, name text default 'x', amount numeric(10,2), at timestamp, tz timestamptz,"
        " d date, tm time, iv interval, j jsonb, b bytea, f real, g double precision, u uint8, ok boolean,"
        " arr int[], uid uuid)"
    )
    database.run("create view v as select id, name from t")
    database.run("create cluster pc (size 'scale=1,workers=1', replication factor 1)")
    database.run("create materialized view mv in cluster pc as select id, name, amount from t where id > 0")
    return database


def test_columns_of_a_table_have_materializes_types(filled: Database) -> None:
    shown = filled.rows("show columns from t")
    assert [(row[0], row[1], row[2]) for row in shown] == [
        ("id", False, "integer"), ("name", True, "text"), ("amount", True, "numeric"),
        ("at", True, "timestamp without time zone"), ("tz", True, "timestamp with time zone"), ("d", True, "date"),
        ("tm", True, "time"), ("iv", True, "interval"), ("j", True, "jsonb"), ("b", True, "bytea"), ("f", True, "real"),
        ("g", True, "double precision"), ("u", True, "uint8"), ("ok", True, "boolean"), ("arr", True, "integer[]"),
        ("uid", True, "uuid"),
    ]  # fmt: skip
    assert filled.rows("select type_oid from mz_columns where name = 'u' and id like 'u%'") == [(16464,)]


def test_a_plain_view_over_a_function_that_we_have_in_place_of_postgresqls_can_be_kept(filled: Database) -> None:
    filled.run("create view elements as select t.id, e.item from t cross join jsonb_array_elements(t.j) as e (item)")
    assert "pg_catalog.jsonb_array_elements(t.j)" in filled.create_sql("view", "elements")
    filled.run("create materialized view kept in cluster pc as select id from elements")


def test_show_create_is_as_recorded(filled: Database) -> None:
    filled.run("create index t_id on t (id)")
    assert filled.create_sql("table", "t") == (
        "CREATE TABLE materialize.probe.t (id pg_catalog.int4 NOT NULL, name pg_catalog.text DEFAULT 'x', amount"
        " pg_catalog.numeric(10, 2), at pg_catalog.timestamp, tz pg_catalog.timestamptz, d pg_catalog.date, tm"
        " pg_catalog.time, iv pg_catalog.interval, j pg_catalog.jsonb, b pg_catalog.bytea, f pg_catalog.float4,"
        " g pg_catalog.float8, u mz_catalog.uint8, ok pg_catalog.bool, arr pg_catalog._int4, uid pg_catalog.uuid);"
    )
    assert (
        filled.create_sql("view", "v") == "CREATE VIEW materialize.probe.v AS SELECT id, name FROM materialize.probe.t;"
    )
    assert filled.create_sql("materialized view", "mv") == (
        "CREATE MATERIALIZED VIEW materialize.probe.mv\n    IN CLUSTER pc\n    WITH (REFRESH = ON COMMIT)\n"
        "    AS SELECT id, name, amount FROM materialize.probe.t WHERE id > 0;"
    )
    assert filled.create_sql("index", "t_id") == (
        "CREATE INDEX t_id IN CLUSTER quickstart ON materialize.probe.t (id);"
    )
    filled.run("create materialized view m1 as select * from t where mz_now() <= at + interval '1 day'")
    assert filled.create_sql("materialized view", "m1").endswith(
        "AS SELECT * FROM materialize.probe.t WHERE mz_catalog.mz_now() <= at + INTERVAL '1 day';"
    )


def test_names_in_shown_statements_follow_renames_and_swaps(filled: Database) -> None:
    filled.run("create schema other")
    filled.run("alter table t rename to orders")
    filled.run("alter cluster pc rename to pc2")
    filled.run("alter schema probe swap with other")
    filled.session.search_path = ["other"]
    assert filled.create_sql("view", "v") == (
        "CREATE VIEW materialize.other.v AS SELECT id, name FROM materialize.other.orders;"
    )
    assert "IN CLUSTER pc2" in filled.create_sql("materialized view", "mv")
    assert filled.rows("select * from other.orders") == []


def test_indexes_are_named_and_listed_as_recorded(filled: Database) -> None:
    filled.run("create index t_id on t (id)")
    filled.run("create default index in cluster pc on mv")
    filled.run("create index on t (name, id)")
    filled.run("create index on t (upper(name))")
    filled.run("create index on t (id)")
    filled.run("create index on t (id)")
    assert filled.rows("show indexes") == [
        ("mv_primary_idx", "mv", "pc", ["id", "name", "amount"], ""),
        ("t_expr_idx", "t", "quickstart", ["upper(name)"], ""),
        ("t_id", "t", "quickstart", ["id"], ""),
        ("t_id_idx", "t", "quickstart", ["id"], ""),
        ("t_id_idx1", "t", "quickstart", ["id"], ""),
        ("t_name_id_idx", "t", "quickstart", ["name", "id"], ""),
    ]


def test_comments(filled: Database) -> None:
    filled.run("comment on materialized view mv is 'a comment'")
    filled.run("comment on column mv.id is 'the key'")
    assert filled.rows("show materialized views like 'm%'") == [("mv", "pc", "a comment")]
    assert filled.rows("show columns from mv")[0][3] == "the key"
    filled.run("comment on column mv.id is null")
    assert filled.rows("show columns from mv")[0][3] == ""
    assert refused(filled, "comment on column mv.nosuch is 'x'").message == 'column "mv.nosuch" does not exist'


def test_a_schema_keeps_its_comment_when_an_object_of_the_same_id_goes(database: Database) -> None:
    """Ids are unique among the objects of one kind only: table u7 and schema u7 are two things."""
    number = 0
    while True:
        # A schema's number is far behind at first and then grows alone.
        database.run("create schema commented")
        ((schema,),) = database.rows("select id from mz_schemas where name = 'commented'")
        if number == 0:
            database.run("create table gone (a int)")
            ((table,),) = database.rows("select id from mz_tables where name = 'gone'")
            number = int(table[1:])
        if int(schema[1:]) >= number:
            break
        database.run("drop schema commented")
    while int(table[1:]) < int(schema[1:]):
        database.run("drop table gone")
        database.run("create table gone (a int)")
        ((table,),) = database.rows("select id from mz_tables where name = 'gone'")
    assert table == schema
    database.run("comment on schema commented is 'kept'")
    database.run("comment on table gone is 'gone'")
    try:
        database.run("drop table gone")
        assert database.rows(f"select object_type, comment from mz_internal.mz_comments where id = '{schema}'") == [
            ("schema", "kept")
        ]
    finally:
        database.run("drop schema commented")


def test_existing_names(filled: Database) -> None:
    assert filled.run("create materialized view if not exists mv as select 1") == (
        "CREATE MATERIALIZED VIEW",
        ['materialized view "mv" already exists, skipping'],
    )
    error = refused(filled, "create materialized view mv as select 1")
    assert (error.sqlstate, error.message) == ("XX000", 'materialized view "materialize.probe.mv" already exists')
    assert refused(filled, "create table v (a int)").message == 'view "materialize.probe.v" already exists'
    filled.run("alter materialized view mv rename to mv2")
    assert refused(filled, "alter view v rename to mv2").message == "catalog item 'mv2' already exists"


def test_drop_refuses_what_others_need(filled: Database) -> None:
    error = refused(filled, "drop table t")
    assert error.message == 'cannot drop table "t": still depended upon by view "v"'
    assert error.hint == "Use DROP ... CASCADE to drop the dependent objects too."
    error = refused(filled, "drop view mv")
    assert error.message == "mv is not a view"
    assert error.hint == "Use DROP MATERIALIZED VIEW to remove a materialized view."
    assert refused(filled, "drop table nosuch").message == "unknown catalog item 'nosuch'"
    assert filled.run("drop table if exists nosuch") == ("DROP TABLE", ['table "nosuch" does not exist, skipping'])
    assert filled.run("drop table if exists nosuch.t")[0] == "DROP TABLE"
    assert filled.rows("select name from mz_tables where id like 'u%'") == [("t",)]


def test_an_index_does_not_keep_its_relation(filled: Database) -> None:
    filled.run("create index i on v (id)")
    filled.run("drop view v")
    assert filled.rows("select name from mz_indexes") == []


def test_cascade_goes_through_the_whole_tree(filled: Database) -> None:
    filled.run("create view v2 as select * from v")
    filled.run("create materialized view m2 as select count(*) as n from v2")
    filled.run("create default index on v2")
    filled.run("drop table t cascade")
    assert filled.rows("select name from mz_objects where id like 'u%'") == []
    order = [name for name in filled.dataflow.dropped if name.startswith("u")]
    assert order.index(max(order, key=lambda name: int(name[1:]))) < len(order) - 1
    with filled.transaction() as tx:
        left = tx.execute(
            "select relname from pg_class"
            " where relnamespace in ('mzlite_def'::regnamespace, 'mzlite_data'::regnamespace)"
        )
        assert left.fetchall() == []


def test_replacing(filled: Database) -> None:
    filled.run("create or replace materialized view mv in cluster pc as select id from t")
    assert [row[0] for row in filled.rows("show columns from mv")] == ["id"]
    filled.run("create view on_mv as select * from mv")
    assert refused(filled, "create or replace materialized view mv as select 1 as x").message == (
        'cannot drop materialized view "mv": still depended upon by view "on_mv"'
    )
    assert "depended upon by new" in refused(filled, "create or replace view v as select * from v").message
    assert refused(filled, "create or replace view mv as select 1").message == "mv is not a view"


def test_column_lists_of_views(filled: Database) -> None:
    filled.run("create view v4 (a) as select 1, 2")
    assert [row[0] for row in filled.rows("show columns from v4")] == ["a", "?column?"]
    assert refused(filled, "create view v5 (a, b, c) as select 1, 2").message == (
        "view materialize.probe.v5 definition names 3 columns, but view materialize.probe.v5 has 2 columns"
    )


def test_unknown_cluster(filled: Database) -> None:
    assert (
        refused(filled, "create materialized view x in cluster nosuch as select 1").message
        == "unknown cluster 'nosuch'"
    )
    filled.session.cluster = "nosuch"
    assert refused(filled, "create materialized view x as select 1").message == "unknown cluster 'nosuch'"


def test_a_refused_statement_leaves_nothing(filled: Database) -> None:
    before = filled.rows("select id, name from mz_objects where id like 'u%' order by id")
    with pytest.raises(MzError):
        filled.run("create or replace view v as select nosuch from t")
    assert filled.rows("select id, name from mz_objects where id like 'u%' order by id") == before
    assert filled.rows("select * from v") == []


def test_dependencies(filled: Database) -> None:
    found = filled.rows(
        "select a.name, b.name from mz_internal.mz_object_dependencies d join mz_objects a on a.id = d.object_id"
        " join mz_objects b on b.id = d.referenced_object_id order by 1"
    )
    assert found == [("mv", "t"), ("v", "t")]


def test_temporary_views_are_the_sessions_own(filled: Database) -> None:
    filled.run("create temporary view __dbt_sbq7 as select 1 as one, 'x'::text as two, 3::uint8 as three")
    found = filled.rows(
        "select c.name, c.type_oid from mz_columns c join mz_relations r on c.id = r.id"
        " where r.schema_id = '0' and r.name = '__dbt_sbq7' order by c.position"
    )
    assert found == [("one", 23), ("two", 25), ("three", 16464)]
    assert filled.rows("select one from __dbt_sbq7") == [(1,)]
    assert refused(filled, "create view permanent as select * from __dbt_sbq7").message == (
        "non-temporary items cannot depend on temporary item"
    )
    filled.run("drop view __dbt_sbq7")
    assert filled.rows("select * from mz_relations where schema_id = '0'") == []


def test_temporary_objects_go_with_their_session(filled: Database) -> None:
    from mzlite.catalog.drop import drop_temporary

    filled.run("create temporary table scratch (a int)")
    filled.run("create temporary view above as select * from scratch")
    with filled.transaction() as tx:
        drop_temporary(tx, filled.session)  # type: ignore[arg-type]
    assert filled.rows("select * from mz_relations where schema_id = '0'") == []


@pytest.mark.parametrize(
    ("query", "sure"),
    [
        ("select id, name from t", ["id"]),
        (
            "select id + 1 as a, coalesce(name, '') as b, count(*) as c, max(id) as d from t group by id, name",
            ["a", "b", "c"],
        ),
        ("select a.id as x, b.id as y from t a left join t b on a.id = b.id", ["x"]),
        ("select a.id as x, b.id as y from t a full join t b on a.id = b.id", []),
        ("select a.id as x, b.id as y from t a join t b on a.id = b.id", ["x", "y"]),
        ("select id from t union all select null::int", []),
        ("with c as (select id from t) select id, id::text as s from c", ["id", "s"]),
        ("select case when name = 'x' then id else 0 end as a, case when name = 'x' then id end as b from t", ["a"]),
        ("select j -> 'x' as a, name is null as b, 1 as c from t", ["b", "c"]),
        ("select * from v", ["id"]),
    ],
)
def test_columns_that_are_never_null(filled: Database, query: str, sure: list[str]) -> None:
    filled.run(f"create view n as {query}")
    assert [name for name, nullable, *_ in filled.rows("show columns from n") if not nullable] == sure


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("to_char(amount, '999') as a", "function to_char(numeric, unknown) does not exist"),
        ("d + 1 as a", "operator does not exist: date + integer"),
    ],
)
@pytest.mark.parametrize("kind", ["view", "materialized view"])
def test_forms_that_only_postgres_has_are_refused(filled: Database, kind: str, expression: str, message: str) -> None:
    assert refused(filled, f"create {kind} n as select {expression} from t").message == message


def test_views_that_only_answer_reads_cannot_be_kept(filled: Database) -> None:
    filled.run("create view clock as select id, now() as read_at from t")
    filled.run("create view above as select id from clock")
    filled.run("create view due as select * from t where mz_now() <= at or id = 1")
    called = "cannot materialize call to current_timestamp"
    for statement in (
        "create index on clock (id)",
        "create default index on above",
        "create materialized view n as select * from clock",
        "create materialized view n as select * from above",
    ):
        error = refused(filled, statement)
        assert (error.message, error.sqlstate) == (called, "0A000")
    error = refused(filled, "create index i1 on due (id)")
    assert error.message.startswith("Unsupported temporal predicate. Note: `mz_now()` must be directly compared")
    assert error.sqlstate == "0A000"
    filled.run("create view fresh as select * from t where mz_now() <= at")
    filled.run("create index i1 on fresh (id)")
    filled.run("create materialized view n as select id from fresh")

"""Values that are too wide for an index of PostgreSQL (2,704 bytes): whatever is joined, grouped or ordered by them."""

from __future__ import annotations

import random

import pytest

from pytests.unit.dataflow.conftest import DEADLINE, Harness

WIDE = "(select string_agg(md5(i::text), '' order by i) from generate_series({0}, {0} + 400) as i)"
"""SQL of an incompressible text of 12 kB."""
VIEWS = {
    "joined": "select p.a, p.n, q.m from p join q on p.a = q.a",
    "joined_by_two": "select p.a, p.n, q.m from p join q on p.a = q.a and p.n = q.m",
    "joined_by_pairs": "select p.a, p.n, q.m from p join q on p.a = q.a and p.b = q.b",
    "joined_thrice": "select x.n, y.m, z.n as o from p x join q y on x.a = y.a join p z on z.b = y.b",
    "joined_by_expressions": "select p.n, q.m from p join q on upper(p.a) = upper(q.b)",
    "joined_by_strings": "select p.n, q.m from p join q on p.a = q.v",
    "joined_by_documents": "select p.n, q.m from p join q on p.j = q.j",
    "joined_by_nulls_too": "select p.n, q.m from p join q on p.a is not distinct from q.a and p.b = q.b",
    "left_joined": "select p.a, p.n, q.m from p left join q on p.a = q.a and q.m >= p.n",
    "full_joined": "select p.a, q.a as b, p.n, q.m from p full join q on p.a = q.a",
    "semi": "select * from p where exists (select from q where q.a = p.a)",
    "anti": "select * from p where not exists (select from q where q.a = p.b)",
    "grouped": "select a, count(*), min(b), max(b), count(distinct b) as d from p group by a",
    "latest": "select distinct on (a) a, n, b from p order by a, n desc, b",
    "latest_joined": "select l.n, q.m from latest l join q on q.a = l.a",
    "latest_of_joined": "select distinct on (a) a, m from left_joined order by a, m desc nulls last, n",
    "top": "select a, n from p order by a desc, n limit 2",
    "united": "select a from p union select a from q",
    "excepted": "select a, b from p except all select a, b from q",
    "numbered": "select n, row_number() over (partition by a order by b, n) as r from p",
    "scalar": "select n, (select max(m) from q where q.a = p.a) as m from p",
}


@pytest.fixture(scope="module")
def filled(harness: Harness) -> Harness:
    harness.table("p", a="text", b="text", n="integer", j="jsonb")
    harness.table("q", a="text", b="text", m="integer", j="jsonb", v="varchar(20000)")
    harness.all_views(VIEWS)
    return harness


def value(source: random.Random) -> str:
    return WIDE.format(source.randrange(3)) if source.random() < 0.6 else source.choice(["'x'", "'y'", "''", "null"])


def random_write(source: random.Random) -> str:
    a, b, n = value(source), value(source), source.randrange(4)
    match source.randrange(6):
        case 0 | 1:
            return f"insert into p values ({a}, {b}, {n}, jsonb_build_object('k', {b}))"
        case 2 | 3:
            return f"insert into q values ({a}, {b}, {n}, jsonb_build_object('k', {a}), {b})"
        case 4:
            return f"delete from p where n = {n} and (a is not distinct from {a} or b is not distinct from {b})"
        case _:
            return f"update q set a = {a}, v = {b} where m = {n}"


def test_every_view_equals_its_definition_after_every_tick(filled: Harness) -> None:
    source = random.Random(5)
    for _ in range(15):
        filled.write(*(random_write(source) for _ in range(source.randint(1, 3))))
        assert filled.differences() == {}


def test_views_over_rows_that_are_there_already(filled: Harness) -> None:
    for name in ("joined", "left_joined", "full_joined", "semi", "grouped", "latest", "latest_joined"):
        filled.view(f"later_{name}", VIEWS[name])
    filled.write(f"insert into p values ({WIDE.format(1)}, 'x', 1, null)", f"delete from q where a = {WIDE.format(2)}")
    assert filled.differences() == {}


def test_winners_and_joins_by_their_key_share_an_index(filled: Harness) -> None:
    query = (
        "select count(*) from pg_catalog.pg_index where indrelid = %s::regclass and indexprs is not null"
        " and pg_catalog.pg_get_expr(indexprs, indrelid) like '%%hash_record_extended(ROW(a)%%'"
    )
    node = filled.engine.dataflow.graph[filled.ids["latest"]].nodes[-1]
    row = filled.system.execute(query, (node.store,)).fetchone()
    assert row == (1,)


def test_indexes_of_an_earlier_version_are_replaced_at_the_start(filled: Harness) -> None:
    nodes = [node for item in filled.engine.dataflow.graph for node in item.nodes if node.replaced_indexes()]
    assert {node.title for node in nodes} == {"Aggregate", "First of each key", "Values per group"}
    names = "select array_agg(indexname::text order by indexname) from pg_catalog.pg_indexes where schemaname = 'mzlite_data'"
    before = filled.system.execute(names).fetchone()
    for node in nodes:
        column = f'"{node.state_columns()[-1].name}"'
        for old, statement in node.replaced_indexes().items():
            new = statement.partition(" if not exists ")[2].split()[0]
            filled.system.execute(f"create index {old} on {node.store} ({column})".encode())
            filled.system.execute(f"drop index if exists mzlite_data.{new}".encode())
    filled.restart()
    assert filled.system.execute(names).fetchone() == before
    filled.write(f"insert into p values ({WIDE.format(2)}, {WIDE.format(1)}, 3, null)", "delete from p where n = 1")
    assert filled.differences() == {}


def test_an_index_of_clients_that_a_value_does_not_fit_into_is_given_up(harness: Harness) -> None:
    harness.table("texts", t="text", n="integer", j="jsonb")
    harness.view("copied", "select t, n, j from texts")
    oid = harness.rows("select 'copied'::regclass::oid::bigint")[0][0]

    def index(name: str) -> None:
        harness.engine.submit(lambda tx: tx.dataflow.create_index(tx, name, oid, None)).result(DEADLINE)

    def indexes() -> list[tuple[str, ...]]:
        query = "select indexname from pg_catalog.pg_indexes where indexname like 'x_u%' and indexname ~ '_u80.$'"
        return harness.system.execute(query).fetchall()

    index("u800")
    assert indexes() == [("x_u800",)]
    harness.write(f"insert into texts values ('a', 1, null), ('b', 2, to_jsonb({WIDE.format(1)}))")
    assert indexes() == [("x_u800",)]
    harness.write(f"insert into texts values ({WIDE.format(1)}, 3, null)")
    assert indexes() == []
    index("u801")
    assert indexes() == []
    harness.write("delete from texts where n = 2")
    assert harness.differences() == {}
    assert harness.rows("select n from copied order by n") == [(1,), (3,)]

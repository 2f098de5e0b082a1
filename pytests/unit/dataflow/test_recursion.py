"""WITH MUTUALLY RECURSIVE, maintained: after every tick the view is the fixed point over what is there."""

from __future__ import annotations

import random
import time

import psycopg
import pytest

from mzlite.dialect.parse import parse
from mzlite.dialect.statements import Relayed
from mzlite.errors import MzError
from pytests.unit.dataflow.conftest import DEADLINE, Harness

CLOSURE = """with mutually recursive
    reach (a int, b int) as (select a, b from edges union select reach.a, edges.b from reach join edges on reach.b = edges.a)
    select a, b from reach"""
DISTANCES = """with mutually recursive
    distance (a int, b int, cost bigint) as (
        select a, b, min(cost) from (
            select a, b, cost::bigint as cost from edges
            union all
            select d.a, e.b, d.cost + e.cost from distance d join edges e on d.b = e.a
        ) as paths group by a, b
    )
    select a, b, cost from distance"""
PARITY = """with mutually recursive
    odd (a int, b int) as (select a, b from edges union select e.a, x.b from even e join edges x on e.b = x.a),
    even (a int, b int) as (select distinct o.a, x.b from odd o join edges x on o.b = x.a)
    select o.a, o.b, 'odd' as length from odd o union all select e.a, e.b, 'even' from even e"""
BOUNDED = """with mutually recursive (return at recursion limit 4)
    walk (a int, b int) as (select a, b from edges union all select w.a, e.b from walk w join edges e on w.b = e.a)
    select a, b, count(*) as ways from walk group by a, b"""


def relayed(sql: str) -> str:
    """The query as PostgreSQL is given it."""
    (statement,) = parse(sql)
    assert isinstance(statement, Relayed)
    return statement.relay_sql


def closure(edges: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """What can be reached, computed in another way."""
    found = set(edges)
    while True:
        more = found | {(a, d) for a, b in found for c, d in edges if b == c}
        if more == found:
            return found
        found = more


@pytest.fixture(scope="module")
def graph(harness: Harness) -> Harness:
    harness.table("edges", a="integer", b="integer", cost="integer")
    for name, query in {"reach": CLOSURE, "distances": DISTANCES, "parity": PARITY, "bounded": BOUNDED}.items():
        harness.view(name, relayed(query))
    harness.plain_view("plain_reach", relayed(CLOSURE))
    harness.view("reach_counts", "select a, count(*) as c from plain_reach group by a")
    return harness


def test_after_every_tick_it_is_the_fixed_point(graph: Harness) -> None:
    source = random.Random(5)
    for _ in range(20):
        rows = ", ".join(f"({source.randint(1, 7)}, {source.randint(1, 7)}, {source.randint(1, 9)})" for _ in range(3))
        graph.write(
            source.choice(
                [
                    f"insert into edges values {rows}",
                    f"delete from edges where a = {source.randint(1, 7)}",
                    f"delete from edges where cost > {source.randint(3, 9)}",
                    f"update edges set b = {source.randint(1, 7)} where b = {source.randint(1, 7)}",
                ]
            )
        )
        assert graph.differences() == {}
        edges = {(a, b) for a, b in graph.rows("select a, b from edges")}
        assert set(graph.rows("select a, b from reach")) == closure(edges)
        assert graph.rows("select a, b from plain_reach order by 1, 2") == sorted(closure(edges))


def test_what_is_cut_off_is_no_longer_reached(graph: Harness) -> None:
    graph.write("delete from edges", "insert into edges values (1, 2, 1), (2, 3, 1), (3, 1, 1), (3, 4, 5)")
    assert (1, 4) in graph.rows("select a, b from reach")
    assert graph.rows("select cost from distances where a = 1 and b = 4") == [(7,)]
    graph.write("delete from edges where a = 2")
    assert graph.rows("select a, b from reach order by 1, 2") == [(1, 2), (3, 1), (3, 2), (3, 4)]
    assert graph.differences() == {}


def test_a_restart_goes_on(graph: Harness) -> None:
    graph.restart()
    graph.write("insert into edges values (2, 3, 1)")
    assert (1, 4) in graph.rows("select a, b from reach")
    assert graph.differences() == {}


def test_a_bill_of_materials(harness: Harness) -> None:
    harness.table("parts", whole="text", part="text", n="integer")
    harness.view(
        "needed",
        relayed("""with mutually recursive
            uses (whole text, part text, n bigint) as (
                select whole, part, n from parts union all
                select u.whole, p.part, u.n * p.n from uses u join parts p on p.whole = u.part
            )
            select whole, part, sum(n)::bigint as n from uses group by whole, part"""),
    )
    harness.write("insert into parts values ('bike', 'wheel', 2), ('wheel', 'spoke', 32), ('spoke', 'nipple', 1)")
    assert harness.rows("select part, n from needed where whole = 'bike' order by 1") == [
        ("nipple", 64),
        ("spoke", 64),
        ("wheel", 2),
    ]
    harness.write("update parts set n = 36 where part = 'spoke'", "insert into parts values ('bike', 'spoke', 1)")
    assert harness.rows("select n from needed where whole = 'bike' and part = 'nipple'") == [(73,)]
    assert harness.differences() == {}


def test_names_are_those_of_the_definition_after_renames(harness: Harness) -> None:
    harness.table("links", a="integer", b="integer")
    harness.view("linked", relayed(CLOSURE.replace("edges", "links")))
    harness.engine.submit(lambda tx: tx.execute("alter view public.links rename to old_links")).result(DEADLINE)
    harness.write("insert into old_links values (1, 2), (2, 3)")
    assert harness.rows("select a, b from linked order by 1, 2") == [(1, 2), (1, 3), (2, 3)]
    harness.restart()
    harness.write("delete from old_links where a = 1")
    assert harness.rows("select a, b from linked order by 1, 2") == [(2, 3)]


def test_blocks_in_blocks_and_after_one_another(harness: Harness) -> None:
    harness.table("arcs", src="integer", dst="integer")
    labels = """with mutually recursive
        label (node int, comp int) as (
            select {to}, min(comp) from (
                select {to}, {to} as comp from arcs
                union all select i.{to}, l.comp from intra i, label l where i.{of} = l.node
            ) as x group by {to}
        )
        select * from label"""
    harness.view(
        "components",
        relayed(f"""with mutually recursive
            intra (src int, dst int) as (
                select * from arcs except all select * from arcs_delayed
                union all
                select src, dst from arcs, forward fs, forward fd, backward bs, backward bd
                where src = fs.node and src = bs.node and dst = fd.node and dst = bd.node
                  and fs.label = fd.label and bs.label = bd.label
            ),
            forward (node int, label int) as ({labels.format(to="dst", of="src")}),
            backward (node int, label int) as ({labels.format(to="src", of="dst")}),
            arcs_delayed (src int, dst int) as (select * from arcs)
            select * from forward union select * from backward"""),
    )
    harness.write(
        "insert into arcs select x, x + 1 from generate_series(0, 9) x", "insert into arcs values (4, 2), (8, 6)"
    )
    assert harness.rows("select label, count(*) from components group by label order by 1") == [
        (0, 1), (1, 1), (2, 3), (5, 1), (6, 3), (9, 1), (10, 1),
    ]  # fmt: skip
    harness.write("delete from arcs where src = 4 and dst = 2")
    assert harness.rows("select max(size) from (select count(*) as size from components group by label) x") == [(3,)]
    assert harness.differences() == {}
    harness.view(
        "rounds",
        relayed("""with mutually recursive
            label (node int) as (select src from arcs union select a.dst from arcs a, label l where a.src = l.node)
            select n, count(*) as c from (
                with mutually recursive r (n int, node int) as (
                    select 0, min(node) from label union select r.n + 1, a.dst from r, arcs a where a.src = r.node and r.n < 20
                ) select n from r
            ) as x group by n"""),
    )
    assert harness.rows("select count(*) from rounds") == [(21,)]


def test_a_limit_that_is_reached_is_an_error_until_the_cycle_goes(harness: Harness) -> None:
    harness.table("steps", a="integer", b="integer")
    harness.view(
        "limited",
        relayed("""with mutually recursive (error at recursion limit 10)
            w (a int, b int) as (select a, b from steps union all select w.a, s.b from w join steps s on w.b = s.a)
            select a, b from w"""),
    )
    harness.write("insert into steps values (1, 2), (2, 3)")
    assert len(harness.rows("select * from limited")) == 3
    harness.write("insert into steps values (3, 1)")
    with pytest.raises(
        psycopg.Error, match=r"^Evaluation error: Recursive query exceeded the recursion limit 10\. \(Use"
    ):
        harness.rows("select * from limited")
    harness.write("delete from steps where a = 3")
    deadline = time.monotonic() + DEADLINE
    while harness.system.execute("select count(*) from mzlite.errors").fetchone() != (0,):
        assert time.monotonic() < deadline
        harness.tick()
    assert len(harness.rows("select * from limited")) == 3


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("with mutually recursive b (x int8) as (select '1') select x from b", "declared types (bigint)"),
        ("with mutually recursive b (x int) as (select 1 union all select x from b) select x from b", "did not reach"),
        ("with mutually recursive b (x int) as (select 1 where mz_now() > 5) select x from b", "mz_now() inside WITH"),
        (
            "with mutually recursive b (x text) as (select name from mz_objects) select x from b",
            "mz_objects is not supp",
        ),
    ],
)
def test_refused(harness: Harness, query: str, message: str) -> None:
    views = list(harness.views)
    with pytest.raises((MzError, psycopg.Error)) as caught:
        harness.view("refused", relayed(query))
    assert message in str(caught.value)
    assert harness.views == views
    left = harness.system.execute(
        "select count(*) from pg_proc where proname like %s", (f"_\\_{harness.ids['refused']}\\_%",)
    )
    assert left.fetchone() == (0,)


def test_nothing_is_left_when_it_is_dropped(harness: Harness) -> None:
    harness.table("few", a="integer", b="integer")
    harness.view("brief", relayed(CLOSURE.replace("edges", "few")))
    object_id = harness.ids["brief"]
    harness.engine.submit(lambda tx: tx.dataflow.drop(tx, object_id)).result(DEADLINE)
    harness.views.remove("brief")
    left = harness.system.execute(
        "select (select count(*) from pg_proc where proname like %s) + (select count(*) from pg_type where typname like %s)",
        (f"_\\_{object_id}\\_%", f"r\\_{object_id}\\_%"),
    )
    assert left.fetchone() == (0,)

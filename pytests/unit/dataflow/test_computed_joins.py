"""A view that is a left join of stored rows keeps none itself, until something needs them: its readers compute them."""

from __future__ import annotations

from typing import Any

import pytest

from mzlite.dataflow.rel import is_stored
from mzlite.kafka.spec import SinkSpec
from pytests.unit.dataflow.conftest import DEADLINE, PATH, Harness
from pytests.unit.dataflow.test_behaviour import healed, statistic

VIEWS = {
    "joined": "select o.id, o.place, e.step from o left join e on e.id = o.id and e.step > o.place - 2",
    "latest": "select distinct on (id) id, place, step from joined order by id, step desc nulls last, place",
    "counts": "select place, count(*) as n, count(distinct step) as steps from joined group by place",
    "alone": "select place from o except select place from joined where step is not null",
}
NEEDY = {
    "furthest": "select distinct on (step) step, id, place from joined order by step, id, place",
    "neighbours": "select a.id, b.id as other from joined a join joined b on a.step = b.step",
    "without": "select e.id from e where not exists (select 1 from joined j where j.id = e.id and j.step = e.step)",
    "ranks": "select id, step, row_number() over (partition by id order by step, place) as n from joined",
}
"""Views that look the rows of the join up by other values than the keys of its left side."""


@pytest.fixture(scope="module")
def shop(harness: Harness) -> Harness:
    harness.table("o", id="text", place="integer")
    harness.table("e", id="text", step="integer")
    harness.write("insert into o values ('a', 1), ('b', 2)", "insert into e values ('a', 2), ('c', 1)")
    harness.all_views(VIEWS)
    return harness


def stores(shop: Harness, view: str) -> list[str]:
    """The titles of a view's nodes that keep rows."""
    return [node.title for node in shop.engine.dataflow.graph[shop.ids[view]].nodes if node.has_store]


CHANGES = [
    "insert into o values ({key}, {number}), ({key}, {number})",
    "insert into e values ({key}, {number})",
    "begin; insert into o values ({key}, {number}); insert into e values ({key}, {number}); commit",
    "delete from o where place = {number} and id is not distinct from {key}",
    "delete from e where step = {number}",
    "begin; update e set step = step + 1; update o set place = 3 - place where id = {key}; commit",
]


def change(shop: Harness, seed: int) -> None:
    """Ticks of rows that come, are repeated, change sides and leave; everything equals its definition after each."""
    shop.change(seed, 15, CHANGES)


def test_readers_compute_what_is_not_stored(shop: Harness) -> None:
    assert stores(shop, "joined") == []
    # The winner that follows another is looked up through the join.
    assert stores(shop, "latest") == ["First of each key"]
    change(shop, 1)


def test_the_next_winner_is_looked_up_by_index(shop: Harness) -> None:
    """Whatever the number of rows, a winner that leaves costs a few of them."""
    shop.write(
        "insert into o select 'x' || i, 1 from generate_series(1, 2000) as i",
        "insert into e select 'x' || i, s from generate_series(1, 2000) as i, generate_series(1, 2) as s",
    )
    count = (
        "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_user_tables"
        " where schemaname = 'mzlite_data' and relname in ('{}', '{}')"
    ).format(*(shop.engine.dataflow.graph[shop.ids[name]].base.store.partition(".")[2] for name in ("o", "e")))

    shop.write("delete from e where id = 'x1' and step = 2")
    before = statistic(shop, count)
    shop.write("delete from e where id = 'x7' and step = 2")
    # The client finds the row that it deletes by scanning one of the tables.
    assert statistic(shop, count) - before < 4000 + 1000
    assert shop.rows("select step from latest where id = 'x7'") == [(1,)]
    shop.write("delete from o where id like 'x%'", "delete from e where id like 'x%'")
    assert shop.differences() == {}


def test_a_restart_goes_on_without_a_store(shop: Harness) -> None:
    shop.restart()
    assert stores(shop, "joined") == []
    change(shop, 2)


def test_who_needs_the_rows_has_them_stored_once(shop: Harness) -> None:
    shop.all_views(NEEDY)
    assert stores(shop, "joined") == ["Store"]
    assert [stores(shop, name).count("Store") for name in NEEDY] == [0, 1, 1, 0]  # joins store what they yield
    assert stores(shop, "latest") == ["First of each key"]
    plan = shop.system.execute("explain select * from public.joined").fetchall()
    assert not any("Join" in line for (line,) in plan)
    change(shop, 3)


def test_a_restart_brings_the_same_store(shop: Harness) -> None:
    shop.restart()
    assert stores(shop, "joined") == ["Store"]
    change(shop, 4)
    for view in NEEDY:
        shop.engine.submit(lambda tx, view=view: tx.dataflow.drop(tx, shop.ids[view])).result(DEADLINE)
        shop.views.remove(view)
    change(shop, 5)


def test_a_subscription_leaves_the_view_as_it_is(shop: Harness) -> None:
    shop.view("other", VIEWS["joined"])

    def subscribe(tx: Any) -> None:
        tx.dataflow.subscribe(tx, "t1", "select a.id from other a join other b on a.step = b.step", PATH)

    shop.engine.submit(subscribe).result(DEADLINE)
    assert stores(shop, "other") == []
    shop.engine.submit(lambda tx: tx.dataflow.drop(tx, "t1")).result(DEADLINE)


def test_an_index_brings_a_store(shop: Harness) -> None:
    oid = shop.engine.dataflow.graph[shop.ids["other"]].relation
    shop.engine.submit(lambda tx: tx.dataflow.create_index(tx, "u901", oid, ["place"])).result(DEADLINE)
    assert stores(shop, "other") == ["Store"]
    change(shop, 6)


def test_a_view_that_fails_to_be_made_leaves_no_store(shop: Harness) -> None:
    shop.view("third", VIEWS["joined"])

    def fail(tx: Any) -> None:
        query = NEEDY["furthest"].replace("joined", "third")
        tx.dataflow.create_materialized_view(tx, "u902", "public", "failing", (), query, PATH)
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        shop.engine.submit(fail).result(DEADLINE)
    assert stores(shop, "third") == []
    change(shop, 7)


def test_a_store_that_an_earlier_version_made_stays(shop: Harness) -> None:
    """It recorded the number of a store for every materialized view."""
    shop.table("l", id="integer", n="integer")
    shop.table("r", id="integer", m="integer")
    shop.view("kept_by_hand", "select l.id, l.n, r.m from l left join r on r.id = l.id")
    object_id = shop.ids["kept_by_hand"]
    item = shop.engine.dataflow.graph[object_id]
    shop.engine.submit(lambda tx: tx.dataflow.maintain_view(tx, item.relation)).result(DEADLINE)
    number = shop.engine.dataflow.graph[object_id].nodes[-1].number
    shop.engine.stop()
    shop.system.execute("delete from mzlite.dataflows where object_id = %s", (f"{object_id}.store",))
    shop.system.execute(
        "update mzlite.dataflows set numbers = array_append(numbers, %s::bigint) where object_id = %s",
        (number, object_id),
    )
    shop.start()
    assert stores(shop, "kept_by_hand") == ["Store"]
    shop.write("insert into l values (1, 1), (2, 2)", "insert into r values (1, 5)", "delete from l where id = 2")
    assert shop.differences() == {}


def test_winners_whose_join_an_earlier_version_stored_go_on_with_it(
    shop: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = (
        "select distinct on (o.id) o.id, e.step from o left join e on e.id = o.id order by o.id, e.step desc nulls last"
    )
    with monkeypatch.context() as earlier:
        earlier.setattr(
            "mzlite.dataflow.build.looked_up", lambda rel, names: (rel, list(names)) if is_stored(rel) else None
        )
        shop.view("first_before", query)
    shop.view("first_now", query)
    for _ in range(2):
        assert stores(shop, "first_before") == ["Store", "First of each key"]
        assert stores(shop, "first_now") == ["First of each key"]
        change(shop, 8)
        shop.restart()


def test_a_sink_learns_what_it_missed_while_there_was_an_error(shop: Harness) -> None:
    shop.table("parts", id="integer", k="integer")
    shop.table("names", id="integer", name="text")
    shop.view("quotients", "select id, 10 / k as q from parts")
    shop.view("named", "select q.id, q.q, n.name from quotients as q left join names as n on n.id = q.id")
    shop.write("insert into parts values (1, 5), (2, 2)", "insert into names values (1, 'a')")
    spec = SinkSpec("u950", {}, "t", "x", "p", key_columns=("id",), key_format="json")
    shop.engine.submit(lambda tx: tx.dataflow.create_sink(tx, shop.ids["named"], spec)).result(DEADLINE)
    assert stores(shop, "named") == ["Store"]
    told = "select count(*) from mzlite.outbox where sink_id = 'u950'"
    assert shop.system.execute(told.encode()).fetchone() == (2,)
    shop.write("insert into parts values (3, 0)")
    shop.write("insert into names values (2, 'b')", "insert into parts values (4, 1)")
    shop.write("delete from parts where k = 0")
    assert healed(shop, "select id, q, name from named order by id") == [(1, 2, "a"), (2, 5, "b"), (4, 10, None)]
    # The row of 2 has changed, and the one of 4 is new.
    assert shop.system.execute(told.encode()).fetchone() == (4,)
    shop.engine.submit(lambda tx: tx.dataflow.drop(tx, "u950")).result(DEADLINE)
    assert shop.differences() == {}


def test_an_error_below_reaches_its_readers_and_heals(shop: Harness) -> None:
    shop.view("sides", "select q.id, q.q, e.step from quotients as q left join e on e.step = q.id")
    shop.view("first_side", "select distinct on (id) id, q, step from sides order by id, step desc nulls last")
    assert stores(shop, "sides") == []
    shop.write("insert into parts values (9, 0)", "insert into e values ('z', 4)")
    with pytest.raises(Exception, match="division by zero"):
        shop.rows("select * from sides")
    shop.write("delete from parts where k = 0")
    assert healed(shop, "select id, step from first_side, (select from sides limit 1) as s where id = 4") == [(4, 4)]
    assert shop.differences() == {}

"""What the engine promises beside equality: exact moments, errors that stay with their view, work that follows the change."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from mzlite.dataflow.node import Node
from mzlite.dataflow.rel import NOW, TICK, Mode
from mzlite.dataflow.tick import SETTINGS
from mzlite.errors import MzError
from pytests.unit.dataflow.conftest import DEADLINE, Harness


def test_a_temporal_filter_shows_a_row_to_the_millisecond(harness: Harness) -> None:
    harness.table("events", id="integer", at="timestamp")
    harness.view("active", "select id from events where mz_now() >= at and mz_now() < at + interval '1 second'")
    now = harness.clock.held
    assert now is not None
    harness.write(f"insert into events values (1, to_timestamp({(now + 1000) / 1000}) at time zone 'UTC')")
    harness.advance(999)
    assert harness.rows("select id from active") == []
    harness.advance(1)
    assert harness.rows("select id from active") == [(1,)]
    harness.advance(999)
    assert harness.rows("select id from active") == [(1,)]
    harness.advance(1)
    assert harness.rows("select id from active") == []
    assert harness.differences() == {}


def test_a_row_that_falls_due_in_the_tick_that_deletes_it_wins_nothing(harness: Harness) -> None:
    harness.table("deadlines", id="integer", at="timestamp")
    harness.view("overdue", "select id, at from deadlines where mz_now() >= at")
    harness.view("first_overdue", "select distinct on (id) id, at from overdue order by id, at")
    now = harness.clock.held
    assert now is not None
    harness.write(
        f"insert into deadlines select i, to_timestamp({now + 500} / 1000.0) at time zone 'UTC' from generate_series(1, 3) i"
    )
    harness.client.execute("delete from deadlines where id <= 2")
    harness.advance(500)
    assert harness.rows("select id from first_overdue") == [(3,)]
    assert harness.differences() == {}


def healed(harness: Harness, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query once none of the views that it reads has an error any more."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return harness.rows(query)
        except psycopg.Error:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_an_error_stays_with_its_view_and_its_readers_and_heals(harness: Harness) -> None:
    harness.table("numbers", n="integer")
    harness.view("inverse", "select n, 100 / n as q from numbers")
    harness.view("inverse_total", "select sum(q) as total from inverse")
    harness.view("plain_total", "select sum(n) as total from numbers")
    harness.write("insert into numbers values (5), (4)")
    assert harness.rows("select total from inverse_total") == [(45,)]
    harness.write("insert into numbers values (0)")
    harness.view("made_meanwhile", "select max(q) as m from inverse")
    for name in ("inverse", "inverse_total", "made_meanwhile"):
        with pytest.raises(psycopg.Error, match="Evaluation error: division by zero"):
            harness.rows(f"select * from {name}")
    assert harness.rows("select total from plain_total") == [(9,)]
    harness.write("insert into numbers values (10)")
    harness.write("delete from numbers where n = 0")
    assert healed(harness, "select total, m from inverse_total, made_meanwhile") == [(55, 25)]
    assert harness.differences() == {}


def test_a_view_over_rows_that_fail_is_made_and_heals(harness: Harness) -> None:
    harness.table("divisors", n="integer")
    harness.write("insert into divisors values (5), (0)")
    harness.view("inverse_divisors", "select n, 100 / n as q from divisors")
    harness.view("inverse_sum", "select sum(q) as total from inverse_divisors")
    harness.view("inverse_top", "select distinct on (n % 2) n, 100 / n as q from divisors order by n % 2, n desc")
    for name in ("inverse_divisors", "inverse_sum", "inverse_top"):
        with pytest.raises(psycopg.Error, match="Evaluation error: division by zero"):
            harness.rows(f"select * from {name}")
    harness.write("insert into divisors values (10)")
    harness.write("delete from divisors where n = 0")
    assert healed(harness, "select total from inverse_sum") == [(30,)]
    assert healed(harness, "select n, q from inverse_top order by n") == [(5, 20), (10, 10)]
    assert harness.differences() == {}
    with pytest.raises(psycopg.Error, match="no_such_column"):
        harness.view("wrong", "select no_such_column from divisors")


def test_rows_that_cancel_within_a_tick_raise_no_error(harness: Harness) -> None:
    """A new row meets a row of the other side that leaves: that pair was never there to be read."""
    harness.table("upper", id="integer", n="integer")
    harness.table("lower", id="integer", n="integer")
    join = "upper as u {} join lower as l on u.id = l.id"
    harness.view("quotient", f"select u.id, 100 / (u.n - l.n) as q from {join.format('')}")
    harness.view("minus", f"select u.id, u.n - l.n as d from {join.format('')}")
    harness.view("quotient_above", "select id, 100 / d as q from minus")
    harness.view("outer_minus", f"select u.id, u.n - l.n as d from {join.format('left')}")
    harness.view("outer_above", "select sum(100 / d) as q from outer_minus")
    harness.view(
        "of_three", f"select 100 / (u.n - l.n) as q, m.d from {join.format('')} join minus as m on m.id = u.id"
    )
    harness.write("begin; insert into upper values (1, 2); insert into lower values (1, 1); commit")
    for upper, lower in ((1, 0), (0, 5), (5, 0), (3, 5), (5, 3)):
        harness.write(f"begin; update upper set n = {upper}; update lower set n = {lower}; commit")
        q = 100 // (upper - lower) if upper > lower else -(100 // (lower - upper))
        assert harness.rows("select q from quotient") == [(q,)]
        assert harness.rows("select q from quotient_above") == [(q,)]
        assert harness.rows("select q from outer_above") == [(q,)]
        assert harness.rows("select q from of_three") == [(q,)]
        assert harness.differences() == {}
    assert harness.system.execute("select count(*) from mzlite.errors").fetchone() == (0,)
    harness.write("begin; update upper set n = 7; update lower set n = 7; commit")
    with pytest.raises(psycopg.Error, match="division by zero"):
        harness.rows("select q from quotient")
    harness.write("delete from upper")
    healed(harness, "select * from quotient, quotient_above, outer_above, of_three")


def test_floating_point_sums_do_not_drift(harness: Harness) -> None:
    harness.table("measures", k="integer", x="double precision")
    harness.view("sums", "select k, sum(x) as s, avg(x) as a from measures group by k")
    harness.write("insert into measures values (1, 0.1), (1, 0.2)")
    before = harness.rows("select * from sums")
    for value in ("1e10", "3.3", "'NaN'", "'Infinity'", "0.7"):
        harness.write(f"insert into measures values (1, {value})")
        harness.write(f"delete from measures where x = {value}")
        assert harness.rows("select * from sums") == before


def test_a_refused_view_leaves_nothing_behind(harness: Harness) -> None:
    harness.table("things", id="integer")
    with pytest.raises(MzError, match="WITH RECURSIVE"):
        harness.view(
            "loops", "with recursive r (n) as (select 1 union select n + 1 from r where n < 5) select n from r"
        )
    assert harness.system.execute("select to_regclass('public.loops')").fetchone() == (None,)
    harness.views = [name for name in harness.views if name != "loops"]
    harness.write("insert into things values (1)")
    assert harness.rows("select * from things") == [(1,)]


def test_one_evaluation_of_a_shared_view(harness: Harness) -> None:
    harness.table("raw", id="integer", body="text")
    harness.plain_view("decoded", "select id, upper(body) as b from raw")
    harness.view("long_ones", "select id, b from decoded where length(b) > 2")
    harness.view("short_ones", "select id, b from decoded where length(b) <= 2")
    shared = [item for item in harness.engine.dataflow.graph if item.kind == "view"]
    assert [node.title for node in shared[-1].nodes] == ["Share"]
    harness.write("insert into raw values (1, 'abc'), (2, 'x')")
    assert harness.differences() == {}
    assert harness.rows("select b from long_ones") == [("ABC",)]


def test_an_index_on_a_plain_view_keeps_its_rows(harness: Harness) -> None:
    harness.table("pairs", k="integer", v="integer")
    oid = harness.plain_view("grouped", "select k, count(*) as c, sum(v) as s from pairs group by k")

    def index(tx: Any) -> list[str]:
        return list(tx.dataflow.create_index(tx, "u900", oid, ["k"]))

    assert harness.engine.submit(index).result(DEADLINE) == ["k"]
    harness.view("big_groups", "select k, s from grouped where c > 1")
    harness.write("insert into pairs values (1, 2), (1, 3), (2, 5)")
    assert harness.rows("select * from big_groups") == [(1, 5)]
    harness.restart()
    harness.write("insert into pairs values (2, 5)")
    assert harness.rows("select * from big_groups order by k") == [(1, 5), (2, 10)]
    assert harness.differences() == {}


def test_an_index_on_a_plain_view_that_is_read_already_survives_restarts(harness: Harness) -> None:
    """Its store is written down behind those who read the view: the start refused them otherwise."""
    harness.table("pairs_read", k="integer", v="integer")
    oid = harness.plain_view("summed", "select k, v * 2 as w, (select count(*) from pairs_read) as n from pairs_read")
    harness.view("reader", "select a.k, b.w, a.n from summed a join summed b on a.k = b.k where a.w > 2")
    harness.write("insert into pairs_read values (1, 2), (1, 3), (2, 5)")
    harness.engine.submit(lambda tx: tx.dataflow.create_index(tx, "u901", oid, ["k"])).result(DEADLINE)
    harness.view("later_reader", "select k, count(*) as c from summed group by k")
    for row in ("(1, 7)", "(2, 1)"):
        harness.restart()
        harness.write(f"insert into pairs_read values {row}")
        assert harness.differences() == {}
        assert harness.engine.dataflow.graph.by_relation(oid) is not None
    for name in ("later_reader", "reader"):
        object_id = harness.identity(name)
        harness.engine.submit(lambda tx, object_id=object_id: tx.dataflow.drop(tx, object_id)).result(DEADLINE)
        harness.views.remove(name)
    harness.restart()
    assert harness.differences() == {}


def test_an_index_on_a_view_over_rows_that_fail_heals_with_them(harness: Harness) -> None:
    harness.table("zero_divisors", k="integer")
    harness.view("tried_quotients", "select k, 10 / k as q from zero_divisors")
    harness.write("insert into zero_divisors values (0), (5)")
    oid = harness.plain_view("some_tried_quotients", "select q + 1 as q from tried_quotients where k > 1")
    harness.engine.submit(lambda tx: tx.dataflow.create_index(tx, "u902", oid, ["q"])).result(DEADLINE)
    with pytest.raises(psycopg.Error, match="division by zero"):
        harness.rows("select * from some_tried_quotients")
    harness.write("delete from zero_divisors where k = 0")
    assert healed(harness, "select * from some_tried_quotients") == [(3,)]
    assert healed(harness, "select q from tried_quotients") == [(2,)]


def statistic(harness: Harness, query: str) -> int:
    """A number that PostgreSQL counts, with what the engine's session has done so far."""
    harness.engine.submit(lambda tx: tx.execute("select pg_stat_force_next_flush()")).result(DEADLINE)
    harness.tick()
    row = harness.system.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def rows_touched(harness: Harness) -> int:
    """Rows that statements have read and written in stores."""
    return statistic(
        harness,
        "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0) + n_tup_ins + n_tup_upd + n_tup_del)::bigint"
        " from pg_stat_user_tables where schemaname = 'mzlite_data'",
    )


def test_the_work_of_a_tick_follows_the_change_not_what_is_stored(harness: Harness) -> None:
    harness.table("o", id="integer", k="integer", amount="numeric", at="timestamp")
    harness.table("s", id="integer", name="text", at="timestamp")
    harness.view("j", "select o.id, o.k, o.amount, s.name, s.at from o left join s on o.id = s.id")
    harness.view("last", "select distinct on (id) id, k, name from j order by id, at desc nulls last, name")
    harness.view(
        "g", "select k, count(*) as c, sum(amount) as t, count(distinct name) as d, max(amount) as m from j group by k"
    )
    # Groups of which very many have a key in common: a text, which may be wide for an index, and a moment.
    harness.view("named", "select name, id, count(*) as c from j group by name, id")
    harness.view("dated", "select at, id, count(*) as c from j group by at, id")
    harness.view("live", "select id from o where mz_now() <= at + interval '1 day'")
    harness.view("odd", "select o.id from o where not exists (select 1 from s where s.id = o.id)")

    def fill(first: int, last: int) -> None:
        harness.write(
            f"insert into o select i, i % 50, i, timestamp '2026-01-01' from generate_series({first}, {last}) i",
            f"insert into s select i, 'placed', timestamp '2026-01-01' from generate_series({first}, {last}) i",
        )
        for table in [node.store for node in harness.engine.dataflow.graph.nodes().values() if node.has_store]:
            harness.system.execute(f"vacuum analyze {table}".encode())

    def work(first: int) -> int:
        before = rows_touched(harness)
        for i in range(first, first + 10):
            harness.write(f"insert into o values ({i}, {i % 50}, 3, timestamp '2026-01-01')")
            harness.write(f"insert into s values ({i}, 'ready', timestamp '2026-01-02')")
            harness.write(f"delete from s where id = {i}")
        return rows_touched(harness) - before

    fill(1, 1_000)
    small = work(1_000_001)
    fill(1_001, 100_000)
    large = work(2_000_001)
    assert harness.differences() == {}
    # A client finds the rows that it deletes by scanning the table; the engine's part must stay flat.
    scans = 100_000 * 10
    assert large - scans < 3 * small


def test_rows_whose_partners_change_are_looked_up_whatever_the_statistics_are(harness: Harness) -> None:
    """With those of a small table PostgreSQL would go through all rows, and ask for the partners of each, until the next ANALYZE."""
    harness.table("guests", id="text", k="integer")
    harness.table("visits", id="text", at="timestamp")
    harness.view("visited", "select g.id, g.k, v.at from guests g left join visits v on v.id = g.id")
    harness.write(
        "insert into guests select i::text, i from generate_series(1, 5000) as i",
        "insert into visits select i::text, timestamp '2026-01-01' from generate_series(1, 5000) as i",
    )
    graph = harness.engine.dataflow.graph
    [node] = graph[harness.ids["visited"]].nodes
    touched = [step.sql for step in node.steps(Mode.TICK) if not step.when_removed][-1]

    def plan(tx: Any) -> str:
        for name in ("guests", "visits"):
            table = graph[harness.ids[name]].base.store.partition(".")[2]
            stats = f"'relname', '{table}', 'relpages', 1, 'reltuples', 1::real"
            tx.execute(f"select pg_catalog.pg_restore_relation_stats('schemaname', 'mzlite_data', {stats})")
        tx.execute(SETTINGS, (str(tx.tick),))
        text = touched.replace(NOW, str(tx.timestamp)).replace(TICK, str(tx.tick))
        return "\n".join(line for (line,) in tx.execute(f"explain {text}").fetchall())

    found = harness.engine.submit(plan).result(DEADLINE)
    assert found.count("Index Cond") == 3  # The rows themselves, their partners of before, and those of now.


def test_the_next_extreme_is_looked_for_only_where_the_best_value_leaves(harness: Harness) -> None:
    harness.table("e", k="integer", v="integer", at="timestamp")
    harness.view("extremes", "select k, min(v) as lowest, max(v) as highest, max(at) as last from e group by k")
    harness.write(
        "insert into e select i % 3, i, timestamp '2026-01-01' + i * interval '1 s' from generate_series(1, 300) i"
    )

    def searches(*statements: str) -> int:
        scans = "select sum(idx_scan)::bigint from pg_stat_user_indexes where indexrelname ~ '^n_[0-9]+_value'"
        before = statistic(harness, scans)
        harness.write(*statements)
        return statistic(harness, scans) - before

    assert searches("insert into e values (1, 1000, '2026-01-02'), (2, 150, '2026-01-01')") == 0
    assert searches("delete from e where v = 150") == 0
    assert searches("delete from e where v = 1000") > 0
    assert harness.differences() == {}


def test_nodes_print_what_they_are(harness: Harness) -> None:
    harness.table("printed", id="integer", at="timestamp")
    harness.view("printed_counts", "select id, count(*) as n from printed group by id")
    harness.view("printed_pairs", "select a.id, b.at from printed a join printed b on a.id = b.id")
    harness.view("printed_later", "select id from printed where mz_now() >= at")
    titles = {node.title for node in harness.engine.dataflow.graph.nodes().values()}
    assert {"Base", "Join", "Store", "Aggregate", "Temporal filter"} <= titles
    assert all(isinstance(node, Node) for node in harness.engine.dataflow.graph.nodes().values())


def test_rows_of_materializes_own_types_can_be_taken_back(harness: Harness) -> None:
    harness.table("moments", at="mz_catalog.mz_timestamp", n="mz_catalog.uint4")
    harness.view("counted", "select at, count(*) as c from moments group by at")
    harness.view("latest_moment", "select distinct on (n) n, at from moments order by n, at desc")
    harness.write("insert into moments values ('5', '1'), ('6', '1'), ('6', '2')")
    harness.write("delete from moments where n::text = '1' and at::text = '6'")
    assert harness.differences() == {}
    assert harness.rows("select c::int from counted order by at::text") == [(1,), (1,)]


def test_an_object_that_needs_other_nodes_stops_the_start_with_its_name(harness: Harness) -> None:
    harness.table("kept_rows", id="integer")
    harness.view("kept_count", "select count(distinct id) as c from kept_rows")
    object_id = harness.ids["kept_count"]
    rows = harness.system.execute("select numbers from mzlite.dataflows where object_id = %s", (object_id,)).fetchone()
    assert rows is not None
    harness.engine.stop()
    harness.system.execute("update mzlite.dataflows set numbers = '{}' where object_id = %s", (object_id,))
    with pytest.raises(MzError, match=f"object {object_id} was made by another version"):
        harness.start()
    harness.system.execute(
        "update mzlite.dataflows set numbers = %s::bigint[] where object_id = %s", (rows[0], object_id)
    )
    harness.start()
    harness.write("insert into kept_rows values (1)")
    assert harness.differences() == {}


def test_an_object_whose_store_has_other_columns_stops_the_start_with_its_name(harness: Harness) -> None:
    harness.table("stored_rows", id="integer", k="integer")
    harness.view("stored_extremes", "select k, max(id) as m from stored_rows group by k")
    harness.write("insert into stored_rows values (1, 1)")
    object_id = harness.ids["stored_extremes"]
    store = harness.engine.dataflow.graph[object_id].nodes[-1].store
    harness.engine.stop()
    harness.system.execute(f"alter table {store} add column further integer".encode())
    with pytest.raises(MzError, match=f"object {object_id} was made by another version.*has other columns"):
        harness.start()
    harness.system.execute(f"alter table {store} drop column further".encode())
    harness.start()
    harness.write("insert into stored_rows values (2, 1)")
    assert harness.differences() == {}


def test_an_internal_error_of_a_view_does_not_hold_up_the_ticks(harness: Harness) -> None:
    harness.system.execute(
        "create function mz_internal.fails_at(integer) returns integer language plpgsql immutable as"
        " $$begin if $1 = 7 then raise exception 'it is seven' using errcode = 'XX000'; end if; return $1; end$$"
    )
    harness.table("sevens", n="integer")
    harness.view("never_seven", "select mz_internal.fails_at(n) as n from sevens")
    harness.view("all_sevens", "select count(*) as c from sevens")
    harness.write("insert into sevens values (6), (7)")
    assert harness.rows("select c from all_sevens") == [(2,)]
    with pytest.raises(psycopg.Error, match="it is seven"):
        harness.rows("select * from never_seven")
    harness.write("delete from sevens where n = 7")
    assert harness.rows("select c from all_sevens") == [(1,)]
    harness.view("another", "select n from sevens")
    assert harness.rows("select n from another") == [(6,)]


def test_readers_that_look_the_same_columns_up_share_an_index(harness: Harness) -> None:
    """Each SUBSCRIBE to a join would otherwise leave an index of its own behind, which every later write pays for."""
    harness.table("orders", id="integer", customer="integer")
    harness.table("customers", id="integer", name="text")
    joined = "select o.id, c.name from orders o left join customers c on c.id = o.customer"
    firsts = "select distinct on (customer) customer, id from orders order by customer, id"
    harness.view("joined", joined)
    harness.view("firsts", firsts)
    graph = harness.engine.dataflow.graph
    stores = ", ".join(f"'{graph[harness.ids[name]].base.store}'::regclass" for name in ("orders", "customers"))
    indexes = f"select count(*) from pg_catalog.pg_index where indrelid in ({stores})"
    before = harness.system.execute(indexes).fetchall()
    assert before > [(2,)]
    harness.view("joined_again", joined)
    harness.view("firsts_again", firsts)
    assert harness.system.execute(indexes).fetchall() == before
    harness.write("insert into customers values (1, 'a')", "insert into orders values (1, 1), (2, 2)")
    assert harness.differences() == {}

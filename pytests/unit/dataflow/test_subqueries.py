"""Subqueries of every kind in every place, LATERAL, several levels deep: after each tick each view equals its definition."""

from __future__ import annotations

import random

import psycopg
import pytest

from pytests.unit.dataflow.conftest import START, Harness
from pytests.unit.dataflow.test_behaviour import rows_touched
from pytests.unit.dataflow.test_rules import random_write
from pytests.wire.eventually import eventually

VIEWS = {
    # Scalar subqueries.
    "scalar_alone": "select order_id, (select max(st) from status) as last from orders",
    "scalar_tied": "select order_id, (select max(s.st) from status s where s.order_id = o.order_id) as last from orders o",
    "scalar_counts": """select order_id, (select count(*) + 1 from status s where s.order_id = o.order_id) as a,
        coalesce((select sum(b.amount) from orders b where b.rk = o.rk), 0) as b from orders o""",
    "scalar_first": """select order_id, (select s.name from status s where s.order_id = o.order_id
        order by s.st desc, s.name limit 1) as name from orders o""",
    "scalar_in_where": "select order_id from orders o where amount >= (select avg(b.amount) from orders b where b.rk = o.rk)",
    "scalar_in_having": "select rk, count(*) as c from orders o group by rk having count(*) > (select count(*) from status s where s.name = o.rk)",
    "scalar_in_aggregate": "select rk, sum((select count(*) from status s where s.order_id = o.order_id)) as s from orders o group by rk",
    "scalar_as_key": "select (select count(*) from status s where s.order_id = o.order_id) as n, count(*) as c from orders o group by 1",
    "scalar_in_case": """select order_id, case when amount > 10 then (select max(name) from status s where s.order_id = o.order_id)
        else (select min(rk) from orders) end as v from orders o""",
    "scalar_in_order": """select order_id, amount from orders o
        order by (select count(*) from status s where s.order_id = o.order_id) desc, order_id, amount, ts, rk limit 3""",
    "scalar_ordered": """select distinct rk, (select string_agg(name, ',' order by name) || count(*) from status s
        where s.order_id = length(o.rk)) as names from orders o""",
    "two_levels": """select order_id, (select count(*) from orders b where b.rk = o.rk
        and b.amount > (select avg(d.amount) from orders d where d.order_id <> o.order_id)) as n from orders o""",
    # Conditions.
    "either": "select order_id from orders o where exists (select 1 from status s where s.order_id = o.order_id) or amount > 20",
    "exists_shown": """select order_id, exists (select 1 from status s where s.order_id = o.order_id) as a,
        exists (select 1 from status s where s.order_id < o.order_id and s.st > o.ts) as b from orders o""",
    "exists_grouped": """select order_id from orders o where exists (select 1 from status s where s.order_id = o.order_id
        group by s.name having count(*) > 1)""",
    "all_of_them": """select distinct o.rk from orders o where not exists (select 1 from status s where s.name = 'x'
        and not exists (select 1 from orders b where b.order_id = s.order_id and b.rk = o.rk))""",
    "excluded": "select order_id from orders where rk not in (select name from status)",
    "excluded_nulls": "select order_id from orders where order_id not in (select length(rk) from orders)",
    "excluded_tied": "select order_id, rk from orders o where rk not in (select b.rk from orders b where b.order_id = o.order_id + 1)",
    "contained_shown": """select order_id, rk in (select b.rk from orders b where b.order_id = o.order_id + 1) as a,
        (order_id, rk) in (select order_id, name from status) as b from orders o""",
    "compared_any": "select order_id from orders where amount > any (select order_id from status where name = 'x')",
    "compared_all": "select order_id from orders o where amount > all (select b.amount from orders b where b.rk = o.rk and b.order_id < o.order_id)",
    "compared_shown": """select order_id, amount > any (select length(rk) from orders) as a,
        amount <= all (select b.amount from orders b where b.rk = o.rk) as b from orders o""",
    "joined_by_subquery": """select o.order_id, s.name from orders o left join status s on s.order_id = o.order_id
        and o.amount > (select avg(amount) from orders) and exists (select 1 from orders b where b.rk = o.rk and b.ts < s.st)""",
    "row_local": """select order_id, (select count(*) from generate_series(1, o.order_id) as g where g % 2 = 0) as n,
        l.twice from orders o, lateral (select o.amount * 2 as twice) as l""",
    # LATERAL.
    "top_each": """select g.rk, t.order_id, t.amount from (select distinct rk from orders) g,
        lateral (select order_id, amount from orders o where o.rk = g.rk order by amount desc, order_id limit 2) t""",
    "top_each_kept": """select g.rk, t.order_id, t.amount from (select distinct rk from orders) g left join
        lateral (select order_id, amount from orders o where o.rk = g.rk order by amount, order_id limit 2 offset 1) t on t.amount > 5""",
    "first_each": """select s.order_id, t.amount from status s,
        lateral (select amount from orders o where o.order_id = s.order_id and o.ts <= s.st order by ts desc, amount limit 1) t""",
    "lateral_count": """select s.order_id, t.n, t.last from status s,
        lateral (select count(*) as n, max(o.ts) as last from orders o where o.order_id = s.order_id) t""",
    "lateral_having": """select s.order_id, t.n from status s left join
        lateral (select count(*) as n from orders o where o.order_id = s.order_id having count(*) <> 1) t on true""",
    "lateral_rows": """select s.order_id, t.amount from status s left join
        lateral (select amount from orders o where o.order_id = s.order_id) t on t.amount > length(s.name)""",
    "lateral_union": """select s.order_id, t.k from status s, lateral (select o.rk as k from orders o where o.order_id = s.order_id
        union all select s.name order by 1 limit 2) t""",
    "lateral_window": """select s.order_id, t.r, t.amount from status s, lateral (select amount,
        rank() over (partition by rk order by amount) as r from orders o where o.order_id <= s.order_id) t""",
    "lateral_distinct_on": """select s.order_id, t.* from status s, lateral (select distinct on (rk) rk, amount
        from orders o where o.order_id = s.order_id order by rk, amount desc) t""",
    "lateral_nested": """select s.order_id, t.total from status s, lateral (select sum(u.n) as total from orders o,
        lateral (select count(*) as n from orders b where b.rk = o.rk and b.ts < s.st) u where o.order_id = s.order_id) t""",
    "lateral_cte": """select s.order_id, t.n from status s, lateral (with mine as (select * from orders o where o.order_id = s.order_id)
        select count(*) as n from mine a join mine b on a.amount < b.amount) t""",
    "lateral_values": "select o.order_id, v.k, v.n from orders o cross join lateral (values ('one', amount), ('two', amount * 2)) as v(k, n)",
    # With the clock.
    "clock_exists": """select order_id from orders o where not exists
        (select 1 from status s where s.order_id = o.order_id and mz_now() <= s.st + interval '1 hour')""",
    "clock_outside": """select order_id from orders o where exists
        (select 1 from status s where s.order_id = o.order_id and mz_now() <= o.ts + interval '1 hour')""",
    "clock_scalar": """select order_id, (select count(*) from status s where s.order_id = o.order_id
        and mz_now() <= s.st + interval '1 hour') as n from orders o""",
    "clock_left_join": """select o.order_id, s.name from orders o left join status s
        on s.order_id = o.order_id and mz_now() <= s.st + interval '1 hour'""",
    "clock_bound": "select order_id from orders where not (mz_now() > (select max(st) from status) + interval '30 minutes')",
    "clock_lateral": """select s.order_id, t.* from status s, lateral (select amount, ts from orders o where o.order_id = s.order_id
        and mz_now() <= o.ts + interval '1 hour' order by amount, ts limit 1) t""",
    # Shapes one above the other in one level.
    "window_limit": "select order_id, row_number() over (order by amount, order_id, ts) as n from orders order by n limit 3",
    "window_distinct": "select distinct rk, count(*) over (partition by rk) as n from orders",
    "distinct_on_limit": "select distinct on (rk) rk, amount, order_id from orders order by rk, amount desc, order_id limit 2",
    "kept_with_condition": "select o.order_id, g from orders o left join generate_series(1, o.order_id % 4) as g on g > 1",
    "grouped_sets": "select generate_series(1, order_id % 3) as g, count(*) as c from orders group by 1",
}


@pytest.fixture(scope="module")
def filled(harness: Harness) -> Harness:
    harness.orders_and_status()
    harness.all_views(VIEWS)
    return harness


@pytest.mark.parametrize("seed", range(2))
def test_every_view_equals_its_definition_after_every_tick(filled: Harness, seed: int) -> None:
    source = random.Random(seed)
    filled.write("delete from orders", "delete from status")
    for _ in range(12):
        minutes = ((filled.clock.held or START) - START) // 60_000
        for _ in range(source.randint(1, 4)):
            filled.write(random_write(source, minutes))
        filled.write("insert into orders values (null, timestamp '2026-01-01', 5, null)")
        assert filled.differences() == {}
        if source.random() < 0.4:
            filled.advance(source.choice([1, 600_000, 1_800_000]))
            assert filled.differences() == {}


def test_a_restart_goes_on_where_it_was(filled: Harness) -> None:
    filled.restart()
    filled.write("delete from status where order_id < 6", "update orders set amount = amount + 3 where order_id > 4")
    assert filled.differences() == {}


def test_a_scalar_subquery_with_two_rows_is_an_error_until_one_has_gone(harness: Harness) -> None:
    harness.table("customers", id="integer", name="text")
    harness.table("invoices", id="integer", customer_id="integer")
    harness.view(
        "named", "select i.id, (select name from customers c where c.id = i.customer_id) as name from invoices i"
    )
    harness.write("insert into customers values (1, 'a'), (2, 'b'), (2, 'c')", "insert into invoices values (7, 1)")
    assert harness.rows("select * from named") == [(7, "a")]
    harness.write("insert into invoices values (8, 2)")
    with pytest.raises(psycopg.Error, match="Evaluation error: more than one record produced in subquery"):
        harness.rows("select * from named")
    harness.write("delete from customers where name = 'c'")

    def is_healed() -> bool:
        try:
            return sorted(harness.rows("select * from named")) == [(7, "a"), (8, "b")]
        except psycopg.Error:
            return False

    eventually(is_healed)


EACH = "select o.id, t.* from large_orders o, lateral (select {} from large_status s where s.id = o.id {}) as t"
NARROW = {
    "n_count": "select id, (select count(*) from large_status s where s.id = o.id) as n from large_orders o",
    "n_either": "select id from large_orders o where exists (select 1 from large_status s where s.id = o.id) or amount < 0",
    "n_rare": "select id from large_orders where id not in (select id from large_status where name = 'x')",
    "n_tied": "select id from large_orders o where k not in (select length(s.name) from large_status s where s.id = o.id)",
    "n_shown": "select id, id in (select s.id from large_status s where s.name = 'ready') as is_ready from large_orders",
    "n_newest": EACH.format("name, at as since", "order by at desc, name limit 1"),
    "n_newest_two": EACH.format("name, at as since", "order by at desc, name limit 2"),
    "n_later": EACH.format("count(*) as n", "and s.at > o.at"),
    "n_names": "select id, (select string_agg(name, ',' order by name) from large_status s where s.id = o.id) as x from large_orders o",
    "n_computed": "select o.id, x.u from large_orders o left join (select id, upper(name) as u from large_status) x on x.id = o.id",
    "n_same": "select o.id, s.name from large_orders o left join large_status s on o.id is not distinct from s.id",
    "n_clock": """select o.id, s.name from large_orders o left join large_status s
        on s.id = o.id and mz_now() <= s.at + interval '1 day'""",
    "n_top": "select id, amount from large_orders order by amount desc, id limit 3",
}


def test_the_work_of_a_tick_follows_the_change(harness: Harness) -> None:
    stored, changes = 40_000, 5
    harness.table("large_orders", id="integer", k="integer", amount="numeric", at="timestamp")
    harness.table("large_status", id="integer", name="text", at="timestamp")
    rows = f"generate_series(1, {stored}) i"
    harness.write(
        f"insert into large_orders select i, i % 5, i, timestamp '2026-01-01' from {rows}",
        f"insert into large_status select i, 'placed', timestamp '2026-01-01' from {rows}",
    )
    for name, query in NARROW.items():
        harness.view(name, query)
    for table in [node.store for node in harness.engine.dataflow.graph.nodes().values() if node.has_store]:
        harness.system.execute(f"vacuum analyze {table}".encode())
    rows_touched(harness)
    before = rows_touched(harness)
    for i in range(1, changes + 1):
        harness.write(f"insert into large_orders values ({stored + i}, 3, 3, timestamp '2026-01-01')")
        harness.write(f"insert into large_status values ({stored + i}, 'ready', timestamp '2026-01-02')")
        harness.write(f"insert into large_status values ({i}, 'ready', timestamp '2026-01-02')")
        harness.write(f"delete from large_status where id = {i} and name = 'ready'")
    # Also the first row that answers a subquery, and the row that a client deletes, are found by index.
    assert rows_touched(harness) - before < stored / 4

"""Every rule: after each tick each view equals its recomputed definition, over random writes and clock steps."""

from __future__ import annotations

import random

import pytest

from pytests.unit.dataflow.conftest import START, Harness

VIEWS = {
    "filtered": "select order_id, amount * 2 as twice from orders where amount > 10",
    "left_joined": """select o.order_id, o.rk, o.ts, o.amount, s.name, s.st from orders o left join status s
        on o.order_id = s.order_id and s.st between o.ts - interval '2 hours' and o.ts + interval '2 hours'""",
    "inner_joined": "select o.order_id, s.name from orders o join status s using (order_id)",
    "latest": "select distinct on (order_id) order_id, rk, name, st from left_joined order by order_id, st desc nulls last, name, rk",
    "aggregated": """select rk, count(*) as c, sum(amount) as s, avg(amount) as a, min(amount) as lo, max(st) as hi,
        count(distinct order_id) as d, bool_and(amount > 5) as b, bool_or(amount > 25) as o,
        count(name) filter (where name = 'placed') as f, sum(distinct amount) as sd
        from left_joined group by rk having count(*) > 1""",
    "totals": "select count(*) as c, sum(amount) as s, min(rk) as m from orders",
    "temporal": """select order_id, rk, amount from orders
        where mz_now() <= ts + interval '1 hour' and mz_now() >= ts - interval '10 minutes'""",
    "from_only": "select order_id, rk from orders where mz_now() > ts",
    "windows": """select date_bin('10 minutes', ts, timestamp '2000-01-01') as w, rk, count(*) as c, sum(amount) as s from orders
        where mz_now() <= date_bin('10 minutes', ts, timestamp '2000-01-01') + interval '1 hour' group by 1, 2""",
    "expiring_groups": "select rk, max(ts) as last from orders group by rk having mz_now() <= max(ts) + interval '1 hour'",
    "distinct_rows": "select distinct rk, name from left_joined",
    "united": "select order_id from orders union select order_id from status",
    "united_all": "select order_id, 1 as k from orders union all select order_id, 2 from status",
    "excepted": "select order_id from orders except select order_id from status",
    "excepted_all": "select order_id from orders except all select order_id from status",
    "intersected": "select order_id from orders intersect select order_id from status",
    "intersected_all": "select order_id from orders intersect all select order_id from status",
    "semi": "select * from orders o where exists (select 1 from status s where s.order_id = o.order_id and s.name = 'x')",
    "anti": "select * from orders o where not exists (select 1 from status s where s.order_id = o.order_id)",
    "contained": "select * from orders where order_id in (select order_id from status where name = 'placed')",
    "full_joined": "select o.order_id as a, s.order_id as b, o.rk, s.name from orders o full join status s on o.order_id = s.order_id",
    "right_joined": "select o.order_id as a, s.order_id as b, s.name from orders o right join status s on o.order_id = s.order_id",
    "self_joined": "select a.order_id as x, b.order_id as y from orders a join orders b on a.rk = b.rk and a.amount < b.amount",
    "numbered": "select order_id, row_number() over (partition by rk order by amount, order_id, ts) as r from orders",
    "top": "select order_id, amount from orders order by amount desc, order_id limit 3",
    "collected": """select rk, string_agg(order_id::text, ',' order by order_id) as x, array_agg(order_id order by order_id) as y
        from orders group by rk""",
    "cte_twice": """with a as (select rk, count(*) as c from orders group by rk)
        select o.order_id, a.c, b.c as c2 from orders o join a on a.rk = o.rk left join a b on b.rk = o.rk and b.c > 2""",
    "generated": "select order_id, g from orders, generate_series(1, order_id % 3) as g",
    "three_joined": """select o.order_id, s.name, x.c from orders o join status s on s.order_id = o.order_id
        join windows x on x.rk = o.rk""",
    "constant": "select 1 as a, 'x' as b",
    "crossed": "select o.order_id, s.name from orders o, status s where o.amount > 20 and s.name = 'y'",
}


@pytest.fixture(scope="module")
def filled(harness: Harness) -> Harness:
    harness.orders_and_status()
    harness.all_views(VIEWS)
    return harness


def random_write(source: random.Random, minutes: int) -> str:
    order_id = source.randint(1, 12)
    moment = f"timestamp '2026-01-01' + interval '{minutes + source.randint(-90, 90)} minutes'"
    kind = source.choices(["order", "status", "copy", "delete", "update"], [35, 30, 10, 12, 13])[0]
    if kind == "order":
        rk = source.choice(["null", "'a'", "'b'"])
        return f"insert into orders values ({order_id}, {moment}, {source.randint(0, 3000) / 100}, {rk})"
    if kind == "status":
        return f"insert into status values ({order_id}, '{source.choice(['placed', 'x', 'y'])}', {moment})"
    if kind == "copy":
        return f"insert into orders select order_id, ts, amount, rk from orders where order_id = {order_id}"
    if kind == "delete":
        return f"delete from {source.choice(['orders', 'status'])} where order_id = {order_id}"
    return f"update orders set amount = amount + 1, rk = '{source.choice('abc')}' where order_id = {order_id}"


@pytest.mark.parametrize("seed", range(4))
def test_every_view_equals_its_definition_after_every_tick(filled: Harness, seed: int) -> None:
    source = random.Random(seed)
    for _ in range(25):
        minutes = ((filled.clock.held or START) - START) // 60_000
        # Writes of one table that read it are not mixed in one tick with others: each sees the last tick.
        for _ in range(source.randint(1, 4)):
            filled.write(random_write(source, minutes))
        assert filled.differences() == {}
        if source.random() < 0.4:
            filled.advance(source.choice([1, 60_000, 600_000, 1_800_000]))
            assert filled.differences() == {}


def test_several_writes_in_one_tick(filled: Harness) -> None:
    source = random.Random(99)
    for _ in range(15):
        minutes = ((filled.clock.held or START) - START) // 60_000
        writes = [random_write(source, minutes) for _ in range(6)]
        inserts = [text for text in writes if text.startswith("insert") and "select" not in text]
        filled.write(*inserts)
        assert filled.differences() == {}


def test_a_restart_goes_on_where_it_was(filled: Harness) -> None:
    before = filled.rows("select * from aggregated order by rk")
    filled.restart()
    assert filled.rows("select * from aggregated order by rk") == before
    filled.write(
        "insert into orders values (3, timestamp '2026-01-01', 5, 'a')", "delete from status where order_id = 2"
    )
    assert filled.differences() == {}
    filled.advance(600_000)
    assert filled.differences() == {}


def test_what_was_written_before_a_restart_is_absorbed_after_it(filled: Harness) -> None:
    filled.engine.stop()
    filled.client.execute("insert into orders values (77, timestamp '2026-01-01', 5, 'a')")
    assert filled.rows("select count(*) from orders where order_id = 77") == [(0,)]
    filled.start()
    filled.tick()
    assert filled.rows("select count(*) from orders where order_id = 77") == [(1,)]
    assert filled.differences() == {}

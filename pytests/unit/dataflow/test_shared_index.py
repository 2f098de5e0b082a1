"""One index serves who looks a store up and the store itself, which finds by it the rows that leave."""

from __future__ import annotations

from typing import Any

import pytest

from pytests.unit.dataflow.conftest import DEADLINE, PATH, Harness

JOINED = "select o.id, o.place, e.step from o join e on e.id = o.id"
LATEST = "select distinct on (id) id, place, step from joined order by id, step desc nulls last, place"


@pytest.fixture(scope="module")
def shop(harness: Harness) -> Harness:
    harness.table("o", id="text", place="integer")
    harness.table("e", id="text", step="integer")
    harness.view("joined", JOINED)
    harness.view("latest", LATEST)
    return harness


def store(shop: Harness) -> str:
    [node] = [node for node in shop.engine.dataflow.graph[shop.ids["joined"]].nodes if node.title == "Store"]
    return node.store


def indexes(shop: Harness) -> list[str]:
    query = "select pg_catalog.pg_get_indexdef(indexrelid) from pg_catalog.pg_index where indrelid = %s::regclass"
    return sorted(row[0].partition(" USING ")[2] for row in shop.system.execute(query, (store(shop),)))


CHANGES = [
    "insert into o values ({key}, {number}), ({key}, {number})",
    "insert into e values ({key}, {number})",
    "delete from o where place = {number} and id is not distinct from {key}",
    "delete from e where step = {number}",
    "update e set step = step + 1 where id = {key}",
]


def change(shop: Harness, seed: int) -> None:
    """Some ticks of rows that come, are repeated, and leave; everything equals its definition after each."""
    shop.change(seed, 12, CHANGES)


BOTH = ["btree (hash_record_extended(ROW(id), (0)::bigint), mz_hash)"]
OWN = "btree (mz_hash)"


def test_rows_that_leave_are_found_by_the_index_of_the_winners_keys(shop: Harness) -> None:
    assert indexes(shop) == BOTH
    change(shop, 1)
    condition = "hash_record_extended(row(s.id), 0) = 1 and s.mz_hash = 2"
    shop.system.execute("set enable_seqscan = off")
    plan = shop.system.execute(f"explain select from {store(shop)} as s where {condition}".encode()).fetchall()
    shop.system.execute("reset enable_seqscan")
    assert any("Index Cond" in line and "mz_hash = 2" in line for (line,) in plan)


def test_others_that_look_up_by_other_columns_have_an_index_of_their_own(shop: Harness) -> None:
    shop.view("by_place", "select distinct on (place) place, id from joined order by place, id, step")
    assert indexes(shop) == [*BOTH, "btree (hash_record_extended(ROW(place), (0)::bigint))"]
    change(shop, 2)
    drop(shop, "by_place")


def test_a_restart_goes_on_with_it(shop: Harness) -> None:
    before = indexes(shop)
    shop.restart()
    assert indexes(shop) == before
    change(shop, 3)


def test_a_store_whose_reader_is_gone_has_its_own_index_from_the_next_start_on(shop: Harness) -> None:
    drop(shop, "latest")
    change(shop, 4)
    shop.restart()
    assert OWN in indexes(shop)
    change(shop, 5)
    shop.view("latest_again", LATEST)
    assert OWN not in indexes(shop)
    assert set(BOTH) <= set(indexes(shop))
    change(shop, 6)


def test_a_definition_that_fails_leaves_the_store_its_index(shop: Harness) -> None:
    drop(shop, "latest_again")
    shop.restart()
    before = indexes(shop)

    def fail(tx: Any) -> None:
        tx.dataflow.create_materialized_view(tx, "u90", "public", "failing", (), LATEST, PATH)
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        shop.engine.submit(fail).result(DEADLINE)
    assert indexes(shop) == before
    change(shop, 7)


def drop(shop: Harness, view: str) -> None:
    """Drops a maintained view."""
    shop.engine.submit(lambda tx: tx.dataflow.drop(tx, shop.ids[view])).result(DEADLINE)
    shop.views.remove(view)


def test_joins_by_the_keys_of_winners_use_the_index_of_the_winners(shop: Harness) -> None:
    shop.table("r", place="integer", kind="integer", n="integer")
    shop.view("newest", "select distinct on (place, kind) kind, place, n from r order by place, kind, n desc")
    shop.view("met", "select w.n, o.id from newest w join o on o.place = w.place and w.kind = o.place")
    shop.view("met_partly", "select w.n, o.id from newest w left join o on o.place = w.place")
    node = shop.engine.dataflow.graph[shop.ids["newest"]].nodes[-1]
    query = "select indexdef from pg_catalog.pg_indexes where schemaname || '.' || tablename = %s order by 1"
    found = [row[0].partition(" btree ")[2] for row in shop.system.execute(query, (node.store,))]
    assert found == ["(hash_record_extended(ROW(kind, place), (0)::bigint))", "(place)"]
    for seed in range(8, 11):
        for number in range(3):
            shop.write(f"insert into r values ({number}, {seed % 3}, {seed}), (null, {number}, 1)")
        change(shop, seed)

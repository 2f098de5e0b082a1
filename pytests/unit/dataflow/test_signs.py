"""Numbers that differ in their sign alone: PostgreSQL gives them the same hash, whatever the seed."""

from __future__ import annotations

import random

import pytest

from mzlite.dataflow.rules.counted import Counted
from mzlite.dataflow.rules.keys import hash_of
from pytests.unit.dataflow.conftest import Harness

VIEWS = {
    "numbers": "select distinct n from s",
    "documents": "select distinct j, k from s",
    "arrays": "select distinct a, r from s",
    "counted": "select k, count(distinct n) as c, count(distinct j) as d, min(n), max(n) from s group by k",
    "united": "select n from s union select -n from s where k = 1",
    "excepted": "select n from s except all select abs(n) from s",
    "shared": "select j from s where k = 0 intersect select j from s where k > 0",
    "by_number": "select n, count(*), sum(distinct n) from s group by n",
    "by_document": "select j, count(*), count(distinct a) as d from s group by j",
    "by_array": "select a, r, count(*) from s group by a, r",
    "latest": "select distinct on (j) j, n, k from s order by j, k desc, n",
    "numbered": "select n, k, row_number() over (partition by n order by k) as place from s",
    "joined": "select x.n, y.k from s x join s y on x.n = y.n and x.j = y.j",
    "anti": "select n from s x where not exists (select from s y where y.n = -x.n)",
}


@pytest.fixture(scope="module")
def signed(harness: Harness) -> Harness:
    harness.table("s", n="numeric", j="jsonb", a="numeric[]", r="numrange", k="integer")
    harness.all_views(VIEWS)
    return harness


def change(harness: Harness, seed: int) -> None:
    source = random.Random(seed)
    for _ in range(10):
        n, m, k = (source.choice(["-1", "1", "1.0", "-1.00", "0", "2", "-2"]) for _ in range(3))
        low, high = sorted((n, m), key=float)
        row = (
            f"{n}, '{{\"x\": [{n}, {m}]}}', array[{m}, {n}]::numeric[], numrange({low}, {high}), {k}::numeric::integer"
        )
        harness.write(
            source.choice(
                [f"insert into s values ({row})"] * 3
                + [f"delete from s where n = {n}", f"update s set n = -n where k = {k}"]
            )
        )
        assert harness.differences() == {}


def test_every_view_equals_its_definition_after_every_tick(signed: Harness) -> None:
    change(signed, 3)


def test_views_over_rows_that_are_there_already(signed: Harness) -> None:
    for name, query in VIEWS.items():
        signed.view(f"later_{name}", query)
    change(signed, 4)


def test_a_restart_goes_on(signed: Harness) -> None:
    signed.restart()
    change(signed, 5)


def test_a_store_of_an_earlier_version_goes_on_as_it_did(signed: Harness) -> None:
    signed.table("t", n="numeric", k="integer")
    signed.view("earlier", "select distinct n, k from t")
    signed.write("insert into t values (1, 1), (2, 2)")
    [node] = [node for node in signed.engine.dataflow.graph[signed.ids["earlier"]].nodes if isinstance(node, Counted)]
    signed.system.execute(f"alter table {node.store} rename column mz_signed_key to mz_key2".encode())
    signed.system.execute(f"update {node.store} set mz_key2 = {hash_of(['n', 'k'], 1)}".encode())
    signed.restart()
    signed.write("insert into t values (1.0, 1), (3, 3)", "delete from t where k = 2")
    assert signed.differences() == {}

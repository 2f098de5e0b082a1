"""The plugin's fixture as a project uses it: a clock that is held, rows, changes, topics."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from mzlite.testing import Mzlite


def open_for_a_minute(mzlite: Mzlite) -> None:
    mzlite.execute("create table visits (id int, at timestamp, note jsonb)")
    mzlite.execute(
        "create materialized view present as select id from visits"
        " where mz_now() >= at and mz_now() < at + interval '1 minute'"
    )


def test_a_temporal_filter_to_the_millisecond(mzlite: Mzlite) -> None:
    open_for_a_minute(mzlite)
    mzlite.insert("visits", [{"id": 1, "at": mzlite.clock.moment("12:30")}])
    mzlite.clock.at("12:29:59.999")
    mzlite.assert_rows("present", [])
    mzlite.clock.at("12:30")
    mzlite.assert_rows("present", [(1,)])
    mzlite.clock.advance("59.999 seconds")
    mzlite.assert_rows("present", [(1,)])
    assert mzlite.clock.advance(milliseconds=1) == mzlite.clock.moment("12:31")
    mzlite.assert_rows("present", [])


@pytest.mark.parametrize("time", ["09:00", "08:00"])
def test_each_test_has_a_day_and_a_database_of_its_own(mzlite: Mzlite, time: str) -> None:
    open_for_a_minute(mzlite)
    mzlite.assert_rows("visits", [])
    assert mzlite.clock.now == mzlite.clock.moment("00:00")
    assert mzlite.clock.at(time).strftime("%H:%M") == time
    with pytest.raises(psycopg.Error, match="cannot go back"):
        mzlite.clock.advance(timedelta(hours=-1))


@pytest.mark.mzlite(clock="2031-05-06 12:00")
def test_the_clock_can_begin_anywhere(mzlite: Mzlite) -> None:
    assert mzlite.clock.now == datetime(2031, 5, 6, 12)
    assert mzlite.query("select mz_now()::timestamp") == [(datetime(2031, 5, 6, 12),)]


@pytest.mark.mzlite(clock="running")
def test_the_clock_can_run(mzlite: Mzlite) -> None:
    before = mzlite.clock.now
    mzlite.eventually(lambda: mzlite.clock.now > before, True)


def test_what_is_inserted_arrives_at_one_moment(mzlite: Mzlite) -> None:
    mzlite.execute("create table t (id int, amount numeric(10, 2), note jsonb)")
    mzlite.execute("create view doubled as select id, 2 * amount as amount, note from t")
    with mzlite.subscribe("doubled") as changes, mzlite.subscribe("select id from t", snapshot=False) as ids:
        mzlite.insert("t", [(1, Decimal("1.50"), {"a": [1]}), (2, None, None)])
        mzlite.clock.advance(seconds=1)
        mzlite.execute("delete from t where id = 2")
        changes.until_rows([(1, Decimal("3.0"), {"a": [1]})])
        assert changes.columns == ("id", "amount", "note")
        first, second = sorted({change.timestamp for change in changes.all})
        assert second - first == 1000
        came = [(change.diff, *change.row) for change in ids.until(lambda found: len(found) == 3)]
        assert (sorted(came[:2]), came[2:]) == ([(1, 1), (1, 2)], [(-1, 2)])
    mzlite.assert_rows("doubled", [{"id": 1, "note": {"a": [1]}}])
    with pytest.raises(AssertionError, match=r"doubled: rows missing: \(2,\); unexpected: \(1,\)"):
        mzlite.assert_rows("doubled", [{"id": 2}])
    with mzlite.subscribe("doubled") as changes, pytest.raises(AssertionError, match=r"rows missing: \(2,\)"):
        changes.until_rows([(2,)], seconds=0.2)


def test_events_reach_a_view(mzlite: Mzlite) -> None:
    orders = mzlite.topic("orders")
    mzlite.execute(f"create connection kafka to kafka (broker '{mzlite.brokers}', security protocol plaintext)")
    mzlite.execute(
        f"create source orders from kafka connection kafka (topic '{orders.name}') format json envelope none"
    )
    mzlite.execute("create materialized view totals as select data ->> 'shop' as shop, count(*) from orders group by 1")
    orders.write([{"shop": "a"}, {"shop": "b"}, '{"shop": "a"}'])
    mzlite.assert_rows("totals", [("a", 2), ("b", 1)], within=20)
    assert mzlite.verify() == []

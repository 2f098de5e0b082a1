"""Load generators over time: by a held clock, over restarts, and with rows that leave."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mzlite.testing import MzliteServer
from pytests.end_to_end.running import until

START = 1_800_000_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MzliteServer]:
    running = MzliteServer(tmp_path, ["--test-clock", "--clock-at", str(START)])
    running.start()
    try:
        yield running
    finally:
        running.stop()


def value(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_a_generator_keeps_time_loses_nothing_in_a_kill_and_agrees_with_what_is_recomputed(
    server: MzliteServer,
) -> None:
    with server.connect() as client:
        client.execute("create source m from load generator marketing (tick interval '1s')")
        for name in ("leads", "impressions", "clicks"):
            client.execute(f"create table {name} from source m (reference {name})".encode())
        client.execute("create materialized view paid as select count(*), count(converted_at) as n from leads")
        client.execute(
            "create source t from load generator tpch (scale factor 0.0001, tick interval '2s') for all tables"
        )
        client.execute(
            "create materialized view items as select l_orderkey, count(*) from lineitem group by l_orderkey"
        )
        assert value(client, "select count(*) from leads") == 0
        server.administer("mzlite advance clock by '1 minute'")
        until(lambda: value(client, "select count(*) from leads") == 60)
        assert value(client, "select count(*), min(impression_time)::text from impressions") == (
            60, "2027-01-15 08:00:01+00",
        )  # fmt: skip
        orders = value(client, "select count(*) from orders")
    server.stop(signal.SIGKILL)
    server.options = ("--test-clock", "--clock-at", str(START + 100_000))
    server.start()
    with server.connect() as client:
        # Nothing was put out while it did not run.
        assert value(client, "select count(*) from leads") <= 61
        server.administer("mzlite advance clock by '1 minute'")
        until(lambda: value(client, "select count(*) from leads") >= 120)
        assert value(client, "select count(*) - count(distinct id) from leads") == 0
        assert value(client, "select count(*) from clicks where click_time > mz_now()::timestamptz") == 0
        until(lambda: value(client, "select n from paid") > 20)
        # An order is replaced with its items, never lost.
        until(lambda: value(client, "select count(*), count(distinct o_orderkey) from orders") == (orders, orders))
        assert value(client, "select count(*) from items") == orders
    differing = [row for row in server.administer("mzlite verify") if row[-1] not in (None, "")]
    assert not differing
